"""The exhaustive search against enumeration of all colorings, by the definitions."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest

from diffinterface.errors import InputError
from diffinterface.sparse.coloring import ColoringResult, GreedyColoring, OptimalColoring, color

from . import definitions, patterns
from .helpers import BOTH, COLUMN, ORDERS, ROW, SYMMETRIC, check, matrix


def fewest(size: int, valid: Any) -> int:
    """The least number of colors, each in use, -1 allowed, of `size` vertices that are valid."""
    for k in range(size + 1):
        for colors in product(range(-1, k), repeat=size):
            if set(colors) >= set(range(k)) and valid(np.array(colors, int)):
                return k
    raise AssertionError("a color for each vertex is always valid")


def recovers(result: ColoringResult) -> None:
    A = matrix(result.pattern, symmetric=result.problem is SYMMETRIC)
    found = result.decompress(result.compress(A))
    np.testing.assert_array_equal(found.toarray(), A.toarray())


@pytest.mark.parametrize("seed", range(6))
def test_columns_and_rows(seed: int) -> None:
    pattern = patterns.random_pattern(5, 5, 0.35, seed)
    A = pattern.toarray()
    for problem, turned in ((COLUMN, A), (ROW, A.T)):
        result = color(pattern, problem, OptimalColoring())
        check(result)
        assert result.num_colors == fewest(5, partial(definitions.structurally_orthogonal, turned))


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_symmetric(seed: int, diagonal: bool) -> None:
    pattern = patterns.random_symmetric(6, 0.5, seed, diagonal=diagonal)
    A = pattern.toarray()
    direct = color(pattern, SYMMETRIC, OptimalColoring())
    recovers(direct)
    assert direct.num_colors == fewest(6, partial(definitions.symmetrically_orthogonal, A))
    indirect = color(pattern, SYMMETRIC, OptimalColoring("substitution"))
    recovers(indirect)
    assert indirect.num_colors == fewest(6, lambda colors: definitions.solvable(A, colors, None))


@pytest.mark.parametrize("seed", range(4))
def test_bidirectional(seed: int) -> None:
    pattern = patterns.random_pattern(3, 3, 0.7, seed)
    A = pattern.toarray()

    def valid(test: Any) -> Any:
        def both(colors: Any) -> bool:
            columns, rows = colors[:3], colors[3:]
            apart = not (set(columns) & set(rows)) - {-1}
            return apart and test(A, columns, rows)

        return both

    direct = color(pattern, BOTH, OptimalColoring())
    recovers(direct)
    assert direct.num_colors == fewest(6, valid(definitions.bidirectionally_orthogonal))
    indirect = color(pattern, BOTH, OptimalColoring("substitution"))
    recovers(indirect)
    assert indirect.num_colors == fewest(6, valid(definitions.solvable))


@pytest.mark.parametrize("seed", range(10))
def test_greedy_never_beats_it(seed: int) -> None:
    square = patterns.random_pattern(8, 8, 0.25, seed)
    both = patterns.random_symmetric(9, 0.25, seed)
    for decompression in ("direct", "substitution"):
        cases = [(BOTH, square), (SYMMETRIC, both)]
        cases += [(COLUMN, square), (ROW, square)] if decompression == "direct" else []
        for problem, pattern in cases:
            best = color(pattern, problem, OptimalColoring(decompression))
            recovers(best)
            for order in ORDERS:
                greedy = GreedyColoring(order, True, decompression)
                assert color(pattern, problem, greedy).num_colors >= best.num_colors


def test_it_says_how_far_it_came() -> None:
    pattern = patterns.five_point(4)
    with pytest.raises(InputError, match=r"gave up after 1000 steps: between 4 and \d") as caught:
        color(pattern, BOTH, OptimalColoring(max_steps=1000))
    assert caught.value.at_least == 4 < caught.value.at_most
    assert caught.value.steps == 1000
