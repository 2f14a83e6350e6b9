"""One set for each element of an array: a lazy union of a few integer arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, final

import numpy as np

from .store import EMPTY, Ids, SetStore

_MOST = 12  # parts kept apart; a stencil of so many points is merged once


@final
class Sets:
    """For each element the union of the sets that `parts` name there.

    Adding two arrays only puts their parts side by side; equal parts are kept once. They are merged
    when they become many, and where one id a element is needed. There is always one part at least, for
    an element to be written into.
    """

    __slots__ = ("parts", "store")

    def __init__(self, store: SetStore, parts: list[Ids]) -> None:
        self.store = store
        self.parts = parts

    @classmethod
    def empty(cls, store: SetStore, shape: tuple[int, ...]) -> Sets:
        """Nothing anywhere."""
        return cls(store, [np.zeros(shape, np.int64)])

    @property
    def is_empty(self) -> bool:
        """Whether all sets are empty."""
        return not any(part.any() for part in self.parts)

    def map(self, move: Callable[[Ids], Any]) -> Sets:
        """The same elements elsewhere: `move` applied to each part."""
        return Sets(self.store, [np.asarray(move(part)) for part in self.parts])

    def copy(self) -> Sets:
        """The same sets in memory of their own."""
        return Sets(self.store, [part.copy("K") for part in self.parts])

    def where(self, keep: Any) -> Sets:
        """The same sets where `keep` is true, nothing elsewhere."""
        return Sets(self.store, [np.where(keep, part, EMPTY) for part in self.parts])

    def ids(self) -> Ids:
        """One id for each element; not kept, for views share the parts."""
        if len(self.parts) == 1:
            return self.parts[0]
        return self.store.merge_rows(self.table()).reshape(self.parts[0].shape)

    def table(self) -> Ids:
        """All ids: a row for each element, a column for each part."""
        return np.stack([part.ravel() for part in self.parts], axis=1)

    def over(self, axes: tuple[int, ...], keepdims: bool = True) -> Sets:
        """Unions over axes, which stay with length 1, or go."""
        if not axes:
            return self.copy()
        shape = self.parts[0].shape
        rest = [i for i in range(len(shape)) if i not in axes]
        count = int(np.prod([shape[i] for i in rest], dtype=int))
        length = int(np.prod([shape[i] for i in axes], dtype=int))
        ids = [part.transpose(*rest, *axes).reshape(count, length) for part in self.parts]
        flat = np.concatenate(ids, axis=1) if len(ids) > 1 else ids[0]
        if flat.shape[1] < 16:
            merged = self.store.merge_rows(flat)
        else:
            rows = np.repeat(np.arange(count), flat.shape[1])
            merged = self.store.merge(rows, flat.ravel(), count)
        kept = range(len(shape)) if keepdims else rest
        return Sets(self.store, [merged.reshape([1 if i in axes else shape[i] for i in kept])])

    def all(self) -> int:
        """The id of the union of everything."""
        flat = np.unique(np.concatenate([part.ravel() for part in self.parts]))
        return int(self.store.merge(np.zeros(flat.size, np.int64), flat, 1)[0])

    def assign(self, index: Any, value: Sets | None) -> None:
        """Write `value` at `index`, in the memory of the first part, which views share."""
        self.parts[0][index] = EMPTY if value is None else value.ids()
        for part in self.parts[1:]:
            part[index] = EMPTY

    def include(self, more: int) -> None:
        """Add one set to every element, in the memory of the first part."""
        joined = union([self, Sets(self.store, [np.full(self.parts[0].shape, more)])]).ids()
        self.assign(..., Sets(self.store, [joined]))


def union(several: Iterable[Sets], shape: tuple[int, ...] | None = None) -> Sets:
    """Elementwise unions of one or more arrays, broadcast to `shape` or to each other."""
    sets = list(several)
    if shape is None:
        shape = np.broadcast_shapes(*(s.parts[0].shape for s in sets))
    parts: list[Ids] = []
    for part in (part for s in sets for part in s.parts):
        wide = part if part.shape == shape else np.broadcast_to(part, shape)
        if wide.any() and not any(_equal(wide, other) for other in parts):
            parts.append(wide)
    # Fresh memory: the operands may be written into later.
    store = sets[0].store
    if not parts:
        return Sets.empty(store, shape)
    result = Sets(store, [part.copy("K") for part in parts])
    return result if len(parts) <= _MOST else Sets(store, [result.ids()])


def _equal(a: Ids, b: Ids) -> bool:
    first = (0,) * a.ndim
    return bool(a[first] == b[first]) and np.array_equal(a, b)
