"""What the misuse tests share: the engines, a few functions, and a table's row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ...backends import BY_ID, Entry

#: One backend for each way that an argument can take through the library.
MISUSED: tuple[Entry, ...] = tuple(
    BY_ID[name]
    for name in (
        "forwarddiff",
        "finitediff",
        "complexstep",
        "jax",
        "jax[eager]",
        "torch",
        "torch[forward]",
        "autograd",
        "autograd[forward]",
        "mixed[forwarddiff,autograd]",
    )
)

on_every_engine = pytest.mark.parametrize(
    "backend", MISUSED, indirect=True, ids=lambda entry: entry.id
)

X = np.array([1.0, 2.0, 3.0])
Z = np.array([1 + 2j, 3 - 1j])


def total(x: Any, *factors: Any) -> Any:
    """A scalar-valued function, whose gradient is 2x."""
    y = di.array_namespace(x).sum(x**2)
    for factor in factors:
        y = y * factor
    return y


def square(x: Any) -> Any:
    """A function whose Jacobian is diag(2x)."""
    return x**2


@dataclass(frozen=True)
class Case:
    """A call that must not succeed: the error, and what its message must say."""

    name: str
    call: Callable[[di.ADType], Any]
    error: type[Exception]
    says: str

    def check(self, adtype: di.ADType) -> None:
        """Make the call, and look at what it raises."""
        with pytest.raises(self.error, match=self.says) as caught:
            self.call(adtype)
        assert isinstance(caught.value, di.DiffInterfaceError)


def table(cases: list[Case]) -> Any:
    """The parametrisation over a table of cases."""
    names = [case.name for case in cases]
    assert len(set(names)) == len(names)
    return pytest.mark.parametrize("case", cases, ids=names)
