"""The quick tier leaves out combinations, but no value of any axis."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product
from math import prod
from typing import Any

import pytest

from .. import tiers


def values(items: list[pytest.Item]) -> dict[str, set[tuple[str, Any]]]:
    """What occurs on each axis of each test function."""
    found: dict[str, set[tuple[str, Any]]] = {}
    for item in items:
        call = getattr(item, "callspec", None)
        for axis, value in {} if call is None else call.params.items():
            try:
                key = (type(value), value)
                hash(key)
            except TypeError:
                key = (type(value), id(value))
            found.setdefault(tiers.family(item), set()).add((axis, key))
    return found


def test_every_value_of_every_axis_is_quick(collected: list[pytest.Item]) -> None:
    quick = values([item for item in collected if item.get_closest_marker("quick")])
    every = {name: axes for name, axes in values(collected).items() if name not in tiers.WAIT}
    assert {name: axes - quick.get(name, set()) for name, axes in every.items()} == {
        name: set() for name in every
    }


def test_no_full_product_waits(collected: list[pytest.Item]) -> None:
    """What waits as a whole is one test, a list of values, or few pairs of many."""
    for name in tiers.WAIT:
        members = [item for item in collected if tiers.family(item) == name]
        sizes = Counter(axis for axis, _ in values(members).get(name, ()))
        assert len(sizes) <= 1 or len(members) < prod(sizes.values()), name


def test_every_test_is_in_a_tier(collected: list[pytest.Item]) -> None:
    for item in collected:
        assert item.get_closest_marker("quick") or item.get_closest_marker("full")


def test_the_table_names_tests_that_there_are(collected: list[pytest.Item]) -> None:
    """Of the files that this session has read."""
    files = {item.nodeid.partition("::")[0] for item in collected}
    for start in (*tiers.VALUES, *tiers.WAIT):
        if start.partition("::")[0] in files:
            assert any(item.nodeid.startswith(start) for item in collected), start


@pytest.mark.parametrize("sizes", [(3, 4), (4, 4, 4), (5, 3, 2, 2)])
def test_a_cover_of_pairs(sizes: tuple[int, ...]) -> None:
    rows = [tuple(enumerate(row)) for row in product(*map(range, sizes))]
    chosen = [rows[k] for k in tiers.cover(rows, [True] * len(rows))]
    pairs = {pair for row in chosen for pair in combinations(row, 2)}
    assert pairs == {pair for row in rows for pair in combinations(row, 2)}
    assert len(sizes) == 2 or len(chosen) < len(rows) / 2


def test_a_cover_of_values() -> None:
    rows = [tuple(enumerate(row)) for row in product(range(5), range(3), range(2))]
    assert len(tiers.cover(rows, [False] * len(rows))) == 5
