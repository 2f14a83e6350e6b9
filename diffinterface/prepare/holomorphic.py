"""Jacobians at a complex x: complex numbers only where f is holomorphic, and refused elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.facts import Array, dtype_name, is_complex, shape_of, size_of
from ..arrays.framework import framework_of
from ..arrays.trees import Leaves
from ..engine.contract import AbstractBackend
from ..engine.function import Function
from ..engine.prep import Prep
from ..errors import NonAnalyticError

_TOLERANCE = 1e-4


def guarded(
    plan: Prep, backend: AbstractBackend, fn: Function, x: Leaves, contexts: Leaves
) -> Prep:
    """`plan`, which first tests at each point that f is holomorphic there.

    The Cauchy-Riemann equations are tested along one direction: ``J(i t) = i J(t)``.

    Raises
    ------
    NonAnalyticError
        By the plan, where they do not hold to about half the digits of single precision.
    """
    t, turned = (tuple(_direction(leaf, factor) for leaf in x) for factor in (1, 1j))
    push = backend.prepare("pushforward", fn, x, contexts, t)

    def check(x: Leaves, contexts: Leaves) -> None:
        if any(map(_is_traced, x)):
            return  # values under an outer trace cannot be compared
        along, across = push.result(x, contexts, t), push.result(x, contexts, turned)
        if any(map(_is_traced, along)):
            return
        require(along, across)

    def run(x: Leaves, contexts: Leaves) -> Any:
        check(x, contexts)
        return plan.run(x, contexts)

    def result(x: Leaves, contexts: Leaves) -> Any:
        check(x, contexts)
        return plan.result(x, contexts)

    return Prep(run, result, fresh=plan.fresh, details=plan.details)


def require(along: Leaves, across: Leaves) -> None:
    """Raise `NonAnalyticError` unless ``across``, the derivative along i t, is i times that along t."""
    for a, b in zip(map(_to_numpy, along), map(_to_numpy, across), strict=True):
        defect = np.max(np.abs(1j * a - b), initial=0.0)
        if defect > _TOLERANCE * np.max(np.abs(a), initial=0.0):
            raise NonAnalyticError(
                "f is not holomorphic at this complex x, so its Jacobian there is no complex matrix; "
                "use pushforward or pullback, or differentiate with respect to real and imaginary "
                "parts.",
                defect=float(defect),
            )


def direction(size: int) -> Any:
    """A real NumPy direction without symmetry."""
    return 0.5 + np.sin(1.3 * np.arange(1.0, size + 1))


def _direction(leaf: Array, factor: complex) -> Array:
    """Along complex leaves only: a real one cannot be turned."""
    along = direction(size_of(leaf)).reshape(shape_of(leaf)) * (factor if is_complex(leaf) else 0)
    framework = framework_of(leaf)
    assert framework is not None
    return framework.from_numpy(np.asarray(along, dtype_name(leaf)), leaf)


def _is_traced(leaf: Array) -> bool:
    framework = framework_of(leaf)
    return framework is not None and framework.is_traced(leaf)


def _to_numpy(leaf: Array) -> Any:
    framework = framework_of(leaf)
    return np.asarray(leaf if framework is None else framework.to_numpy(leaf))
