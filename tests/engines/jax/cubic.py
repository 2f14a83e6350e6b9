"""A cubic ``w x**3`` under every operator: each answer, and its own derivatives, by hand.

Each result is ``w * slope(x)``, as a vector or on a diagonal. So the sum of its squares, the loss of
an outer differentiation, has the gradients ``2 w slope**2`` in w and ``2 w**2 slope slope'`` in x.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import diffinterface as di

X = np.array([0.5, -1.0, 2.0])
W = np.array([1.5, 0.25, -2.0])
T = np.array([1.0, -2.0, 0.5])


@dataclass(frozen=True)
class Row:
    """One operator on the cubic.

    Attributes
    ----------
    slope, bend : callable
        What multiplies w in the result, and its derivative in x.
    """

    name: str
    slope: Callable[[Any], Any]
    bend: Callable[[Any], Any]
    scalar_y: bool = False
    scalar_x: bool = False
    diagonal: bool = False
    seeded: bool = False

    @property
    def x(self) -> Any:
        """Where to ask."""
        return np.array(X[0]) if self.scalar_x else X

    def f(self, w: Any) -> Callable[[Any], Any]:
        """The cubic with the weights w, which it captures."""
        return lambda x: (w * x**3).sum() if self.scalar_y else w * x**3

    def result(self, w: Any, x: Any) -> Any:
        """The operator's result."""
        return np.diag(w * self.slope(x)) if self.diagonal else w * self.slope(x)

    def loss_by_w(self, w: Any, x: Any) -> Any:
        """The gradient in w of the sum of the squared results."""
        return 2 * w * self.slope(x) ** 2

    def loss_by_x(self, w: Any, x: Any) -> Any:
        """The gradient in x of the same."""
        entries = 2 * w**2 * self.slope(x) * self.bend(x)
        return np.sum(entries) if self.scalar_x else entries

    def ask(self, way: str, f: Any, backend: Any, x: Any, t: Any) -> Any:
        """The operator's result, got one of the `WAYS`."""
        seeds = (t,) if self.seeded else ()
        if way == "once":
            return getattr(di, self.name)(f, backend, x, *seeds)
        prep = getattr(di, f"prepare_{self.name}{'_same_point' * (way == 'same_point')}")
        if way == "same_point":
            return prep(f, backend, x, *seeds)(*seeds)
        return prep(f, backend, x, *seeds)(x, *seeds)


def _first(x: Any) -> Any:
    return 3 * x**2


def _second(x: Any) -> Any:
    return 6 * x


def _third(x: Any) -> Any:
    return 6 + 0 * x


ROWS = (
    Row("gradient", _first, _second, scalar_y=True),
    Row("jacobian", _first, _second, diagonal=True),
    Row("batched_jacobian", _first, _second),
    Row("derivative", _first, _second, scalar_x=True),
    Row("second_derivative", _second, _third, scalar_x=True),
    Row("hessian", _second, _third, scalar_y=True, diagonal=True),
    Row("pushforward", lambda x: _first(x) * T, lambda x: _second(x) * T, seeded=True),
    Row("pullback", lambda x: _first(x) * T, lambda x: _second(x) * T, seeded=True),
    Row("hvp", lambda x: _second(x) * T, lambda x: _third(x) * T, scalar_y=True, seeded=True),
)
WAYS = ("once", "prepared", "same_point")
CALLS = tuple((row, way) for row in ROWS for way in WAYS if row.seeded or way != "same_point")
IDS = tuple(f"{row.name}-{way}" for row, way in CALLS)
