"""No call remembers what it should not: other values, another function, an error, an array."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays.trees import flatten, map_leaves
from .cell import Cell
from .deviation import deviation, numpy_of
from .scenario import Arguments


def stale(what: str, arguments: Arguments) -> tuple[str, Callable[[], Any]]:
    """What a wrong result is taken for, if it is that of other arguments."""
    return f"stale cache: this is the result of {what}", lambda: arguments.result


def check_reuse(cell: Cell) -> None:
    """A call answers for its own arguments and its own f, and for nothing older.

    Also where the caller overwrites its own arrays, and writes into results; and no call writes
    into its arguments.
    """
    here, there = known(cell, cell.scenario.here), known(cell, cell.scenario.there)
    prep = cell.prepare(there)
    for way, now, before in (
        ("prepared, first call", here, there),
        ("prepared, second call", there, here),
        ("prepared, third call", here, there),
        ("prepared, fourth call", there, here),
    ):
        given = cell.given(now)
        result = prep(*given)
        cell.expect(way, result, now, instead=[stale("an earlier call", before)])
        _spoil(result[0] if cell.scenario.options.get("has_aux") else result)
        _untouched(cell, way, given, now)
    cell.expect("prepared, after a result was overwritten", prep(*cell.given(here)), here)
    for now, before in ((here, there), (there, here)):
        instead = [stale("an earlier call", before)]
        cell.expect("without preparation, again", cell.once(now), now, instead=instead)
    _overwritten(cell, here, there)
    _another_function(cell, here)
    _after_an_error(cell, here, there)


def known(cell: Cell, arguments: Arguments) -> Arguments:
    """The arguments with a result: that without preparation, where none is known."""
    if arguments.result is not None:
        return arguments
    got = cell.once(arguments)
    result = got[0] if cell.scenario.options.get("has_aux") else got
    return replace(arguments, result=map_leaves(lambda a: np.asarray(numpy_of(a)), result))


def multiple(arguments: Arguments, factor: float) -> Arguments:
    """The same with a multiple of the seed, in which the result is linear."""

    def leaf(a: Any) -> Any:
        # NumPy makes a number of an array without axes.
        return np.asarray(a * factor) if isinstance(a, np.ndarray) else a * factor

    def scaled(tree: Any) -> Any:
        return None if tree is None else map_leaves(leaf, tree)

    return replace(arguments, tangent=scaled(arguments.tangent), result=scaled(arguments.result))


def _untouched(cell: Cell, way: str, given: tuple[Any, ...], arguments: Arguments) -> None:
    """No call writes into x or the seed, and no result is one of them."""
    names = ("x", *(("the seed",) if cell.scenario.seeded else ()))
    for name, now, before in zip(names, given, cell.given(arguments), strict=False):
        found = deviation(map_leaves(numpy_of, now), map_leaves(numpy_of, before), 0.0)
        if found is not None:
            cell.fail(
                way,
                f"{name}{found.entry} was overwritten: {found.got} for {found.expected}",
                f"by the call, or by writing into its result, which then shares memory with {name}",
            )


def _writable(a: Any) -> bool:
    return isinstance(a, np.ndarray) and a.flags.writeable


def _spoil(tree: Any) -> None:
    """Write into a result, as its owner may."""
    for leaf in flatten(tree)[0]:
        if _writable(leaf) and np.issubdtype(leaf.dtype, np.inexact):
            leaf[...] = np.nan


def _overwritten(cell: Cell, here: Arguments, there: Arguments) -> None:
    """A prepared object reads its arguments anew; a linearisation keeps its point."""
    buffers = cell.given(there)
    if not all(_writable(leaf) for buffer in buffers for leaf in flatten(buffer)[0]):
        return
    prep = cell.prepare(there, *buffers)
    prep(*buffers)
    for target, source in zip(buffers, cell.given(here), strict=True):
        _overwrite(target, source)
    instead = [stale("the values that the same arrays held before", there)]
    cell.expect("prepared, after x was overwritten", prep(*buffers), here, instead=instead)
    if cell.scenario.seeded:
        at = cell.prepare_same_point(here, here.tangent, *buffers)
        _overwrite(buffers[0], cell.given(there)[0])
        got = at(cell.caller.give(here.tangent))
        cell.expect("prepared at the same point, after x was overwritten", got, here)


def _overwrite(target: Any, source: Any) -> None:
    for a, b in zip(flatten(target)[0], flatten(source)[0], strict=True):
        np.copyto(a, b)


def _another_function(cell: Cell, here: Arguments) -> None:
    """Two functions with the same code, which differ in what they captured, are two functions."""
    if here.result is None or cell.scenario.options.get("has_aux"):
        return
    for factor in (1.0, 0.5):
        scaled = replace(cell, scenario=replace(cell.scenario, f=_scaled(cell.scenario.f, factor)))
        want = replace(here, result=map_leaves(lambda a, k=factor: k * a, here.result))
        instead = [stale("another function with the same code", here)]
        prepared = scaled.prepare(here)(*scaled.given(here))
        for way, got in (("prepared", prepared), ("without preparation", scaled.once(here))):
            cell.expect(f"{way}, f times {factor:g}", got, want, instead=instead)


def _scaled(f: Callable[..., Any], factor: float) -> Callable[..., Any]:
    def scaled(*args: Any) -> Any:
        return map_leaves(lambda a: a * factor, f(*args))

    return scaled


class _InterruptedError(Exception):
    """Raised by f on purpose."""


def _after_an_error(cell: Cell, here: Arguments, there: Arguments) -> None:
    """Where f has raised once, later calls are right."""
    raising: list[None] = []

    def f(*args: Any) -> Any:
        if raising:
            raise _InterruptedError
        return cell.scenario.f(*args)

    once_more = replace(cell, scenario=replace(cell.scenario, f=f))
    prep = once_more.prepare(there)
    raising.append(None)
    with suppress(Exception):  # an engine may wrap it, or not call f at all, having compiled it
        prep(*cell.given(here))
    with suppress(Exception):
        once_more.once(here)
    raising.clear()
    cell.expect("prepared, after f raised in a call", prep(*cell.given(here)), here)
    cell.expect("without preparation, after f raised", once_more.once(here), here)
