"""Laws of first-order operators, on random functions and every engine."""

from __future__ import annotations

import numpy as np
import optree
from hypothesis import given, settings

import diffinterface as di

from ... import tiers
from . import truth
from .engines import Engine, every_engine, fast_engines, holds
from .programs import Problem, problems
from .truth import close, vector


@every_engine
def test_jacobian_is_that_of_the_complex_step(name: str) -> None:
    def law(p: Problem, engine: Engine) -> None:
        value, j = di.value_and_jacobian(p.f, engine.adtype, p.x)
        y = p.f.plain(p.x)
        assert optree.tree_structure(value) == optree.tree_structure(y)
        close(vector(value), vector(y), 1e-13)
        close(truth.matrix(j, p.x, y), truth.jacobian(p, p.x), engine.first)

    holds(name, problems(), law)


@every_engine
def test_products_are_those_of_the_complex_step(name: str) -> None:
    def law(p: Problem, engine: Engine) -> None:
        t, y = p.like(p.x), p.f.plain(p.x)
        close(
            vector(di.pushforward(p.f, engine.adtype, p.x, t)), truth.along(p, p.x, t), engine.first
        )
        c = p.like(y)
        pulled = di.pullback(p.f, engine.adtype, p.x, c)
        assert optree.tree_structure(pulled) == optree.tree_structure(p.x)
        close(vector(pulled), truth.jacobian(p, p.x).T @ vector(c), engine.first)

    holds(name, problems(), law)


@fast_engines
def test_pushforward_and_pullback_are_adjoint(name: str) -> None:
    """``<J t, c> = <t, J^T c>``, without any other truth."""

    def law(p: Problem, engine: Engine) -> None:
        t = p.like(p.x)
        y, pushed = di.value_and_pushforward(p.f, engine.adtype, p.x, t)
        c = p.like(y)
        pulled = di.pullback(p.f, engine.adtype, p.x, c)
        left, right = vector(pushed) @ vector(c), vector(t) @ vector(pulled)
        size = np.abs(vector(pushed)) @ np.abs(vector(c)) + np.abs(vector(t)) @ np.abs(
            vector(pulled)
        )
        assert abs(left - right) <= 10 * engine.first * max(1.0, size)

    holds(name, problems(), law)


@fast_engines
def test_products_are_linear_in_the_seed(name: str) -> None:
    def law(p: Problem, engine: Engine) -> None:
        y = p.f.plain(p.x)
        for operator, space in ((di.pushforward, p.x), (di.pullback, y)):
            s, t = p.like(space, 1), p.like(space, 2)
            both = optree.tree_map(lambda a, b: 2 * a - 3 * b, s, t)
            parts = [vector(operator(p.f, engine.adtype, p.x, seed)) for seed in (s, t)]
            got = vector(operator(p.f, engine.adtype, p.x, both))
            scale = max(float(np.max(np.abs(part), initial=1.0)) for part in parts)
            close(got / scale, (2 * parts[0] - 3 * parts[1]) / scale, 10 * engine.first)

    holds(name, problems(), law, 15)


@fast_engines
def test_columns_and_rows_of_the_jacobian(name: str) -> None:
    def law(p: Problem, engine: Engine) -> None:
        y = p.f.plain(p.x)
        j = truth.matrix(di.jacobian(p.f, engine.adtype, p.x), p.x, y)
        for k, e in enumerate(truth.columns(p.x)):
            close(vector(di.pushforward(p.f, engine.adtype, p.x, e)), j[:, k], 10 * engine.first)
        for k, e in list(enumerate(truth.columns(y)))[:6]:
            close(vector(di.pullback(p.f, engine.adtype, p.x, e)), j[k], 10 * engine.first)

    holds(name, problems(), law, 15)


@fast_engines
def test_a_batch_of_seeds_is_a_loop_over_them(name: str) -> None:
    def law(p: Problem, engine: Engine) -> None:
        y = p.f.plain(p.x)
        for operator, space in ((di.pushforward, p.x), (di.pullback, y)):
            batch = p.like(space, lead=(3,))
            got = operator(p.f, engine.adtype, p.x, batch, batched=True)
            for k in range(3):
                one = operator(p.f, engine.adtype, p.x, optree.tree_map(lambda a, k=k: a[k], batch))
                close(
                    vector(optree.tree_map(lambda a, k=k: a[k], got)),
                    vector(one),
                    10 * engine.first,
                )

    holds(name, problems(), law, 15)


@fast_engines
def test_results_are_written_where_out_says(name: str) -> None:
    def law(p: Problem, engine: Engine) -> None:
        want = di.jacobian(p.f, engine.adtype, p.x)
        if not all(isinstance(leaf, np.ndarray) for leaf in optree.tree_leaves(want)):
            return  # a scalar result has no memory to write into
        out = optree.tree_map(lambda a: np.full_like(a, np.nan), want)
        assert di.jacobian(p.f, engine.adtype, p.x, out=out) is out
        np.testing.assert_array_equal(vector(out), vector(want))
        value, again = di.value_and_jacobian(p.f, engine.adtype, p.x, out=out)
        assert again is out
        close(vector(value), vector(p.f.plain(p.x)), 1e-13)

    holds(name, problems(), law, 15)


@fast_engines
def test_float32_is_kept_and_means_the_same(name: str) -> None:
    def law(p: Problem, engine: Engine) -> None:
        x = optree.tree_map(lambda a: np.asarray(a, np.float32), p.x)
        value, j = di.value_and_jacobian(p.f, engine.adtype, x)
        assert {leaf.dtype for leaf in optree.tree_leaves((value, j))} == {np.dtype(np.float32)}
        close(
            truth.matrix(j, p.x, value),
            truth.jacobian(p, x),
            1e-5,
        )

    holds(name, problems(), law, 15)


@settings(max_examples=tiers.examples(50), derandomize=True, deadline=None, database=None)
@given(problems())
def test_the_truth_agrees_with_differences(p: Problem) -> None:
    """The complex step itself, against differences of real values."""
    t = p.like(p.x)

    def value(step: float) -> np.ndarray:
        point = optree.tree_map(lambda a, b: np.asarray(a, np.longdouble) + step * b, p.x, t)
        return vector(p.f.plain(point))

    close(truth.along(p, p.x, t), truth.differences(value), 1e-11)
