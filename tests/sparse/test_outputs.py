"""The four kinds of results: in the caller's arrays, leaf by leaf of trees, and into out=."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.sparse import GreedyColoring, KnownPattern, SparseMatrix

from .engines import installed
from .problems import burgers, energy, point

pytest.importorskip("numba")
sparse = pytest.importorskip("scipy.sparse")

DUAL = di.AutoForwardDiff()
X = point(7)
TRUTH = di.jacobian(burgers, DUAL, X)


def jacobian(dense: di.ADType, output: Any, x: Any, **options: Any) -> Any:
    return di.jacobian(burgers, di.AutoSparse(dense, output=output, **options), x)


def test_csr() -> None:
    got = jacobian(DUAL, "csr", X)
    assert isinstance(got, sparse.csr_array)
    assert got.has_canonical_format
    assert got.dtype == X.dtype
    got.check_format(full_check=True)
    np.testing.assert_allclose(got.toarray(), TRUTH, rtol=1e-14)
    like = sparse.csr_array(TRUTH)  # in indices too, which SciPy's solvers would convert each time
    assert (got.indices.dtype, got.indptr.dtype) == (like.indices.dtype, like.indptr.dtype)


def test_csr_is_the_callers_own() -> None:
    prep = di.prepare_jacobian(burgers, di.AutoSparse(DUAL), X)
    first = prep(X)
    first.data[:], first.indices[:], first.indptr[:] = 0, 0, 0
    np.testing.assert_allclose(prep(X).toarray(), TRUTH, rtol=1e-14)


def test_native_is_csr_for_numpy() -> None:
    got = jacobian(DUAL, "native", X)
    assert isinstance(got, sparse.csr_array)
    np.testing.assert_allclose(got.toarray(), TRUTH, rtol=1e-14)


@pytest.mark.parametrize("prepared", [False, True])
def test_native_of_jax(prepared: bool) -> None:
    jax = pytest.importorskip("jax")
    from jax.experimental.sparse import BCOO

    with jax.enable_x64(True):
        x = jax.numpy.asarray(X)
        backend = di.AutoSparse(di.AutoJax(), output="native")
        got = di.prepare_jacobian(burgers, backend, x)(x) if prepared else None
        got = got if prepared else di.jacobian(burgers, backend, x)
        assert isinstance(got, BCOO)
        assert got.indices_sorted
        assert got.unique_indices
        np.testing.assert_allclose(got.todense(), TRUTH, rtol=1e-13)
        np.testing.assert_allclose(got @ x, TRUTH @ X, rtol=1e-12)


def test_native_of_torch() -> None:
    torch = pytest.importorskip("torch")
    got = jacobian(di.AutoTorch(), "native", torch.tensor(X))
    assert got.layout is torch.sparse_csr
    np.testing.assert_allclose(got.to_dense(), TRUTH, rtol=1e-13)
    np.testing.assert_allclose(got @ torch.tensor(X), TRUTH @ X, rtol=1e-12)


@pytest.mark.parametrize("caller", ["numpy", "jax"])
def test_native_of_the_engine(caller: str) -> None:
    """Whoever calls: a sparse array of the engine's framework stays what it is."""
    torch = pytest.importorskip("torch")
    x = X if caller == "numpy" else pytest.importorskip("jax").numpy.asarray(X)
    got = jacobian(di.AutoTorch(), "native", x)
    assert got.layout is torch.sparse_csr
    np.testing.assert_allclose(got.to_dense(), TRUTH, rtol=1e-5)


