"""Custom rules, control flow, conventions for complex numbers, and errors inside f."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .cubic import CALLS, IDS, Row, T

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")

X = np.array([0.5, -1.0, 2.0])
MODES = (
    di.AutoJax(),
    di.AutoJax(mode="forward"),
    di.AutoJax(mode="reverse"),
    di.AutoJax(jit=False),
)
EVERY_MODE = pytest.mark.parametrize("backend", MODES, ids=str)


@jax.custom_jvp
def bent(x: Any) -> Any:
    """The sine, with a slope of its own: 5 x**2."""
    return jnp.sin(x)


@bent.defjvp
def _(x: Any, t: Any) -> Any:
    return bent(x[0]), 5.0 * x[0] ** 2 * t[0]


@jax.custom_vjp
def pulled(x: Any) -> Any:
    """The sine, with a pullback of its own: 5 x**2."""
    return jnp.sin(x)


pulled.defvjp(lambda x: (jnp.sin(x), x), lambda x, ct: (5.0 * x**2 * ct,))


@EVERY_MODE
def test_custom_jvp_in_every_operator(backend: di.ADType) -> None:
    total: Callable[[Any], Any] = lambda x: jnp.sum(bent(x))  # noqa: E731
    close(di.gradient(total, backend, X), 5 * X**2)
    close(di.jacobian(bent, backend, X), np.diag(5 * X**2))
    close(di.pushforward(bent, backend, X, T), 5 * X**2 * T)
    close(di.pullback(bent, backend, X, T), 5 * X**2 * T)
    close(di.hessian(total, backend, X), np.diag(10 * X))
    close(di.hvp(total, backend, X, T), 10 * X * T)
    close(di.batched_jacobian(bent, backend, X), 5 * X**2)
    close(di.derivative(bent, backend, 0.5), 5 * 0.25)
    close(di.second_derivative(bent, backend, 0.5), 5.0)


@pytest.mark.parametrize("mode", ["auto", "reverse"])
@pytest.mark.parametrize("prepared", [True, False])
def test_custom_vjp_in_every_operator(prepared: bool, mode: Any) -> None:
    """A function without a forward rule has all derivatives all the same."""

    def ask(name: str, f: Any, *seeds: Any, x: Any = X) -> Any:
        backend = di.AutoJax(mode=mode)
        if prepared:
            return getattr(di, f"prepare_{name}")(f, backend, x, *seeds)(x, *seeds)
        return getattr(di, name)(f, backend, x, *seeds)

    total: Callable[[Any], Any] = lambda x: jnp.sum(pulled(x))  # noqa: E731
    close(ask("gradient", total), 5 * X**2)
    close(ask("pullback", pulled, T), 5 * X**2 * T)
    close(ask("hessian", total), np.diag(10 * X))
    close(ask("hvp", total, T), 10 * X * T)
    close(ask("pushforward", pulled, T), 5 * X**2 * T)
    close(ask("derivative", pulled, x=0.5), 5 * 0.25)
    close(ask("jacobian", pulled), np.diag(5 * X**2))
    close(ask("batched_jacobian", pulled), 5 * X**2)
    close(ask("second_derivative", pulled, x=0.5), 5.0)


@pytest.mark.parametrize("name", ["gradient", "hessian", "jacobian"])
def test_custom_vjp_in_forward_mode_says_so(name: str) -> None:
    f = pulled if name == "jacobian" else lambda x: jnp.sum(pulled(x))
    with pytest.raises(TypeError, match="custom_vjp"):
        getattr(di, name)(f, di.AutoJax(mode="forward"), X)


def test_integer_residues_and_stop_gradient() -> None:
    close(di.gradient(lambda x: jnp.sum(x * jax.lax.stop_gradient(x)), "jax", X), X)
    close(di.gradient(lambda x: jnp.sum(x * jnp.round(x)), "jax", X), np.round(X))
    close(di.gradient(lambda x: x[jnp.argmax(x)] ** 2, "jax", X), [0, 0, 4])
    close(di.jacobian(lambda x: jnp.sort(x), "jax", X), np.eye(3)[np.argsort(X)])


# --- control flow --------------------------------------------------------------------------------


@EVERY_MODE
def test_branches_of_jax(backend: di.ADType) -> None:
    def f(x: Any) -> Any:
        return jax.lax.cond(x[0] > 0, lambda x: jnp.sum(x**2), lambda x: 5 * jnp.sum(x**3), x)

    prep = di.prepare_gradient(f, backend, X)
    for x in (X, -X):
        want = 2 * x if x[0] > 0 else 15 * x**2
        close(prep(x), want)
        close(di.gradient(f, backend, x), want)
    close(di.hessian(f, backend, -X), np.diag(-30 * X))


@EVERY_MODE
def test_scan(backend: di.ADType) -> None:
    """Three steps of x -> x**2: x**8."""

    def f(x: Any) -> Any:
        return jax.lax.scan(lambda c, _: (c**2, None), x, None, length=3)[0]

    close(di.jacobian(f, backend, X), np.diag(8 * X**7))
    close(di.hessian(lambda x: jnp.sum(f(x)), backend, X), np.diag(56 * X**6))


def test_while_loop_runs_forward() -> None:
    def f(x: Any) -> Any:
        return jax.lax.while_loop(lambda c: c < 100, lambda c: c * 3, x)

    close(di.derivative(f, "jax", 0.5), 3.0**5)
    prep = di.prepare_derivative(f, "jax", 1.0)
    close(prep(50.0), 3.0)
    with pytest.raises(ValueError, match="while_loop"):
        di.gradient(f, di.AutoJax(mode="reverse"), np.array(0.5))


def test_where_and_undefined_values() -> None:
    """The known remedy against NaN from the branch not taken works through the interface."""
    x = np.array([-1.0, 0.0, 4.0])

    def root(x: Any) -> Any:
        safe = jnp.where(x > 0, x, 1.0)
        return jnp.sum(jnp.where(x > 0, jnp.sqrt(safe), 0.0))

    close(di.gradient(root, "jax", x), [0, 0, 0.25])


# --- complex numbers -----------------------------------------------------------------------------

Z = np.array([1 + 2j, 3 - 1j])
U = np.array([1 - 1j, 0.5 + 2j])


@EVERY_MODE
@pytest.mark.parametrize("single", [False, True])
def test_complex_conventions(backend: di.ADType, single: bool) -> None:
    """The pullback is the adjoint, the gradient points uphill: conjugates of JAX's own."""
    z, u = (a.astype("complex64") if single else a for a in (Z, U))
    tol = 1e-6 if single else 1e-14

    def holds(got: Any, want: Any) -> None:
        assert got.dtype == z.dtype
        np.testing.assert_allclose(got, want, rtol=tol, atol=tol)

    holds(di.gradient(lambda z: jnp.sum(jnp.abs(z) ** 2), backend, z), 2 * Z)
    holds(di.gradient(lambda z: jnp.sum((z**2).real), backend, z), 2 * np.conj(Z))
    holds(di.pushforward(lambda z: z**3, backend, z, u), 3 * Z**2 * U)
    holds(di.pullback(lambda z: z**3, backend, z, u), np.conj(3 * Z**2) * U)
    holds(di.pushforward(jnp.conj, backend, z, u), np.conj(U))
    holds(di.pullback(jnp.conj, backend, z, u), np.conj(U))
    holds(di.jacobian(lambda z: z**3, backend, z), np.diag(3 * Z**2))
    holds(di.derivative(jnp.exp, backend, z[0]), np.exp(Z[0]))


