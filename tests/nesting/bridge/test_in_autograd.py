"""Bridged functions inside autograd: every operator equals itself on the same function there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .common import (
    INNERS,
    DifferentiateWith,
    Inner,
    T,
    X,
    close,
    every_operator,
    exact_inner,
    model,
)

autograd = pytest.importorskip("autograd")
anp = pytest.importorskip("autograd.numpy")


def _scalar(f: Any) -> Any:
    return lambda x: anp.sum(f(anp.sin(x)) ** 2)


def _along(f: Any) -> Any:
    return lambda x: autograd.make_jvp(f)(x)(T)[1]


def _pulled(f: Any) -> Any:
    return lambda x: autograd.make_vjp(f)(x)[0](np.array([0.5, -2.0]))


#: By the order of derivative that each takes: from a function and a point to an array.
OPERATORS: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "call": (0, lambda f, x: f(x)),
    "grad": (1, lambda f, x: autograd.grad(_scalar(f))(x)),
    "value_and_grad": (1, lambda f, x: autograd.value_and_grad(_scalar(f))(x)[1]),
    "elementwise_grad": (1, lambda f, x: autograd.elementwise_grad(f)(x)),
    "jacobian": (1, lambda f, x: autograd.jacobian(f)(x)),
    "make_jvp": (1, lambda f, x: _along(f)(x)),
    "make_vjp": (1, lambda f, x: _pulled(f)(x)),
    "make_ggnvp": (2, lambda f, x: autograd.make_ggnvp(f)(x)(T)),
    "hessian": (2, lambda f, x: autograd.hessian(_scalar(f))(x)),
    "hessian_vector_product": (
        2,
        lambda f, x: autograd.hessian_vector_product(_scalar(f))(x, T),
    ),
    "make_hvp": (2, lambda f, x: autograd.make_hvp(_scalar(f))(x)[0](T)),
    "jacobian of jacobian": (2, lambda f, x: autograd.jacobian(autograd.jacobian(f))(x)),
    "jvp of jvp": (2, lambda f, x: _along(_along(f))(x)),
    "jvp of grad": (2, lambda f, x: _along(autograd.grad(_scalar(f)))(x)),
    "jacobian of jvp": (2, lambda f, x: autograd.jacobian(_along(f))(x)),
    "jvp of vjp": (2, lambda f, x: _along(_pulled(f))(x)),
    "jacobian of hessian": (3, lambda f, x: autograd.jacobian(autograd.hessian(_scalar(f)))(x)),
    "jvp of jvp of jvp": (3, lambda f, x: _along(_along(_along(f)))(x)),
}


#: One of each kind: a call, each mode, two orders.
BY_ALL = ("call", "grad", "make_jvp", "make_vjp", "jacobian of jvp", "jvp of grad")


@every_operator(OPERATORS, BY_ALL)
def test_every_operator(inner: Inner, order: int, op: Any) -> None:
    tolerance = inner.tolerance(order)
    close(op(inner.bridged(model), X), op(model, X), 10 * tolerance)


def _several(a: Any, b: Any) -> Any:
    return a**2 * b, a * b[0]


@exact_inner
def test_several_inputs_and_outputs(inner: Inner) -> None:
    f = inner.bridged(_several)

    def loss(f: Any) -> Any:
        def run(a: Any, b: Any) -> Any:
            first, second = f(a, b)
            return anp.sum(first**2) + anp.sum(anp.sin(second)) * first[1]

        return run

    for argnum in ((0, 1), (0,), (1,)):
        got = autograd.grad(loss(f), argnum)(X, T)
        for part, want in zip(got, autograd.grad(loss(_several), argnum)(X, T), strict=True):
            close(part, want)
    for argnum in (0, 1):
        got = autograd.hessian(loss(f), argnum)(X, T)
        close(got, autograd.hessian(loss(_several), argnum)(X, T), 1e-11)


def test_a_tree_in_and_out() -> None:
    f = INNERS["forwarddiff"].bridged(lambda p: {"y": p["a"] * p["b"][0], "z": p["b"][1] ** 2})

    def loss(a: Any) -> Any:
        y = f({"a": a, "b": (2 * a, anp.sin(a))})
        return anp.sum(y["y"] * y["z"])

    a = X
    want = 4 * a * np.sin(a) ** 2 + 2 * a**2 * 2 * np.sin(a) * np.cos(a)
    close(autograd.grad(loss)(a), want)


def test_a_number() -> None:
    """Autograd's boxes of Python floats are differentiable inputs."""
    f = INNERS["forwarddiff"].bridged(lambda x: np.sin(x) * x)
    close(autograd.grad(f)(0.7), np.cos(0.7) * 0.7 + np.sin(0.7))
    close(autograd.grad(autograd.grad(f))(0.7), 2 * np.cos(0.7) - 0.7 * np.sin(0.7))


