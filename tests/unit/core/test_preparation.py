"""Prepared operators on engines without a framework: planned once, checked, and shared."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import diffinterface as di
from diffinterface.engine.registry import resolve

from .zero import AutoExactForward, AutoExactReverse, AutoZero, Zero

X = np.array([1.0, 2.0])
EXACT = AutoExactReverse()


def energy(x: Any, c: Any = 1.0) -> Any:
    return np.sum(x**2) * c


@pytest.fixture
def engine() -> Any:
    return resolve(AutoZero())


def test_planned_once(engine: Zero) -> None:
    prep = di.prepare_gradient(energy, AutoZero(), X, 2.0)
    for scale in range(1, 5):
        prep(scale * X, 2.0 * scale)
        prep.value_and(X, 1.0)
    assert engine.prepared == ["pullback"]


def test_results_are_of_the_point_of_the_call() -> None:
    prep = di.prepare_gradient(energy, EXACT, np.zeros(2), 0.0)
    assert_array_equal(prep(X, 3.0), 6 * X)
    value, gradient = prep.value_and(-X, 1.0)
    assert value == 5.0
    assert_array_equal(gradient, -2 * X)


def test_overwriting_the_example_changes_nothing() -> None:
    x, c = X.copy(), np.array(2.0)
    prep = di.prepare_gradient(energy, EXACT, x, c)
    x[:], c[...] = np.nan, np.nan
    assert_array_equal(prep(X, np.array(2.0)), 4 * X)


def test_one_point_keeps_its_point_and_contexts() -> None:
    x, c = X.copy(), np.array(3.0)

    def f(x: Any, c: Any) -> Any:
        return x**2 * c

    for prepare in (di.prepare_pushforward_same_point, di.prepare_pullback_same_point):
        prep = prepare(f, EXACT, x, X, c)
        x[:], c[...] = 0.0, 0.0
        assert_array_equal(prep(np.ones(2)), 6 * X)
        value, again = prep.value_and(np.array([1.0, 0.0]))
        assert_array_equal(value, 3 * X**2)
        assert_array_equal(again, [6.0, 0.0])
        x[:], c[...] = X, 3.0


def test_results_are_the_callers_own() -> None:
    prep = di.prepare_jacobian(lambda x: x**2, AutoExactForward(), X)
    first = prep(X)
    first[:] = 7.0
    assert_array_equal(prep(X), np.diag(2 * X))
    x = X.copy()
    value, pushed = di.value_and_pushforward(lambda x: x, AutoExactForward(), x, x)
    value[:], pushed[:] = 7.0, 7.0
    assert_array_equal(x, X)


def test_what_means_the_same_is_no_mismatch(engine: Zero) -> None:
    prep = di.prepare_gradient(lambda x, c: x**2 * c, AutoZero(), np.array(2.0), 1.0)
    for x, c in ((2.0, 1.0), (np.float64(3.0), np.array(1.0)), (np.array(4.0), np.float64(2.0))):
        assert prep(x, c) == 0.0
    assert engine.prepared == ["pullback"]


def test_another_kind_is_an_error_that_lists_it(engine: Zero) -> None:
    prep = di.prepare_gradient(energy, AutoZero(), X, 1.0)
    runs = len(engine.seeds)
    with pytest.raises(di.PreparationMismatchError) as caught:
        prep(np.ones(3, np.float32), np.ones(2))
    assert caught.value.differences == [
        "x: prepared for numpy float64[2], got numpy float32[3]",
        "context leaf 0: prepared for numpy float64[], got numpy float64[2]",
    ]
    for line in caught.value.differences:
        assert line in str(caught.value)
    assert "on_mismatch='reprepare'" in str(caught.value)
    assert len(engine.seeds) == runs


def test_reprepare_plans_once_for_each_kind(engine: Zero) -> None:
    prep = di.prepare_gradient(energy, AutoZero(), X, 1.0, on_mismatch="reprepare")
    kinds = [X, X[:1], X.astype(np.float32), np.ones((2, 2))]
    for _ in range(3):
        for x in kinds:
            result = prep(x, 1.0)
            assert (result.shape, result.dtype) == (x.shape, x.dtype)
    assert engine.prepared == ["pullback"] * len(kinds)


def test_reprepare_of_trees_and_contexts() -> None:
    def f(p: Any, *c: Any) -> Any:
        return sum(w * np.sum(leaf**2) for w, leaf in enumerate([*p.values(), *c], 1))

    prep = di.prepare_gradient(f, EXACT, {"a": X}, on_mismatch="reprepare")
    for _ in range(2):
        assert_array_equal(prep({"a": X})["a"], 2 * X)
        got = prep({"a": X, "b": 3.0})
        assert_array_equal(got["a"], 2 * X)
        assert got["b"] == 12.0
        assert_array_equal(prep({"b": X}, 1.0)["b"], 2 * X)
        assert_array_equal(prep.value_and({"a": X}, X)[1]["a"], 2 * X)


def test_a_seed_of_another_kind_with_reprepare() -> None:
    prep = di.prepare_pullback(
        lambda x: x**2, EXACT, X, np.ones((1, 2)), batched=True, on_mismatch="reprepare"
    )
    assert_array_equal(prep(X, np.eye(2)), np.diag(2 * X))
    assert prep(X, np.zeros((0, 2))).shape == (0, 2)


def test_what_no_kind_serves_stays_an_error() -> None:
    prep = di.prepare_gradient(energy, EXACT, X, on_mismatch="reprepare")
    with pytest.raises(di.InputError, match="int64"):
        prep(np.arange(2))
    with pytest.raises(di.InputError, match="holds a str"):
        prep("text")
    assert_array_equal(prep(X), 2 * X)


def test_wrong_number_of_arguments() -> None:
    prep = di.prepare_pushforward(lambda x: x**2, EXACT, X, X)
    for arguments in ((), (X,)):
        with pytest.raises(TypeError):
            prep(*arguments)
    with pytest.raises(di.PreparationMismatchError, match="contexts: prepared for 0, got 1"):
        prep(X, X, X)


def test_a_prepared_operator_has_no_state_to_set() -> None:
    prep = di.prepare_gradient(energy, EXACT, X)
    with pytest.raises(AttributeError):
        prep.note = 1  # type: ignore[attr-defined]


def test_threads_share_one() -> None:
    prep = di.prepare_gradient(energy, EXACT, X, 1.0, on_mismatch="reprepare")

    def work(k: int) -> bool:
        x = np.full(k % 3 + 1, float(k))
        return bool(np.all(prep(x, 2.0) == 4.0 * k))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(200)))


def test_errors_while_preparing_come_at_once() -> None:
    with pytest.raises(di.NonScalarOutputError):
        di.prepare_gradient(lambda x: x, "forwarddiff", X)(X)
    with pytest.raises(di.InputError, match="f must be callable, got 'f'"):
        di.prepare_gradient("f", EXACT, X)  # type: ignore[arg-type]


def test_f_is_not_copied() -> None:
    """A function with state of its own is called itself, not a copy of it."""

    class Counter:
        calls = 0

        def __call__(self, x: Any) -> Any:
            self.calls += 1
            return np.sum(x**2)

    f = Counter()
    prep = di.prepare_gradient(f, EXACT, X)
    before = f.calls
    prep(X)
    assert f.calls > before
    assert copy.copy(f).calls == f.calls
