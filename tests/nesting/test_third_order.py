"""Third derivatives by three engines, of all frameworks in all orders."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import diffinterface as di

from ..outers import scope
from .compositions import ENGINES, Engine, Level
from .symbolic import Expression

BY_NAME = {engine.name: engine for engine in ENGINES}
WHOLE = ("forwarddiff", "jax auto", "torch auto", "autograd auto")
#: Of these only the innermost may be one: differences of differences have no digits left.
DIFFERENCES = ("complexstep", "finitediff")
X = np.array([0.7, -0.4])
# 2 x^2 exp(x) sin(y) + x y^2 cos(y)
F = Expression({(2, 0, 1, 1, 0): 2, (1, 2, 0, 0, 1): 1})


def level(name: str, w: tuple[int, int]) -> Level:
    """``x D_w h``: the factor makes the inner point a variable of the outer derivative."""
    engine: Engine = BY_NAME[name]
    return Level(engine, "gradient", (1, 1), w, "x")


def check(names: tuple[str, str, str]) -> None:
    for name in names:
        if BY_NAME[name].family in ("jax", "torch", "autograd"):
            pytest.importorskip(BY_NAME[name].family)
    first, second, third = names
    inside = level(first, (1, 2)), level(second, (3, -1))
    want = F
    for one in inside:
        want = one.meaning(want)

    def h(z: np.ndarray) -> object:
        return F.program(di.array_namespace(z), z)

    for one in inside:
        h = one.program(h)
    with scope("jax"):
        got = di.gradient(h, BY_NAME[third].backend, X)
    tolerance = 1e-5 if first == "finitediff" else 1e-9
    for k in range(2):
        value, scale = want.by(k).value(*X)
        assert abs(got[k] - value) <= tolerance * scale


@pytest.mark.parametrize("third", WHOLE)
@pytest.mark.parametrize("second", WHOLE)
def test_three_engines(second: str, third: str) -> None:
    for first in (*WHOLE, *DIFFERENCES):
        check((first, second, third))


PAIRS = [*itertools.permutations(("jax", "torch", "autograd"), 2)]


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_both_modes(outer: str, inner: str) -> None:
    """Forward mode around, between and inside reverse mode of another framework."""
    check((f"{inner} forward", f"{outer} reverse", f"{inner} reverse"))
    check((f"{inner} reverse", f"{outer} forward", f"{inner} reverse"))
    check((f"{inner} reverse", f"{outer} reverse", f"{inner} forward"))
