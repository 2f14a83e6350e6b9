"""What a result offers: groups, seeds, products and back, in any dtype; and nothing silently wrong."""

from __future__ import annotations

import copy
import io
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from diffinterface.errors import InputError, ShapeError
from diffinterface.sparse.coloring import (
    ColoringResult,
    ConstantColoring,
    GreedyColoring,
    Substitution,
    color,
    from_arrays,
)

from . import patterns
from .helpers import BOTH, COLUMN, ROW, SYMMETRIC, check, matrix

sparse = patterns.sparse
DIRECT, INDIRECT = GreedyColoring("natural"), GreedyColoring("natural", False, "substitution")
RESULTS = {
    "column": color(patterns.random_pattern(9, 12, 0.2, 0), COLUMN, DIRECT),
    "row": color(patterns.random_pattern(9, 12, 0.2, 0), ROW, DIRECT),
    "both": color(patterns.arrow(9), BOTH, DIRECT),
    "symmetric": color(patterns.five_point(4), SYMMETRIC, DIRECT),
    "substitution": color(patterns.five_point(4), SYMMETRIC, INDIRECT),
    "nothing": color(patterns.random_pattern(3, 4, -1.0, 0), COLUMN, DIRECT),
}
every = pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)


def some(result: ColoringResult) -> Any:
    return matrix(result.pattern, symmetric=result.problem == SYMMETRIC)


@every
def test_groups_are_the_colors(result: ColoringResult) -> None:
    m, n = result.pattern.shape
    assert len(result.groups) == result.num_colors
    vertices = np.concatenate([np.arange(n), np.arange(m)]) if result.problem == BOTH else None
    for k, group in enumerate(result.groups):
        inside = np.flatnonzero(result.colors == k)
        np.testing.assert_array_equal(group, inside if vertices is None else vertices[inside])
        assert len(group)
    assert result.groups == [] or np.concatenate(result.groups).size <= m + n


@every
def test_seeds_and_products(result: ColoringResult) -> None:
    """Products with the seeds are what `compress` gives, and the seeds can be had in pieces."""
    A = some(result)
    by_column = result.column_seeds() @ A.toarray().T
    by_row = result.row_seeds() @ A.toarray()
    assert by_column.shape == (result.num_column_colors, A.shape[0])
    assert by_row.shape == (result.num_row_colors, A.shape[1])
    products = result.compress(A)
    if result.problem == BOTH:
        np.testing.assert_array_equal(products[0], by_column)
        np.testing.assert_array_equal(products[1], by_row)
    else:
        np.testing.assert_array_equal(products, by_row if result.problem == ROW else by_column)
    whole = result.column_seeds(np.float32)
    assert whole.dtype == np.float32
    for k in range(result.num_column_colors):
        np.testing.assert_array_equal(result.column_seeds(colors=slice(k, k + 1)), whole[k : k + 1])


@every
def test_one_gather(result: ColoringResult) -> None:
    """The arrays for other frameworks are all that it takes."""
    A = some(result)
    products = result.compress(A)
    parts = products if result.problem == BOTH else [products]
    flat = np.concatenate([np.ravel(part) for part in parts])
    rule = result.recovery
    if isinstance(rule, Substitution):
        with pytest.raises(InputError, match="substitution, not by one gather"):
            result.indices  # noqa: B018
        unknowns = flat[rule.gather]
        for begin, end in zip(rule.levels[:-1], rule.levels[1:], strict=True):
            level = unknowns[begin:end].copy()  # a level needs nothing of its own
            for k in range(begin, end):
                taken = rule.minus[rule.minus_pointers[k] : rule.minus_pointers[k + 1]]
                assert (taken < begin).all()
                level[k - begin] -= unknowns[taken].sum()
            unknowns[begin:end] = level
        data = unknowns[rule.entries]
    else:
        data = flat[result.indices]
    np.testing.assert_array_equal(data, sparse.csr_array(A).data)


