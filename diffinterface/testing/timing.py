"""Times, evaluations and memory of a call."""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Call = Callable[[], Any]
_SAMPLE = 1e-3  # seconds: long enough for the clock, short enough to take many
_MOST_SAMPLES = 200
_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


@dataclass(frozen=True)
class Times:
    """Seconds of one call.

    Attributes
    ----------
    median, spread : float
        Median over the samples, and their interquartile range.
    samples : int
        How many were taken.
    """

    median: float
    spread: float
    samples: int


def interleaved(calls: Mapping[str, Call], budget: float) -> dict[str, Times]:
    """Seconds per call of each, taken in turn so that a drifting machine drifts for all.

    Parameters
    ----------
    calls : mapping of str to callable
        What to time; each has run once before. What they warn of is not shown.
    budget : float
        Seconds in all; at least one sample of each is taken.
    """
    if not calls:
        return {}
    repeats = {
        name: max(1, int(_SAMPLE / max(_once(call, 1), 1e-7))) for name, call in calls.items()
    }
    samples: dict[str, list[float]] = {name: [] for name in calls}
    deadline = time.perf_counter() + budget
    while True:
        for name, call in calls.items():
            samples[name].append(_once(call, repeats[name]))
        taken = len(next(iter(samples.values())))
        if time.perf_counter() > deadline or taken >= _MOST_SAMPLES:
            return {name: _times(values) for name, values in samples.items()}


def _once(call: Call, repeats: int) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        return (time.perf_counter() - start) / repeats


def _times(values: list[float]) -> Times:
    if len(values) == 1:
        return Times(values[0], 0.0, 1)
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return Times(statistics.median(values), high - low, len(values))


def peak_memory(call: Call) -> int:
    """Bytes by which one call raises the memory in use, at its peak: a lower bound.

    The larger of two measures: what Python and NumPy allocate (exact), and, where the system tells
    (Linux), the peak of the resident set, in which an engine's own allocator shows once it asks the
    system for more.
    """
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        call()
        traced = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    return max(traced, _resident_peak(call), 0)


def _resident_peak(call: Call) -> int:
    try:
        _CLEAR.write_text("5")  # sets the peak back to what is resident now
        before = _status("VmRSS")
    except (OSError, KeyError, ValueError):
        return 0
    call()
    return _status("VmHWM") - before


def _status(name: str) -> int:
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return int(lines[name].split()[0]) * 1024
