"""An operator without a point: a function of x, whatever kind of arguments it is called with."""

from __future__ import annotations

import copy
import inspect
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import diffinterface as di
from diffinterface import operators

from ...backends import ENGINES, skip_if_missing
from .functions import OPERATORS, T, X, scalar, vector


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Any:
    skip_if_missing(request.param)
    return request.param


every_engine = pytest.mark.parametrize("engine", ENGINES, indirect=True)


def assert_same(got: Any, expected: Any) -> None:
    assert type(got) is type(expected)
    for a, b in zip(*((v if isinstance(v, tuple) else (v,)) for v in (got, expected)), strict=True):
        assert type(a) is type(b)
        assert_allclose(a, b, rtol=1e-12)


def test_all_operators_are_here() -> None:
    assert set(OPERATORS) == {n for n in operators.__all__ if not n.startswith("prepare")}


@every_engine
@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator(engine: str, name: str) -> None:
    f, arguments = OPERATORS[name]
    operator = getattr(di, name)
    transform = operator(f, engine)
    for more in ((), (), (2.0,), (np.float64(3.0),), ()):
        assert_same(transform(*arguments, *more), operator(f, engine, *arguments, *more))


@pytest.mark.parametrize("name", OPERATORS)
def test_the_text_says_what_to_do(name: str) -> None:
    f, arguments = OPERATORS[name]
    text = repr(getattr(di, name)(f, "forwarddiff"))
    assert f"{name} of {f.__name__} by AutoForwardDiff(" in text
    assert f"call me with x{' and t' if len(arguments) > 1 else ''}>" in text
    assert "the configured backend" in repr(getattr(di, name)(f))


@pytest.mark.parametrize("name", OPERATORS)
def test_its_signature_is_that_of_the_call(name: str) -> None:
    f, arguments = OPERATORS[name]
    names = list(inspect.signature(getattr(di, name)(f)).parameters)
    assert names == [*("x", "t")[: len(arguments)], "contexts", "out", "accumulate"]


@every_engine
def test_kinds(engine: str) -> None:
    g = di.gradient(scalar_tree, engine)
    arguments = [X, np.ones(3), X.astype(np.float32), {"a": X, "b": 2.0}, [X, (T,)], 0.5, X]
    for x in arguments * 3:
        expected = di.gradient(scalar_tree, engine, x)
        for got, e in zip(leaves(g(x)), leaves(expected), strict=True):
            assert type(got) is type(e)
            assert got.dtype == e.dtype
            assert_allclose(got, e, rtol=1e-6)


def leaves(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        tree = list(tree.values())
    return (
        [leaf for part in tree for leaf in leaves(part)]
        if isinstance(tree, list | tuple)
        else [tree]
    )


def scalar_tree(x: Any) -> Any:
    return sum(di.array_namespace(leaf).sum(leaf**2) for leaf in leaves(x))


@every_engine
def test_contexts_of_other_kinds(engine: str) -> None:
    def f(x: Any, *c: Any) -> Any:
        scale = sum(v if isinstance(v, float) else v.sum() for v in c) if c else 1.0
        return di.array_namespace(x).sum(x**2) * scale

    g = di.gradient(f, engine)
    for _ in range(3):
        for c in (
            (),
            (2.0,),
            (X,),
            (X, T),
            (di.Static(3.0),),
            (di.Static(4.0),),
            (di.Constant(X),),
        ):
            assert_allclose(g(X, *c), di.gradient(f, engine, X, *c), rtol=1e-7)


def test_auxiliary_outputs_and_argnums() -> None:
    def f(a: Any, b: Any) -> Any:
        return np.sum(a * b**2), "aux"

    g = di.gradient(f, "forwarddiff", argnums=1, has_aux=True)
    for x in (X, np.ones(2)):
        result, aux = g(x, 3.0)
        assert_array_equal(result, 6.0 * x)
        assert aux == "aux"
    value, result, aux = di.value_and_gradient(f, "forwarddiff", argnums=1, has_aux=True)(X, 3.0)
    assert value == 3.0 * np.sum(X**2)
    assert aux == "aux"


def test_batched_tangents() -> None:
    push = di.pushforward(vector, "forwarddiff", batched=True)
    seeds = np.stack([X, T, T])
    assert_array_equal(
        push(X, seeds), di.pushforward(vector, "forwarddiff", X, seeds, batched=True)
    )


def test_results_in_the_callers_arrays() -> None:
    into = np.ones(2)
    assert di.gradient(scalar, "forwarddiff")(X, out=into, accumulate=True) is into
    assert_array_equal(into, 1 + 3 * X**2)
    value, result = di.value_and_gradient(scalar, "forwarddiff")(X, out=into)
    assert value == scalar(X)
    assert result is into
    assert_array_equal(di.hvp(scalar, "forwarddiff")(X, T, out=into), 6 * X * T)
    result, aux = di.gradient(lambda x: (scalar(x), 1), "forwarddiff", has_aux=True)(X, out=into)
    assert result is into
    assert aux == 1
    with pytest.raises(di.InputError, match="no out="):
        di.gradient(scalar, "forwarddiff")(X, accumulate=True)


# --- preparation ------------------------------------------------------------------------------------


def test_one_program_for_each_kind() -> None:
    pytest.importorskip("jax")
    runs = []

    def f(x: Any) -> Any:
        runs.append(x.shape)
        return (x**2).sum()

    g = di.gradient(f, "jax")
    for n in (2, 3):
        g(np.ones(n))
    first = len(runs)
    for n in (2, 3, 2, 2, 3, 3):
        assert_array_equal(g(np.full(n, 2.0)), np.full(n, 4.0))
    assert len(runs) == first


def test_it_forgets_the_oldest_of_many_kinds() -> None:
    g = di.gradient(scalar, "forwarddiff")
    for n in range(1, 100):
        assert_array_equal(g(np.ones(n)), np.full(n, 3.0))
    assert len(g._kinds) == 64
    assert_array_equal(g(np.ones(1)), [3.0])


@every_engine
def test_threads_with_two_kinds(engine: str) -> None:
    g = di.value_and_gradient(scalar, engine)

    def work(n: int) -> None:
        for k in range(30):
            x = np.full(n, 1.0 + k)
            value, result = g(x)
            assert_allclose(value, n * (1.0 + k) ** 3)
            assert_allclose(result, 3 * x**2, rtol=1e-7)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [2, 3, 2, 3]))
    assert len(g._kinds) >= 2


