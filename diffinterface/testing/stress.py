"""What shows only in company or in time: threads that share a preparation, memory that stays."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

from .cell import Cell
from .reuse import known, multiple

THREADS, ROUNDS = 8, 6
_LEAK = 64  # bytes a call: less than the smallest array takes


def check_threads(cell: Cell) -> None:
    """Threads that share one prepared object get each the answer to their own question."""
    here, there = known(cell, cell.scenario.here), known(cell, cell.scenario.there)
    prep = cell.prepare(there)
    at = cell.prepare_same_point(here, here.tangent) if cell.scenario.seeded else None
    barrier = Barrier(THREADS)
    phrase = "thread-unsafe preparation: this is the answer to another thread's question"
    way = f"{THREADS} threads at once"

    def work(number: int) -> None:
        mine, other = (here, there) if number % 2 else (there, here)
        instead = [(phrase, lambda: other.result)]
        with cell.scope():
            given = cell.given(mine)
            barrier.wait()
            for _ in range(ROUNDS):
                cell.expect(way, prep(*given), mine, instead=instead)
                got = prep.value_and(*given)
                cell.expect(f"{way}, with the value", got, mine, valued=True, instead=instead)
                if at is not None:
                    part = multiple(here, 1 / (1 + number))  # each thread a seed of its own
                    got = at(cell.caller.give(part.tangent))
                    cell.expect(f"{way}, at one point", got, part)

    # A right answer first: what is wrong without threads is no fault of theirs.
    cell.expect("prepared, before any thread", prep(*cell.given(here)), here)
    with _switching_often(), ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work, number) for number in range(THREADS)]:
            try:
                done.result()
            except AssertionError:
                raise
            except Exception as error:
                text = f"{type(error).__name__}: {error}"
                cell.fail(way, text, "thread-unsafe preparation")


@contextmanager
def _switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def check_memory(cell: Cell) -> None:
    """Calling a prepared object again and again keeps no memory that Python or NumPy allocated."""
    prep = cell.prepare(cell.scenario.there)
    given = cell.given(cell.scenario.here)
    grown = _growth(lambda: prep(*given))
    if grown >= _LEAK:
        cell.fail(
            "prepared, called again and again",
            f"{grown:.0f} bytes stay behind for each call",
            "memory leak: the preparation keeps something of every call (a tape, a result, a log)",
        )


def _growth(call: Callable[[], Any], windows: int = 40, rounds: int = 8) -> float:
    """Bytes that stay allocated for each call, in the first window in which few do, or the last.

    A leak grows in every window. What an interpreter keeps for later (free lists, caches, tables that
    double) grows less and less.
    """
    gc.collect()
    gc.freeze()  # what lives now need not be visited by each collection
    tracemalloc.start()
    try:
        level, grown = 0, float("inf")
        for window in range(windows):
            for _ in range(rounds):
                call()
            gc.collect()
            now = tracemalloc.get_traced_memory()[0]
            grown, level = (now - level) / rounds, now
            if window and grown < _LEAK:
                break
        return grown
    finally:
        tracemalloc.stop()
        gc.unfreeze()
