"""Autograd beyond the standard's calls: complex numbers inside f, and its own functions' rules.

The truth is Richardson's extrapolation of finite differences in plain NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .standard import ALIKE, BATCH, CUBE, POSITIVE, SPD, SQUARE, ZEROS, M, V

anp = pytest.importorskip("autograd.numpy")

TRUTH = di.AutoFiniteDiff("richardson", relative_step=2.0**-7)
MODES = ["autograd", "autograd(mode='forward')", "autograd(mode='reverse')"]


def _agrees(got: Any, want: Any) -> None:
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-6 * max(1.0, np.max(np.abs(want))))


# --- complex numbers -----------------------------------------------------------------------------------


def _z(xp: Any, x: Any) -> Any:
    return x * (1 + 0.5j) + 1j * xp.flip(x) ** 2


def _adjoint(xp: Any, x: Any) -> Any:
    return xp.conj(xp.matrix_transpose(x))


def _hermitian(xp: Any, x: Any) -> Any:
    z = _z(xp, x)
    return z @ _adjoint(xp, z) + xp.eye(x.shape[-1])


def _svd(xp: Any, x: Any) -> Any:
    parts = xp.linalg.svd(_z(xp, x), full_matrices=False)
    return (parts.U * parts.S**2) @ parts.Vh


def _projections(xp: Any, x: Any) -> Any:
    vectors = xp.linalg.eigh(_hermitian(xp, x)).eigenvectors
    return (vectors * np.array([1.0, 2.0, 3.0])) @ _adjoint(xp, vectors)


COMPLEX: dict[str, tuple[Any, Callable[[Any, Any], Any]]] = {
    "inv": (SQUARE, lambda xp, x: xp.linalg.inv(_z(xp, x))),
    "det": (BATCH, lambda xp, x: xp.linalg.det(_z(xp, x))),
    "sign": (SQUARE, lambda xp, x: xp.linalg.slogdet(_z(xp, x)).sign),
    "logabsdet": (SQUARE, lambda xp, x: xp.linalg.slogdet(_z(xp, x)).logabsdet),
    "solve": (SQUARE, lambda xp, x: xp.linalg.solve(_z(xp, x), x)),
    "solve real": (SQUARE, lambda xp, x: xp.linalg.solve(x, _z(xp, x))),
    "cholesky": (SQUARE, lambda xp, x: xp.linalg.cholesky(_hermitian(xp, x))),
    "cholesky upper": (
        SQUARE,
        lambda xp, x: xp.linalg.cholesky(_hermitian(xp, x), upper=True),
    ),
    "eigvalsh": (SQUARE, lambda xp, x: xp.linalg.eigvalsh(_hermitian(xp, x))),
    "eigenvectors": (SQUARE, _projections),
    "qr": (SQUARE, lambda xp, x: xp.linalg.qr(_z(xp, x)).Q),
    "qr tall": (M.T.copy(), lambda xp, x: xp.linalg.qr(_z(xp, x)).Q),
    "qr wide": (M, lambda xp, x: xp.linalg.qr(_z(xp, x)).R),
    "svd wide": (M, _svd),
    "svd tall": (M.T.copy(), _svd),
    "pinv": (M, lambda xp, x: xp.linalg.pinv(_z(xp, x))),
    "nuclear norm": (M, lambda xp, x: xp.linalg.matrix_norm(_z(xp, x), ord="nuc")),
    "vector_norm": (M, lambda xp, x: xp.linalg.vector_norm(_z(xp, x), axis=1, ord=3)),
    "prod": (M, lambda xp, x: xp.prod(_z(xp, x), axis=0)),
    "std": (M, lambda xp, x: xp.std(_z(xp, x), axis=0)),
    "sign function": (M, lambda xp, x: xp.sign(_z(xp, x))),
    "diagonal": (CUBE, lambda xp, x: xp.linalg.diagonal(_z(xp, x), offset=-1)),
    "irfft": (CUBE, lambda xp, x: xp.fft.irfft(_z(xp, x), n=5)),
    "fftn": (CUBE, lambda xp, x: xp.fft.fftn(_z(xp, x), s=(3, 2), axes=(2, 0))),
    # A real part, and a real array joined to a complex one, have real cotangents.
    "concat": (M, lambda xp, x: xp.concat([xp.real(_z(xp, x)), _z(xp, x)]) * (1 + 1j)),
    "where": (M, lambda xp, x: xp.where(x > 0, xp.real(_z(xp, x)), _z(xp, x)) * (1 + 1j)),
    "astype": (M, lambda xp, x: xp.astype(xp.real(_z(xp, x)), xp.complex128) * (1 + 1j)),
    "full": (V, lambda xp, x: xp.full((2,), xp.real(_z(xp, x)[0]), dtype=xp.complex128) * 1j),
}


@pytest.mark.parametrize("mode", MODES[1:])
@pytest.mark.parametrize("name", COMPLEX)
def test_complex_numbers_inside(mode: str, name: str) -> None:
    x, call = COMPLEX[name]

    def f(x: Any) -> Any:
        xp = di.array_namespace(x)
        y = call(xp, x)
        return xp.stack([xp.real(y), xp.imag(y)])

    _agrees(di.jacobian(f, mode, x), di.jacobian(f, TRUTH, x))


# --- autograd's own functions, whose own rules are wrong -----------------------------------------------

OWN: dict[str, tuple[Any, Callable[[Any, Any], Any]]] = {
    "prod of zeros": (ZEROS, lambda np, x: np.prod(x, axis=(0, 1))),
    "repeat on a negative axis": (M, lambda np, x: np.repeat(x, 2, axis=-1)),
    "tile of fewer axes": (M, lambda np, x: np.tile(x, 2)),
    "transpose to negative axes": (ALIKE, lambda np, x: np.transpose(x, (-1, 0, -2))),
    "max over negative axes": (ALIKE, lambda np, x: np.max(x, axis=(-2, -1))),
    "sum from an initial value": (M, lambda np, x: np.sum(x, axis=0, initial=2.0)),
    "var with correction": (CUBE, lambda np, x: np.var(x, axis=1, correction=1)),
    "std over axes": (CUBE, lambda np, x: np.std(x, axis=(0, 1))),
    "sort along an axis": (CUBE, lambda np, x: np.sort(x, axis=1)),
    "cast to integers": (V, lambda np, x: x.astype(int) * x),
    "solve for batches of vectors": (
        np.concatenate([BATCH, BATCH[:1] + 1]),
        lambda np, x: np.linalg.solve(x, x[0, 0]),
    ),
    "inner of real and complex": (
        M,
        lambda np, x: np.imag(np.inner(np.real(_z(np, x)), _z(np, x)) * (1 + 2j)),
    ),
    "concatenate real and complex": (
        V,
        lambda np, x: np.imag(np.concatenate([np.real(_z(np, x)), _z(np, x)]) * (1 + 1j)),
    ),
    "rfft cut": (CUBE, lambda np, x: np.real(np.fft.rfft(x, 3))),
    "rfft normed": (CUBE, lambda np, x: np.imag(np.fft.rfft(x, norm="forward"))),
    "irfft normed": (CUBE, lambda np, x: np.fft.irfft(_z(np, x), norm="forward")),
    "rfft2 cut": (CUBE, lambda np, x: np.real(np.fft.rfft2(x, (2, 2)))),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", OWN)
def test_own_functions(mode: str, name: str) -> None:
    x, call = OWN[name]
    want = di.jacobian(lambda x: call(np, x), TRUTH, x)
    _agrees(di.jacobian(lambda x: call(anp, x), mode, x), want)


REFUSED: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "diff from a constant": (M, lambda x: anp.diff(x, prepend=1.0)),
    "prod from an initial value": (M, lambda x: anp.prod(x, axis=0, initial=2.0)),
    "max from an initial value": (M, lambda x: anp.max(x, axis=0, initial=0.5)),
    "maximum norm": (V, lambda x: anp.linalg.norm(x, np.inf)),
    "nuclear norm of negative axes": (CUBE, lambda x: anp.linalg.norm(x, "nuc", axis=(0, -1))),
    "sum of integers": (M, lambda x: anp.sum(x, axis=0, dtype=int) * 1.0),
    "wide svd": (M, lambda x: di.array_namespace(x).linalg.svd(x).Vh),
    "complete qr": (M.T.copy(), lambda x: di.array_namespace(x).linalg.qr(x, mode="complete").Q),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_rule_raises(mode: str, name: str) -> None:
    x, f = REFUSED[name]
    with pytest.raises(di.UnsupportedOperatorError, match="has no"):
        di.jacobian(f, mode, x)


@pytest.mark.parametrize("mode", MODES)
def test_a_norm_curves_at_an_entry_that_is_zero(mode: str) -> None:
    def norm(x: Any) -> Any:
        return di.array_namespace(x).linalg.vector_norm(x)

    hessian = di.hessian(norm, mode, np.array([3.0, 0.0]))
    np.testing.assert_allclose(hessian, np.diag([0, 1 / 3]), atol=1e-15)


# --- factorisations ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_equal_eigenvalues_have_derivatives_and_their_vectors_none(mode: str) -> None:
    def trace(x: Any) -> Any:
        return anp.sum(di.array_namespace(x).linalg.eigh(x).eigenvalues)

    def norm(x: Any) -> Any:
        return anp.sum(di.array_namespace(x).linalg.svd(x).S ** 2)

    def cubes(x: Any) -> Any:
        return anp.sum(di.array_namespace(x).linalg.eigh(x).eigenvectors ** 3)

    np.testing.assert_allclose(di.gradient(trace, mode, np.eye(3)), np.eye(3), atol=1e-15)
    np.testing.assert_allclose(di.gradient(norm, mode, np.eye(3)), 2 * np.eye(3), atol=1e-15)
    assert np.isnan(di.gradient(cubes, mode, np.eye(3))).any()


@pytest.mark.parametrize("own", [True, False])
def test_hessian_where_the_gradient_by_the_eigenvectors_is_zero(own: bool) -> None:
    at = np.linalg.eigh(SPD).eigenvectors

    def distance(x: Any) -> Any:
        linalg = anp.linalg if own else di.array_namespace(x).linalg
        return anp.sum((linalg.eigh(x)[1] - at) ** 2)

    want = di.jacobian(lambda x: di.gradient(distance, "autograd", x), TRUTH, SPD)
    assert np.max(np.abs(want)) > 0.1
    _agrees(di.hessian(distance, "autograd", SPD), want)


# --- arrays --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_arange_depends_on_its_start_and_step(mode: str) -> None:
    def f(x: Any) -> Any:
        return di.array_namespace(x).arange(x[0], 2.0, x[1])

    want = np.stack([np.ones(3), np.arange(3), np.zeros(3)], axis=1)
    np.testing.assert_array_equal(di.jacobian(f, mode, POSITIVE), want)


def test_boxes_have_the_attributes_of_the_standard() -> None:
    seen = {}

    def f(x: Any) -> Any:
        xp = di.array_namespace(x)
        seen["device"] = x.device
        steps = x // 0.25 + 4 // (x + 2)
        return +xp.zeros_like(x, device=x.device).mT + (x.to_device("cpu") * steps).mT

    want = np.diag((M // 0.25 + 4 // (M + 2)).ravel()).reshape(2, 3, 2, 3)
    np.testing.assert_array_equal(di.jacobian(f, "autograd", M), np.swapaxes(want, 0, 1))
    assert seen["device"] == "cpu"
