"""What is asked of a backend in one cell, beyond a right number: each check raises `DerivativeError`."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Barrier
from typing import Any

import numpy as np

from ..errors import DiffInterfaceError, PreparationMismatchError
from ..trees import flatten, map_leaves
from .callers import NUMPY, SINGLE
from .cell import Cell, counted
from .deviation import deviation, numpy_leaves, numpy_of
from .scenario import Arguments

THREADS, ROUNDS = 8, 6
_LEAK = 64  # bytes a call: less than the smallest array takes


def check_correct(cell: Cell) -> None:
    """Every way to call the operator gives the reference, in the caller's arrays, dtype and device.

    If the cell is not supported each way must say so: the error of the first is raised, and a way
    that answered all the same fails.
    """
    outcomes: dict[str, DiffInterfaceError | None] = {}
    for name, way in _ways(cell):
        try:
            way()
            outcomes[name] = None
        except DiffInterfaceError as error:
            outcomes[name] = error
    errors = {name: error for name, error in outcomes.items() if error is not None}
    if errors and len(errors) < len(outcomes):
        told = "; ".join(f"{name}: {type(e).__name__}: {e}" for name, e in errors.items())
        cell.fail("all", f"only some ways to call it raise: {told}")
    if errors:
        raise next(iter(errors.values()))


def _ways(cell: Cell) -> Iterator[tuple[str, Callable[[], None]]]:
    here, there = cell.scenario.here, cell.scenario.there

    def once() -> None:
        cell.expect("without preparation", cell.once(here), here)

    def valued() -> None:
        cell.expect("with the value", cell.value_and(here), here, valued=True)

    def prepared() -> None:
        prep = cell.prepare(there)
        stale = [_stale("the arguments of the preparation", there)]
        cell.expect("prepared", prep(*cell.given(here)), here, instead=stale)
        stale = [_stale("the first call", here)]
        cell.expect("prepared, second call", prep(*cell.given(there)), there, instead=stale)
        got = prep.value_and(*cell.given(here))
        cell.expect("prepared, with the value", got, here, valued=True)

    def at_one_point() -> None:
        prep = cell.prepare_same_point(here, there.tangent)
        seed = cell.caller.give(here.tangent)
        cell.expect("prepared at the same point", prep(seed), here)
        got = prep.value_and(seed)
        cell.expect("prepared at the same point, with the value", got, here, valued=True)

    yield from {"once": once, "with the value": valued, "prepared": prepared}.items()
    if cell.scenario.seeded:
        yield "at one point", at_one_point


def _stale(what: str, arguments: Arguments) -> tuple[str, Callable[[], Any]]:
    return f"stale cache: this is the result of {what}", lambda: arguments.result


def check_reuse(cell: Cell) -> None:
    """A prepared object answers for the arguments of each call, and for nothing older.

    Also where the caller overwrites its own arrays, and writes into results; and no call writes
    into its arguments.
    """
    here, there = _known(cell, cell.scenario.here), _known(cell, cell.scenario.there)
    prep = cell.prepare(there)
    for way, now, before in (
        ("prepared, first call", here, there),
        ("prepared, second call", there, here),
        ("prepared, third call", here, there),
    ):
        given = cell.given(now)
        stale = [_stale("an earlier call", before)]
        result = prep(*given)
        cell.expect(way, result, now, instead=stale)
        _untouched(cell, way, given, now)
        _spoil(result[0] if cell.scenario.options.get("has_aux") else result)
    cell.expect("prepared, after a result was overwritten", prep(*cell.given(here)), here)
    buffers = cell.given(there)
    if not _overwritable(buffers):
        return
    prep = cell.prepare(there, *buffers)
    prep(*buffers)
    for target, source in zip(buffers, cell.given(here), strict=True):
        _overwrite(target, source)
    stale = [_stale("the values that the same arrays held before", there)]
    cell.expect("prepared, after x was overwritten", prep(*buffers), here, instead=stale)


def _known(cell: Cell, arguments: Arguments) -> Arguments:
    """The arguments with a result: that without preparation, where none is known."""
    if arguments.result is not None:
        return arguments
    got = cell.once(arguments)
    result = got[0] if cell.scenario.options.get("has_aux") else got
    return replace(arguments, result=map_leaves(np.asarray, _tree(result)))


def _tree(result: Any) -> Any:
    return map_leaves(numpy_of, result)


def _untouched(cell: Cell, way: str, given: tuple[Any, ...], arguments: Arguments) -> None:
    """No call writes into x, the seed, or the contexts."""
    names = ("x", *(("the seed",) if cell.scenario.seeded else ()))
    for name, now, before in zip(names, given, cell.given(arguments), strict=False):
        found = deviation(_tree(now), _tree(before), 0.0)
        if found is not None:
            cell.fail(way, f"{name}{found.entry} was overwritten: {found.got} for {found.expected}")


def _writable(a: Any) -> bool:
    return isinstance(a, np.ndarray) and a.flags.writeable


def _spoil(tree: Any) -> None:
    """Write into a result, as its owner may."""
    for leaf in flatten(tree)[0]:
        if _writable(leaf) and np.issubdtype(leaf.dtype, np.inexact):
            leaf[...] = np.nan


def _overwritable(buffers: tuple[Any, ...]) -> bool:
    return all(_writable(leaf) for buffer in buffers for leaf in flatten(buffer)[0])


def _overwrite(target: Any, source: Any) -> None:
    for a, b in zip(flatten(target)[0], flatten(source)[0], strict=True):
        np.copyto(a, b)


def check_mismatch(cell: Cell) -> None:
    """A prepared object refuses arguments of another structure, shape or dtype."""
    here = cell.scenario.here
    prep = cell.prepare(here)
    x, *others = cell.given(here)
    for what, wrong in (
        ("another shape", map_leaves(_stacked, x)),
        ("another dtype", SINGLE.narrow(x) if not cell.caller.single else map_leaves(_double, x)),
        ("another structure", (x,)),
    ):
        if deviation(_tree(wrong), _tree(x), 0.0) is None:
            continue  # nothing in x that could differ so
        try:
            prep(wrong, *others)
        except PreparationMismatchError:
            continue
        cell.fail(
            f"prepared, then called with {what}",
            "no PreparationMismatchError was raised",
            "the preparation answers for arguments that it was not made for",
        )


def _stacked(a: Any) -> Any:
    return np.stack([a, a]) if isinstance(a, np.ndarray) else a


def _double(a: Any) -> Any:
    return a.astype(np.result_type(a.dtype, np.float64)) if isinstance(a, np.ndarray) else a


def check_threads(cell: Cell) -> None:
    """Threads that share one prepared object get each the answer to their own question."""
    here, there = _known(cell, cell.scenario.here), _known(cell, cell.scenario.there)
    prep = cell.prepare(there)
    barrier = Barrier(THREADS)
    phrase = "thread-unsafe preparation: this is the answer to another thread's question"

    def work(number: int) -> None:
        mine, other = (here, there) if number % 2 else (there, here)
        instead = [(phrase, lambda: other.result)]
        with cell.scope():
            given = cell.given(mine)
            barrier.wait()
            for _ in range(ROUNDS):
                cell.expect(f"{THREADS} threads at once", prep(*given), mine, instead=instead)

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
                cell.fail(f"{THREADS} threads at once", text, "thread-unsafe preparation")


@contextmanager
def _switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def check_dtype(cell: Cell) -> None:
    """In single precision too, the result is right and has the dtype of x."""
    if cell.caller != NUMPY or not all(
        a.dtype.name in ("float64", "complex128") for a in numpy_leaves(cell.scenario.x)
    ):
        return
    single = replace(cell, caller=SINGLE)
    here, there = cell.scenario.here, cell.scenario.there
    if "inplace" in cell.scenario.features:
        return  # its buffer has a dtype of its own, which f(x) then has too
    single.expect("without preparation", single.once(here), here)
    single.expect("prepared", single.prepare(there)(*single.given(here)), here)


def check_calls(cell: Cell) -> None:
    """A prepared call evaluates f as often as the one before, and no oftener than an unprepared one."""
    f, count = counted(cell.scenario.f)
    cell = replace(cell, scenario=replace(cell.scenario, f=f))
    here, there = cell.scenario.here, cell.scenario.there

    def during(call: Callable[..., Any], *given: Any) -> int:
        before = count()
        call(*given)
        return count() - before

    once = during(cell.once, here)
    prep = cell.prepare(there)
    first, second, third = (during(prep, *cell.given(a)) for a in (here, there, here))
    told = (
        f"f was evaluated {once} times without preparation, then {first}, {second}, {third} times"
    )
    if third > second:
        cell.fail("prepared, three calls", told, "each call evaluates f more often than the last")
    if third > once:
        cell.fail("prepared", told, "the preparation does not save what it decides once")
    limit = cell.scenario.max_calls
    if limit is not None and third > limit:
        cell.fail("prepared", f"{told}, at most {limit} were allowed", "f is evaluated too often")


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


CHECKS: dict[str, Callable[[Cell], None]] = {
    "correct": check_correct,
    "reuse": check_reuse,
    "mismatch": check_mismatch,
    "dtype": check_dtype,
    "threads": check_threads,
    "calls": check_calls,
    "memory": check_memory,
}
# The dear ones: asked of the first scenario of each operator only.
ONCE_AN_OPERATOR = ("threads", "calls", "memory")
