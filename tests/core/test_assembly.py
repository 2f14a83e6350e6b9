"""From columns and rows to Jacobians, against matrices sliced by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import diffinterface as di
from diffinterface.arrays import assembly, seeds

rng = np.random.default_rng(7)
X = (np.ones((2, 2)), np.array(1.0), np.ones(0), np.ones(3))  # 8 entries
Y = (np.ones(2), np.ones((1, 3)), np.array(1.0))  # 6 entries
J = rng.normal(size=(6, 8))


def cuts(leaves: tuple[np.ndarray, ...]) -> list[slice]:
    stops = np.cumsum([0, *(a.size for a in leaves)])
    return [slice(a, b) for a, b in pairwise(stops)]


def check_rows(rows: Any, matrix: np.ndarray) -> None:
    assert len(rows) == len(Y)
    for row, leaf, i in zip(rows, Y, cuts(Y), strict=True):
        for block, entry, j in zip(row, X, cuts(X), strict=True):
            assert block.shape == leaf.shape + entry.shape
            assert_array_equal(block.reshape(leaf.size, entry.size), matrix[i, j])


def columns(matrix: np.ndarray, chunk: int = 3) -> list[list[np.ndarray]]:
    """Chunks of columns for each leaf of Y, entries of x on the leading axis."""
    return [
        [matrix[i, k : k + chunk].T.reshape(-1, *leaf.shape) for k in range(0, 8, chunk)]
        for leaf, i in zip(Y, cuts(Y), strict=True)
    ]


def test_concat() -> None:
    a = np.ones((2, 3))
    assert assembly.concat([a]) is a
    assert assembly.concat([a, 2 * a]).shape == (4, 3)


@pytest.mark.parametrize("lead", [(), (4,), (0,)])
def test_split(lead: tuple[int, ...]) -> None:
    flat = rng.normal(size=(*lead, 8))
    parts = assembly.split(flat, X, bool(lead))
    assert [p.shape for p in parts] == [(*lead, *a.shape) for a in X]
    for part, cut in zip(parts, cuts(X), strict=True):
        assert_array_equal(part.ravel(), flat[..., cut].ravel())


def test_split_of_complex_values_over_real_leaves() -> None:
    a, b = assembly.split(np.array([1 + 2j, 3 + 4j]), (np.ones(1), np.ones(1, complex)), False)
    assert (a.dtype, b.dtype) == (np.float64, np.complex128)
    assert (a[0], b[0]) == (1.0, 3 + 4j)


@pytest.mark.parametrize("chunk", [1, 3, 8])
def test_rows_from_columns(chunk: int) -> None:
    check_rows(assembly.rows_from_columns(columns(J, chunk), Y, X), J)


def test_rows_from_rows() -> None:
    stacked = tuple(J[:, j].reshape(6, *a.shape) for a, j in zip(X, cuts(X), strict=True))
    check_rows(assembly.rows_from_rows(stacked, Y, X), J)


@pytest.mark.parametrize("batch", [None, 0, 1, 5])
def test_products(batch: int | None) -> None:
    lead = () if batch is None else (batch,)
    t, c = rng.normal(size=(*lead, 8)), rng.normal(size=(*lead, 6))
    batched = batch is not None
    rows = assembly.rows_from_columns(columns(J), Y, X)
    pushed = assembly.apply(rows, Y, assembly.split(t, X, batched), batched)
    assert [p.shape for p in pushed] == [(*lead, *a.shape) for a in Y]
    for part, cut in zip(pushed, cuts(Y), strict=True):
        assert_allclose(part.ravel(), (t @ J.T)[..., cut].ravel(), rtol=1e-13)
    pulled = assembly.adjoint(assembly.split(c, Y, batched), Y, columns(J), batched)
    assert pulled.shape == (*lead, 8)
    assert_allclose(pulled, c @ J, rtol=1e-13)


def test_adjoint_of_complex_outputs_is_the_real_inner_product() -> None:
    y, c = (np.ones(2, complex),), (np.array([1 + 2j, 3 - 1j]),)
    matrix = rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))
    got = assembly.adjoint(c, y, [[matrix.T]], False)
    assert_allclose(got, np.real(matrix.conj().T @ c[0]), rtol=1e-13)


def test_complex_rows() -> None:
    """Pullbacks of e and i e, at a real and at a complex x."""
    matrix = rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))
    real, holomorphic = np.ones(3), np.ones(3, complex)
    got = assembly.complex_rows((matrix.real,), (matrix.imag,), (real,))
    assert_array_equal(got[0], matrix)
    got = assembly.complex_rows((matrix.conj(),), (1j * matrix.conj(),), (holomorphic,))
    assert_array_equal(got[0], matrix)


def test_check_batch() -> None:
    assert assembly.check_batch((np.ones((4, 2)), np.ones(4)), (np.ones((4, 1)),)) == 4
    assert assembly.check_batch((np.ones((0, 2)),), (np.ones(0),)) == 0
    for x, y in (((4, 2), (3, 2)), ((), ()), ((4,), ())):
        with pytest.raises(di.ShapeError, match="one leading batch axis"):
            assembly.check_batch((np.ones(x),), (np.ones(y),))


def test_broadcast_seeds() -> None:
    (got,) = assembly.broadcast_seeds((np.eye(3),), 5)
    assert_array_equal(got, np.repeat(np.eye(3)[:, None], 5, axis=1))


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("batch", [1, 4])
def test_batched_rows(forward: bool, batch: int) -> None:
    whole = rng.normal(size=(batch, 6, 8))
    if forward:
        stacked = tuple(
            np.moveaxis(whole[:, i], -1, 0).reshape(8, batch, *leaf.shape)
            for leaf, i in zip(Y, cuts(Y), strict=True)
        )
    else:
        stacked = tuple(
            np.moveaxis(whole[:, :, j], 1, 0).reshape(6, batch, *leaf.shape)
            for leaf, j in zip(X, cuts(X), strict=True)
        )
    rows = assembly.batched_rows(stacked, Y, X, forward)
    for b in range(batch):
        check_rows([[block[b] for block in row] for row in rows], whole[b])


def test_generic_direction_has_no_symmetry() -> None:
    d = seeds.generic_direction(np.ones((3, 4), np.float32))
    assert d.shape == (3, 4)
    assert d.dtype == np.float32
    assert len(np.unique(np.abs(d))) == 12
    assert np.all(d != 0)
