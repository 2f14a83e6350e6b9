"""Seeds: basis vectors, and what is refused as a tangent or cotangent."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import diffinterface as di
from diffinterface.arrays.seeds import basis, cast, match, match_cotangent, none_pushed

X = (np.ones((2, 3)), np.array(4.0), np.ones(0), np.ones(2, np.float32))
N = 9


def flat(seeds: tuple[np.ndarray, ...]) -> np.ndarray:
    """One row for each seed, over all entries of all leaves."""
    return np.concatenate(
        [np.reshape(s, (len(s), int(np.prod(s.shape[1:])))) for s in seeds], axis=1
    )


def test_basis_numbers_the_entries_of_all_leaves() -> None:
    seeds = basis(X)
    assert [s.shape for s in seeds] == [(N, *a.shape) for a in X]
    assert [s.dtype for s in seeds] == [a.dtype for a in X]
    assert_array_equal(flat(seeds), np.eye(N))


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 1), (4, 8), (6, 9), (7, 100), (9, 12)])
def test_basis_in_part(start: int, stop: int) -> None:
    assert_array_equal(flat(basis(X, start, stop)), np.eye(N)[start:stop])


def test_basis_of_nothing() -> None:
    (seed,) = basis((np.ones((0, 2)),))
    assert seed.shape == (0, 0, 2)


def test_basis_of_a_complex_leaf_is_real_in_it() -> None:
    (seed,) = basis((np.ones(2, complex),))
    assert seed.dtype == complex
    assert_array_equal(seed, np.eye(2))


def test_none_pushed() -> None:
    assert [a.shape for a in none_pushed(X)] == [(0, *a.shape) for a in X]
    assert [a.dtype for a in none_pushed(X)] == [a.dtype for a in X]


@pytest.mark.parametrize("batch", [None, 0, 1, 5])
def test_fitting_seeds_pass(batch: int | None) -> None:
    lead = () if batch is None else (batch,)
    seeds = tuple(np.full((*lead, *a.shape), 2, a.dtype) for a in X)
    passed = match(seeds, X, batch is not None, "tangent", "x")
    assert all(a is b for a, b in zip(passed, seeds, strict=True))


def test_seeds_take_the_dtype_of_what_they_belong_to() -> None:
    x = (np.ones(2, np.float32), np.ones(1, complex))
    got = match((np.array([1, 2]), np.array([3.0])), x, False, "tangent", "x")
    assert [a.dtype for a in got] == [np.float32, np.complex128]
    assert_array_equal(got[0], [1, 2])
    assert cast(np.array([1.5]), np.ones(1, np.float32)).dtype == np.float32
    assert cast(True, np.ones(1)) == 1.0


REFUSED = [
    (X[:2], False, di.ShapeError, "2 leaves, expected the 4"),
    ((*X[:1], np.ones(1), *X[2:]), False, di.ShapeError, r"shape \(1,\), expected \(\)"),
    (X, True, di.ShapeError, "one extra leading axis"),
    (
        tuple(np.ones((k + 1, *a.shape)) for k, a in enumerate(X)),
        True,
        di.ShapeError,
        "same length",
    ),
    (tuple(a + 0j for a in X), False, di.InputError, "complex128 where x is float64.*real part"),
]


@pytest.mark.parametrize(("t", "batched", "error", "says"), REFUSED)
def test_refused(t: tuple, batched: bool, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        match(t, X, batched, "tangent", "x")


def test_a_cotangent_is_called_one() -> None:
    with pytest.raises(di.ShapeError, match=r"cotangent has shape \(3,\).*shape of f\(x\)"):
        match_cotangent((np.ones(3),), (np.ones(2),))
    with pytest.raises(di.ShapeError, match="behind the batch axis"):
        match_cotangent((np.ones((4, 3)),), (np.ones(2),), batched=True)
