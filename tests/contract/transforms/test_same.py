"""Values that are equal and yet not the same, and functions inside prepared objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ...backends import skip_if_missing

X = np.array([1.0, 2.0, 3.0])


def total(x: Any) -> Any:
    return di.array_namespace(x).sum(x**2)


@dataclass(frozen=True)
class Setting:
    name: str
    scale: float = field(default=1.0, compare=False)


class Named:
    """Equal by its name alone."""

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named)

    def __hash__(self) -> int:
        return 1


class Slotted:
    """Equal by its name alone, and without a ``__dict__``."""

    __slots__ = ("scale",)

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slotted)


@dataclass(eq=False)
class Beside:
    """With an attribute that is no field."""

    name: str

    def scaled(self, scale: float) -> Beside:
        self.scale = scale
        return self


def scale_of(value: Any) -> float:
    if isinstance(value, frozenset):
        (value,) = value
    if isinstance(value, np.generic):
        return 4.0 if np.signbit(value) else 5.0
    kinds = {bool: 1.0, int: 2.0, float: 3.0}
    return kinds.get(type(value), getattr(value, "scale", 0.0))


EQUAL = {
    "numbers": (1, 1.0, True),
    "sets": (frozenset([1]), frozenset([1.0]), frozenset([True])),
    "zeros": (np.float32(0.0), np.float32(-0.0)),
    "left out of ==": (Setting("a", 1.0), Setting("a", 5.0)),
    "== of its own": (Named(1.0), Named(5.0)),
    "slots": (Slotted(1.0), Slotted(5.0)),
    "no field": (Beside("a").scaled(1.0), Beside("a").scaled(5.0)),
}


@pytest.mark.parametrize("engine", ["forwarddiff", "finitediff", "autograd", "torch", "jax"])
@pytest.mark.parametrize("values", EQUAL.values(), ids=EQUAL)
def test_equal_is_not_the_same(engine: str, values: tuple[Any, ...]) -> None:
    skip_if_missing(engine)
    g = di.gradient(lambda x, s: total(x) * scale_of(s), engine)
    for _ in range(2):
        for value in values:
            got = g(X, di.Static(value))
            np.testing.assert_allclose(got, 2 * X * scale_of(value), rtol=1e-5)


@pytest.mark.parametrize("engine", ["forwarddiff", "autograd", "torch", "jax"])
def test_over_a_bridge(engine: str) -> None:
    skip_if_missing(engine)
    g = di.gradient(lambda x, s: total(x) * scale_of(s), engine)
    for value in (1, 1.0, True, 1):
        got = di.gradient(lambda x, v=value: (g(x, di.Static(v)) * x).sum(), "forwarddiff", X)
        np.testing.assert_allclose(got, 4 * X * scale_of(value), rtol=1e-6)


@pytest.mark.parametrize("inner", ["forwarddiff", "jax"])
@pytest.mark.parametrize("how", ["f", "held", "method"])
def test_what_a_prepared_function_captured_is_watched(inner: str, how: str) -> None:
    skip_if_missing("jax")
    skip_if_missing(inner)
    k = 1.0

    def cubes(x: Any) -> Any:
        return di.array_namespace(x).sum(k * x**3)

    prep = di.prepare_gradient(cubes, inner, X, on_mismatch="reprepare")
    f = {"f": prep, "held": lambda x: 1 * prep(x), "method": di.gradient(cubes, inner).__call__}[
        how
    ]
    outer = di.jacobian(f, "jax")
    np.testing.assert_allclose(np.diag(outer(X)), 6 * X)
    k = 2.0
    np.testing.assert_allclose(np.diag(outer(X)), 12 * X)


def test_no_tracer_stays_behind_an_attribute() -> None:
    jax = pytest.importorskip("jax")

    class Model:
        c: Any = 1.0

        def __call__(self, x: Any) -> Any:
            return jax.numpy.sum(self.c * x**2)

    model = Model()
    g = di.gradient(model, "jax")

    def outer(c: Any) -> Any:
        model.c = c
        return jax.numpy.sum(g(jax.numpy.ones(2)))

    assert jax.grad(outer)(3.0) == 4.0
    model.c = 5.0
    np.testing.assert_allclose(g(jax.numpy.ones(2)), 10.0)