@pytest.mark.parametrize(
    "dtype", [np.float32, np.float64, np.complex128, np.longdouble, np.int64, np.float16, object]
)
@every
def test_dtypes(result: ColoringResult, dtype: Any) -> None:
    """Small integers come back exactly in every dtype, by the compiled loop and by NumPy's."""
    A = some(result).toarray() % 8 + (result.pattern.toarray() * 1)
    A = A + 1j * (A % 3) if dtype is np.complex128 else A
    products = result.compress(A)
    pair = isinstance(products, tuple)
    products = tuple(p.astype(dtype) for p in products) if pair else products.astype(dtype)
    data = result.recovery.values(result._joined(products))
    assert data.dtype == dtype
    expected = A[result.pattern.nonzero()]
    assert (data == expected).all()


@every
def test_out(result: ColoringResult) -> None:
    A = some(result)
    products = result.compress(A)
    out = result.decompress(products)
    data = out.data
    out.data[:] = -1
    assert result.decompress(products, out=out) is out
    assert out.data is data
    np.testing.assert_array_equal(out.toarray(), A.toarray())


def test_out_of_another_structure_is_refused() -> None:
    result = RESULTS["both"]
    products = result.compress(some(result))
    good = result.decompress(products)
    for out in (good.toarray(), good.tocsc(), sparse.csr_array(good.shape), good[:, ::-1].tocsr()):
        with pytest.raises(InputError, match="structure of the pattern"):
            result.decompress(products, out=out)
    with pytest.raises(InputError, match="cannot hold"):
        result.decompress(products, out=good.astype(np.int64))


def test_results_do_not_share_memory() -> None:
    result = RESULTS["column"]
    products = result.compress(some(result))
    one, other = result.decompress(products), result.decompress(products)
    one.indices[:] = 0
    one.data[:] = 0
    np.testing.assert_array_equal(other.toarray(), some(result).toarray())
    check(result)


