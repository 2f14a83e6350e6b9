"""A pattern that does not hold is an error: given by the user, found at another point, or of no use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.sparse import (
    ConstantColoring,
    DenseDetector,
    DetectionError,
    GreedyColoring,
    JaxprDetector,
    KnownPattern,
    PatternError,
    TracerDetector,
    ValueDependenceError,
)

from .problems import arrow, brusselator_in_a_line, burgers, energy, laplacian, point

pytest.importorskip("numba")
pytest.importorskip("scipy")

DUAL = di.AutoForwardDiff()
X = point(8)
ENGINES = [
    DUAL,
    di.AutoFiniteDiff(),
    di.AutoComplexStep(),
    di.AutoJax(mode="forward"),
    di.AutoJax(mode="reverse"),
    di.AutoTorch(),
    di.AutoAutograd(),
]


def known(pattern: Any, dense: di.ADType = DUAL, **options: Any) -> di.AutoSparse:
    return di.AutoSparse(dense, detector=KnownPattern(pattern), **options)


def available(dense: di.ADType) -> di.ADType:
    if not di.check_available(dense):
        pytest.skip(f"{dense!r} is not installed")
    return dense


BAND = abs(np.subtract.outer(np.arange(8), np.arange(8))) <= 1


@pytest.mark.parametrize("dense", ENGINES, ids=repr)
def test_known_pattern(dense: di.ADType) -> None:
    got = di.jacobian(burgers, known(BAND, available(dense)), X)
    np.testing.assert_allclose(got.toarray(), di.jacobian(burgers, DUAL, X), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("dense", ENGINES, ids=repr)
@pytest.mark.parametrize("prepared", [False, True])
def test_wrong_pattern(dense: di.ADType, prepared: bool) -> None:
    """An entry outside the pattern would be added to others of its color."""
    operator = di.prepare_jacobian if prepared else di.jacobian
    with pytest.raises(PatternError, match="outside its pattern") as caught:
        operator(burgers, known(np.eye(8), available(dense)), X)
    assert len(caught.value.rows)
    one_missing = BAND.copy()
    one_missing[3, 4] = False
    with pytest.raises(PatternError):
        operator(burgers, known(one_missing, dense), X)


def test_wrong_pattern_of_a_hessian() -> None:
    f = energy(laplacian)
    with pytest.raises(PatternError):
        di.hessian(f, known(BAND), X)
    wide = abs(np.subtract.outer(np.arange(8), np.arange(8))) <= 2
    np.testing.assert_allclose(
        di.hessian(f, known(wide), X).toarray(), di.hessian(f, DUAL, X), rtol=1e-12
    )


def test_wrong_pattern_of_a_complex_function() -> None:
    with pytest.raises(PatternError):
        di.jacobian(lambda x: x[::-1] * (1 + 2j), known(np.eye(8)), X)
    with pytest.raises(PatternError):
        di.jacobian(lambda z: z[::-1] ** 2, known(np.eye(8)), X + 1j)


def test_wrong_pattern_beside_what_is_not_finite() -> None:
    def f(x: Any) -> Any:
        return np.concatenate([x[:1] / (x[:1] - x[:1]), x[::-1]])

    with np.errstate(all="ignore"), pytest.raises(PatternError):
        di.jacobian(f, known(np.eye(9)[:, :8]), X)


def test_wrong_pattern_under_an_outer_engine() -> None:
    """Recorded values are values: a tape, or jax.grad, does not hide a wrong pattern."""
    f = lambda x: di.array_namespace(x).flip(x) ** 2  # noqa: E731
    torch = pytest.importorskip("torch")
    backend = known(np.eye(8), di.AutoTorch(), output="data")
    with pytest.raises(PatternError):
        di.jacobian(f, backend, torch.tensor(X, requires_grad=True))
    with pytest.raises(PatternError):
        di.gradient(
            lambda x: di.jacobian(f, known(np.eye(8), output="data"), x).data.sum(), DUAL, X
        )
    jax = pytest.importorskip("jax")
    backend = known(np.eye(8), di.AutoJax(), output="data")
    with pytest.raises(PatternError):
        jax.grad(lambda x: di.jacobian(f, backend, x).data.sum())(jax.numpy.asarray(X))


def test_small_entries_count() -> None:
    """Whatever stands beside them in other rows."""

    def f(x: Any) -> Any:
        return np.concatenate([1e2 * x[:7] ** 2, x[:1] + 1e-3 * x[7:]])

    with pytest.raises(PatternError) as caught:
        di.jacobian(f, known(np.eye(8)), X)
    assert 7 in caught.value.rows


@pytest.mark.parametrize("shape", [(8, 7), (7, 8), (9, 8)])
def test_shape_of_the_pattern(shape: tuple[int, int]) -> None:
    with pytest.raises(di.ShapeError):
        di.jacobian(burgers, known(np.ones(shape)), X)


def test_dense_detector() -> None:
    backend = di.AutoSparse(DUAL, detector=DenseDetector())
    prep = di.prepare_jacobian(burgers, backend, X)
    assert prep.details.coloring.num_colors == 8
    np.testing.assert_allclose(prep(X).toarray(), di.jacobian(burgers, DUAL, X), rtol=1e-15)


def test_unknown_functions_raise() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    f = lambda x: ndimage.gaussian_filter1d(x, 1.0)  # noqa: E731
    with pytest.raises(DetectionError):
        di.jacobian(f, di.AutoSparse(di.AutoFiniteDiff()), X / 2)
    dense = di.AutoSparse(di.AutoFiniteDiff(), detector=TracerDetector(unknown="dense"))
    assert di.jacobian(f, dense, X / 2).nnz == 64


# --- JAX -----------------------------------------------------------------------------------------


def test_functions_of_jax_need_asdex() -> None:
    pytest.importorskip("jax")
    pytest.importorskip("asdex")
    import jax.numpy as jnp

    f = lambda x: jnp.sin(x[1:]) * x[:-1]  # noqa: E731
    backend = di.AutoSparse(di.AutoJax(jit=False))
    want = np.zeros((7, 8))
    k = np.arange(7)
    want[k, k], want[k, k + 1] = np.sin(X[1:]), np.cos(X[1:]) * X[:-1]
    for function in (f, lambda x: jnp.sin(x[1:].at[:].add(0.0)) * x[:-1]):
        for detector in (None, JaxprDetector()):
            got = di.jacobian(function, di.AutoSparse(backend.dense, detector=detector), X)
            assert got.nnz == 14
            np.testing.assert_allclose(got.toarray(), want, rtol=1e-13)


def test_methods_of_jax_arrays() -> None:
    """F sees the engine's arrays wherever it is called, so that what these alone have may be used."""
    pytest.importorskip("jax")
    backend = known(np.eye(8), di.AutoJax(jit=False))
    got = di.jacobian(lambda x: x.at[0].set(3.0) ** 2, backend, X)
    want = np.diag(2 * X)
    want[0, 0] = 0
    np.testing.assert_array_equal(got.toarray(), want)


