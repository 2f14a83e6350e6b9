"""Newton's method with conjugate gradients: no Hessian, only products with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import isfinite, sqrt
from typing import Any

import diffinterface as di

from .result import NotConvergedError, Result


def newton_cg(
    f: Callable[..., Any],
    x: Any,
    *data: Any,
    backend: di.ADType | str | None = None,
    tolerance: float = 1e-8,
    most_steps: int = 100,
) -> Result:
    """A local minimum of ``f(x, *data)``.

    Parameters
    ----------
    f : callable
        Smooth, and scalar-valued.
    x : array
        Where to start: an array of NumPy, JAX or torch.
    *data : any
        Further arguments of f.
    backend : ADType or str or None
        The AD engine; None means the one that the user has configured.
    tolerance : float
        For the norm of the gradient.
    most_steps : int
        After which to give up.

    Raises
    ------
    NotConvergedError
        If the tolerance is not reached.

    Notes
    -----
    J. Nocedal and S. Wright, *Numerical Optimization*, 2nd edition, algorithm 7.1.
    """
    gradient = di.prepare_gradient(f, backend, x, *data)
    hvp = di.prepare_hvp(f, backend, x, x, *data)
    value_at = partial(di.evaluate, f, backend)  # f(x) itself wants arrays of its own framework
    for steps in range(most_steps + 1):
        value, g = gradient.value_and(x, *data)
        here = Result(x, float(value), sqrt(_dot(g, g)), steps)
        if not isfinite(here.value + here.slope):
            raise NotConvergedError("f or its gradient is not finite", here)
        if here.slope <= tolerance:
            return here
        direction = _solve(lambda t, x=x: hvp(x, t, *data), g)
        length = _length(value_at, x, data, here.value, direction, _dot(g, direction))
        if length == 0.0:
            raise NotConvergedError("no step lowers f", here)
        x = x + length * direction
    raise NotConvergedError("the tolerance is not reached", here)


def _dot(a: Any, b: Any) -> float:
    return float(di.array_namespace(a, b).sum(a * b))


def _solve(product: Callable[[Any], Any], g: Any) -> Any:
    """About ``-H^-1 g``, by conjugate gradients; a descent direction also where H is indefinite."""
    step, residual, direction = 0 * g, g, -g
    squared = start = _dot(g, g)
    goal = start * min(0.25, sqrt(start))  # of the squared residual: superlinear convergence
    for _ in range(10 * max(10, _size(g))):
        curved = product(direction)
        curvature = _dot(direction, curved)
        if curvature <= 0:
            return direction if squared == start else step
        length = squared / curvature
        step, residual = step + length * direction, residual + length * curved
        before, squared = squared, _dot(residual, residual)
        if squared <= goal:
            break
        direction = (squared / before) * direction - residual
    return step


def _size(a: Any) -> int:
    size = 1
    for extent in a.shape:
        size *= extent
    return size


def _length(
    value_at: Callable[..., Any], x: Any, data: Any, value: float, direction: Any, slope: float
) -> float:
    """By halving, the first length that lowers f by a part of what the slope promises; or 0."""
    rounding = 1e-15 * abs(value)
    length = 1.0
    while length > 1e-10:
        if (
            float(value_at(x + length * direction, *data))
            <= value + 1e-4 * length * slope + rounding
        ):
            return length
        length /= 2
    return 0.0
