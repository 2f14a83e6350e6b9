"""Elementary functions with derivatives by hand: which rule of an engine is wrong.

Each rule gives its derivative as a list of terms, one for each way in which x enters, so that a rule
that forgets one of them is told from a rule that is wrong.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..arrays.namespace import array_namespace
from ..declare.adtypes import ADType
from ..operators import pullback, pushforward
from .deviation import numpy_of

X = np.array([0.625, -0.375, 1.25, 0.875])
T = np.array([1.0, 0.5, -0.75, 0.25])
_TOLERANCE = 1e-5

# Name, function over a namespace, and the terms of its elementwise derivative.
Rule = tuple[str, Callable[[Any, Any], Any], Callable[[np.ndarray], list[Any]]]
RULES: tuple[Rule, ...] = (
    ("add", lambda xp, x: x + x, lambda x: [1.0, 1.0]),
    ("subtract", lambda xp, x: x - 3.0 * x, lambda x: [1.0, -3.0]),
    ("negative", lambda xp, x: -x, lambda x: [-1.0]),
    ("multiply", lambda xp, x: x * (x + 2.0), lambda x: [x, x + 2.0]),
    (
        "divide",
        lambda xp, x: x / (x + 3.0),
        lambda x: [1 / (x + 3.0), -x / (x + 3.0) ** 2],
    ),
    ("power", lambda xp, x: x**3, lambda x: [3 * x**2]),
    ("x used twice", lambda xp, x: xp.sin(x) + 2.0 * x, lambda x: [np.cos(x), 2.0]),
    ("exp", lambda xp, x: xp.exp(x), lambda x: [np.exp(x)]),
    ("log", lambda xp, x: xp.log(x + 2.0), lambda x: [1 / (x + 2.0)]),
    ("sqrt", lambda xp, x: xp.sqrt(x + 2.0), lambda x: [0.5 / np.sqrt(x + 2.0)]),
    ("sin", lambda xp, x: xp.sin(x), lambda x: [np.cos(x)]),
    ("cos", lambda xp, x: xp.cos(x), lambda x: [-np.sin(x)]),
    ("tan", lambda xp, x: xp.tan(x), lambda x: [1 / np.cos(x) ** 2]),
    ("sinh", lambda xp, x: xp.sinh(x), lambda x: [np.cosh(x)]),
    ("cosh", lambda xp, x: xp.cosh(x), lambda x: [np.sinh(x)]),
    ("tanh", lambda xp, x: xp.tanh(x), lambda x: [1 / np.cosh(x) ** 2]),
    ("asin", lambda xp, x: xp.asin(x / 2), lambda x: [0.5 / np.sqrt(1 - x**2 / 4)]),
    ("acos", lambda xp, x: xp.acos(x / 2), lambda x: [-0.5 / np.sqrt(1 - x**2 / 4)]),
    ("atan", lambda xp, x: xp.atan(x), lambda x: [1 / (1 + x**2)]),
    ("asinh", lambda xp, x: xp.asinh(x), lambda x: [1 / np.sqrt(1 + x**2)]),
    ("atanh", lambda xp, x: xp.atanh(x / 2), lambda x: [0.5 / (1 - x**2 / 4)]),
    ("log1p", lambda xp, x: xp.log1p(x), lambda x: [1 / (1 + x)]),
    ("expm1", lambda xp, x: xp.expm1(x), lambda x: [np.exp(x)]),
    ("abs", lambda xp, x: xp.abs(x), lambda x: [np.sign(x)]),
    ("maximum", lambda xp, x: xp.maximum(x, 0.5 * xp.ones_like(x)), lambda x: [1.0 * (x > 0.5)]),
    ("where", lambda xp, x: xp.where(x > 0, x, -2.0 * x), lambda x: [np.where(x > 0, 1.0, -2.0)]),
    ("sum", lambda xp, x: x * 0.0 + xp.sum(x), lambda x: [np.ones((4, 4))]),
    ("mean", lambda xp, x: x * 0.0 + xp.mean(x), lambda x: [np.full((4, 4), 0.25)]),
    ("flip", lambda xp, x: xp.flip(x), lambda x: [np.eye(4)[::-1]]),
    (
        "index",
        lambda xp, x: xp.stack([x[1], x[0], x[3], x[3]]),
        lambda x: [np.eye(4)[[1, 0, 3, 3]]],
    ),
    (
        "matmul",
        lambda xp, x: xp.reshape(xp.reshape(x, (2, 2)) @ xp.reshape(x + 1.0, (2, 2)), (4,)),
        lambda x: [
            np.kron(np.eye(2), np.reshape(x + 1.0, (2, 2)).T),
            np.kron(np.reshape(x, (2, 2)), np.eye(2)),
        ],
    ),
)


#: What was found of each declaration, as long as there is one.
JUDGED: WeakKeyDictionary[ADType, tuple[str, ...]] = WeakKeyDictionary()


def wrong_rules(backend: ADType) -> tuple[str, ...]:
    """What is wrong with which elementary rule of a backend, one phrase each.

    Empty where all are right, and where all are wrong: then no single rule is to blame.
    """
    if backend not in JUDGED:
        JUDGED[backend] = _wrong_rules(backend)
    return JUDGED[backend]


def _wrong_rules(backend: ADType) -> tuple[str, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [phrase for rule in RULES if (phrase := _judged(backend, rule))]
    return tuple(found) if len(found) <= len(RULES) // 2 else ()


def _judged(backend: ADType, rule: Rule) -> str:
    name, f, derivative = rule
    terms = [_matrix(term) for term in derivative(X)]
    truth: Any = sum(terms)

    def run(x: Any) -> Any:
        return f(array_namespace(x), x)

    for operator, turn in ((pushforward, np.asarray), (pullback, np.transpose)):
        want = turn(truth) @ T
        try:
            got = numpy_of(operator(run, backend, X, T))
        except Exception:  # a rule that is missing is no wrong rule
            continue
        if _close(got, want):
            continue
        if any(_close(got, turn(part) @ T) for part in _parts(terms)):
            return f"{name} (a term is dropped)"
        if _close(got, -want):
            return f"{name} (the sign)"
        if np.shape(got) != np.shape(want):
            return f"{name} (shape {np.shape(got)}, expected {np.shape(want)})"
        at = int(np.argmax(np.abs(got - want)))
        return f"{name} (at {X[at]}: got {got[at]:.6g}, expected {want[at]:.6g})"
    return ""


def _matrix(term: Any) -> Any:
    term = np.asarray(term)
    return term if term.ndim == 2 else np.diag(np.broadcast_to(term, X.shape))


def _parts(terms: Any) -> Iterator[Any]:
    """The sums of some of the terms, but not of all."""
    for size in range(1, len(terms)):
        for chosen in combinations(terms, size):
            yield sum(chosen)


def _close(got: Any, want: Any) -> bool:
    return np.shape(got) == np.shape(want) and bool(np.allclose(got, want, _TOLERANCE, _TOLERANCE))