# --- local patterns ------------------------------------------------------------------------------

HERE = np.array([1.0, -2.0, 3.0])


def branching(x: Any) -> Any:
    """Entry by entry x or its mirror image."""
    return np.where(x > 0, x**2, x[::-1] ** 2)


LOCAL = di.AutoSparse(DUAL, detector=TracerDetector("local"))


def test_local_pattern_at_its_point() -> None:
    prep = di.prepare_jacobian(branching, LOCAL, HERE)
    assert prep.details.local
    assert repr(prep.details).endswith("of one point)")
    for x in (HERE, 2 * HERE):
        assert prep(x).nnz == 3
        np.testing.assert_array_equal(prep(x).toarray(), di.jacobian(branching, DUAL, x))


def test_local_pattern_elsewhere() -> None:
    """Other branches, other entries: these are not to be mixed into those of the pattern."""
    prep = di.prepare_jacobian(branching, LOCAL, HERE)
    there = np.array([-1.0, -2.0, 3.0])
    with pytest.raises(di.PreparationMismatchError, match="entries at this x"):
        prep(there)
    got = di.jacobian(branching, LOCAL, there)
    np.testing.assert_array_equal(got.toarray(), di.jacobian(branching, DUAL, there))


def test_local_pattern_by_contexts() -> None:
    f = lambda x, c: x if c > 0 else x[::-1]  # noqa: E731
    prep = di.prepare_jacobian(f, LOCAL, HERE, 1.0)
    assert prep(HERE, 2.0).nnz == 3
    with pytest.raises(di.PreparationMismatchError):
        prep(HERE, -1.0)


def test_local_hessian_elsewhere() -> None:
    f = lambda x: np.sum(x[:2] ** 2) if x[0] > 0 else x[0] * x[2]  # noqa: E731
    prep = di.prepare_hessian(f, LOCAL, HERE)
    np.testing.assert_array_equal(prep(HERE).toarray(), np.diag([2.0, 2.0, 0.0]))
    with pytest.raises(di.PreparationMismatchError):
        prep(-HERE)


@pytest.mark.parametrize("dense", [di.AutoFiniteDiff(), di.AutoJax(jit=False)], ids=repr)
def test_local_pattern_of_other_engines(dense: di.ADType) -> None:
    f = lambda x: di.array_namespace(x).where(x > 0, x, x[::-1])  # noqa: E731
    prep = di.prepare_jacobian(
        f, di.AutoSparse(available(dense), detector=TracerDetector("local")), HERE
    )
    assert prep(HERE).nnz == 3
    with pytest.raises(di.PreparationMismatchError):
        prep(-HERE)


