"""The matrix: every outer derivative around every inner one, and the one table of what is refused.

The loss holds an inner derivative of ``f(x) = sin(x) sum(x^2)``, or of ``sum(f(x))``:
``sum(f(x)) + 0.01 ||J_f(x)||^2`` for the Jacobian, and alike for the other operators.

`around` has the outer derivatives, `table` the page of the documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import diffinterface as di

X = np.array([0.7, -0.4])
T = np.array([0.3, 0.8])
OPERATORS = ("jacobian", "gradient", "pushforward", "pullback", "hvp", "hessian")
_SCALAR = ("gradient", "hvp", "hessian")
_SEEDED = ("pushforward", "pullback", "hvp")


# --- the truth, by hand: f's derivatives, and the complex step through the loss -------------------


def _by_hand(operator: str, x: Any) -> tuple[Any, Any]:
    """The value of the function, and what the operator gives, at a complex x."""
    s, sines = np.sum(x**2), np.sin(x)
    if operator in _SCALAR:
        gradient = np.cos(x) * s + 2 * x * np.sum(sines)
        mixed = 2 * np.outer(np.cos(x), x)
        hessian = np.diag(2 * np.sum(sines) - sines * s) + mixed + mixed.T
        results = {"gradient": gradient, "hessian": hessian, "hvp": hessian @ T}
        return np.sum(sines) * s, results[operator]
    jacobian = np.diag(np.cos(x) * s) + 2 * np.outer(sines, x)
    results = {"jacobian": jacobian, "pushforward": jacobian @ T, "pullback": T @ jacobian}
    return sines * s, results[operator]


def _stepped(function: Callable[[Any], Any]) -> Any:
    """The derivative at X, by the complex step; the entries of X come first."""
    steps = 1e-30j * np.eye(len(X))
    return np.array([np.imag(function(X + step)) / 1e-30 for step in steps])


@cache
def truth(operator: str) -> Any:
    """The gradient of the loss at X."""

    def value(x: Any) -> Any:
        y, result = _by_hand(operator, x)
        return np.sum(y) + 0.01 * np.sum(result**2)

    return _stepped(value)


@cache
def second_truth() -> Any:
    """The Hessian of the loss that holds a gradient, at X: of third order in f."""

    def slope(x: Any) -> Any:
        (_, gradient), (_, hessian) = (_by_hand(name, x) for name in ("gradient", "hessian"))
        return gradient + 0.02 * hessian @ gradient

    return _stepped(slope)


# --- the inner derivative ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Inner:
    """A backend, the framework in which functions are its own, and how far it is right.

    Attributes
    ----------
    first, second : float
        The error allowed in a loss that holds first, or second derivatives: relative to the largest
        entry of the gradient. Larger where the engine takes differences.
    """

    name: str
    backend: di.ADType
    framework: str
    first: float = 1e-8
    second: float = 1e-8

    def __str__(self) -> str:
        return self.name

    def tolerance(self, operator: str) -> float:
        return self.second if operator in ("hvp", "hessian") else self.first


INNERS = (
    Inner("AutoForwardDiff", di.AutoForwardDiff(), "numpy"),
    Inner("AutoComplexStep", di.AutoComplexStep(), "numpy", second=1e-5),
    Inner("AutoFiniteDiff", di.AutoFiniteDiff(), "outer", 1e-6, 1e-4),
    Inner("AutoJax forward", di.AutoJax(mode="forward"), "jax"),
    Inner("AutoJax reverse", di.AutoJax(mode="reverse"), "jax"),
    Inner("AutoTorch forward", di.AutoTorch(mode="forward"), "torch"),
    Inner("AutoTorch reverse", di.AutoTorch(mode="reverse"), "torch"),
    Inner("AutoAutograd forward", di.AutoAutograd(mode="forward"), "autograd"),
    Inner("AutoAutograd reverse", di.AutoAutograd(mode="reverse"), "autograd"),
)
FORMS = ("own", "array-API")


@dataclass(frozen=True)
class Refusal:
    """Cells that raise `NestedDifferentiationError`, and why: those of one pair, or of its operators."""

    around: str
    inner: str
    reason: str
    operators: tuple[str, ...] = OPERATORS
    forms: tuple[str, ...] = FORMS


#: Every cell that raises. All others are right.
REFUSED: tuple[Refusal, ...] = ()


def why_not(around: str, inner: str, form: str, operator: str) -> Refusal | None:
    """What refuses a cell; None of most."""
    for row in REFUSED:
        pair = (row.around, row.inner) == (around, inner)
        if pair and form in row.forms and operator in row.operators:
            return row
    return None


def function(framework: str | None, operator: str) -> Callable[[Any], Any]:
    """F written for one framework; in terms of the array-API standard where that is None."""

    def f(x: Any) -> Any:
        xp = di.array_namespace(x) if framework is None else own
        return xp.sin(x) * xp.sum(x * x)

    def total(x: Any) -> Any:
        xp = di.array_namespace(x) if framework is None else own
        return xp.sum(f(x))

    own = None if framework is None else module(framework)
    return total if operator in _SCALAR else f


def module(framework: str) -> Any:
    """The functions of a framework."""
    if framework == "jax":
        import jax.numpy as found
    elif framework == "torch":
        import torch as found
    elif framework == "autograd":
        import autograd.numpy as found
    else:
        return np
    return found


def loss(outer: str, inner: Inner, form: str, operator: str) -> Callable[[Any], Any]:
    """The loss that an outer derivative of that framework takes."""
    framework = {"outer": outer}.get(inner.framework, inner.framework) if form == "own" else None
    f = function(framework, operator)

    def value(x: Any) -> Any:
        seeds = (T,) if operator in _SEEDED else ()
        y, *_, result = VALUE_AND[operator](f, inner.backend, x, *seeds)
        xp = di.array_namespace(result)
        return xp.sum(y) + 0.01 * xp.sum(result * result)

    return value


VALUE_AND: dict[str, Callable[..., Any]] = {
    "hvp": lambda f, b, x, t: (*di.value_and_gradient(f, b, x), di.hvp(f, b, x, t)),
    "hessian": di.value_gradient_and_hessian,
    **{name: getattr(di, f"value_and_{name}") for name in OPERATORS[:4]},
}