def test_f_is_called_at_the_callers_points_alone() -> None:
    """Autograd runs at once: no stand-in values, at which f might fail, or have another shape."""
    seen = []

    def f(x: Any, n: Any) -> Any:
        seen.append(np.array(x))
        return x[: int(n)] ** 2

    bridged = INNERS["finitediff"].bridged(f)
    n = np.array(2)
    got = autograd.jacobian(lambda x: bridged(x, n))(X)
    close(got, np.diag(2 * X)[:2], 1e-8)
    assert all(np.max(np.abs(x - X)) < 1e-2 for x in seen)


def _counted(f: Any) -> tuple[Any, list[None]]:
    """F, and one entry for each of its evaluations."""
    calls: list[None] = []

    def counted(x: Any) -> Any:
        calls.append(None)
        return f(x)

    return counted, calls


@pytest.mark.parametrize("native", [False, True], ids=["ours", "autograd's own"])
def test_a_single_call_is_evaluated_once_for_all_its_cotangents(native: bool) -> None:
    pytest.importorskip("jax")
    f, calls = _counted(lambda x: (x**3).sum())

    def outputs(x: Any) -> Any:
        value, slope = di.value_and_gradient(f, "jax", x)
        return anp.append(slope, value)

    reverse = di.AutoAutograd(mode="reverse")
    outer = autograd.jacobian if native else lambda f: lambda x: di.jacobian(f, reverse, x)
    close(outer(outputs)(X), np.vstack([np.diag(6 * X), 3 * X**2]))
    assert len(calls) == 1


def test_a_scalar_that_is_called_again_brings_its_gradient_along() -> None:
    pytest.importorskip("torch")
    f, calls = _counted(lambda x: (x**3).sum())
    bridged = INNERS["torch"].bridged(f)
    for _ in range(3):
        calls.clear()
        value, slope = autograd.value_and_grad(lambda x: anp.sin(bridged(x)))(X)
        close(value, np.sin(np.sum(X**3)))
        close(slope, np.cos(np.sum(X**3)) * 3 * X**2)
    assert len(calls) == 1


def test_what_has_no_second_derivative_may_be_a_constant() -> None:
    jax = pytest.importorskip("jax")

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def f(x: Any) -> Any:
        return (x**2).sum()

    def back(x: Any, c: Any) -> Any:
        return (c * jax.pure_callback(lambda x: 2 * np.asarray(x), x, x),)

    f.defvjp(lambda x: (f(x), x), back)

    def loss(x: Any) -> Any:
        return anp.sum(x**2) * anp.sum(di.stop_gradient(di.gradient(f, "jax", x)))

    close(di.gradient(loss, "autograd", X), 2 * X * np.sum(2 * X))
    with pytest.raises(ValueError, match="callback"):
        di.gradient(lambda x: anp.sum(di.gradient(f, "jax", x)), "autograd", X)


def test_outputs_of_several_dtypes() -> None:
    pytest.importorskip("jax")

    def f(x: Any) -> Any:
        return x.astype("float32"), x**2, (1j * x).astype("complex64")

    def loss(f: Any) -> Any:
        def run(x: Any) -> Any:
            a, b, c = f(x)
            assert (a.dtype, b.dtype, c.dtype) == ("float32", "float64", "complex64")
            return anp.sum(a * b) + anp.sum(anp.imag(c) ** 2)

        return run

    single = DifferentiateWith(f, "jax", reuse=False)
    for bridged in (single, DifferentiateWith(f, "jax")):
        close(autograd.grad(loss(bridged))(X), 3 * X**2 + 2 * X, 1e-6)
        close(autograd.grad(lambda x, f=bridged: f(x)[1][0] + 0 * x[1])(X), [2 * X[0], 0, 0])


def test_a_captured_array_may_be_overwritten_after_a_single_call() -> None:
    pytest.importorskip("jax")
    w = np.empty(3)

    def loss(x: Any) -> Any:
        total = 0.0
        for k in (1.0, 2.0):
            w[:] = k
            slope = di.gradient(lambda x: (w * x**3).sum(), "jax", x)
            total = total + anp.sum(slope**2)
        return total

    close(autograd.grad(loss)(X), 36 * (1 + 4) * X**3)