def test_local_pattern_under_jit() -> None:
    jax = pytest.importorskip("jax")
    backend = di.AutoSparse(di.AutoJax(), detector=TracerDetector("local"), output="data")
    with pytest.raises(di.InputError, match="hides"):
        jax.jit(lambda x: di.jacobian(branching, backend, x).data)(jax.numpy.asarray(HERE))


def test_global_pattern_refuses_branches() -> None:
    with pytest.raises(ValueDependenceError):
        di.jacobian(lambda x: x if x[0] > 0 else x[::-1], di.AutoSparse(DUAL), HERE)


def test_what_hides_dependences_is_refused() -> None:
    with pytest.raises((DetectionError, TypeError)):
        di.jacobian(lambda x: np.array([float(x[0]), 1.0]) * x[:2], di.AutoSparse(DUAL), HERE)


# --- coloring ------------------------------------------------------------------------------------


def colors(f: Any, x: Any, dense: Any = DUAL, **options: Any) -> int:
    plan = di.prepare_jacobian(f, di.AutoSparse(dense, **options), x).details
    return int(plan.coloring.num_colors)


def test_default_coloring() -> None:
    """Largest first alone takes six on the 1-D Brusselator; four columns are in one row."""
    x = point(40)
    assert colors(brusselator_in_a_line, x) == 4
    assert colors(brusselator_in_a_line, x, coloring=GreedyColoring("largest_first")) == 6


def test_the_cheaper_side() -> None:
    """One row depends on all columns, or all rows on one column."""
    pytest.importorskip("autograd")
    wide = lambda x: np.stack([np.sum(x**2), x[0] * x[1]])  # noqa: E731
    from autograd import numpy as anp

    tall = lambda x: anp.exp(x[:1] * anp.arange(1.0, 9.0) / 8)  # noqa: E731
    assert colors(wide, X) == 8
    detector = KnownPattern(np.vstack([np.ones(8), np.arange(8) < 2]))
    by_rows = lambda x: anp.stack([anp.sum(x**2), x[0] * x[1]])  # noqa: E731
    assert colors(by_rows, X, di.AutoAutograd(), detector=detector) == 2
    detector = KnownPattern(np.arange(8) == np.zeros((8, 1)))
    assert colors(tall, X, di.AutoAutograd(), detector=detector) == 1


@pytest.mark.parametrize("n", [5, 50])
def test_arrow_both_ways(n: int) -> None:
    """Three products, where columns alone, or rows alone, take n."""
    pytest.importorskip("autograd")
    x = point(n)
    both = di.MixedMode(DUAL, di.AutoAutograd())
    prep = di.prepare_jacobian(arrow, di.AutoSparse(both), x)
    assert prep.details.coloring.num_colors == 3
    assert colors(arrow, x) == n
    for point_ in (x, 2 * x):
        got = prep(point_)
        np.testing.assert_allclose(got.toarray(), di.jacobian(arrow, DUAL, point_), rtol=1e-14)
    value, got = prep.value_and(x)
    np.testing.assert_allclose(value, arrow(x), rtol=1e-15)


def test_given_colors() -> None:
    """Of the side that they are of, whichever the engine would have taken; and refused if wrong."""
    pytest.importorskip("jax")
    rows = ConstantColoring("row", np.arange(8) % 3)
    prep = di.prepare_jacobian(burgers, di.AutoSparse(di.AutoJax(), coloring=rows), X)
    assert prep.details.coloring.num_row_colors == 3
    np.testing.assert_allclose(prep(X).toarray(), di.jacobian(burgers, DUAL, X), rtol=1e-14)
    with pytest.raises(di.InputError):
        colors(burgers, X, coloring=ConstantColoring("column", np.arange(8) % 2))
    with pytest.raises(di.InputError, match="partition"):
        colors(burgers, X, coloring=rows)


def test_declarations_are_checked() -> None:
    with pytest.raises(di.InputError, match="sparse already"):
        di.AutoSparse(di.AutoSparse(DUAL))
    with pytest.raises(di.InputError, match="output"):
        di.AutoSparse(DUAL, output="dense")  # type: ignore[arg-type]
    with pytest.raises(di.InputError, match="chunk_size"):
        di.AutoSparse(DUAL, chunk_size=0)
    with pytest.raises(di.InputError, match="not an ADType"):
        di.AutoSparse("jax")  # type: ignore[arg-type]
    with pytest.raises(di.InputError, match="load_plan"):
        di.jacobian(burgers, di.AutoSparse(DUAL, plan="plan"), X)
    with pytest.raises(di.InputError, match="coloring"):
        di.jacobian(burgers, di.AutoSparse(DUAL, coloring="greedy"), X)
    with pytest.raises(di.InputError, match="detector"):
        di.jacobian(burgers, di.AutoSparse(DUAL, detector=np.eye(8)), X)
