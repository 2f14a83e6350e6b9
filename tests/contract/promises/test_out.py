"""``out=`` and ``accumulate=``: of every operator, called once, prepared, or without a point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

FRAMEWORKS = ("numpy", "torch", "jax")
SEEDED = ("pushforward", "pullback", "hvp")
SCALAR_X = ("derivative", "second_derivative")
OPERATORS = (*SEEDED, *SCALAR_X, "gradient", "jacobian", "hessian", "batched_jacobian")
WAYS = ("once", "prepared", "transform")
VALUED = {
    "derivative": "value_and_derivative",
    "second_derivative": "value_derivative_and_second_derivative",
    "gradient": "value_and_gradient",
    "jacobian": "value_and_jacobian",
    "hessian": "value_gradient_and_hessian",
    "batched_jacobian": "value_and_batched_jacobian",
    "pushforward": "value_and_pushforward",
    "pullback": "value_and_pullback",
    "hvp": "gradient_and_hvp",
}


def array(framework: str, values: Any, dtype: str = "float64") -> Any:
    if framework == "numpy":
        return np.array(values, dtype)
    if framework == "torch":
        torch = pytest.importorskip("torch")
        return torch.tensor(values, dtype=getattr(torch, dtype))
    return pytest.importorskip("jax.numpy").asarray(values, dtype=dtype)


def f_of(operator: str) -> Callable[[Any], Any]:
    if operator in ("gradient", "hessian", "hvp"):
        return lambda x: (x**3).sum()
    return lambda x: x**3


def arguments(operator: str, framework: str, dtype: str) -> tuple[Any, ...]:
    x = array(framework, 2.0 if operator in SCALAR_X else [1.0, 2.0, 3.0], dtype)
    return (x, array(framework, [1.0, -1.0, 2.0], dtype)) if operator in SEEDED else (x,)


def caller(way: str, operator: str, backend: str, args: tuple[Any, ...], **options: Any) -> Any:
    """The operator as a function of its arguments, ``out=`` and ``accumulate=``."""
    f = f_of(operator)
    if way == "prepared":
        return getattr(di, f"prepare_{operator}")(f, backend, *args, **options)
    if way == "transform":
        return getattr(di, operator)(f, backend, **options)
    return lambda *args, **others: getattr(di, operator)(f, backend, *args, **options, **others)


@pytest.fixture(autouse=True)
def _wide() -> Any:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("way", WAYS)
def test_written_and_added(way: str, operator: str, framework: str) -> None:
    backend = {"numpy": "forwarddiff"}.get(framework, framework)
    args = arguments(operator, framework, "float64")
    want = np.asarray(getattr(di, operator)(f_of(operator), backend, *args))
    call = caller(way, operator, backend, args)
    for _ in range(3):
        out = array(framework, np.full(want.shape, 7.0))
        got = call(*args, out=out)
        assert type(got) is type(out)
        np.testing.assert_array_equal(np.asarray(got), want)
        more = call(*args, out=got, accumulate=True)
        np.testing.assert_allclose(np.asarray(more), 2 * want, rtol=1e-15)
        if framework != "jax":
            assert got is out
            assert more is out
        else:
            np.testing.assert_array_equal(np.asarray(out), 7.0)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("way", WAYS)
def test_with_values(way: str, operator: str, framework: str) -> None:
    """The values before it, and aux after it, stay what they are."""
    backend = {"numpy": "forwarddiff"}.get(framework, framework)
    args = arguments(operator, framework, "float64")
    f, valued = f_of(operator), getattr(di, VALUED[operator])

    def with_aux(x: Any) -> Any:
        return f(x), "aux"

    want = valued(with_aux, backend, *args, has_aux=True)
    if way == "prepared":
        prepare = getattr(di, f"prepare_{operator}")
        call = prepare(with_aux, backend, *args, has_aux=True).value_and
    elif way == "transform":
        call = valued(with_aux, backend, has_aux=True)
    else:

        def call(*args: Any, **others: Any) -> Any:
            return valued(with_aux, backend, *args, has_aux=True, **others)

    out = array(framework, np.ones(np.shape(want[-2])))
    *values, got, aux = call(*args, out=out, accumulate=True)
    assert aux == "aux"
    assert len(values) == len(want) - 2
    assert framework == "jax" or got is out
    np.testing.assert_allclose(np.asarray(got), 1 + np.asarray(want[-2]), rtol=1e-15)
    for value, expected in zip(values, want, strict=False):
        np.testing.assert_allclose(np.asarray(value), np.asarray(expected), rtol=1e-15)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("operator", SEEDED)
def test_at_one_point(operator: str, framework: str) -> None:
    backend = {"numpy": "forwarddiff"}.get(framework, framework)
    x, t = arguments(operator, framework, "float64")
    prep = getattr(di, f"prepare_{operator}_same_point")(f_of(operator), backend, x, t)
    out = array(framework, np.ones(3))
    got = prep(t, out=out, accumulate=True)
    np.testing.assert_allclose(np.asarray(got), 1 + np.asarray(prep(t)), rtol=1e-15)
    *_, got = prep.value_and(t, out=got)
    np.testing.assert_array_equal(np.asarray(got), np.asarray(prep(t)))
    assert framework == "jax" or got is out


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("way", WAYS)
def test_what_would_lose_something_is_refused(way: str, framework: str) -> None:
    """Nothing is written then."""
    backend = {"numpy": "forwarddiff"}.get(framework, framework)
    (x,) = arguments("gradient", framework, "float64")
    call = caller(way, "gradient", backend, (x,))
    out = array(framework, np.ones(3), "float32")
    with pytest.raises(di.InputError, match="without loss"):
        call(x, out=out)
    with pytest.raises(di.ShapeError, match="shape"):
        call(x, out=array(framework, np.ones(4)))
    with pytest.raises(di.ShapeError, match="structure"):
        call(x, out=(x,))
    with pytest.raises(di.InputError, match="there is no out="):
        call(x, accumulate=True)
    other = "torch" if framework != "torch" else "numpy"
    with pytest.raises(di.InputError, match="own kind"):
        call(x, out=array(other, np.ones(3)))
    np.testing.assert_array_equal(np.asarray(out), 1.0)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_wider_array_takes_a_narrow_result(framework: str) -> None:
    backend = {"numpy": "forwarddiff"}.get(framework, framework)
    (x,) = arguments("gradient", framework, "float32")
    prep = di.prepare_gradient(f_of("gradient"), backend, x)
    for accumulate in (False, True):
        got = prep(x, out=array(framework, np.ones(3)), accumulate=accumulate)
        assert str(got.dtype).endswith("float64")
        np.testing.assert_allclose(np.asarray(got), accumulate + np.array([3.0, 12.0, 27.0]))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_trees(framework: str) -> None:
    backend = {"numpy": "forwarddiff"}.get(framework, framework)
    x = {"w": array(framework, [1.0, 2.0]), "b": array(framework, 3.0)}
    prep = di.prepare_gradient(lambda p: (p["w"] ** 2).sum() * p["b"], backend, x)
    out = {"w": array(framework, np.zeros(2)), "b": array(framework, 1.0)}
    for k in range(1, 4):
        out = prep(x, out=out, accumulate=True)
        np.testing.assert_allclose(np.asarray(out["w"]), k * np.array([6.0, 12.0]))
        np.testing.assert_allclose(np.asarray(out["b"]), 1 + 5.0 * k)


def test_a_sparse_jacobian_into_an_earlier_one() -> None:
    x = np.linspace(1, 2, 20)
    prep = di.prepare_jacobian(lambda x: x[1:] * x[:-1], di.AutoSparse(di.AutoForwardDiff()), x)
    out = prep(x)
    want = 3 * out.toarray()
    assert prep(2 * x, out=out, accumulate=True) is out
    np.testing.assert_allclose(out.toarray(), want)


def test_on_a_tape_the_written_tensor_is_recorded() -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    prep = di.prepare_gradient(lambda x: (x**3).sum(), "torch", x.detach())
    total = torch.zeros(2, dtype=torch.float64)
    prep(x, out=total, accumulate=True)
    prep(x, out=total, accumulate=True)
    (slope,) = torch.autograd.grad(total.sum(), x)
    np.testing.assert_allclose(slope, 2 * 6 * x.detach())


def test_inside_another_derivative_the_buffer_is_refused() -> None:
    """An array of plain numbers cannot hold a dual result."""
    buffer = np.zeros(2)
    g = di.gradient(lambda x: (x**3).sum(), "forwarddiff")
    with pytest.raises(di.InputError, match="own kind"):
        di.gradient(lambda x: g(x, out=buffer).sum(), "forwarddiff", np.array([1.0, 2.0]))
    np.testing.assert_array_equal(buffer, 0.0)


def test_compiled_around() -> None:
    jax = pytest.importorskip("jax")
    prep = di.prepare_gradient(lambda x: (x**3).sum(), "jax", jax.numpy.ones(2))

    @jax.jit
    def step(x: Any, total: Any) -> Any:
        return prep(x, out=total, accumulate=True)

    x = jax.numpy.array([1.0, 2.0])
    np.testing.assert_allclose(step(x, step(x, jax.numpy.ones(2))), 1 + 2 * 3 * np.array([1, 4.0]))


@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_arrays_that_share_memory_are_refused(framework: str) -> None:
    """Interleaved views share none, so that a flat buffer of gradients may be written into."""
    backend = {"numpy": "forwarddiff"}.get(framework, framework)
    x = {"a": array(framework, [1.0, 2.0, 3.0]), "b": array(framework, [1.0, 2.0, 3.0])}
    prep = di.prepare_gradient(lambda p: (p["a"] ** 3 + p["b"] ** 2).sum(), backend, x)
    one, flat = array(framework, np.zeros(3)), array(framework, np.zeros(6))
    for a, b in ((one, one), (flat[:3], flat[2:5]), (flat[2:5], flat[:3]), (flat[::2], flat[:3])):
        for accumulate in (False, True):
            with pytest.raises(di.InputError, match="share memory"):
                prep(x, out={"a": a, "b": b}, accumulate=accumulate)
    np.testing.assert_array_equal(np.asarray(flat), 0.0)
    for a, b in ((flat[:3], flat[3:]), (flat[::2], flat[1::2])):
        prep(x, out={"a": a, "b": b})
        np.testing.assert_allclose(np.asarray(a), [3.0, 12.0, 27.0])
        np.testing.assert_allclose(np.asarray(b), [2.0, 4.0, 6.0])


def test_an_array_that_repeats_its_entries_is_refused() -> None:
    out = np.lib.stride_tricks.as_strided(np.zeros(1), (3,), (0,))
    with pytest.raises(di.InputError, match="cannot take"):
        di.gradient(f_of("gradient"), "forwarddiff", np.ones(3), out=out)


@pytest.mark.parametrize("accumulate", [False, True])
def test_jax_keeps_its_precision_whatever_the_switch(accumulate: bool) -> None:
    jax = pytest.importorskip("jax")
    x = jax.numpy.asarray([1 / 3, 0.1, 0.7])
    narrow = x.astype("float32")
    with jax.enable_x64(False):
        got = di.gradient(f_of("gradient"), "jax", x, out=x, accumulate=accumulate)
        wide = di.gradient(f_of("gradient"), "jax", narrow, out=x, accumulate=accumulate)
    assert str(got.dtype) == str(wide.dtype) == "float64"
    want = 3 * np.asarray(x) ** 2 + accumulate * np.asarray(x)
    np.testing.assert_allclose(np.asarray(got), want, rtol=1e-15)
    np.testing.assert_allclose(np.asarray(wide), want, rtol=1e-6)
