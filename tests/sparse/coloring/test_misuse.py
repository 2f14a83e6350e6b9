"""What would give a wrong matrix, or the wrong error, is refused where it is written."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from diffinterface.errors import DiffInterfaceError, InputError, ShapeError
from diffinterface.sparse.coloring import (
    ColoringProblem,
    ConstantColoring,
    GreedyColoring,
    OptimalColoring,
    color,
)
from diffinterface.sparse.coloring.jit import kernel
from diffinterface.sparse.detection import KnownPattern

from . import patterns
from .helpers import BOTH, COLUMN, ROW, SYMMETRIC, check

sparse = patterns.sparse
numba = pytest.importorskip("numba")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ColoringProblem("hermitian"), "structure='hermitian' is not one of"),
        (lambda: ColoringProblem(partition="rows"), "partition='rows' is not one of 'column'"),
        (lambda: ColoringProblem("symmetric", "row"), "write partition='column'"),
        (lambda: ColoringProblem("symmetric", "bidirectional"), "write partition='column'"),
        (lambda: GreedyColoring("largest"), "order='largest' is not one of 'natural'"),
        (lambda: GreedyColoring(()), "names no order"),
        (lambda: GreedyColoring(("natural", "best")), "order='best'"),
        (lambda: GreedyColoring(decompression="indirect"), "decompression='indirect'"),
        (lambda: OptimalColoring("star"), "decompression='star'"),
        (lambda: ConstantColoring("columns", [0]), "partition='columns'"),
        (lambda: ConstantColoring("column", [0.0, 1.0]), "one axis of integers"),
        (lambda: ConstantColoring("column", [[0, 1]]), "one axis of integers"),
        (lambda: ConstantColoring("column", [1, 2]), "0 to k - 1, each in use"),
        (lambda: ConstantColoring("column", [0, -2]), "0 to k - 1, each in use"),
        (lambda: ConstantColoring("bidirectional", [0, 1, 2]), "takes a pair"),
        (lambda: color(np.eye(2)), "must have dtype bool, got float64; write A != 0"),
        (lambda: color([[True]]), "must be a scipy.sparse array or a boolean NumPy array"),
        (lambda: color(np.ones(3, bool)), "two axes"),
        (lambda: color(np.ones((2, 3), bool), SYMMETRIC), "needs a square pattern"),
        (lambda: color(np.eye(2, dtype=bool), "column"), "is not a ColoringProblem"),
        (lambda: color(np.eye(2, dtype=bool), COLUMN, "greedy"), "is not GreedyColoring"),
    ],
)
def test_refused(make: Any, message: str) -> None:
    with pytest.raises(DiffInterfaceError, match=message):
        make()


def test_an_unsymmetric_pattern_names_the_entry() -> None:
    A = np.eye(4, dtype=bool)
    A[1, 3] = True
    with pytest.raises(InputError, match=r"entry \(1, 3\) has no counterpart \(3, 1\)") as caught:
        color(A, SYMMETRIC)
    assert caught.value.entry == (1, 3)
    for algorithm in (OptimalColoring(), ConstantColoring("column", [0, 1, 2, 3])):
        with pytest.raises(InputError, match="no counterpart"):
            color(A, SYMMETRIC, algorithm)


@pytest.mark.parametrize("problem", [COLUMN, ROW])
def test_substitution_where_there_is_none(problem: ColoringProblem) -> None:
    for algorithm in (GreedyColoring, OptimalColoring):
        with pytest.raises(InputError, match="Write decompression='direct'"):
            color(np.eye(3, dtype=bool), problem, algorithm(decompression="substitution"))


def test_every_stored_entry_counts() -> None:
    """A zero at this point may not be one at the next."""
    A = sparse.csr_array(([0.0, 0.0, 5.0], ([0, 0, 1], [0, 1, 1])), shape=(2, 2))
    result = color(A)
    assert result.pattern.nnz == 3
    assert result.num_colors == 2


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
def test_formats(kind: str) -> None:
    A = patterns.banded(8, 1, 2)
    given = A.asformat(kind)
    result = color(given)
    np.testing.assert_array_equal(result.pattern.toarray(), A.toarray())
    check(result)
    check(color(sparse.csr_matrix(A)))


def test_unsorted_and_repeated_entries() -> None:
    rows, columns = np.array([1, 0, 0, 1, 0]), np.array([1, 2, 0, 0, 2])
    A = sparse.coo_array((np.ones(5, bool), (rows, columns)), shape=(2, 3))
    result = color(A)
    assert result.pattern.nnz == 4
    check(result)
    unsorted = sparse.csr_array((np.ones(3, bool), [2, 0, 1], [0, 2, 3]), shape=(2, 3))
    check(color(unsorted))
    assert unsorted.indices.tolist() == [2, 0, 1]


def test_the_callers_pattern_may_change() -> None:
    A = patterns.banded(8, 1, 1)
    result = color(A)
    A.indices[:] = 0
    A.data[:] = False
    check(result)


def test_colors_that_do_not_determine_the_matrix() -> None:
    A = patterns.banded(6, 1, 1)
    check(color(A, COLUMN, ConstantColoring("column", [0, 1, 2, 0, 1, 2])))
    check(color(A, ROW, ConstantColoring("row", [0, 1, 2, 0, 1, 2])))
    for problem, kind in ((COLUMN, "column"), (ROW, "row")):
        with pytest.raises(InputError, match=r"do not determine entry \(\d, \d\)"):
            color(A, problem, ConstantColoring(kind, [0, 1, 0, 1, 0, 1]))
        with pytest.raises(InputError, match="do not determine"):
            color(A, problem, ConstantColoring(kind, [0, 1, 2, 0, 1, -1]))
    two = [0, 1, 0, 1, 0, 1]
    with pytest.raises(InputError, match="holds it alone"):
        color(A, SYMMETRIC, ConstantColoring("column", two))
    check(color(A, SYMMETRIC, ConstantColoring("column", two, "substitution")))
    ring = patterns.grid((6,), [(0,), (1,), (-1,)], periodic=True)
    with pytest.raises(InputError, match="do not determine") as caught:
        color(ring, SYMMETRIC, ConstantColoring("column", two, "substitution"))
    assert ring.toarray()[caught.value.entry]
    neutral = ([-1] * 6, [-1] * 6)
    with pytest.raises(InputError, match="do not determine"):
        color(A, BOTH, ConstantColoring("bidirectional", neutral))


def test_colors_of_another_size_or_partition() -> None:
    A = patterns.banded(6, 1, 1)
    with pytest.raises(ShapeError, match=r"column colors have shape \(5,\), expected \(6,\)"):
        color(A, COLUMN, ConstantColoring("column", [0, 1, 2, 0, 1]))
    with pytest.raises(ShapeError, match="row colors"):
        color(A, BOTH, ConstantColoring("bidirectional", ([0, 1, 2, 0, 1, 2], [-1])))
    with pytest.raises(InputError, match="partition 'row' for a problem of partition 'column'"):
        color(A, COLUMN, ConstantColoring("row", [0, 1, 2, 0, 1, 2]))


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (3, 4)])
def test_no_entries_no_products(shape: tuple[int, int]) -> None:
    empty = sparse.csr_array(shape, dtype=bool)
    for problem in (COLUMN, ROW, BOTH, *((SYMMETRIC,) if shape == (0, 0) else ())):
        for algorithm in (GreedyColoring("saturation"), OptimalColoring()):
            result = color(empty, problem, algorithm)
            assert result.num_colors == 0
            assert result.groups == []
            check(result)


def run(script: str) -> str:
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_heavy_is_imported_before_coloring() -> None:
    assert run(
        "import sys, diffinterface.sparse.coloring as c; c.GreedyColoring();"
        "print('numba' in sys.modules, 'scipy' in sys.modules)"
    ).split() == ["False", "False"]


@pytest.mark.parametrize("package", ["numba", "scipy"])
def test_a_missing_package_is_named(package: str) -> None:
    hidden = "scipy', 'scipy.sparse" if package == "scipy" else package
    out = run(
        f"import sys; [sys.modules.__setitem__(name, None) for name in ['{hidden}']]\n"
        "import numpy as np, diffinterface as di\n"
        "from diffinterface.sparse.coloring import color\n"
        "try:\n    color(np.eye(2, dtype=bool))\n"
        "except di.BackendNotInstalledError as error:\n    print(error.package, '|', error)"
    )
    assert out.lower().startswith(package)
    assert "pip install 'diffinterface[sparse]'" in out


def test_without_a_folder_to_cache_in() -> None:
    """numba finds no place to write to: the function is compiled for this process alone."""
    space: dict[str, Any] = {}
    exec(compile("def twice(n):\n    return 2 * n", "/nowhere/at/all.py", "exec"), space)
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(space["twice"], cache=True)
    assert kernel(space["twice"])(3) == 6


@pytest.mark.parametrize("index", [-1, 6, 2**30])
@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_array])
def test_indices_outside_of_the_matrix(kind: Any, index: int) -> None:
    """Compiled code would follow them out of the arrays."""
    pattern = kind(np.eye(6))
    pattern.indices[2] = index
    with pytest.raises(InputError, match="indices are damaged"):
        color(pattern)
    with pytest.raises(InputError, match="indices are damaged"):
        KnownPattern(pattern)
