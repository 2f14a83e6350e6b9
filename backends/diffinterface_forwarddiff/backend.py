"""Dual numbers as an inner engine, on the caller's own arrays."""

from __future__ import annotations

from functools import partial
from typing import Any, final

import numpy as np

from diffinterface.extend import (
    Array,
    AutoForwardDiff,
    Backend,
    Function,
    Leaves,
    Prep,
    framework_of,
    is_complex,
    map_leaves,
    size_of,
)
from diffinterface.extend.arrays import new_level
from diffinterface.extend.transforms import complex_gradient_error, gradient_forward

from .define import defrule
from .dual import Dual
from .jacobian import as_array, sweep
from .levels import primal, tangent
from .memory import keep_freed
from .table import from_objects
from .values import back, beside, cast, copied, front


@final
class ForwardDiffBackend(Backend):
    """`AutoForwardDiff`: one evaluation of f carries up to `chunk_size` tangents."""

    adtype_class = AutoForwardDiff
    adtype: AutoForwardDiff
    defrule = staticmethod(defrule)  # `diffinterface.extend` offers it

    def __init__(self, adtype: AutoForwardDiff) -> None:
        super().__init__(adtype)
        self.chunk_size = self._chunk = adtype.chunk_size or 64  # other engines may have none

    def check_output(self, leaf: Array) -> Array:
        if isinstance(leaf, np.ndarray) and leaf.dtype == object:
            return from_objects(leaf)
        return leaf

    def prepare_pushforward(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        keep_freed(x, t[0].shape[0] if batched else 1)

        def run(x: Leaves, contexts: Leaves, t: Leaves) -> tuple[Leaves, Leaves, Any]:
            level = new_level()
            k = t[0].shape[0] if batched else 1
            seeded = tuple(_seed(a, b, batched, level) for a, b in zip(x, t, strict=True))
            y, aux = fn(seeded, contexts)
            value = tuple(as_array(primal(leaf, level), x[0]) for leaf in y)
            columns = tuple(
                _unseed(
                    tangent(leaf, level, k) if isinstance(leaf, Dual) else tangent(v, level, k),
                    batched,
                )
                for leaf, v in zip(y, value, strict=True)
            )
            strip = map_leaves(lambda leaf: primal(leaf, level), aux)
            return value, columns, strip

        return Prep(run)

    def prepare_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        keep_freed(x, min(self._chunk, sum(map(size_of, x))))
        return Prep(partial(sweep, fn, self._chunk), fresh=True)

    def prepare_gradient(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        if any(is_complex(leaf) for leaf in x):
            return gradient_forward(self, fn, x, contexts)
        keep_freed(x, min(self._chunk, sum(map(size_of, x))))

        def run(x: Leaves, contexts: Leaves) -> tuple[Leaves, Leaves, Any]:
            value, ((*row,),), aux = sweep(fn, self._chunk, x, contexts)
            if is_complex(value[0]):
                raise complex_gradient_error()
            return value, tuple(cast(r, leaf.dtype) for r, leaf in zip(row, x, strict=True)), aux

        return Prep(run, fresh=True)


def _seed(x: Array, t: Array, batched: bool, level: int) -> Dual:
    # Copies: f may write into its argument, which must reach neither the caller's arrays nor the seeds.
    framework = framework_of(x)
    value = framework.own(x) if framework is not None else x
    column = back(t) if batched else t[..., None]
    return Dual(value, beside(copied(column), x), level)


def _unseed(columns: Array, batched: bool) -> Array:
    return front(columns) if batched else columns[..., 0]
