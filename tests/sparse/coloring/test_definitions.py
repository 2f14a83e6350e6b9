"""The checkers themselves: each refuses a coloring that is wrong in one place."""

from __future__ import annotations

import numpy as np

from . import definitions as d
from . import patterns


def shades(*colors: int) -> dict[int, int | None]:
    return {v: None if color < 0 else color for v, color in enumerate(colors)}


def test_columns() -> None:
    A = patterns.banded(4, 1, 1).toarray()
    assert d.structurally_orthogonal(A, [0, 1, 2, 0])
    assert not d.structurally_orthogonal(A, [0, 1, 0, 2])
    assert not d.structurally_orthogonal(A, [0, 1, 2, -1])


def test_star_and_acyclic() -> None:
    path = d.graph_of(patterns.banded(4, 1, 1).toarray())
    assert d.star(path, shades(0, 1, 0, 2))
    assert not d.star(path, shades(0, 1, 0, 1))
    assert d.acyclic(path, shades(0, 1, 0, 1))
    assert not d.acyclic(path, shades(0, 0, 1, 0))
    square = d.graph_of(patterns.grid((4,), [(0,), (1,), (-1,)], periodic=True).toarray())
    assert not d.acyclic(square, shades(0, 1, 0, 1))
    assert d.acyclic(square, shades(0, 1, 0, 2))


def test_neutral() -> None:
    path = d.graph_of(patterns.banded(3, 1, 1).toarray())
    assert d.neutral_apart(path, shades(0, -1, 1))
    assert not d.neutral_apart(path, shades(0, -1, 0))
    assert not d.neutral_apart(path, shades(0, -1, -1))


def test_orthogonal_both_ways() -> None:
    A = patterns.arrow(4).toarray()
    assert d.symmetrically_orthogonal(A, [0, 1, 1, 1])
    assert not d.symmetrically_orthogonal(A, [0, 0, 1, 1])
    assert not d.symmetrically_orthogonal(A, [-1, 1, 1, 1])
    assert d.bidirectionally_orthogonal(A, [0, 1, 1, 1], [0, -1, -1, -1])
    assert not d.bidirectionally_orthogonal(A, [0, 0, 1, 1], [0, -1, -1, -1])
    assert not d.bidirectionally_orthogonal(A, [0, 1, 1, 1], [-1, -1, -1, -1])


def test_solvable() -> None:
    A = patterns.banded(4, 1, 1).toarray()
    assert d.solvable(A, [0, 1, 0, 1], None)
    ring = patterns.grid((4,), [(0,), (1,), (-1,)], periodic=True).toarray()
    assert not d.solvable(ring, [0, 1, 0, 1], None)
    full = np.ones((2, 2), bool)
    assert not d.solvable(full, [0, 0], [0, 0])
    assert d.solvable(full, [0, 1], [-1, -1])
