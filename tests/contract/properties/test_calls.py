"""Prepared calls, contexts and batches of samples: the same numbers as the plain way."""

from __future__ import annotations

from typing import Any

import numpy as np
import optree
from hypothesis import strategies as st

import diffinterface as di

from . import truth
from .engines import Engine, every_engine, fast_engines, holds
from .programs import Problem, problems
from .truth import close, vector


@every_engine
def test_prepared_at_one_point_and_called_at_another(name: str) -> None:
    def law(p: Problem, engine: Engine) -> None:
        ad, t = engine.adtype, p.like(p.x)
        c = p.like(p.f.plain(p.x))
        jacobian = di.prepare_jacobian(p.f, ad, p.x)
        push = di.prepare_pushforward(p.f, ad, p.x, t)
        pull = di.prepare_pullback(p.f, ad, p.x, c)
        for x in (p.other, p.x, p.other):
            want = truth.jacobian(p, x)
            close(truth.matrix(jacobian(x), p.x, c), want, engine.first)
            close(vector(push(x, t)), want @ vector(t), 10 * engine.first)
            close(vector(pull(x, c)), want.T @ vector(c), 10 * engine.first)
            close(vector(push.value_and(x, t)[0]), vector(p.f.plain(x)), 1e-13)

    holds(name, problems(), law, 24)


@fast_engines
def test_prepared_second_order(name: str) -> None:
    def law(p: Problem, engine: Engine) -> None:
        t = p.like(p.x)
        hessian = di.prepare_hessian(p.f, engine.adtype, p.x)
        hvp = di.prepare_hvp(p.f, engine.adtype, p.x, t)
        for x in (p.other, p.x):
            want = truth.hvp(p, x, t)
            close(vector(hvp(x, t)), want, engine.second)
            value, g, h = hessian.value_and(x)
            close(value, p.f.plain(x), 1e-13)
            close(vector(g), truth.jacobian(p, x)[0], engine.first)
            close(truth.matrix(h, p.x, p.x) @ vector(t), want, engine.second)

    holds(name, problems(scalar=True, steps=5), law, 15)


@fast_engines
def test_linearised_at_one_point(name: str) -> None:
    def law(p: Problem, engine: Engine) -> None:
        want, c = truth.jacobian(p, p.x), p.like(p.f.plain(p.x))
        push = di.prepare_pushforward_same_point(p.f, engine.adtype, p.x, p.x)
        pull = di.prepare_pullback_same_point(p.f, engine.adtype, p.x, c)
        for number in (1, 2):
            t, u = p.like(p.x, number), p.like(c, number)
            close(vector(push(t)), want @ vector(t), 10 * engine.first)
            close(vector(pull(u)), want.T @ vector(u), 10 * engine.first)

    holds(name, problems(), law, 15)


@fast_engines
def test_one_preparation_for_every_kind(name: str) -> None:
    """Points of other trees and shapes: the prepared call plans again for each, and mixes none up."""

    @st.composite
    def several(draw: st.DrawFn) -> Problem:
        first, *rest = draw(st.lists(problems(scalar=True, steps=3), min_size=2, max_size=3))
        return Problem(first.f, first.x, rest, first.seed)

    def law(p: Problem, engine: Engine) -> None:
        def f(x: Any) -> Any:
            return sum(di.array_namespace(leaf).sum(leaf**3) for leaf in optree.tree_leaves(x))

        prep = di.prepare_gradient(f, engine.adtype, p.x, on_mismatch="reprepare")
        for x in (p.x, *(other.x for other in p.other), p.x):
            got = prep(x)
            assert optree.tree_structure(got) == optree.tree_structure(x)
            close(vector(got), 3 * vector(x) ** 2, 10 * engine.first)

    holds(name, several(), law, 15)


@fast_engines
def test_contexts_are_data_and_get_no_derivative(name: str) -> None:
    """The second point is a context: f(x, c) = g(x) * sum(g(c)), at any place among the arguments."""

    def law(p: Problem, engine: Engine) -> None:
        def total(y: Any) -> Any:
            return sum(di.array_namespace(leaf).sum(leaf) for leaf in optree.tree_leaves(y))

        def f(c: Any, x: Any, factor: Any) -> Any:
            return total(p.f(x)) * total(p.f(c)) * factor

        scale = 3.0 * float(sum(vector(p.f.plain(p.other))))
        want = scale * truth.jacobian(p, p.x).sum(axis=0)
        got = di.gradient(f, engine.adtype, p.x, p.other, 3.0, argnums=1)
        close(vector(got), want, 10 * engine.first)
        prep = di.prepare_gradient(f, engine.adtype, p.x, p.x, 1.0, argnums=1)
        close(vector(prep(p.x, p.other, 3.0)), want, 10 * engine.first)

    holds(name, problems(steps=5), law, 15)


@fast_engines
def test_batched_jacobian_is_that_of_each_sample(name: str) -> None:
    def law(p: Problem, engine: Engine) -> None:
        def f(x: Any) -> Any:
            samples = [
                optree.tree_leaves(p.f(optree.tree_map(lambda a, k=k: a[k, ...], x)))
                for k in range(2)
            ]
            xp = di.array_namespace(*samples[0])
            return tuple(xp.stack(list(leaves)) for leaves in zip(*samples, strict=True))

        points = optree.tree_map(lambda *leaves: np.stack(leaves), p.x, p.other)
        got = di.batched_jacobian(f, engine.adtype, points)
        y = p.f.plain(p.x)
        for k, x in enumerate((p.x, p.other)):
            j = optree.tree_map(lambda a, k=k: a[k], got)
            close(truth.matrix(j, p.x, y), truth.jacobian(p, x), 10 * engine.first)

    holds(name, problems(steps=5), law, 15)