@EVERY_MODE
def test_functions_that_are_not_holomorphic(backend: di.ADType) -> None:
    for f in (jnp.conj, jnp.abs, lambda z: z * jnp.conj(z), lambda z: z.real):
        with pytest.raises(di.NonAnalyticError):
            di.jacobian(f, backend, Z)
    with pytest.raises(di.NonAnalyticError):
        di.gradient(lambda z: jnp.sum(z), backend, Z)


@EVERY_MODE
def test_between_real_and_complex(backend: di.ADType) -> None:
    close(di.jacobian(lambda x: jnp.exp(1j * x), backend, X), np.diag(1j * np.exp(1j * X)))
    got = di.pullback(lambda x: jnp.exp(1j * x), backend, X, T + 1j * X)
    close(got, np.real(np.conj(1j * np.exp(1j * X)) * (T + 1j * X)))
    close(di.gradient(lambda x: jnp.abs(jnp.sum(jnp.exp(1j * x))) ** 2, backend, X), interference())


def interference() -> np.ndarray:
    """The gradient of ``|sum exp(i x)|**2``, which is ``sum_jk cos(x_j - x_k)``."""
    return -2 * np.sum(np.sin(X[:, None] - X[None, :]), axis=1)


# --- errors inside f -----------------------------------------------------------------------------


class OopsError(Exception):
    """An error of the user's own."""


ERRORS = (
    ValueError("value"),
    TypeError("type"),
    KeyError("key"),
    ZeroDivisionError("zero"),
    OopsError(7),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_errors_keep_type_and_message(row: Row, way: str, error: Exception) -> None:
    def f(x: Any) -> Any:
        raise error

    with pytest.raises(type(error)) as caught:
        row.ask(way, f, "jax", row.x, T)
    assert caught.value is error


def test_errors_of_jax_reach_the_caller() -> None:
    with pytest.raises(TypeError, match="dot_general requires contracting dimensions"):
        di.gradient(lambda x: jnp.ones((2, 2)) @ x, "jax", X)
    with pytest.raises(jax.errors.ConcretizationTypeError):
        di.prepare_gradient(lambda x: jnp.sum(x) * float(x[0]), "jax", X)(X)
    with pytest.raises(jax.errors.TracerArrayConversionError):
        di.prepare_gradient(lambda x: np.sin(np.asarray(x)).sum(), "jax", X)(X)
    with pytest.raises((jax.errors.JAXTypeError, di.DiffInterfaceError, TypeError)):
        di.gradient(lambda x: np.asarray(x).sum(), "jax", X)


def close(got: Any, want: Any) -> None:
    np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-13)
