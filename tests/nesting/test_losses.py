"""Losses that hold derivatives: their gradients against finite differences of the whole loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ..outers import BACKENDS, FIRST, OUTERS, Outer, native, scope
from .asking import WAYS, Ask
from .losses import CASES, Case, trace

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
every_outer = pytest.mark.parametrize("outer", OUTERS, ids=str)
every_framework = pytest.mark.parametrize("framework", FIRST)


def check(
    case: Case, outer: Outer, ask: Ask, *, plain_x: bool = False, tolerance: float = 1e-9
) -> None:
    """The gradient of the loss by its parameters, and by its inputs unless they are plain data."""
    if outer.framework in ("jax", "torch", "autograd"):
        pytest.importorskip(outer.framework)

    def loss(at: tuple[Any, ...]) -> Any:
        ask.evaluation()
        return case.loss(ask, at, case.x) if plain_x else case.loss(ask, at[:-1], at[-1])

    at = case.p if plain_x else (*case.p, case.x)
    with scope(outer.framework):
        if ask.way == "prepared outside":
            loss(tuple(native(outer.framework, leaf) for leaf in at))
        got = outer.gradient(loss, at)
    want = case.gradient[: len(at)]
    scale = max(float(np.abs(leaf).max()) for leaf in want)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("x", ["plain", "traced"])
@every_framework
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("captured", [False, True], ids=["passed", "captured"])
@every_case
def test_every_way(case: Case, captured: bool, way: str, framework: str, x: str) -> None:
    plain = x == "plain"
    if framework == "jax" and way != "once" and plain == (captured == (way == "prepared outside")):
        pytest.skip("JAX compiles a program for each: half of them, in which every pair occurs")
    check(case, FIRST[framework], Ask(BACKENDS[framework], way, captured), plain_x=plain)


@every_outer
@every_case
def test_every_outer_derivative(case: Case, outer: Outer) -> None:
    check(case, outer, Ask(BACKENDS[outer.framework], captured=True))


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("outer", ["jax.jit(jax.grad)", "backward", "autograd.grad"])
@every_case
def test_both_inner_modes(case: Case, outer: str, mode: str) -> None:
    (found,) = (o for o in OUTERS if o.name == outer)
    backend = type(BACKENDS[found.framework])(mode=mode)
    check(case, found, Ask(backend, captured=True))


@every_framework
def test_three_ways_to_one_trace(framework: str) -> None:
    """Hutchinson's trace by VJP, by JVP and by the whole Jacobian: one value, and one gradient."""
    if framework in ("jax", "torch", "autograd"):
        pytest.importorskip(framework)
    case = next(case for case in CASES if case.name == "hutchinson")
    ask = Ask(BACKENDS[framework], captured=True)
    values, gradients = [], []
    with scope(framework):
        for how in ("pullback", "pushforward", "batched_jacobian"):

            def loss(at: tuple[Any, ...], how: str = how) -> Any:
                estimate = trace(ask, how, at[:-1], at[-1])
                return di.array_namespace(estimate).sum(estimate**2)

            values.append(float(loss(tuple(native(framework, a) for a in (*case.p, case.x)))))
            gradients.append(FIRST[framework].gradient(loss, (*case.p, case.x)))
    np.testing.assert_allclose(values, values[0], rtol=1e-13)
    for leaves in zip(*gradients, strict=True):
        np.testing.assert_allclose(leaves[1], leaves[0], rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(leaves[2], leaves[0], rtol=1e-11, atol=1e-13)