@every
def test_arrays_are_read_only(result: ColoringResult) -> None:
    for twin in (result, pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        pattern = twin.pattern.data, twin.pattern.indices, twin.pattern.indptr
        colors = twin.column_colors, twin.row_colors
        for array in (*pattern, *colors, *vars(twin.recovery).values()):
            if array is not None and array.size:
                with pytest.raises(ValueError, match="read-only"):
                    array[0] = 1


@every
def test_products_of_another_shape_are_refused(result: ColoringResult) -> None:
    products = result.compress(some(result))
    if result.problem == BOTH:
        with pytest.raises(InputError, match="pair of products"):
            result.decompress(products[0])
        with pytest.raises(ShapeError, match="one a row"):
            result.decompress((products[0].T, products[1]))
        return
    for wrong in (products.T, products[:-1], products[None], np.vstack([products, products[:1]])):
        if wrong.shape != products.shape:
            with pytest.raises(ShapeError, match="one a row"):
                result.decompress(wrong)


def test_compress_refuses_what_would_mix() -> None:
    result = RESULTS["symmetric"]
    with pytest.raises(InputError, match=r"entry at \(0, 15\), outside the pattern"):
        result.compress(some(result) + sparse.csr_array(([1.0], ([0], [15])), shape=(16, 16)))
    with pytest.raises(ShapeError, match=r"the pattern has shape \(16, 16\), A has \(3, 3\)"):
        result.compress(np.eye(3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128, np.int64, np.uint8])
def test_compress_refuses_what_is_not_symmetric(dtype: Any) -> None:
    """Half of the entries would come back in the place of the other half."""
    result = RESULTS["symmetric"]
    A = result.pattern.astype(dtype) * dtype(3)
    result.compress(A)
    A[3, 2] += 1
    with pytest.raises(InputError, match=r"symmetric, but entries \((2, 3|3, 2)\)"):
        result.compress(A)
    hermitian = result.pattern * 1.0 + 1j * (sparse.triu(result.pattern, 1) * 1.0)
    hermitian = (hermitian + hermitian.conj().T).tocsr()
    with pytest.raises(InputError, match="problem is symmetric"):
        result.compress(hermitian)


def test_rounding_is_no_asymmetry() -> None:
    result = RESULTS["symmetric"]
    A = some(result)
    A.data *= 1 + 1e-12 * np.random.default_rng(0).standard_normal(A.nnz)
    found = result.decompress(result.compress(A))
    np.testing.assert_allclose(found.toarray(), A.toarray(), rtol=1e-10)


def test_compress_counts_true_as_one() -> None:
    result = RESULTS["substitution"]
    found = result.decompress(result.compress(result.pattern))
    np.testing.assert_array_equal(found.toarray(), result.pattern.toarray())


@every
def test_copies_and_pickles(result: ColoringResult) -> None:
    for twin in (copy.deepcopy(result), pickle.loads(pickle.dumps(result))):
        assert repr(twin) == repr(result)
        check(twin)


@every
def test_saved_and_loaded(result: ColoringResult) -> None:
    file = io.BytesIO()
    np.savez(file, **result.to_arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        twin = from_arrays(arrays)
    assert repr(twin) == repr(result)
    np.testing.assert_array_equal(twin.colors, result.colors)
    check(twin)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("indptr", np.array([0, 3, 2])),
        ("indices", np.array([0, 99])),
        ("shape", np.array([2])),
        ("shape", np.array(["a", "b"])),
        ("structure", np.array("hermitian")),
        ("partition", np.array("row")),
        ("decompression", np.array(3)),
        ("column_colors", np.zeros(12, int)),
        ("column_colors", np.zeros(12)),
        ("column_colors", np.arange(11)),
        ("column_colors", np.full(12, -2)),
    ],
)
def test_damaged_arrays_are_refused(key: str, value: Any) -> None:
    arrays = {**RESULTS["column"].to_arrays(), key: value}
    with pytest.raises((InputError, ShapeError)):
        from_arrays(arrays)


def test_missing_and_unsorted_arrays_are_refused() -> None:
    arrays = RESULTS["column"].to_arrays()
    for key in ("shape", "indptr", "indices", "structure", "partition", "decompression"):
        rest = {name: array for name, array in arrays.items() if name != key}
        with pytest.raises(InputError, match=rf"{key}.* missing"):
            from_arrays(rest)
    del arrays["column_colors"]
    with pytest.raises(InputError):
        from_arrays(arrays)
    full = color(np.ones((2, 2), bool)).to_arrays()
    with pytest.raises(InputError, match="no sparsity pattern"):
        from_arrays({**full, "indices": np.array([1, 0, 0, 1])})


@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_swapped_color_is_found(row: int) -> None:
    """Whatever two columns trade colors, the loaded result is right or refused."""
    result = RESULTS["column"]
    for other in range(3, 12):
        colors = result.colors.copy()
        colors[[row, other]] = colors[[other, row]]
        try:
            check(color(result.pattern, COLUMN, ConstantColoring("column", colors)))
        except InputError as error:
            i, j = error.entry
            rivals = [k for k in np.flatnonzero(result.pattern.toarray()[i]) if k != j]
            assert colors[j] == -1 or any(colors[k] == colors[j] for k in rivals)


def test_threads_share_a_result() -> None:
    result = RESULTS["substitution"]
    matrices = [result.pattern * float(k) for k in range(1, 9)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda A: result.decompress(result.compress(A)), matrices * 4))
    for A, B in zip(matrices * 4, found, strict=True):
        np.testing.assert_array_equal(A.toarray(), B.toarray())


def test_repr() -> None:
    text = "ColoringResult(9 x 9, 25 entries, bidirectional, direct: 3 colors (2 of columns, 1 of rows))"
    assert repr(RESULTS["both"]) == text
