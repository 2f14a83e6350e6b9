"""What is asked of a backend in one cell, beyond a right number: each check raises `DerivativeError`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays.trees import map_leaves
from ..errors import DiffInterfaceError, PreparationMismatchError
from .callers import NUMPY, SINGLE
from .cell import Cell, counted
from .company import check_layout, check_nested
from .deviation import deviation, numpy_leaves, numpy_of
from .reuse import check_reuse, multiple, stale
from .stress import check_memory, check_threads


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
        old = [stale("the arguments of the preparation", there)]
        cell.expect("prepared", prep(*cell.given(here)), here, instead=old)
        old = [stale("the first call", here)]
        cell.expect("prepared, second call", prep(*cell.given(there)), there, instead=old)
        got = prep.value_and(*cell.given(here))
        cell.expect("prepared, with the value", got, here, valued=True, before=there)
        got = prep.value_and(*cell.given(there))
        way = "prepared, with the value, second call"
        cell.expect(way, got, there, valued=True, before=here)

    def at_one_point() -> None:
        prep = cell.prepare_same_point(here, there.tangent)
        seed = cell.caller.give(here.tangent)
        cell.expect("prepared at the same point", prep(seed), here)
        got = prep.value_and(seed)
        cell.expect("prepared at the same point, with the value", got, here, valued=True)
        half = multiple(here, 0.5)
        old = [stale("an earlier seed", here)]
        got = prep(cell.caller.give(half.tangent))
        cell.expect("prepared at the same point, half the seed", got, half, instead=old)

    yield from {"once": once, "with the value": valued, "prepared": prepared}.items()
    if cell.scenario.seeded:
        yield "at one point", at_one_point


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
        if deviation(map_leaves(numpy_of, wrong), map_leaves(numpy_of, x), 0.0) is None:
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


CHECKS: dict[str, Callable[[Cell], None]] = {
    "correct": check_correct,
    "reuse": check_reuse,
    "mismatch": check_mismatch,
    "dtype": check_dtype,
    "layout": check_layout,
    "nested": check_nested,
    "threads": check_threads,
    "calls": check_calls,
    "memory": check_memory,
}
# The dear ones: asked of the first scenario of each operator only.
ONCE_AN_OPERATOR = ("nested", "threads", "calls", "memory")
