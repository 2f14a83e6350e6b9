"""What serves any function: every output depends on every input, and not linearly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffinterface.errors import InputError

from ..errors import branching, unknown
from ..results import constant, result_of
from ..sets import Sets
from ..table import ANY_FUNCTION, UNSEEN, rule
from ..trace import Trace
from ..traced import tracers, values


def everything(trace: Trace, arguments: Any, *, linear: bool = False) -> tuple[Sets, Sets | None]:
    """The union of all that tracers depend on, and the events of a function of them; both 0-d."""
    found = tracers(arguments)
    first = Sets(
        trace.store, [np.asarray(trace.store.merge(*_flat([t.first for t in found]), 1)[0])]
    )
    if not trace.second:
        return first, None
    parts = [t.second for t in found]
    if not linear:
        parts.append(trace.event(first, first))
    return first, Sets(trace.events, [np.asarray(trace.events.merge(*_flat(parts), 1)[0])])


def _flat(several: list[Sets]) -> tuple[Any, Any]:
    ids = np.asarray([s.all() for s in several], np.int64)
    return np.zeros(ids.size, np.int64), ids


def each(value: Any, wrap: Callable[[Any], Any]) -> Any:
    """`wrap` applied to every array of a result."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(wrap(part) for part in value))
    if isinstance(value, tuple | list):
        return type(value)(wrap(part) for part in value)
    return wrap(value)


def dense(trace: Trace, value: Any, arguments: Any, *, linear: bool = False) -> Any:
    """`value`, all of which depends on all of `arguments`."""
    first, second = everything(trace, arguments, linear=linear)
    return each(value, lambda v: result_of(trace, v, [first], [] if second is None else [second]))


@rule(ANY_FUNCTION)
def missing(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """A function without a rule: of constants a constant, else refused or dense."""
    if all(t.constant for t in tracers((args, options))):
        if function is None:
            raise unknown(name)
        # Its shape may depend on values, which are not to decide.
        trace.decide(name)
        return each(function(*values(args), **values(options)), lambda v: constant(trace, v))
    trace.lose(unknown(name))
    if function is None:
        raise unknown(name)
    return dense(trace, function(*values(args), **values(options)), (args, options))


def unseen(trace: Trace, value: Any) -> Any:
    """A constant whose values an engine outside hides: `value` has its shape only."""
    if trace.local:
        raise InputError(
            "A local pattern needs all values, and an engine outside hides some that f uses; use "
            'TracerDetector(mode="global"), or detect before.',
            got=value,
        )
    return constant(trace, value)


@rule(UNSEEN)
def _unseen(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    return unseen(trace, *args)


def needs_values(trace: Trace, name: str) -> None:
    """Raise where the shape or the choice of elements depends on values that may not decide."""
    if not trace.local:
        trace.lose(branching(name))


# --- no derivative -----------------------------------------------------------------------------------


@rule(
    *("shape", "size", "ndim", "result_type", "iscomplexobj", "isrealobj", "can_cast", "isdtype"),
    *("min_scalar_type", "shares_memory", "may_share_memory", "finfo", "iinfo", "isscalar"),
)
def _facts(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Facts that do not depend on values."""
    return function(*values(args), **values(options))


@rule(
    *("isclose", "allclose", "any", "all", "array_equal", "array_equiv", "argmax", "argmin"),
    *("argsort", "argpartition", "count_nonzero", "searchsorted", "digitize", "lexsort"),
    *("nanargmax", "nanargmin", "iscomplex", "isreal", "isneginf", "isposinf", "isin", "in1d"),
    *("linalg.matrix_rank", "logical_and.reduce", "logical_or.reduce"),
)
def _constant(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Constant in pieces, of a shape that does not depend on values."""
    return each(function(*values(args), **values(options)), lambda v: constant(trace, v))


@rule("round", "fix")
def _round(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    return constant(trace, function(*values(args), **values(options)))


@rule("nonzero", "flatnonzero", "argwhere", "histogram")
def _found(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Constant in pieces, of a shape that depends on values."""
    needs_values(trace, f"np.{name}")
    return each(function(*values(args), **values(options)), lambda v: constant(trace, v))


@rule("unique", "unique_values", "unique_all", "unique_counts", "unique_inverse", "trim_zeros")
def _by_values(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """A choice of elements by their values."""
    needs_values(trace, f"np.{name}")
    value = function(*values(args), **values(options))
    return dense(trace, value, (args, options), linear=True)
