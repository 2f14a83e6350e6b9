"""What the test kit expects of an engine: how close its derivatives come, and where it must raise.

An `ADType` declares both, so that the kit knows no engine by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import DiffInterfaceError

#: In 64 and in 32 bits, relative to the largest entry of what is expected.
Tolerances = tuple[float, float]
#: Of operators of first and of second order, for an engine that is exact to rounding.
EXACT: tuple[Tolerances, Tolerances] = ((1e-12, 1e-5), (1e-12, 1e-5))


@dataclass(frozen=True)
class Unsupported:
    """Cells of a test that must raise, and why.

    Attributes
    ----------
    backends : tuple of str
        Patterns of backend ids; an engine's name means all its modes.
    error : type
        What every way to call the operator must raise.
    reason : str
        Why.
    operators, features : tuple of str
        A scenario is covered if it has one of each; empty means any.
    """

    backends: tuple[str, ...]
    error: type[DiffInterfaceError]
    reason: str
    operators: tuple[str, ...] = ()
    features: tuple[str, ...] = ()

    def covers(self, backend: Any, scenario: Any) -> bool:
        """Whether this is why the scenario fails on the backend, an `Entry` of the kit."""
        return (
            any(backend.matches(pattern) for pattern in self.backends)
            and (not self.operators or scenario.operator in self.operators)
            and (not self.features or bool(set(self.features) & set(scenario.features)))
        )