def test_copies() -> None:
    g = di.gradient(scalar, "forwarddiff")
    assert copy.copy(g) is g
    assert copy.deepcopy(g) is g

    class Model:
        def __init__(self) -> None:
            self.w = X.copy()

        def __call__(self, x: Any) -> Any:
            return np.sum(self.w * x)

    model = Model()
    g = di.gradient(model, "forwarddiff")
    other = copy.deepcopy(g)
    model.w[:] = 7.0
    assert_array_equal(g(T), [7.0, 7.0])
    assert_array_equal(other(T), X)


# --- what f captured --------------------------------------------------------------------------------


@every_engine
def test_a_captured_variable_is_rebound(engine: str) -> None:
    scale = 2.0

    def f(x: Any) -> Any:
        return di.array_namespace(x).sum(x**2) * scale

    g = di.gradient(f, engine)
    for scale in (2.0, 3.0, 2.0, 3.0, 5.0):
        for x in (X, np.ones(3)):
            assert_allclose(g(x), 2 * scale * x, rtol=1e-7)
            assert_allclose(di.gradient(f, engine, x), 2 * scale * x, rtol=1e-7)


def test_what_was_rebound_is_not_kept_alive() -> None:
    pytest.importorskip("jax")
    scale = 0.0
    g = di.gradient(lambda x: (x**2).sum() * scale, "jax")
    for scale in (1.0, 2.0, 3.0, 4.0):
        assert_array_equal(g(X), 2 * scale * X)
    assert len(g._kinds) == 1


@pytest.mark.parametrize(
    "engine", ["forwarddiff", "finitediff", "torch", "autograd"], indirect=True
)
def test_a_captured_array_is_overwritten(engine: str) -> None:
    weights = X.copy()

    def f(x: Any) -> Any:
        return sum(x[i] * float(weights[i]) for i in range(2))

    g = di.gradient(f, engine)
    for w in (X, T, X + T):
        weights[:] = w
        assert_allclose(g(np.ones(2)), w, rtol=1e-7)


