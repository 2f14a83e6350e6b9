"""The one table of what a backend does not do, and why.

Each cell here must raise a documented error, and keeps its `xfail(strict=True)` marker only as long as
it does. A wrong number is never expected. The capability table of the documentation is generated from
this table too.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import pytest

import diffinterface as di

from .backends import Entry
from .scenarios import Scenario


@dataclass(frozen=True)
class Unsupported:
    """One reason, and the cells that it covers.

    Attributes
    ----------
    backends : tuple of str
        Patterns of backend ids: ``"autograd*"`` is autograd in every mode.
    error : type
        What every way to call the operator raises.
    reason : str
        The footnote of the capability table.
    operators, features : tuple of str
        A scenario matches if it has one of each; empty means any.
    without : tuple of str
        Features whose scenarios work all the same.
    """

    backends: tuple[str, ...]
    error: type[di.DiffInterfaceError]
    reason: str
    operators: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def covers(self, backend: Entry, scenario: Scenario) -> bool:
        """Whether this is why the scenario fails on the backend."""
        return (
            any(fnmatchcase(backend.id, pattern) for pattern in self.backends)
            and (not self.operators or scenario.operator in self.operators)
            and (not self.features or bool(set(self.features) & set(scenario.features)))
            and not set(self.without) & set(scenario.features)
        )


EXPECTED_FAILURES: tuple[Unsupported, ...] = (
    Unsupported(
        ("complexstep",),
        di.UnsupportedOperatorError,
        "the imaginary part carries the derivative, so x must be real",
        features=("complex x",),
    ),
    Unsupported(
        ("complexstep",),
        di.NonAnalyticError,
        "the imaginary part carries the derivative, so f(x) must be real",
        features=("complex f(x)",),
    ),
    Unsupported(
        ("jax*", "second?finitediff,jax?"),
        di.UnsupportedOperatorError,
        "JAX arrays are immutable",
        features=("inplace",),
    ),
    Unsupported(
        ("mixed?jax,torch?",),
        di.UnsupportedOperatorError,
        "JAX arrays are immutable",
        operators=("pushforward",),
        features=("inplace",),
    ),
    Unsupported(
        ("second?forwarddiff,autograd?",),
        di.NestedDifferentiationError,
        "dual numbers reach autograd over the bridge, which an auxiliary output does not cross",
        operators=("second_derivative", "hvp", "hessian"),
        features=("has_aux",),
    ),
)


def why_not(backend: Entry, scenario: Scenario) -> Unsupported | None:
    """The reason why a cell is not supported, or None if it is."""
    return next((u for u in EXPECTED_FAILURES if u.covers(backend, scenario)), None)


def marks(backend: Entry, scenario: Scenario) -> list[Any]:
    """The markers of one cell."""
    found = why_not(backend, scenario)
    if found is None:
        return []
    return [pytest.mark.xfail(strict=True, raises=found.error, reason=found.reason)]
