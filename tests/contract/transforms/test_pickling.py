"""What travels: transforms, prepared objects and errors, by every way that Python objects are sent."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import sys
import threading
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import diffinterface as di
from diffinterface import testing
from diffinterface.errors import DiffInterfaceError

from ...backends import ENGINES, skip_if_missing
from .functions import CALLS, OPERATORS, T, X, scalar, vector


def sent(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def flat(result: Any) -> list[Any]:
    return [np.asarray(part) for part in (result if isinstance(result, tuple) else (result,))]


def assert_same(got: Any, expected: Any) -> None:
    for a, b in zip(flat(got), flat(expected), strict=True):
        assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("engine", [*ENGINES, None])
@pytest.mark.parametrize("name", OPERATORS)
def test_transforms(engine: str | None, name: str) -> None:
    skip_if_missing(engine)
    f, arguments = OPERATORS[name]
    transform = getattr(di, name)(f, engine)
    before, expected = sent(transform), transform(*arguments)
    for other in (before, sent(transform), sent(sent(transform))):
        assert repr(other) == repr(transform)
        assert other is not transform
        for _ in range(2):
            assert_same(other(*arguments), expected)
            assert_same(other(*arguments, 3.0), transform(*arguments, 3.0))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CALLS)
def test_prepared_objects(engine: str, name: str) -> None:
    skip_if_missing(engine)
    f, arguments = CALLS[name]
    prep = getattr(di, f"prepare_{name}")(f, engine, *arguments, 2.0)
    for other in (sent(prep), sent(sent(prep))):
        assert repr(other) == repr(prep)
        with pytest.raises(di.PreparationMismatchError) as got:  # before the first call
            other(*arguments)
        with pytest.raises(di.PreparationMismatchError) as expected:
            prep(*arguments)
        assert str(got.value) == str(expected.value)
        for scale in (2.0, 3.0):
            assert_same(other(*arguments, scale), prep(*arguments, scale))
            assert_same(other.value_and(*arguments, scale), prep.value_and(*arguments, scale))
        with pytest.raises(di.PreparationMismatchError):
            other(*arguments)
    assert_same(sent(prep).value_and(*arguments, 2.0), prep.value_and(*arguments, 2.0))


def test_prepared_again_where_it_arrives() -> None:
    prep = di.prepare_gradient(scalar, "forwarddiff", X, on_mismatch="reprepare")
    other = sent(prep)
    for x in (np.ones(3), X, np.ones(3), X):
        assert_array_equal(other(x), 3 * x**2)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["pushforward", "pullback", "hvp"])
def test_one_point(engine: str, name: str) -> None:
    skip_if_missing(engine)
    f, (x, t) = CALLS[name]
    x = x.copy()
    prep = getattr(di, f"prepare_{name}_same_point")(f, engine, x, t, 2.0)
    expected = prep(t), prep.value_and(t)
    x[:] = 0.0
    for other in (sent(prep), sent(sent(prep))):
        assert repr(other) == repr(prep)
        with pytest.raises(di.PreparationMismatchError, match="prepared for another seed"):
            other(np.ones(3))
        for _ in range(2):
            assert_same(other(t), expected[0])
            assert_same(other.value_and(t), expected[1])


@pytest.mark.parametrize("engine", ["forwarddiff", "jax", "torch"])
def test_trees_and_contexts(engine: str) -> None:
    skip_if_missing(engine)

    def f(x: Any, c: Any, s: Any) -> Any:
        return (x["a"] ** 2 * c[0]).sum() * s + x["b"][0].sum()

    pytest.importorskip("cloudpickle")
    x, c = {"a": X, "b": (T,)}, (X, 1.0)
    prep = di.prepare_gradient(f, engine, x, c, di.Static(3))
    for other in (sent(prep), sent(di.gradient(f, engine))):
        got = other(x, c, di.Static(3))
        assert list(got) == ["a", "b"]
        assert_allclose(got["a"], 6 * X**2)
        assert_array_equal(got["b"][0], np.ones(2))
    with pytest.raises(di.PreparationMismatchError, match="context 1: prepared for"):
        sent(prep)(x, c, di.Static(4))


def test_options_travel() -> None:
    push = di.prepare_pushforward(vector, "forwarddiff", X, np.stack([X, T]), batched=True)
    assert_array_equal(sent(push)(X, np.stack([X, T])), push(X, np.stack([X, T])))
    g = di.gradient(two, "forwarddiff(chunk_size=1)", argnums=1, has_aux=True)
    result, aux = sent(g)(X, 2.0)
    assert_array_equal(result, 2 * np.ones(2))
    assert aux == 5
    assert "chunk_size=1" in repr(sent(g))


def two(a: Any, b: Any) -> Any:
    return np.sum(a * b), 5


def test_the_configuration_is_that_of_where_it_arrives() -> None:
    g = sent(di.gradient(np.exp))
    with di.config_context(backend="finitediff"):
        got = sent(di.derivative(np.exp))(1.0)
    assert got != np.exp(1.0)
    assert_allclose(got, np.exp(1.0))
    assert g(1.0) == np.exp(1.0)


# --- functions that pickle does not find by name ----------------------------------------------------


def of_many_kinds() -> dict[str, Any]:
    scale = 3.0
    return {
        "lambda": lambda x: np.sum(x**2) * scale,
        "partial": partial(lambda c, x: np.sum(x**2) * c, 3.0),
    }


@pytest.mark.parametrize("kind", of_many_kinds())
def test_by_value(kind: str) -> None:
    pytest.importorskip("cloudpickle")
    f = of_many_kinds()[kind]
    for value in (di.gradient(f, "forwarddiff"), di.prepare_gradient(f, "forwarddiff", X)):
        assert_array_equal(sent(value)(X), 6 * X)


def test_by_cloudpickle_itself() -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    f = of_many_kinds()["lambda"]
    for value in (di.gradient(f, "forwarddiff"), di.prepare_gradient(f, "forwarddiff", X)):
        assert_array_equal(pickle.loads(cloudpickle.dumps(value))(X), 6 * X)


@pytest.mark.parametrize("kind", of_many_kinds())
def test_without_cloudpickle(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    f = of_many_kinds()[kind]
    for value in (
        di.value_and_gradient(f, "forwarddiff"),
        di.prepare_gradient(f, "forwarddiff", X),
    ):
        with pytest.raises(di.InputError, match="lambda") as caught:
            pickle.dumps(value)
        assert "install cloudpickle, or define f with def at the top of a module" in str(
            caught.value
        )
        assert caught.value.got is f
    assert_array_equal(sent(di.gradient(scalar, "forwarddiff"))(X), 3 * X**2)


def test_what_cannot_travel_at_all() -> None:
    pytest.importorskip("cloudpickle")
    lock = threading.Lock()

    def locked(x: Any) -> Any:
        with lock:
            return np.sum(x**2)

    g = di.gradient(locked, "forwarddiff")
    with pytest.raises(di.InputError, match=r"gradient of .*locked cannot be pickled.*lock"):
        pickle.dumps(g)
    assert copy.deepcopy(g) is g
    assert_array_equal(g(X), 2 * X)


class Model:
    def __init__(self, w: Any) -> None:
        self.w = w

    def loss(self, x: Any) -> Any:
        return np.sum(self.w * x)

    def __call__(self, x: Any) -> Any:
        return self.loss(x)


def test_objects_keep_what_they_share() -> None:
    model = Model(X.copy())
    other, g, h = sent(
        (model, di.gradient(model, "forwarddiff"), di.gradient(model.loss, "forwarddiff"))
    )
    other.w[:] = T
    assert_array_equal(g(X), T)
    assert_array_equal(h(X), T)
    assert_array_equal(di.gradient(model, "forwarddiff")(X), X)


def test_deep_copies_of_prepared_objects() -> None:
    model = Model(X.copy())
    prep = di.prepare_gradient(model, "forwarddiff", X)
    push = di.prepare_pushforward_same_point(model, "forwarddiff", X, T)
    assert copy.copy(prep) is prep
    other, pushed = copy.deepcopy((prep, push))
    model.w[:] = 7.0
    assert_array_equal(prep(X), [7.0, 7.0])
    assert_array_equal(other(X), [0.5, 2.0])
    assert pushed(T) == np.sum(X * T)
    plain = di.prepare_gradient(scalar, "forwarddiff", X)
    assert copy.deepcopy(plain) is plain


def test_arrivals_in_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    for _ in range(20):
        prep = sent(di.prepare_gradient(scalar, "forwarddiff", X))
        with ThreadPoolExecutor(4) as pool:
            for result in pool.map(prep, [X] * 8):
                assert_array_equal(result, 3 * X**2)


# --- other processes --------------------------------------------------------------------------------


def test_processes() -> None:
    pytest.importorskip("cloudpickle")
    f = of_many_kinds()["lambda"]
    g, prep = di.gradient(f, "forwarddiff"), di.prepare_gradient(f, "forwarddiff", X)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        for result in (pool.apply(g, (X,)), pool.apply(prep, (X,))):
            assert_array_equal(result, 6 * X)
        assert pool.apply(di.derivative(np.exp, "forwarddiff"), (1.0,)) == np.exp(1.0)
        with pytest.raises(di.InputError, match="int64"):
            pool.apply(g, (np.array([1, 2]),))


def test_joblib() -> None:
    joblib = pytest.importorskip("joblib")
    f = of_many_kinds()["lambda"]
    g, prep = di.gradient(f, "forwarddiff"), di.prepare_gradient(f, "forwarddiff", X)
    results = joblib.Parallel(n_jobs=2)(joblib.delayed(h)(x) for h in (g, prep) for x in (X, T))
    for result, x in zip(results, [X, T, X, T], strict=True):
        assert_array_equal(result, 6 * x)


def test_dask() -> None:
    dask = pytest.importorskip("dask")
    f = of_many_kinds()["lambda"]
    g, prep = di.gradient(f, "forwarddiff"), di.prepare_gradient(f, "forwarddiff", X)
    for scheduler in ("threads", "processes"):
        results = dask.compute(dask.delayed(g)(X), dask.delayed(prep)(T), scheduler=scheduler)
        for result, x in zip(results, (X, T), strict=True):
            assert_array_equal(result, 6 * x)


# --- errors -----------------------------------------------------------------------------------------


def classes(base: type) -> set[type]:
    return {base, *(kind for child in base.__subclasses__() for kind in classes(child))}


def raised() -> list[di.DiffInterfaceError]:
    """Errors of classes that write their own message, and others."""
    calls = [
        lambda: di.gradient(lambda x: np.nextafter(x, 1.0)[0], "forwarddiff", X),
        lambda: di.gradient(lambda x: float(x[0]), "forwarddiff", X),
        lambda: di.gradient(scalar, "nojax", X),
        lambda: di.gradient(scalar, "forwarddiff", np.array([1, 2])),
        lambda: di.hvp(scalar, "forwarddiff", X, np.ones(3)),
        lambda: di.prepare_gradient(scalar, "forwarddiff", X)(np.ones(3)),
        lambda: di.gradient(vector, "forwarddiff", X),
    ]
    errors = []
    for call in calls:
        with pytest.raises(di.DiffInterfaceError) as caught:
            call()
        errors.append(caught.value)
    return errors


@pytest.mark.parametrize("copied", [sent, copy.copy, copy.deepcopy])
def test_errors(copied: Any) -> None:
    for error in raised():
        other = copied(error)
        assert type(other) is type(error)
        assert str(other) == str(error)
        assert other.args == error.args
        for name, fact in vars(error).items():
            assert repr(vars(other)[name]) == repr(fact)


def test_errors_of_every_class() -> None:
    assert testing is not None  # its classes count as well
    for kind in classes(DiffInterfaceError):
        error = kind.__new__(kind)
        DiffInterfaceError.__init__(error, "what was got", got=X, expected="(2,)")
        other = sent(error)
        assert type(other) is kind
        assert str(other) == "what was got"
        assert_array_equal(other.got, X)
        assert other.expected == "(2,)"
