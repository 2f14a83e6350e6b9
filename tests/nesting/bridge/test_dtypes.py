"""Precision and complex numbers across the bridge: dtypes are kept, conjugates fall in place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .common import EXACT, DifferentiateWith, X, close, numbers

Z = np.array([0.3 + 0.5j, -0.8 - 0.2j, 1.1 + 0.1j])


@pytest.fixture(params=EXACT)
def inner(request: Any) -> di.ADType:
    adtype = EXACT[request.param].adtype
    if not di.check_available(adtype):
        pytest.skip(f"{adtype} is not installed")
    return adtype


def cubic(x: Any) -> Any:
    return x**3 - 2 * x


def analytic(z: Any) -> Any:
    xp = di.array_namespace(z)
    return xp.exp(z) * (1 + 2j) + z**2


def mixed(z: Any) -> Any:
    """Real, and analytic in no entry."""
    xp = di.array_namespace(z)
    return xp.real(z) ** 3 * xp.imag(z) + xp.real(xp.conj(z) * z)


def to_complex(x: Any) -> Any:
    return x**2 * (1 + 2j)


# --- precision -----------------------------------------------------------------------------------


@pytest.mark.parametrize("wide", [True, False], ids=["x64", "x32"])
def test_jax_in_single_precision(inner: di.ADType, wide: bool) -> None:
    jax = pytest.importorskip("jax")
    f = DifferentiateWith(cubic, inner)
    with jax.enable_x64(wide):
        x = jax.numpy.asarray(X, dtype="float32")
        for got, want in (
            (jax.jacrev(f)(x), np.diag(3 * X**2 - 2)),
            (jax.jit(jax.jacfwd(f))(x), np.diag(3 * X**2 - 2)),
            (jax.jit(f)(x), cubic(X)),
        ):
            assert got.dtype == np.float32
            close(got, want, 1e-6)


def test_jax_without_its_wide_types(inner: di.ADType) -> None:
    """An f that answers in float64, as NumPy with its constants does, where JAX knows only float32."""
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    if inner == di.AutoJax():
        pytest.skip("JAX itself cannot widen here")

    def widened(x: Any) -> Any:
        xp = di.array_namespace(x)
        return xp.astype(x, xp.float64) ** 2

    f = DifferentiateWith(widened, inner)
    with jax.enable_x64(False):
        x = jnp.asarray(X)
        close(f(x), X**2, 1e-6)
        for got, want in (
            (jax.jit(f)(x), X**2),
            (jax.vmap(f)(x[None]), X[None] ** 2),
            (jax.jvp(f, (x,), (x,))[0], X**2),
            (jax.jvp(f, (x,), (x,))[1], 2 * X**2),
            (jax.grad(lambda x: jnp.sum(jnp.sin(f(x))))(x), 2 * X * np.cos(X**2)),
            (jax.jit(jax.grad(lambda x: jnp.sum(jnp.sin(f(x)))))(x), 2 * X * np.cos(X**2)),
            (jax.hessian(lambda x: jnp.sum(f(x) * x))(x), np.diag(6 * X)),
        ):
            assert got.dtype == np.float32
            close(got, want, 1e-6)


def test_mixed_precision_in_torch(inner: di.ADType) -> None:
    """Each gradient has its input's dtype, whatever the output's."""
    torch = pytest.importorskip("torch")

    def f(a: Any, b: Any) -> Any:
        xp = di.array_namespace(a)
        return xp.astype(a, xp.float64) * b

    bridged = DifferentiateWith(f, inner)
    a = torch.tensor(X, dtype=torch.float32, requires_grad=True)
    b = torch.tensor(2 * X, requires_grad=True)
    y = bridged(a, b)
    assert y.dtype is torch.float64
    y.sum().backward()
    assert a.grad.dtype is torch.float32
    assert b.grad.dtype is torch.float64
    close(a.grad, 2 * X, 1e-6)
    close(b.grad, X, 1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_in_torch(dtype: str) -> None:
    """NumPy has no bfloat16: it arrives as float32, and its gradient goes back in its own dtype."""
    torch = pytest.importorskip("torch")
    f = DifferentiateWith(lambda x: x**2, "forwarddiff")
    x = torch.tensor([0.5, -1.0, 2.0], dtype=getattr(torch, dtype), requires_grad=True)
    f(x).sum().backward()
    assert x.grad.dtype is x.dtype
    close(x.grad.double(), [1.0, -2.0, 4.0])


# --- complex numbers -----------------------------------------------------------------------------


def _real_jacobian(f: Any, z: Any, h: float = 1e-5) -> tuple[Any, Any]:
    """Derivatives of an elementwise f by the real and by the imaginary part: differences."""

    def along(step: complex) -> Any:
        return (8 * (f(z + step) - f(z - step)) - (f(z + 2 * step) - f(z - 2 * step))) / 12 / h

    return along(h), along(1j * h)


@pytest.mark.parametrize("f", [analytic, mixed], ids=["analytic", "mixed"])
def test_complex_inputs_in_torch(inner: di.ADType, f: Any) -> None:
    """Torch's gradient of a real loss L is ``dL/da + i dL/db``."""
    torch = pytest.importorskip("torch")
    bridged = DifferentiateWith(f, inner)
    by_a, by_b = _real_jacobian(lambda z: np.abs(f(z)) ** 2, Z)
    z = torch.tensor(Z, requires_grad=True)
    (bridged(z).abs() ** 2).sum().backward()
    close(z.grad, by_a + 1j * by_b, 1e-8)
    t = torch.tensor(Z[::-1].copy())
    pushed = torch.func.jvp(bridged, (torch.tensor(Z),), (t,))[1]
    by_a, by_b = _real_jacobian(f, Z)
    close(pushed, by_a * np.real(t.numpy()) + by_b * np.imag(t.numpy()), 1e-8)


