"""The table of sets against Python's sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffinterface.sparse.detection import store
from diffinterface.sparse.detection.sets import Sets, union
from diffinterface.sparse.detection.store import SetStore, distinct

from ... import tiers

FEW = settings(max_examples=tiers.examples(60), derandomize=True, deadline=None, database=None)


def members(table: SetStore, ids: Any) -> list[set[int]]:
    flat = np.ravel(ids)
    rows, found = table.expand(np.arange(flat.size), flat)
    result: list[set[int]] = [set() for _ in range(flat.size)]
    for row, member in zip(rows, found, strict=True):
        assert member not in result[row]
        result[row].add(int(member))
    return result


@FEW
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 40)), max_size=60), max_size=6)
)
def test_merging(rounds: list[list[tuple[int, int]]]) -> None:
    """Unions of unions, of rows that are empty, alone, equal or many."""
    table = SetStore()
    ids = list(table.singletons(20))
    expected = [{k} for k in range(20)]
    for pairs in rounds:
        rows = np.array([row for row, _ in pairs], np.int64)
        chosen = [which % len(ids) for _, which in pairs]
        merged = table.merge(rows, np.array([ids[k] for k in chosen], np.int64), 8)
        for row in range(8):
            parts = [expected[k] for (r, _), k in zip(pairs, chosen, strict=True) if r == row]
            expected.append(set().union(*parts))
        ids.extend(merged)
    assert members(table, np.array(ids)) == expected


@FEW
@given(st.integers(0, 10**6))
def test_merging_by_rows_is_merging(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = SetStore()
    ids = np.concatenate([table.singletons(6), [0]])
    for _ in range(4):
        columns = rng.choice(ids, size=(9, 3))
        by_rows = table.merge_rows(columns)
        merged = table.merge(np.repeat(np.arange(9), 3), columns.ravel(), 9)
        assert members(table, by_rows) == members(table, merged)
        ids = np.concatenate([ids, by_rows])


def test_equal_sets_are_stored_once() -> None:
    table = SetStore()
    wide = np.tile(table.singletons(40), (5, 1))
    ids = table.merge(np.repeat(np.arange(5), 40), wide.ravel(), 5)
    assert len(set(ids.tolist())) == 1
    assert members(table, ids) == [set(range(40))] * 5


def test_equal_hashes_are_no_proof(monkeypatch: Any) -> None:
    """Rows whose hashes collide stay apart."""
    members_, starts, lengths = np.array([0, 5, 1, 4]), np.array([0, 2]), np.array([2, 2])
    keep, which = store._by_content(members_, starts, lengths)
    assert keep.size == 2
    monkeypatch.setattr(store.np, "unique", lambda *a, **o: (None, np.array([0]), np.array([0, 0])))
    keep, which = store._by_content(members_, starts, lengths)
    np.testing.assert_array_equal(which, [0, 1])
    np.testing.assert_array_equal(keep, [0, 1])


@pytest.mark.parametrize("shift", [0, 2**40])
def test_distinct_pairs_of_any_size(shift: int) -> None:
    rows = np.array([3, 1, 3, 1, 2**30 if shift else 9])
    values = np.array([5, -7, 5, 2 + shift, 0])
    got = list(zip(*distinct(rows, values), strict=True))
    assert got == sorted(set(zip(rows.tolist(), values.tolist(), strict=True)))


def test_many_parts_are_merged_once() -> None:
    table = SetStore()
    parts = [Sets(table, [np.roll(table.singletons(30), k)]) for k in range(20)]
    joined = union(parts)
    assert len(joined.parts) == 1
    expected = [{(i - k) % 30 for k in range(20)} for i in range(30)]
    assert members(table, joined.ids()) == expected
    assert len(union(parts[:5]).parts) == 5
    assert len(union([parts[0]] * 3).parts) == 1
