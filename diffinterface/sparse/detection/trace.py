"""One detection: its inputs, its tables of sets, and what it does with what it does not know."""

from __future__ import annotations

from typing import Any, Literal, final

import numpy as np

from .errors import DetectionError, branching
from .sets import Sets, union
from .store import EMPTY, Ids, SetStore, distinct

Unknown = Literal["raise", "dense"]


@final
class Trace:
    """A run of f with tracers.

    For second derivatives each element also carries *events*. An event is a pair of sets of inputs, of
    which some function was not linear: all pairs of one input from each may have a second derivative.
    Linear functions hand the events of their arguments on, so that at the end those count, and only
    those, that reached the output (gradient and Hessian index sets as in Hill & Dalle, *Sparser, better,
    faster, stronger: sparsity detection for efficient automatic differentiation*, 2025).

    Parameters
    ----------
    n : int
        The number of inputs.
    local : bool
        Whether values may decide, so that the pattern holds at this point alone.
    second : bool
        Whether to record events.
    unknown : {"raise", "dense"}
        What to do where dependences would be lost.
    """

    def __init__(
        self, n: int, *, local: bool = False, second: bool = False, unknown: Unknown = "raise"
    ) -> None:
        self.n = n
        self.local = local
        self.second = second
        self.unknown = unknown
        self.lost = False
        self.store = SetStore()
        self.events = SetStore()
        self._left: list[Ids] = []
        self._right: list[Ids] = []
        self._count = 0
        self._recent: list[tuple[Ids, Ids, Ids]] = []

    def lose(self, error: DetectionError) -> None:
        """Raise `error`; or, with ``unknown="dense"``, count every input for every output."""
        if self.unknown == "raise":
            raise error
        self.lost = True

    def decide(self, operation: str) -> None:
        """Values are about to decide what f does next."""
        if not self.local:
            self.lose(branching(operation))

    # --- events ----------------------------------------------------------------------------------

    def event(self, a: Sets, b: Sets) -> Sets:
        """Events of a function not linear in a and b together: elementwise pairs of their sets."""
        left, right = np.broadcast_arrays(a.ids(), b.ids())
        present = (left != EMPTY) & (right != EMPTY)
        count = int(np.count_nonzero(present))
        if not count:
            return Sets.empty(self.events, left.shape)
        left, right = np.minimum(left, right), np.maximum(left, right)
        for known_left, known_right, labels in self._recent:
            if np.array_equal(known_left, left) and np.array_equal(known_right, right):
                return Sets(self.events, [labels.copy()])
        labels = np.zeros(left.shape, np.int64)
        labels[present] = SetStore.singletons(count, self._count)
        self._left.append(left[present])
        self._right.append(right[present])
        self._count += count
        self._recent = [*self._recent[-7:], (left, right, labels)]
        return Sets(self.events, [labels.copy()])

    def square(self, parts: list[Sets]) -> Sets:
        """Events of a function not linear in all of `parts` together."""
        together = union(parts)
        together = Sets(self.store, [together.ids()])
        return self.event(together, together)

    # --- results ---------------------------------------------------------------------------------

    def jacobian(self, outputs: list[Sets], size: int) -> Any:
        """The pattern of the outputs, one row each, as a CSR array of bools."""
        if self.lost:
            return full(size, self.n)
        pairs = [self.store.expand_rows(s.table()) for s in outputs]
        offsets = np.cumsum([0, *(s.parts[0].size for s in outputs)])
        rows = [rows + start for (rows, _), start in zip(pairs, offsets, strict=False)]
        columns = [columns for _, columns in pairs]
        return csr(np.concatenate(rows), np.concatenate(columns), (size, self.n))

    def hessian(self, output: Sets) -> Any:
        """The pattern of the second derivatives of one number, a symmetric CSR array of bools."""
        if self.lost:
            return full(self.n, self.n)
        which = self.events.expand(np.zeros(1, np.int64), np.asarray([output.all()]))[1]
        if not which.size:
            return csr(which, which, (self.n, self.n))
        low = min(int(part.min()) for part in self._left)
        shifted, right = distinct(
            np.concatenate(self._left)[which] - low, np.concatenate(self._right)[which]
        )
        one_way = self._members(shifted + low).T @ self._members(right)
        both: Any = (one_way + one_way.T).tocsr()
        both.sort_indices()
        return csr(
            np.repeat(np.arange(self.n), np.diff(both.indptr)), both.indices, (self.n, self.n)
        )

    def _members(self, ids: Ids) -> Any:
        """The sets that ids name, one row each."""
        return csr(*self.store.expand(np.arange(ids.size), ids), (ids.size, self.n))


def csr(rows: Ids, columns: Ids, shape: tuple[int, int]) -> Any:
    """A CSR array of bools from sorted, distinct pairs."""
    import scipy.sparse

    kind = np.int32 if max(rows.size, *shape) < 2**31 else np.int64
    indptr = np.zeros(shape[0] + 1, kind)
    np.cumsum(np.bincount(rows, minlength=shape[0]), out=indptr[1:])
    data = np.ones(rows.size, bool)
    return scipy.sparse.csr_array((data, columns.astype(kind), indptr), shape=shape)


def full(m: int, n: int) -> Any:
    """The dense pattern."""
    return csr(np.repeat(np.arange(m), n), np.tile(np.arange(n), m), (m, n))
