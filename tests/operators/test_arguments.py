"""Trees, contexts, dtypes, frameworks and complex numbers on every backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .backends import Case
from .test_operators import T, X, close, gradient, hessian, scalar, tree, tree_jacobian


def test_trees_of_inputs(backend: Case) -> None:
    x = {"a": X, "b": (2.0,)}
    result = di.gradient(lambda p: scalar(p["a"]) * p["b"][0], backend.adtype, x)
    close(result["a"], 2 * gradient(X), backend.first)
    close(result["b"][0], np.sum(np.sin(X) * X**2), backend.first)


def test_argnums(backend: Case) -> None:
    def f(a: Any, x: Any, c: Any) -> Any:
        return scalar(x) * a * c

    result = di.gradient(f, backend.adtype, X, 2.0, 3.0, argnums=1)
    close(result, 6 * gradient(X), backend.first)
    a, x = di.gradient(f, backend.adtype, (2.0, X), 3.0, argnums=(0, 1))
    close(x, 6 * gradient(X), backend.first)
    close(a, 3 * np.sum(np.sin(X) * X**2), backend.first)


def test_aux(backend: Case) -> None:
    def f(x: Any) -> Any:
        return scalar(x), {"double": 2 * x, "text": "kept"}

    result, aux = di.gradient(f, backend.adtype, X, has_aux=True)
    close(result, gradient(X), backend.first)
    assert type(aux["double"]) is np.ndarray
    close(aux["double"], 2 * X, backend.first)
    assert aux["text"] == "kept"
    value, _, aux = di.value_and_gradient(f, backend.adtype, X, has_aux=True)
    close(value, np.sum(np.sin(X) * X**2), backend.first)


def test_contexts(backend: Case) -> None:
    def f(x: Any, c: Any, n: Any, p: Any) -> Any:
        return scalar(x[:n]) * c + p["w"][0] * di.array_namespace(x).sum(x)

    contexts = (np.array(2.0), di.Static(2), {"w": np.array([3.0, 0.0]), "name": "v"})
    expected = np.array([*(2 * gradient(X)[:2] + 3), 3.0])
    close(di.gradient(f, backend.adtype, X, *contexts), expected, backend.first)
    prep = di.prepare_gradient(f, backend.adtype, X, *contexts)
    close(prep(X, *contexts), expected, backend.first)


@pytest.mark.scenario("cache")
def test_cache(backend: Case) -> None:
    def f(x: Any, buffer: Any) -> Any:
        if backend.engine == "jax" or "Jax" in repr(backend.adtype):
            return di.array_namespace(x).sum(buffer + x**2)
        buffer[...] = x**2
        return di.array_namespace(x).sum(buffer)

    scratch = np.zeros(3)
    result = di.gradient(f, backend.adtype, X, di.Cache(scratch))
    close(result, 2 * X, backend.first)
    assert not scratch.any()


@pytest.mark.scenario("inplace")
def test_inplace(backend: Case) -> None:
    def fill(y: Any, x: Any) -> None:
        y[0] = x[0] * x[1]
        y[1] = x[2] ** 2

    f = di.inplace(fill, np.zeros(2))
    try:
        result = di.jacobian(f, backend.adtype, X)
    except TypeError as error:
        if "JAX arrays are immutable" in str(error) and not isinstance(
            error, di.DiffInterfaceError
        ):
            raise di.UnsupportedOperatorError("JAX arrays are immutable") from error
        raise
    close(result, [[X[1], X[0], 0], [0, 0, 2 * X[2]]], backend.first)


def test_out(backend: Case) -> None:
    out = np.zeros(3)
    assert di.gradient(scalar, backend.adtype, X, out=out) is out
    close(out, gradient(X), backend.first)


def test_float32_stays(backend: Case) -> None:
    x = X.astype(np.float32)
    loose = 5e-2 if "FiniteDiff" in repr(backend.adtype) else 1e-4
    value, result = di.value_and_gradient(scalar, backend.adtype, x)
    assert result.dtype == np.float32
    assert value.dtype == np.float32
    close(result, gradient(X), loose)
    prep = di.prepare_gradient(scalar, backend.adtype, x, 1.0)
    assert prep(x, 2.0).dtype == np.float32


def test_jax_caller(backend: Case) -> None:
    jax = pytest.importorskip("jax")
    x = jax.numpy.asarray(X, "float32")
    result = di.gradient(scalar, backend.adtype, x)
    assert type(result) is type(x)
    assert result.dtype == x.dtype
    loose = 5e-2 if "FiniteDiff" in repr(backend.adtype) else 1e-4
    close(result, gradient(X), loose)


def test_torch_caller(backend: Case) -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor(X)
    result = di.gradient(scalar, backend.adtype, x)
    assert type(result) is torch.Tensor
    assert result.dtype == torch.float64
    assert not result.requires_grad
    assert x.grad is None
    close(result.numpy(), gradient(X), backend.first)
    close(di.hessian(scalar, backend.adtype, x).numpy(), hessian(X), backend.second)
    value, j = di.value_and_jacobian(tree, backend.adtype, x, 2.0)
    assert type(value["y"]) is torch.Tensor
    close(j["y"].numpy(), tree_jacobian(X, 2.0)["y"], backend.first)


def test_empty(backend: Case) -> None:
    def total(x: Any) -> Any:
        return di.array_namespace(x).sum(x)

    assert di.gradient(total, backend.adtype, np.zeros(0)).shape == (0,)
    double = di.jacobian(
        lambda x: di.array_namespace(x).stack([total(x), total(x)]), backend.adtype, np.zeros(0)
    )
    assert double.shape == (2, 0)


@pytest.mark.scenario("complex")
def test_complex(backend: Case) -> None:
    ad, tol = backend.adtype, backend.first
    z = np.array([1 + 2j, 3 - 1j])
    t = np.array([1 + 1j, 2 - 1j])

    def energy(z: Any) -> Any:
        xp = di.array_namespace(z)
        return xp.sum(xp.abs(z) ** 2)

    close(di.gradient(energy, ad, z), 2 * z, tol)
    close(di.jacobian(lambda z: z**2, ad, z), np.diag(2 * z), tol)
    close(di.pushforward(lambda z: z**2, ad, z, t), 2 * z * t, tol)
    close(di.pullback(lambda z: z**2, ad, z, t), np.conj(2 * z) * t, tol)
    conj = di.pushforward(lambda z: di.array_namespace(z).conj(z), ad, z, t)
    close(conj, np.conj(t), tol)
    close(di.derivative(lambda z: z**3, ad, 1 + 1j), 3 * (1 + 1j) ** 2, tol)
    close(di.jacobian(lambda x: x * (1 + 2j), ad, X), np.eye(3) * (1 + 2j), tol)
    close(di.pullback(lambda x: x * (1 + 2j), ad, X, T + 0j), T, tol)
    with pytest.raises(di.NonAnalyticError, match="not holomorphic"):
        di.jacobian(lambda z: di.array_namespace(z).conj(z), ad, z)
    with pytest.raises(di.UnsupportedOperatorError):
        di.hessian(energy, ad, z)
