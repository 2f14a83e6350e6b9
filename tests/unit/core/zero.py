"""Backends that need no engine: one whose derivatives are all zero, one exact for quadratic f.

The core decides trees, shapes, dtypes, conversion and how operators derive from each other; all of
that shows without a real engine. Both kinds come with forward mode, with reverse mode, and with both.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any, ClassVar

import numpy as np

import diffinterface as di
from diffinterface.extend import Backend, Prep, basis, match_cotangent


@dataclass(frozen=True)
class AutoZero(di.ADType):
    name: ClassVar[str] = "zero"
    chunk_size: int | None = None


@dataclass(frozen=True)
class AutoZeroForward(AutoZero):
    name: ClassVar[str] = "zeroforward"


@dataclass(frozen=True)
class AutoZeroReverse(AutoZero):
    name: ClassVar[str] = "zeroreverse"


@dataclass(frozen=True)
class AutoExactForward(AutoZero):
    name: ClassVar[str] = "exactforward"


@dataclass(frozen=True)
class AutoExactReverse(AutoZero):
    name: ClassVar[str] = "exactreverse"


class _Engine(Backend):
    """What the engines share: a log of what was prepared, and of the seeds that were run."""

    def __init__(self, adtype: AutoZero) -> None:
        super().__init__(adtype)
        self.chunk_size = adtype.chunk_size
        self.prepared: list[str] = []
        self.seeds: list[tuple[tuple[int, ...], ...]] = []

    def jacobian_at(self, fn: Any, x: Any, contexts: Any) -> Any:
        """The matrix of f at x, over the flat entries of f(x) and of x."""
        return 0.0

    def pushed(self, fn: Any, batched: bool) -> Prep:
        self.prepared.append("pushforward")

        def run(x: Any, contexts: Any, t: Any) -> Any:
            self.seeds.append(tuple(s.shape for s in t))
            y, aux = fn(x, contexts)
            matrix = self.jacobian_at(fn, x, contexts)
            return y, _apply(matrix, t, x, y, batched), aux

        return Prep(run)

    def pulled(self, fn: Any, batched: bool) -> Prep:
        self.prepared.append("pullback")

        def run(x: Any, contexts: Any, t: Any) -> Any:
            self.seeds.append(tuple(np.shape(s) for s in t))
            y, aux = fn(x, contexts)
            matrix = np.transpose(self.jacobian_at(fn, x, contexts))
            return y, _apply(matrix, match_cotangent(t, y, batched), y, x, batched), aux

        return Prep(run)


def _apply(matrix: Any, t: Any, source: Any, target: Any, batched: bool) -> Any:
    """A flat matrix from the space of `source` to that of `target`; 0.0 stands for any zero one."""
    lead = t[0].shape[:1] if batched else ()
    flat = np.concatenate(
        [np.reshape(s, (*lead, np.size(a))) for s, a in zip(t, source, strict=True)], axis=-1
    )
    total = sum(np.size(a) for a in target)
    image = np.zeros((*lead, total)) if np.ndim(matrix) == 0 else flat @ matrix.T
    stops = np.cumsum([np.size(a) for a in target])[:-1]
    parts = np.split(image, stops, axis=-1)
    return tuple(
        np.reshape(p, (*lead, *np.shape(a))).astype(np.asarray(a).dtype)
        for p, a in zip(parts, target, strict=True)
    )


class _Exact(_Engine):
    """Central differences of step 1: without any rounding for quadratic f of small integers."""

    def jacobian_at(self, fn: Any, x: Any, contexts: Any) -> Any:
        columns = []
        for k in range(sum(np.size(a) for a in x)):
            step = tuple(e[0] for e in basis(x, k, k + 1))
            after, _ = fn(tuple(a + e for a, e in zip(x, step, strict=True)), contexts)
            before, _ = fn(tuple(a - e for a, e in zip(x, step, strict=True)), contexts)
            columns.append(
                np.concatenate([np.ravel(p - m) / 2 for p, m in zip(after, before, strict=True)])
            )
        return np.stack(columns, axis=-1)


class ZeroForward(_Engine):
    adtype_class = AutoZeroForward

    def prepare_pushforward(
        self, fn: Any, x: Any, contexts: Any, t: Any, batched: bool = False
    ) -> Prep:
        return self.pushed(fn, batched)


class ZeroReverse(_Engine):
    adtype_class = AutoZeroReverse

    def prepare_pullback(
        self, fn: Any, x: Any, contexts: Any, t: Any, batched: bool = False
    ) -> Prep:
        return self.pulled(fn, batched)


class Zero(ZeroForward, ZeroReverse):
    adtype_class = AutoZero


class ExactForward(_Exact, ZeroForward):
    adtype_class = AutoExactForward


class ExactReverse(_Exact, ZeroReverse):
    adtype_class = AutoExactReverse


ENGINES = (Zero, ZeroForward, ZeroReverse, ExactForward, ExactReverse)


def entries() -> dict[str, EntryPoint]:
    """The entry points by which an installed distribution would declare these backends."""
    return {
        kind.adtype_class.name: EntryPoint(
            kind.adtype_class.name, f"{__name__}:{kind.__name__}", "diffinterface.backends"
        )
        for kind in ENGINES
    }