def test_f_rebinds_what_it_captured() -> None:
    pytest.importorskip("jax")
    calls = 0

    def f(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return (x**2).sum()

    g = di.gradient(f, "jax")
    for k in range(3):
        assert_array_equal(g(k * X), 2 * k * X)


def test_the_transform_that_a_function_captured() -> None:
    pytest.importorskip("jax")
    scale = 2.0
    inner = di.derivative(lambda x: scale * x**3, "jax")
    outer = di.derivative(inner, "jax")
    for scale in (2.0, 5.0):
        assert_allclose(outer(3.0), 18.0 * scale)


# --- the configured backend -------------------------------------------------------------------------


def test_the_configuration_of_the_call() -> None:
    seen: list[str] = []

    def f(x: Any) -> Any:
        seen.append(type(x).__module__.partition(".")[0])
        return (x**2).sum()

    g = di.gradient(f)
    for backend, module in (
        ("finitediff", "numpy"),
        ("forwarddiff", "diffinterface_forwarddiff"),
        ("finitediff", "numpy"),
    ):
        with di.config_context(backend=backend):
            for _ in range(3):
                seen.clear()
                assert_allclose(g(X), 2 * X, rtol=1e-7)
                assert module in seen
    seen.clear()
    assert_array_equal(g(X), 2 * X)
    assert "diffinterface_forwarddiff" in seen
    di.set_config(backend="finitediff")
    try:
        seen.clear()
        g(X)
        assert "numpy" in seen
    finally:
        di.set_config(backend=None)
    assert len(g._kinds) == 2


def test_threads_with_two_configurations() -> None:
    g = di.gradient(lambda x: np.sum(np.exp(x)))
    exact = np.exp(X)

    def work(backend: str) -> float:
        with di.config_context(backend=backend):
            return max(float(np.abs(g(X) - exact).max()) for _ in range(50))

    with ThreadPoolExecutor(4) as pool:
        errors = list(pool.map(work, ["finitediff(scheme='forward')", "forwarddiff"] * 2))
    assert min(errors[::2]) > 1e-9  # each thread had its own engine
    assert max(errors[1::2]) < 1e-14


# --- optimizers -------------------------------------------------------------------------------------


@every_engine
def test_minimize(engine: str) -> None:
    optimize = pytest.importorskip("scipy.optimize")

    def f(x: Any, a: Any) -> Any:
        return (1 - x[0]) ** 2 + a * (x[1] - x[0] ** 2) ** 2

    start, args = np.array([-1.0, 1.5]), (10.0,)
    found = optimize.minimize(f, start, args, jac=di.gradient(f, engine), method="BFGS")
    assert_allclose(found.x, [1.0, 1.0], rtol=1e-4)
    both = di.value_and_gradient(f, engine)
    assert_allclose(optimize.minimize(both, start, args, jac=True).x, [1.0, 1.0], rtol=1e-4)
    if engine == "complexstep":
        return
    found = optimize.minimize(
        f, start, args, "trust-ncg", di.gradient(f, engine), hessp=di.hvp(f, engine)
    )
    assert_allclose(found.x, [1.0, 1.0], rtol=1e-4)


# --- errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [X, 1.0, [X], (X, T), {"a": X}, np.float64(2.0)])
@pytest.mark.parametrize("name", OPERATORS)
def test_x_in_the_place_of_the_backend(name: str, x: Any) -> None:
    match = r"comes after the backend, .*: write op\(f, backend, x\), or op\(f, backend\)\(x\)"
    for rest in ((), ("forwarddiff",)):
        with pytest.raises(di.UnknownBackendError, match=match) as caught:
            getattr(di, name)(scalar, x, *rest)
        assert caught.value.got is x


def test_what_goes_with_x_is_refused_without_it() -> None:
    with pytest.raises(di.InputError, match=r"hvp got t without x.*hvp\(f, backend\)\(x, t"):
        di.hvp(scalar, "forwarddiff", t=X)
    with pytest.raises(di.InputError, match=r"gradient got out without x"):
        di.gradient(scalar, "forwarddiff", out=np.zeros(2))
    with pytest.raises(di.InputError, match=r"gradient got accumulate without x"):
        di.gradient(scalar, "forwarddiff", accumulate=True)
    with pytest.raises(
        di.InputError, match=r"gradient_and_hvp got x without its tangent t, like x"
    ):
        di.gradient_and_hvp(scalar, "forwarddiff", X)
    with pytest.raises(di.InputError, match=r"pullback got x without its cotangent t, like f\(x\)"):
        di.pullback(scalar, "forwarddiff", X)
    with pytest.raises(TypeError, match="'t'"):
        di.hvp(scalar, "forwarddiff")(X)
    with pytest.raises(TypeError, match="'x'"):
        di.gradient(scalar, "forwarddiff")()


def test_unknown_backends_are_refused_at_once() -> None:
    with pytest.raises(di.UnknownBackendError, match="nojax"):
        di.gradient(scalar, "nojax")
    with pytest.raises(di.InputError, match="f must be callable"):
        di.gradient("jax")


def test_errors_of_the_call_are_those_of_the_operator() -> None:
    g = di.gradient(scalar, "forwarddiff")
    for x in (np.array([1, 2]), "x", object(), np.array(["a"])):
        with pytest.raises(di.DiffInterfaceError) as single:
            di.gradient(scalar, "forwarddiff", x)
        for _ in range(2):
            with pytest.raises(type(single.value)) as got:
                g(x)
            assert str(got.value) == str(single.value)
        g(X)
    with pytest.raises(di.NonScalarOutputError):
        di.gradient(vector, "forwarddiff")(X)
