"""From values and sets to what f goes on with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from diffinterface.arrays.facts import is_inexact

from .errors import conversion
from .sets import Sets, union
from .trace import Trace
from .traced import is_traced
from .tracer import Tracer


def sets_of(
    operands: Iterable[Any], move: Callable[[Sets], Sets] = lambda sets: sets
) -> tuple[list[Sets], list[Sets]]:
    """What the tracers among operands depend on, and their events, after `move`."""
    found = [op for op in operands if is_traced(op)]
    second = [move(op.second) for op in found if op.second is not None]
    return [move(op.first) for op in found], second


def result_of(trace: Trace, value: Any, first: list[Sets], second: list[Sets]) -> Any:
    """A result with these values, and with unions of these sets; plain numbers have none."""
    value = value if isinstance(value, np.ndarray | np.generic) else np.asarray(value)[()]
    if not is_inexact(value):
        return constant(trace, value)
    shape = value.shape
    sets = union(first, shape) if first else Sets.empty(trace.store, shape)
    events = None
    if trace.second:
        events = union(second, shape) if second else Sets.empty(trace.events, shape)
    return fresh(Tracer(value, sets, events, trace))


def fresh(made: Tracer) -> Tracer:
    """A new array whose sets lie in memory as its values do, so that views of both stay views."""
    value = made.value
    if isinstance(value, np.ndarray):
        if not value.flags.writeable:
            made.value = value = value.copy("K")
        for sets in (made.first, made.second):
            if sets is not None:
                sets.parts = [_laid_out(part, value) for part in sets.parts]
    return made


def _laid_out(part: Any, value: Any) -> Any:
    like = np.empty_like(value, np.int64, subok=False)
    if like.strides == part.strides:
        return part
    like[...] = part
    return like


def constant(trace: Trace, value: Any) -> Any:
    """What depends on values only: plain where they may decide, guarded where they may not."""
    if value is None or isinstance(value, str | type):
        return value
    if isinstance(value, tuple | list):
        return each(value, lambda part: constant(trace, part))
    value = value if isinstance(value, np.ndarray | np.generic) else np.asarray(value)[()]
    if value.dtype == object:  # of what, nobody knows
        trace.lose(conversion("an array of objects"))
    if trace.local or value.dtype == object:
        return value
    return blank(trace, value)


def blank(trace: Trace, value: Any) -> Tracer:
    """A tracer that depends on nothing, until something is written into it."""
    events = Sets.empty(trace.events, value.shape) if trace.second else None
    return Tracer(value, Sets.empty(trace.store, value.shape), events, trace)


def each(value: Any, wrap: Callable[[Any], Any]) -> Any:
    """`wrap` applied to every array of a result."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(wrap(part) for part in value))
    if isinstance(value, tuple | list):
        return type(value)(wrap(part) for part in value)
    return wrap(value)