def test_torch_may_turn_warnings_into_errors() -> None:
    """Its sparse tensors warn once a process that they are in beta, so this needs a new one."""
    pytest.importorskip("torch")
    program = (
        "import torch, warnings, diffinterface as di\n"
        "warnings.simplefilter('error')\n"
        "b = di.AutoSparse(di.AutoForwardDiff(), output='native')\n"
        "print(di.jacobian(lambda x: x * x, b, torch.ones(2)).values())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "tensor([2., 2.])", done.stderr


@pytest.mark.parametrize("engine", ["forwarddiff", "jax", "torch", "autograd"])
@pytest.mark.parametrize("caller", ["numpy", "jax", "torch"])
def test_data_in_the_callers_arrays(engine: str, caller: str) -> None:
    if not di.check_available(engine):
        pytest.skip(f"{engine} is not installed")
    single = X.astype(np.float32)
    module: Any = np if caller == "numpy" else pytest.importorskip(caller)
    x: Any = {
        "numpy": lambda: single,
        "jax": lambda: module.numpy.asarray(single),
        "torch": lambda: module.tensor(single),
    }[caller]()
    dense = {
        "forwarddiff": DUAL,
        "jax": di.AutoJax(jit=False),
        "torch": di.AutoTorch(),
        "autograd": di.AutoAutograd(),
    }[engine]
    got = jacobian(dense, "data", x)
    assert isinstance(got, SparseMatrix)
    assert type(got.data) is type(x)
    assert got.data.dtype == x.dtype
    assert got.shape == TRUTH.shape
    np.testing.assert_allclose(got.toarray(), TRUTH, rtol=1e-5)
    np.testing.assert_allclose(got.to_scipy().toarray(), TRUTH, rtol=1e-5)
    compressed = jacobian(dense, "compressed", x)
    assert compressed.shape == (3, 7)
    assert type(compressed) is type(x)


def test_compressed() -> None:
    """The products themselves, which the plan's coloring takes apart."""
    prep = di.prepare_jacobian(burgers, di.AutoSparse(DUAL, output="compressed"), X)
    coloring = prep.details.coloring
    np.testing.assert_allclose(prep(X), coloring.column_seeds() @ TRUTH.T, rtol=1e-13)
    np.testing.assert_allclose(coloring.decompress(prep(X)).toarray(), TRUTH, rtol=1e-13)


def test_compressed_both_ways() -> None:
    pytest.importorskip("autograd")
    from .problems import arrow

    dense = di.MixedMode(DUAL, di.AutoAutograd())
    prep = di.prepare_jacobian(arrow, di.AutoSparse(dense, output="compressed"), X)
    columns, rows = prep(X)
    assert len(columns) + len(rows) == 3
    got = prep.details.coloring.decompress((columns, rows)).toarray()
    np.testing.assert_allclose(got, di.jacobian(arrow, DUAL, X), rtol=1e-13)


# --- trees ---------------------------------------------------------------------------------------


def coupled(x: Any) -> Any:
    xp = di.array_namespace(x["a"], x["b"])
    a, b = xp.reshape(x["a"], (-1,)), x["b"]
    return {"sum": a[:3] * b, "difference": xp.reshape(a[3:] ** 2, (3, 1))}


TREE = {"a": point(6).reshape(2, 3), "b": point(3, seed=1)}


@pytest.mark.parametrize("engine", ["forwarddiff", "jax", "torch", "autograd"])
@pytest.mark.parametrize("output", ["csr", "native", "data"])
def test_trees(engine: str, output: Any) -> None:
    """A matrix for each pair of leaves, over their entries in order."""
    dense = installed(engine)
    if output == "native" and engine == "torch":
        pytest.skip("a case of test_native_of_the_engine")
    want = di.jacobian(coupled, DUAL, TREE)
    prep = di.prepare_jacobian(coupled, di.AutoSparse(dense, output=output), TREE)
    value, got = prep.value_and(TREE)
    np.testing.assert_allclose(value["sum"], coupled(TREE)["sum"])
    for out, m in (("sum", 3), ("difference", 3)):
        for into, n in (("a", 6), ("b", 3)):
            block = got[out][into]
            if engine == "jax" and output == "native":
                block = sparse.coo_array((block.data, np.asarray(block.indices).T), block.shape)
            np.testing.assert_allclose(block.toarray(), want[out][into].reshape(m, n), rtol=1e-13)
    assert prep.details.layout.shape == (6, 9)


def test_trees_hessian() -> None:
    def f(x: Any) -> Any:
        return (x[0][1:] * x[0][:-1] * x[1]).sum()

    tree = (point(3), point(2, seed=1))
    got = di.hessian(f, di.AutoSparse(DUAL), tree)
    want = di.hessian(f, DUAL, tree)
    for i in range(2):
        for j in range(2):
            np.testing.assert_allclose(got[i][j].toarray(), want[i][j], rtol=1e-13)


def test_compressed_takes_no_trees() -> None:
    with pytest.raises(di.InputError, match="output='data'"):
        di.jacobian(coupled, di.AutoSparse(DUAL, output="compressed"), TREE)


def test_scalars() -> None:
    """A number counts as one entry: the result is a matrix all the same."""
    got = di.jacobian(lambda x: np.stack([x, x**2]), di.AutoSparse(DUAL), 3.0)
    np.testing.assert_array_equal(got.toarray(), [[1.0], [6.0]])
    got = di.jacobian(lambda x: x[1] ** 2, di.AutoSparse(DUAL), np.array([1.0, 4.0]))
    np.testing.assert_array_equal(got.toarray(), [[0.0, 8.0]])
    assert got.nnz == 1


# --- nothing to compute --------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["forwarddiff", "jax", "torch", "autograd"])
@pytest.mark.parametrize("output", ["csr", "native", "data", "compressed"])
def test_empty_patterns(engine: str, output: Any) -> None:
    """A function that ignores x, and one that is linear: no product is taken, and the value is right."""
    dense = installed(engine)
    if output == "native" and engine == "torch":
        pytest.skip("a case of test_native_of_the_engine")
    backend = di.AutoSparse(dense, output=output)
    prep = di.prepare_jacobian(lambda x: x[:2] * 0.0 + 3.0, backend, X)
    assert "no colors" in repr(prep.details) or prep.details.layout.indices.size == 2
    f = lambda x: di.array_namespace(x).zeros_like(x[:2]) + 3.0  # noqa: E731
    value, got = di.prepare_jacobian(f, backend, X).value_and(X)
    np.testing.assert_array_equal(value, [3.0, 3.0])
    assert got.shape == ((0, 2) if output == "compressed" else (2, 7))
    value, slope, got = di.value_gradient_and_hessian(lambda x: x[0] - x[1], backend, X)
    assert value == X[0] - X[1]
    np.testing.assert_array_equal(slope, [1, -1, 0, 0, 0, 0, 0])
    assert got.shape == ((0, 7) if output == "compressed" else (7, 7))
    assert output != "csr" or got.nnz == 0


def test_no_rows() -> None:
    got = di.jacobian(lambda x: x[:0], di.AutoSparse(DUAL), X)
    assert got.shape == (0, 7)


# --- out= ----------------------------------------------------------------------------------------


def test_out() -> None:
    backend = di.AutoSparse(DUAL)
    held = di.jacobian(burgers, backend, X)
    entries = held.data
    other = di.jacobian(burgers, backend, 2 * X, out=held)
    assert other is held
    assert held.data is entries
    np.testing.assert_allclose(held.toarray(), di.jacobian(burgers, DUAL, 2 * X), rtol=1e-14)
    value, other = di.value_and_jacobian(burgers, backend, X, out=held)
    assert other is held
    np.testing.assert_allclose(held.toarray(), TRUTH, rtol=1e-14)
    np.testing.assert_allclose(value, burgers(X))
    di.jacobian(burgers, backend, X, out=held, accumulate=True)
    np.testing.assert_allclose(held.toarray(), 2 * TRUTH, rtol=1e-14)
    twice = di.hessian(energy(burgers), backend, X)
    di.hessian(energy(burgers), backend, 2 * X, out=twice)
    np.testing.assert_allclose(
        twice.toarray(), di.hessian(energy(burgers), DUAL, 2 * X), rtol=1e-12
    )


def test_out_refuses() -> None:
    backend = di.AutoSparse(DUAL)
    fits = di.jacobian(burgers, backend, X)
    wrong: list[Any] = [
        np.zeros((7, 7)),
        fits.tocsc(),
        fits.tocoo(),
        sparse.csr_matrix(fits),
        sparse.csr_array((7, 7)),
        fits[:, ::-1],
    ]
    for out in wrong:
        with pytest.raises(di.InputError, match="pattern of the result"):
            di.jacobian(burgers, backend, X, out=out)
    with pytest.raises(di.InputError, match="without loss"):
        di.jacobian(burgers, backend, X, out=fits.astype(np.float32))
    fits.data.flags.writeable = False
    with pytest.raises(di.InputError, match="writeable: False"):
        di.jacobian(burgers, backend, X, out=fits)


# --- substitution --------------------------------------------------------------------------------


def test_substitution() -> None:
    """Entries that are differences of products: for csr, and refused where gathering is all there is."""
    coloring = GreedyColoring(decompression="substitution")
    f, backend = energy(burgers), di.AutoSparse(DUAL, coloring=coloring)
    prep = di.prepare_hessian(f, backend, X)
    assert prep.details.coloring.decompression == "substitution"
    for x in (X, 2 * X):
        np.testing.assert_allclose(prep(x).toarray(), di.hessian(f, DUAL, x), rtol=1e-11)
    for output in ("data", "native"):
        with pytest.raises(di.InputError, match="decompression='direct'"):
            di.hessian(f, di.AutoSparse(DUAL, coloring=coloring, output=output), X)
    tree = (point(3), point(2, seed=1))
    parts = lambda x: (x[0][1:] * x[0][:-1] * x[1]).sum()  # noqa: E731
    got, want = di.hessian(parts, backend, tree), di.hessian(parts, DUAL, tree)
    np.testing.assert_allclose(got[0][1].toarray(), want[0][1], rtol=1e-12)


def test_explicit_zeros_stay() -> None:
    """The structure is the pattern's, whatever the values are."""
    backend = di.AutoSparse(DUAL, detector=KnownPattern(np.ones((7, 7))))
    got = di.jacobian(burgers, backend, X)
    assert got.nnz == 49
    np.testing.assert_allclose(got.toarray(), TRUTH, rtol=1e-14)


@pytest.mark.parametrize("output", ["csr", "data"])
@pytest.mark.parametrize("operator", ["jacobian", "hessian"])
def test_seeds_inside_the_program_or_beside_it(
    operator: str, output: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiler gets seeds as constants up to a size, above it as arguments."""
    dense = installed("jax")
    f = burgers if operator == "jacobian" else energy(burgers)
    prepare = getattr(di, f"prepare_{operator}")
    backend = di.AutoSparse(dense, output=output)
    inside = prepare(f, backend, X)(2 * X)
    monkeypatch.setattr("diffinterface.sparse.program._FOLDED", 0)
    beside = prepare(f, backend, X)(2 * X)
    want = getattr(di, operator)(f, DUAL, 2 * X)
    for got in (inside, beside):
        np.testing.assert_allclose(got.toarray(), want, rtol=1e-12, atol=1e-12)
