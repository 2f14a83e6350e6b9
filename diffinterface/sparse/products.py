"""Compressed products: one derivative along the sum of all columns, or rows, of a color.

A. R. Curtis, M. J. D. Powell, J. K. Reid, "On the estimation of sparse Jacobian matrices", 1974.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import prod
from typing import Any, final

import numpy as np

from ..arrays import assembly
from ..arrays.facts import Array, is_complex, shape_of, size_of
from ..arrays.framework import is_traced
from ..arrays.namespace import array_namespace
from ..arrays.seeds import turned
from ..arrays.trees import Leaves

#: Bytes that the seeds and products of one evaluation may take.
MEMORY = 2**28

Part = tuple[Any, Leaves, Any]  # value, products, auxiliary output
Evaluate = Callable[[Leaves, Leaves, Iterable[Leaves]], Iterator[Part]]


@final
class Products:
    """The products of a matrix with the seeds of a coloring, by a batched operator of an engine.

    Parameters
    ----------
    colors : numpy.ndarray of int
        For each entry of the seeded side its color; negative where it has none.
    like : tuple of array
        Arrays of the shapes and dtypes of the seeded side.
    step : int
        How many seeds one evaluation may carry.
    prepare : callable
        From a batch of seeds to the evaluation of such batches.
    adjoint : bool
        Whether the products are pullbacks, which at complex arrays take two passes or a conjugate.
    multiple : int
        What the length of each batch must be a multiple of.
    place : callable, optional
        What to do with each array of seeds, such as spreading it over devices.
    """

    __slots__ = ("_colors", "_evaluate", "_place", "_ready", "_step", "adjoint", "count", "like")

    def __init__(
        self,
        colors: Any,
        like: Leaves,
        step: int,
        prepare: Callable[[Leaves], Evaluate],
        *,
        adjoint: bool = False,
        multiple: int = 1,
        place: Callable[[Array], Array] | None = None,
    ) -> None:
        self._colors, self.like, self.adjoint, self._place = colors, like, adjoint, place
        self.count = int(np.max(colors, initial=-1)) + 1
        chunks = max(-(-self.count // step), 1)
        # Batches of one length, the last filled up with zeros: a compiling engine compiles once.
        self._step = -(-self.count // chunks // multiple) * multiple or multiple
        self._ready: list[Leaves] | None = None
        if not self.count:
            return
        self._evaluate = prepare(self._seeds(0))
        few = self.count * sum(map(size_of, like)) * 16 <= MEMORY
        if few and not any(map(is_traced, like)):
            self._ready = list(self._batches())

    def _batches(self) -> Iterator[Leaves]:
        return (self._seeds(start) for start in range(0, self.count, self._step))

    def _seeds(self, start: int) -> Leaves:
        """The seeds of the colors from `start` on, on a leading axis."""

        def hot(xp: Any, colors: Array, device: Any) -> Array:
            rows = xp.arange(start, start + self._step, dtype=colors.dtype, device=device)
            return rows[:, None] == colors[None, :]

        return self._spread(self._colors, hot)

    def _spread(self, vector: Any, batch: Callable[[Any, Array, Any], Array]) -> Leaves:
        """Seeds from a NumPy vector over all entries, leaf by leaf."""
        made, offset = [], 0
        for leaf in self.like:
            xp, size = array_namespace(leaf), size_of(leaf)
            device = getattr(leaf, "device", None)  # a tracer has none
            own = xp.asarray(vector[offset : offset + size].copy(), device=device)
            rows = xp.astype(batch(xp, own, device), leaf.dtype)
            seed = xp.reshape(rows, (self._step, *shape_of(leaf)))
            made.append(seed if self._place is None else self._place(seed))
            offset += size
        return tuple(made)

    def along(self, vector: Any) -> Leaves:
        """A NumPy vector as the first seed of a batch, whose others are zero."""

        def first(xp: Any, own: Array, device: Any) -> Array:
            one = xp.astype(xp.arange(self._step, device=device) == 0, own.dtype)
            return one[:, None] * own[None, :]

        return self._spread(vector, first)

    @property
    def placed(self) -> bool:
        """Whether seeds have a place of their own, such as several devices."""
        return self._place is not None

    @property
    def single(self) -> Leaves | None:
        """The seeds, where they are kept and are one batch."""
        return self._ready[0] if self._ready is not None and len(self._ready) == 1 else None

    def __call__(
        self,
        x: Leaves,
        contexts: Leaves,
        done: Callable[[int], None] | None = None,
        seeds: Leaves | None = None,
    ) -> tuple[Any, Array, Any]:
        """The value, the products as a matrix ``(colors, entries)``, and the auxiliary output.

        The products with `seeds`, if given, a batch as `along` makes it or as `single` is.
        """
        value, aux, parts = None, None, []
        for part in self._evaluate(x, contexts, self._chosen(seeds)):
            value, products, aux = part
            parts.append(_as_matrix(products))
            if done is not None:
                done(min(self._step, self.count - self._step * (len(parts) - 1)))
        if self.adjoint and any(map(is_complex, self.like)):
            across = [
                _as_matrix(part[1])
                for part in self._evaluate(x, contexts, map(turned, self._chosen(seeds)))
            ]
            pairs = zip(parts, across, strict=True)
            parts = [assembly.complex_rows((a,), (b,), (a,))[0] for a, b in pairs]
        matrix = assembly.concat(parts)
        whole = shape_of(matrix)[0] == self.count
        return value, matrix if whole else matrix[: self.count, ...], aux

    def _chosen(self, seeds: Leaves | None) -> Iterable[Leaves]:
        return [seeds] if seeds is not None else self._ready or self._batches()


def serial(run: Callable[[Leaves, Leaves, Leaves], Part]) -> Evaluate:
    """One batch after the other."""
    return lambda x, contexts, batches: (run(x, contexts, seeds) for seeds in batches)


def batch_size(chosen: int | None, engine: int | None, entries: int) -> int:
    """How many seeds one evaluation carries: as asked, else what the engine and memory allow."""
    if chosen is not None:
        return chosen
    within = max(MEMORY // max(entries * 8, 1), 1)
    return within if engine is None else min(engine, within)


def _as_matrix(products: Leaves) -> Array:
    """Batched leaves side by side: ``(batch, entries)``."""
    shapes = map(shape_of, products)
    flat = [
        p if len(shape) == 2 else array_namespace(p).reshape(p, (shape[0], prod(shape[1:])))
        for p, shape in zip(products, shapes, strict=True)
    ]
    return flat[0] if len(flat) == 1 else array_namespace(*flat).concat(flat, axis=1)
