"""Sets of integers in compact arrays, each named by one integer.

An *id* names a set: 0 the empty one, ``-(k + 1)`` the singleton ``{k}``, and a positive id the row of a
growing table. Moving elements around is then moving integers, and only unions look at members.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Ids = Any  # an int64 array of ids
EMPTY = 0
_MANY = 16  # rows at least so long on average are looked up by content


class SetStore:
    """A table of sets, stored as one CSR array that only grows."""

    def __init__(self) -> None:
        self._starts = np.zeros(2, np.int64)  # of row r; row 0 is the empty set
        self._rows = 1
        self._members = np.empty(1024, np.int64)

    @staticmethod
    def singletons(n: int, first: int = 0) -> Ids:
        """The ids of ``{first}, {first + 1}, ...``."""
        return -np.arange(first + 1, first + n + 1)

    def merge(self, rows: Ids, ids: Ids, count: int) -> Ids:
        """Unions: element r of the result is the union of all ``ids[j]`` with ``rows[j] == r``."""
        result = np.zeros(count, np.int64)
        present = ids != EMPTY
        if not present.all():
            rows, ids = rows[present], ids[present]
        rows, ids = distinct(rows, -ids)
        if rows.size:
            self._store(result, rows, -ids, np.bincount(rows, minlength=count))
        return result

    def merge_rows(self, table: Ids) -> Ids:
        """The union of the sets in each row of a table that has few columns."""
        rows, ids, counts = _by_row(table)
        result = np.zeros(table.shape[0], np.int64)
        self._store(result, rows, ids, counts)
        return result

    def _store(self, result: Ids, rows: Ids, ids: Ids, counts: Ids) -> None:
        """Fill in unions of distinct ids, of which each row has so many."""
        alone = counts == 1
        single = alone[rows]
        result[alone] = ids[single]
        if not single.all():
            several = counts > 1
            result[several] = self._append(rows[~single], ids[~single], counts[several])

    def expand_rows(self, table: Ids) -> tuple[Ids, Ids]:
        """`expand` of a table that has few columns, in each row of which are sets to be joined."""
        rows, ids, _ = _by_row(table)
        return self.expand(rows, ids)

    def expand(self, rows: Ids, ids: Ids) -> tuple[Ids, Ids]:
        """The distinct pairs ``(row, member)`` of these sets, sorted."""
        if not ids.all():
            present = ids != EMPTY
            rows, ids = rows[present], ids[present]
        compound = ids > 0
        if not compound.any():
            return distinct(rows, -ids - 1)
        starts = self._starts[ids[compound]]
        lengths = np.ones(ids.size, np.int64)
        lengths[compound] = self._starts[ids[compound] + 1] - starts
        several = np.repeat(compound, lengths)
        members = np.empty(several.size, np.int64)
        members[several] = self._members[_ranges(starts, lengths[compound])]
        members[~several] = -ids[~compound] - 1
        return distinct(np.repeat(rows, lengths), members)

    def _append(self, rows: Ids, ids: Ids, lengths: Ids) -> Ids:
        """New sets for sorted, distinct pairs of a row and an id; one id a row."""
        members = -ids - 1
        if members.min() < 0:
            rows, members = self.expand(rows, ids)
            starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
            lengths = np.diff(np.r_[starts, rows.size])
        which: Any = slice(None)
        if lengths.size > 1 and members.size >= _MANY * lengths.size:
            starts = np.cumsum(lengths) - lengths
            keep, which = _by_content(members, starts, lengths)
            members = members[_ranges(starts[keep], lengths[keep])]
            lengths = lengths[keep]
        return self._grow(members, lengths)[which]

    def _grow(self, members: Ids, lengths: Ids) -> Ids:
        used = int(self._starts[self._rows])
        self._members = _room(self._members, used, members.size)
        self._members[used : used + members.size] = members
        self._starts = _room(self._starts, self._rows + 1, lengths.size)
        first, end = self._rows, self._rows + lengths.size
        self._starts[first + 1 : end + 1] = used + np.cumsum(lengths)
        self._rows = end
        return np.arange(first, end)


def _by_row(table: Ids) -> tuple[Ids, Ids, Ids]:
    """The distinct ids of each row, singletons last and in order: rows, ids, and how many in each."""
    table = np.sort(-table, axis=1)
    new = table != EMPTY
    new[:, 1:] &= table[:, 1:] != table[:, :-1]
    counts = np.count_nonzero(new, axis=1)
    return np.repeat(np.arange(table.shape[0]), counts), -table[new], counts


def distinct(rows: Ids, values: Ids) -> tuple[Ids, Ids]:
    """The distinct pairs, sorted; rows are not negative."""
    if not rows.size:
        return rows, values
    low = int(values.min())
    span = int(values.max()) - low + 1
    if (int(rows.max()) + 1) * span >= 2**63:
        order = np.lexsort((values, rows))
        rows, values = rows[order], values[order]
        new = np.r_[True, (rows[1:] != rows[:-1]) | (values[1:] != values[:-1])]
        return rows[new], values[new]
    keys = rows * span
    keys += values
    keys -= low
    if (keys[1:] > keys[:-1]).all():
        return rows, values
    keys.sort()
    new = keys[1:] != keys[:-1]
    if not new.all():
        keys = keys[np.r_[True, new]]
    rows = keys // span
    keys -= rows * span
    keys += low
    return rows, keys


def _ranges(starts: Ids, lengths: Ids) -> Ids:
    """``start, start + 1, ..., start + length - 1`` for each pair, one after the other."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if ends.size else 0
    return np.arange(total) + np.repeat(starts - ends + lengths, lengths)


def _by_content(members: Ids, starts: Ids, lengths: Ids) -> tuple[Ids, Ids]:
    """Rows that stand for all others, and for each row the position of the one that equals it.

    A hash proposes, and a comparison of all members decides.
    """
    mixed = members.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    hashes = np.add.reduceat(mixed, starts)
    _, keep, which = np.unique(hashes, return_index=True, return_inverse=True)
    chosen = keep[which]
    same = lengths[chosen] == lengths
    if same.all():
        same = members[_ranges(starts[chosen], lengths)] == members
    if same.all():
        return keep, which
    every = np.arange(starts.size)
    return every, every


def _room(array: Any, used: int, more: int) -> Any:
    """`array`, or a longer copy of it, with room for so many more."""
    if used + more <= array.size:
        return array
    longer = np.empty(max(2 * array.size, used + more), array.dtype)
    longer[:used] = array[:used]
    return longer
