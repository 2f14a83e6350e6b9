"""Jacobians at a complex x: complex numbers only where f is holomorphic, and refused elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.facts import Array, is_complex, shape_of
from ..arrays.framework import finished, is_traced
from ..arrays.seeds import direction, like
from ..arrays.trees import Leaves
from ..engine.contract import AbstractBackend
from ..engine.function import Function
from ..engine.prep import Prep
from ..errors import NonAnalyticError

_TOLERANCE = 1e-4


def guarded(
    prep: Prep, backend: AbstractBackend, fn: Function, x: Leaves, contexts: Leaves
) -> Prep:
    """`prep`, which first tests at each point that f is holomorphic there.

    The Cauchy-Riemann equations are tested along one direction: ``J(i t) = i J(t)``.

    Raises
    ------
    NonAnalyticError
        By the prep, where they do not hold to about half the digits of single precision.
    """
    t, turned = (tuple(_direction(leaf, factor) for leaf in x) for factor in (1, 1j))
    push = backend.prepare("pushforward", fn, x, contexts, t)

    def check(x: Leaves, contexts: Leaves) -> None:
        if any(map(is_traced, x)):
            return  # values under an outer trace cannot be compared
        along, across = push.result(x, contexts, t), push.result(x, contexts, turned)
        if any(map(is_traced, along)):
            return
        require(along, across)

    def run(x: Leaves, contexts: Leaves) -> Any:
        check(x, contexts)
        return prep.run(x, contexts)

    def result(x: Leaves, contexts: Leaves) -> Any:
        check(x, contexts)
        return prep.result(x, contexts)

    return Prep(run, result, fresh=prep.fresh, details=prep.details)


def require(along: Leaves, across: Leaves) -> None:
    """Raise `NonAnalyticError` unless ``across``, the derivative along i t, is i times that along t."""
    for a, b in zip(map(finished, along), map(finished, across), strict=True):
        defect = np.max(np.abs(1j * a - b), initial=0.0)
        if defect > _TOLERANCE * np.max(np.abs(a), initial=0.0):
            raise NonAnalyticError(
                "f is not holomorphic at this complex x, so its Jacobian there is no complex matrix; "
                "use pushforward or pullback, or differentiate with respect to real and imaginary "
                "parts.",
                defect=float(defect),
            )


def _direction(leaf: Array, factor: complex) -> Array:
    """Along complex leaves only: a real one cannot be turned."""
    return like(direction(shape_of(leaf)) * (factor if is_complex(leaf) else 0), leaf)
