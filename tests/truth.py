"""Derivatives from outside: complex step where f is analytic, extrapolated differences elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

LONG_IS_LONGER = np.finfo(np.longdouble).eps < 1e-18
STEPS = {"complex": 2.0**-7, "long": 2.0**-10 if LONG_IS_LONGER else 2.0**-7, "double": 2.0**-7}


@dataclass(frozen=True, eq=False)
class Case:
    """One call of the function `name` at one point.

    `how` says where the truth comes from: "complex" step, or differences in "long" or "double"
    precision.
    """

    name: str
    f: Callable[[Any, Any], Any]
    x: Any
    how: str = "complex"


def columns(f: Callable[[Any], Any], x: Any, column: Callable[[Any, Any], Any]) -> Any:
    """A Jacobian, of shape ``y.shape + x.shape``, from its columns ``column(f, unit)``."""
    units = np.eye(x.size).reshape((x.size, *x.shape))
    parts = [np.asarray(column(f, unit)) for unit in units]
    return np.stack(parts, axis=-1).reshape(parts[0].shape + x.shape)


def complex_step(f: Callable[[Any], Any], x: Any) -> Any:
    """Exact to rounding, for analytic f."""
    return columns(f, x, lambda f, unit: np.imag(f(x + 1e-30j * unit)) / 1e-30)


def along(f: Callable[[Any], Any], x: Any, t: Any, step: float) -> Any:
    """The derivative along t: central differences, extrapolated to step 0 (Richardson, four times)."""
    steps = [step / 2**i for i in range(5)]
    return extrapolated([(np.asarray(f(x + h * t)) - f(x - h * t)) / (2 * h) for h in steps])


def extrapolated(row: list[Any]) -> Any:
    """The limit of central differences whose steps halve (Richardson)."""
    for i in range(1, len(row)):
        row = [b + (b - a) / (4**i - 1) for a, b in pairwise(row)]
    return row[0]


def differences(f: Callable[[Any], Any], x: Any, step: float) -> Any:
    """A Jacobian by `along`, for any f."""
    return columns(f, x, lambda f, unit: along(f, x, unit, step))


def wide(x: Any, how: str) -> Any:
    """The point in the precision of the truth."""
    return x.astype(np.longdouble) if how == "long" else x


def jacobian(f: Callable[[Any], Any], x: Any, how: str) -> Any:
    """The derivative of f, by the method that `how` names."""
    if how == "complex":
        return complex_step(f, x)
    return differences(f, wide(x, how), STEPS[how])


def second(f: Callable[[Any], Any], x: Any, how: str, t: Any) -> Any:
    """The derivative of `jacobian` along t, of shape ``y.shape + x.shape``."""
    return along(lambda p: jacobian(f, p, how), wide(x, how), t, STEPS[how])


def tolerance(how: str, order: int) -> float:
    """What the truth itself is good for."""
    if how == "long" and not LONG_IS_LONGER:
        how = "double"
    return {"complex": (1e-13, 1e-9), "long": (1e-12, 1e-9), "double": (1e-9, 1e-6)}[how][order - 1]


def close(got: Any, expected: Any, tol: float, scale: float = 1e-3) -> None:
    """Equal shapes, and equal numbers up to `tol`, relative to the largest and at least to `scale`."""
    assert np.shape(got) == np.shape(expected)
    expected = np.asarray(expected, dtype=np.result_type(expected, np.float64))
    finite = expected[np.isfinite(expected)]
    scale = np.max(np.abs(finite), initial=scale)
    np.testing.assert_allclose(got, expected, rtol=tol, atol=float(tol * scale))
