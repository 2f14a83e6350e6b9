"""`color`: from a pattern, a problem and an algorithm to a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import InputError
from .graphs import Pattern, scipy_sparse
from .problem import Algorithm, ColoringProblem, ConstantColoring, GreedyColoring, OptimalColoring
from .result import ColoringResult


def color(
    pattern: Any,
    problem: ColoringProblem | None = None,
    algorithm: Algorithm | None = None,
) -> ColoringResult:
    """Color a sparsity pattern, so that few products determine every matrix that has it.

    Parameters
    ----------
    pattern : scipy.sparse array or numpy.ndarray of bool, shape (m, n)
        Every stored entry counts, whatever its value.
    problem : ColoringProblem, optional
        Columns of a nonsymmetric matrix by default.
    algorithm : GreedyColoring, OptimalColoring or ConstantColoring, optional
        ``GreedyColoring()`` by default.

    Returns
    -------
    ColoringResult

    Raises
    ------
    BackendNotInstalledError
        If numba or SciPy is missing.
    InputError
        If the pattern is of no kind that can be colored, or not symmetric where it has to be; if
        given colors do not determine the matrix; if the search for the fewest gives up.
    ShapeError
        If the pattern has not two axes, or is not square where it has to be, or given colors are
        not one for each column or row.

    Notes
    -----
    Columns or rows: partial distance-2 coloring; symmetric: star coloring (direct) or acyclic coloring
    (substitution); see Gebremedhin, Manne, Pothen, "What Color Is Your Jacobian?" (2005). Both ways:
    star and acyclic bicoloring as in Montoison, Dalle, Gebremedhin, "Revisiting sparse matrix coloring
    and bicoloring" (2025), beside a direct cover and the colorings of one side; the fewest colors win.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse as sp
    >>> n = 100
    >>> arrow = np.eye(n, dtype=bool)
    >>> arrow[0] = arrow[:, 0] = True
    >>> color(arrow).num_colors
    100
    >>> color(arrow, ColoringProblem(partition="bidirectional"))
    ColoringResult(100 x 100, 298 entries, bidirectional, direct: 3 colors (2 of columns, 1 of rows))
    >>> i = np.arange(n)
    >>> tridiagonal = sp.csr_array(abs(i[:, None] - i) <= 1)
    >>> symmetric = ColoringProblem(structure="symmetric")
    >>> color(tridiagonal, symmetric, GreedyColoring("natural", decompression="substitution"))
    ColoringResult(100 x 100, 298 entries, symmetric, substitution: 2 colors)
    """
    problem = ColoringProblem() if problem is None else problem
    algorithm = GreedyColoring() if algorithm is None else algorithm
    if not isinstance(problem, ColoringProblem):
        raise InputError(
            f"color: problem={problem!r} is not a ColoringProblem; write "
            "ColoringProblem(structure=..., partition=...).",
            got=problem,
        )
    if not isinstance(algorithm, Algorithm):
        raise InputError(
            f"color: algorithm={algorithm!r} is not GreedyColoring, OptimalColoring or "
            "ConstantColoring; write GreedyColoring(order='largest_first'), for example.",
            got=algorithm,
        )
    problem.check_decompression(algorithm.decompression)
    pattern = Pattern.of(pattern)
    columns, rows = _colors(pattern, problem, algorithm)
    return ColoringResult(pattern, problem, algorithm.decompression, columns, rows)


def _colors(pattern: Pattern, problem: ColoringProblem, algorithm: Algorithm) -> tuple[Any, Any]:
    if isinstance(algorithm, ConstantColoring):
        if algorithm.partition != problem.partition:
            raise InputError(
                f"ConstantColoring: colors of partition {algorithm.partition!r} for a problem of "
                f"partition {problem.partition!r}.",
                got=algorithm.partition,
                expected=problem.partition,
            )
        return algorithm.column_colors, algorithm.row_colors
    from . import greedy  # compiles: only where it is needed

    if isinstance(algorithm, OptimalColoring):
        from .optimal import optimal

        return optimal(pattern, problem, algorithm)
    if problem.structure == "symmetric":
        return greedy.symmetric(pattern.symmetric, algorithm), None
    both = pattern.bipartite
    if problem.partition == "bidirectional":
        return greedy.bidirectional(both, algorithm)
    if problem.partition == "column":
        return greedy.one_sided(both.turned(), algorithm), None
    return None, greedy.one_sided(both.straight(), algorithm)


_TEXTS = ("structure", "partition", "decompression")


def from_arrays(arrays: Mapping[str, Any]) -> ColoringResult:
    """The result that `ColoringResult.to_arrays` took apart.

    The way back to the entries is found anew, so that damaged arrays are an error, not a wrong matrix.

    Parameters
    ----------
    arrays : mapping of str to array
        Such as what ``np.load`` returns; further entries are ignored.

    Returns
    -------
    ColoringResult

    Raises
    ------
    InputError
        If arrays are missing, or do not make a pattern with colors that determine it.

    Examples
    --------
    >>> import numpy as np
    >>> result = color(np.eye(3, dtype=bool))
    >>> from_arrays(result.to_arrays())
    ColoringResult(3 x 3, 3 entries, column, direct: 1 colors)
    """
    absent = [key for key in ("shape", "indptr", "indices", *_TEXTS) if key not in arrays]
    if absent:
        raise InputError(
            f"from_arrays: {', '.join(absent)} missing; expected what ColoringResult.to_arrays "
            "returned.",
            missing=absent,
        )
    structure, partition, decompression = (str(np.asarray(arrays[key])) for key in _TEXTS)
    problem = ColoringProblem(structure, partition)  # type: ignore[arg-type] # checked there
    both = [arrays.get(key) for key in ("column_colors", "row_colors")]
    colors = tuple(both) if partition == "bidirectional" else both[partition == "row"]
    algorithm = ConstantColoring(partition, colors, decompression)  # type: ignore[arg-type]
    return color(_pattern(arrays), problem, algorithm)


def _pattern(arrays: Mapping[str, Any]) -> Any:
    sparse = scipy_sparse()
    indices, indptr = np.asarray(arrays["indices"]), np.asarray(arrays["indptr"])
    try:
        shape = tuple(map(int, arrays["shape"]))
        pattern = sparse.csr_array((np.ones(len(indices), bool), indices, indptr), shape=shape)
        pattern.check_format(full_check=True)
        if len(indices) != indptr[-1] or not pattern.has_canonical_format:
            raise ValueError("entries are not sorted, or stand twice")
    except (TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"from_arrays: shape, indptr and indices are no sparsity pattern ({error}).",
            got=arrays["shape"],
        ) from error
    return pattern
