"""Derivatives inside derivatives: the gradient of a loss that holds an operator, by each two engines.

The truth is the complex step through the operator's result by hand: f is ``sin(x) sum(x^2)``, or its
sum, or ``sin(x) x^2`` at a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import diffinterface as di
from diffinterface.testing import Entry, Scenario
from diffinterface.testing.scenario import OPERATORS, SEEDED

from ...backends import BY_ID, ENGINES

X, NUMBER, T = np.array([0.7, -0.4]), np.array(0.7), np.array([0.3, 0.8])
_SCALAR_X = ("derivative", "second_derivative")
_SCALAR_Y = ("gradient", "hvp", "hessian")


def _vector(x: Any) -> Any:
    xp = di.array_namespace(x)
    return xp.sin(x) * xp.sum(x * x)


def _scalar(x: Any) -> Any:
    return di.array_namespace(x).sum(_vector(x))


def _samples(x: Any) -> Any:
    return di.array_namespace(x).sin(x) * x**2


def _inside(operator: str) -> Callable[..., Any]:
    if operator in (*_SCALAR_X, "batched_jacobian"):
        return _samples
    return _scalar if operator in _SCALAR_Y else _vector


def by_hand(operator: str, x: Any) -> Any:
    """What an operator gives inside, at a complex x."""
    s, c, square = np.sin(x), np.cos(x), np.sum(x**2)
    if operator in ("derivative", "batched_jacobian"):
        return c * x**2 + 2 * x * s
    if operator == "second_derivative":
        return 4 * x * c + (2 - x**2) * s
    if operator in _SCALAR_Y:
        mixed = 2 * np.outer(c, x)
        hessian = np.diag(2 * np.sum(s) - s * square) + mixed + mixed.T
        results = {"gradient": c * square + 2 * x * np.sum(s), "hvp": hessian @ T}
        return results.get(operator, hessian)
    jacobian = np.diag(c * square) + 2 * np.outer(s, x)
    results = {"pushforward": jacobian @ T, "pullback": T @ jacobian}
    return results.get(operator, jacobian)


def _truth(operator: str, x: np.ndarray) -> np.ndarray:
    """The gradient of the sum of squares, by the complex step."""
    units = np.eye(max(x.size, 1)).reshape(-1, *x.shape)
    rows = [np.sum(by_hand(operator, x + 1e-30j * unit) ** 2).imag / 1e-30 for unit in units]
    return np.array(rows).reshape(x.shape)


@cache
def scenario(operator: str, inner: str) -> Scenario:
    """The loss in which an engine takes an operator, and its gradient."""
    f, adtype = _inside(operator), BY_ID[inner].adtype
    seeds = (T,) if operator in SEEDED else ()

    def loss(x: Any) -> Any:
        result = getattr(di, operator)(f, adtype, x, *seeds)
        return di.array_namespace(result).sum(result * result)

    x = NUMBER if operator in _SCALAR_X else X
    return Scenario(
        "gradient",
        loss,
        x,
        result=_truth(operator, x),
        features=("nested",),
        source="the complex step through the inner result by hand",
        name=f"gradient-of-{operator}-by-{inner}",
    )


def cells() -> Iterator[tuple[str, str, Entry]]:
    """Inner operator, inner engine, and the engine around it."""
    for operator in OPERATORS:
        for inner in ENGINES:
            for outer in ENGINES:
                yield operator, inner, BY_ID[outer]


@dataclass(frozen=True)
class Refused:
    """Pairs of engines that do not nest, and why.

    Attributes
    ----------
    inner, outer : str
        The engines.
    error : type
        What the call raises.
    reason : str
        Why, for the page.
    """

    inner: str
    outer: str
    error: type[di.DiffInterfaceError]
    reason: str


REFUSED = (
    Refused(
        "finitediff",
        "complexstep",
        di.NonAnalyticError,
        "the step of a difference depends on the size of x, which is no analytic function",
    ),
    Refused(
        "complexstep",
        "complexstep",
        di.NonAnalyticError,
        "the inner step needs a real x, which the outer one has made complex",
    ),
)


def why_not(inner: str, outer: str) -> Refused | None:
    """Why a pair does not nest, or None if it must."""
    return next((row for row in REFUSED if (row.inner, row.outer) == (inner, outer)), None)


def tolerance(operator: str, inner: str, outer: str) -> float:
    """Relative to the largest entry: rounding, or what differences of differences leave.

    Third derivatives all by differences keep some three digits.
    """
    differences = [inner == "finitediff", outer == "finitediff"]
    second = operator in ("second_derivative", "hvp", "hessian")
    if inner == "complexstep" and second:
        differences[0] = True  # of its own first derivatives
    if all(differences):
        return 5e-3 if second else 1e-5
    if differences[0] and second:
        return 1e-6
    return 1e-8 if any(differences) else 1e-12