@pytest.mark.parametrize("f", [analytic, mixed], ids=["analytic", "mixed"])
def test_complex_inputs_in_jax(inner: di.ADType, f: Any) -> None:
    """JAX's gradient of a real loss L is ``dL/da - i dL/db``."""
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    bridged = DifferentiateWith(f, inner)
    by_a, by_b = _real_jacobian(lambda z: np.abs(f(z)) ** 2, Z)
    with jax.enable_x64(True):
        z, t = jnp.asarray(Z), jnp.asarray(Z[::-1])

        def loss(z: Any) -> Any:
            return jnp.sum(jnp.abs(bridged(z)) ** 2)

        close(jax.grad(loss)(z), by_a - 1j * by_b, 1e-8)
        close(jax.jit(jax.grad(loss))(z), by_a - 1j * by_b, 1e-8)
        by_a, by_b = _real_jacobian(f, Z)
        close(jax.jvp(bridged, (z,), (t,))[1], by_a * t.real + by_b * t.imag, 1e-8)


@pytest.mark.parametrize("f", [analytic, mixed], ids=["analytic", "mixed"])
def test_complex_inputs_in_autograd(inner: di.ADType, f: Any) -> None:
    """Autograd follows JAX's convention."""
    autograd = pytest.importorskip("autograd")
    anp = autograd.numpy
    bridged = DifferentiateWith(f, inner)
    by_a, by_b = _real_jacobian(lambda z: np.abs(f(z)) ** 2, Z)
    got = autograd.grad(lambda z: anp.sum(anp.abs(bridged(z)) ** 2))(Z)
    close(got, by_a - 1j * by_b, 1e-8)


def test_real_inputs_and_complex_outputs(inner: di.ADType) -> None:
    """``|x**2 (1 + 2i)|**2 = 5 x**4``: gradients of real inputs are real."""
    f = DifferentiateWith(to_complex, inner)
    want = 20 * X**3
    torch, jax = pytest.importorskip("torch"), pytest.importorskip("jax")
    x = torch.tensor(X, requires_grad=True)
    (f(x).abs() ** 2).sum().backward()
    assert x.grad.dtype is torch.float64
    close(x.grad, want)
    with jax.enable_x64(True):
        got = jax.grad(lambda x: jax.numpy.sum(jax.numpy.abs(f(x)) ** 2))(jax.numpy.asarray(X))
        assert got.dtype == np.float64
        close(got, want)
    autograd = pytest.importorskip("autograd")
    anp = autograd.numpy
    got = autograd.grad(lambda x: anp.sum(anp.abs(f(x)) ** 2))(X)
    assert got.dtype == np.float64
    close(got, want)
    close(numbers(di.jacobian(f, "forwarddiff", X)), np.diag(2 * X * (1 + 2j)))


def test_second_derivatives_of_complex_functions(inner: di.ADType) -> None:
    """For analytic f: the derivative of the derivative, by torch and JAX in their holomorphic forms."""
    jax = pytest.importorskip("jax")
    f = DifferentiateWith(analytic, inner)
    want = np.exp(Z) * (1 + 2j) + 2
    with jax.enable_x64(True):

        def slope(z: Any) -> Any:
            return jax.grad(lambda z: f(z).sum(), holomorphic=True)(z)

        got = jax.jacfwd(slope, holomorphic=True)(jax.numpy.asarray(Z))
        close(got, np.diag(want))
        got = jax.jacrev(slope, holomorphic=True)(jax.numpy.asarray(Z))
        close(got, np.diag(want))
    torch = pytest.importorskip("torch")
    z, one = torch.tensor(Z), torch.ones(3, dtype=torch.complex128)

    def along(f: Any) -> Any:
        return lambda z: torch.func.jvp(f, (z,), (one,))[1]

    close(along(along(f))(z), want)
