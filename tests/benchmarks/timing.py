"""Interleaved timing: two calls in turn, in one process, so that a drifting machine drifts for both."""

from __future__ import annotations

import gc
import operator
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Call = Callable[[], Any]


@dataclass(frozen=True)
class Row:
    """One comparison: medians in seconds, the ratio's target, and what stands behind it."""

    name: str
    ours: float
    theirs: float
    target: str
    ok: bool

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


def medians(*calls: Call, budget: float = 2.0) -> list[float]:
    """Median seconds per call of each, measured in blocks of some 2 ms that alternate."""
    for call in calls:
        call()
    once = [max(_seconds(call, 1), 1e-6) for call in calls]
    repeats = [max(1, min(200, int(2e-3 / seconds))) for seconds in once]
    rounds = max(7, min(400, int(budget / sum(map(operator.mul, once, repeats)))))
    samples: list[list[float]] = [[] for _ in calls]
    gc.collect()
    gc.disable()
    try:
        blocks = list(zip(calls, repeats, samples, strict=True))
        for _ in range(rounds):
            blocks.append(blocks.pop(0))  # none is always the first, or after the same other one
            for call, times, sample in blocks:
                sample.append(_seconds(call, times))
    finally:
        gc.enable()
    return [statistics.median(sample) for sample in samples]


def _seconds(call: Call, times: int) -> float:
    """Per call, of so many one after another."""
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times


def at_most(name: str, ours: Call, theirs: Call, ratio: float) -> Row:
    """Ours takes at most `ratio` times theirs."""
    a, b = medians(ours, theirs)
    return Row(name, a, b, f"<= {ratio:g}x", a <= ratio * b)


def at_most_more(name: str, ours: Call, theirs: Call, seconds: float) -> Row:
    """Ours takes at most `seconds` more than theirs."""
    a, b = medians(ours, theirs)
    return Row(name, a, b, f"<= +{seconds * 1e6:g} us", a <= b + seconds)


def at_least(name: str, ours: Call, theirs: Call, factor: float) -> Row:
    """Ours is at least `factor` times faster than theirs."""
    a, b = medians(ours, theirs)
    return Row(name, a, b, f">= {factor:g}x faster", a * factor <= b)


def markdown(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| what | ours | engine's own | ratio | target | |",
        "|---|---:|---:|---:|---|---|",
    ]
    for row in rows:
        ours, theirs = _show(row.ours), _show(row.theirs)
        mark = "met" if row.ok else "**missed**"
        lines.append(
            f"| {row.name} | {ours} | {theirs} | {row.ratio:.2f} | {row.target} | {mark} |"
        )
    return "\n".join(lines)


def _show(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} us" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"
