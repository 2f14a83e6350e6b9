"""Laws of second-order operators, on random scalar-valued functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import optree
import pytest
from hypothesis import strategies as st

import diffinterface as di

from . import truth
from .engines import ENGINES, Engine, every_engine, fast_engines, holds
from .programs import Problem, problems
from .truth import close, vector

SCALAR = problems(scalar=True, steps=5)


@every_engine
def test_gradient_and_hessian_are_the_true_ones(name: str) -> None:
    def law(p: Problem, engine: Engine) -> None:
        value, g, h = di.value_gradient_and_hessian(p.f, engine.adtype, p.x)
        assert optree.tree_structure(g) == optree.tree_structure(p.x)
        close(value, p.f.plain(p.x), 1e-13)
        close(vector(g), truth.jacobian(p, p.x)[0], engine.first)
        t = p.like(p.x)
        close(truth.matrix(h, p.x, p.x) @ vector(t), truth.hvp(p, p.x, t), engine.second)

    holds(name, SCALAR, law, 24)


@fast_engines
def test_hessian_is_symmetric_and_its_products_are_hvp(name: str) -> None:
    def law(p: Problem, engine: Engine) -> None:
        h = truth.matrix(di.hessian(p.f, engine.adtype, p.x), p.x, p.x)
        close(h, h.T, engine.second)
        batch = p.like(p.x, lead=(3,))
        g, products = di.gradient_and_hvp(p.f, engine.adtype, p.x, batch, batched=True)
        close(vector(g), vector(di.gradient(p.f, engine.adtype, p.x)), engine.first)
        for k in range(3):
            t, product = (optree.tree_map(lambda a, k=k: a[k], tree) for tree in (batch, products))
            close(vector(product), h @ vector(t), 10 * engine.second)
            one = di.hvp(p.f, engine.adtype, p.x, t)
            close(vector(one), h @ vector(t), 10 * engine.second)

    holds(name, SCALAR, law, 15)


@fast_engines
def test_hvp_is_linear_and_symmetric(name: str) -> None:
    def law(p: Problem, engine: Engine) -> None:
        s, t = p.like(p.x, 1), p.like(p.x, 2)
        both = optree.tree_map(lambda a, b: 2 * a - 3 * b, s, t)
        prep = di.prepare_hvp_same_point(p.f, engine.adtype, p.x, s)
        along_s, along_t, along_both = (vector(prep(seed)) for seed in (s, t, both))
        scale = max(1.0, float(np.max(np.abs([along_s, along_t]))))
        close(along_both / scale, (2 * along_s - 3 * along_t) / scale, 10 * engine.second)
        close(vector(t) @ along_s / scale, vector(s) @ along_t / scale, 100 * engine.second)

    holds(name, SCALAR, law, 15)


@fast_engines
def test_derivatives_along_a_line(name: str) -> None:
    """The curve s -> f(x + s t) has the derivatives J t and, for scalar f, t H t."""

    def law(p: Problem, engine: Engine) -> None:
        t = p.like(p.x)

        def curve(s: Any, x: Any, t: Any) -> Any:
            return p.f(optree.tree_map(lambda a, b: a + s * b, x, t))

        value, first, second = di.value_derivative_and_second_derivative(
            curve, engine.adtype, 0.0, p.x, t
        )
        close(value, p.f.plain(p.x), 1e-13)
        close(first, truth.along(p, p.x, t)[0], engine.first)
        close(second, vector(t) @ truth.hvp(p, p.x, t), 10 * engine.second)

    holds(name, SCALAR, law, 15)


PAIRS = ["forwarddiff", "autograd", "finitediff", "complexstep", "torch"]


@pytest.mark.parametrize("outer", PAIRS)
def test_two_engines_are_right_or_refuse(outer: str) -> None:
    """Whichever engine differentiates the derivative by whichever other: never a term missing."""

    @st.composite
    def paired(draw: st.DrawFn) -> Problem:
        p = draw(SCALAR)
        inner = draw(
            st.sampled_from([name for name in PAIRS if di.check_available(ENGINES[name].adtype)])
        )
        return Problem(p.f, p.x, inner, p.seed)

    def law(p: Problem, engine: Engine) -> None:
        adtype = di.SecondOrder(engine.adtype, ENGINES[p.other].adtype)
        try:
            h = di.hessian(p.f, adtype, p.x)
        except di.DiffInterfaceError:
            return
        t, loosest = p.like(p.x), max(engine.second, ENGINES[p.other].second)
        close(truth.matrix(h, p.x, p.x) @ vector(t), truth.hvp(p, p.x, t), loosest)

    holds(outer, paired(), law, 15)
