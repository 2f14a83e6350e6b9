"""What serves any function: every output depends on every input, and not linearly."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffinterface.errors import InputError

from ..errors import branching, unknown
from ..results import constant, each, result_of, sets_of
from ..sets import Sets
from ..store import SetStore
from ..table import ANY_FUNCTION, UNSEEN, rule
from ..trace import Trace
from ..traced import tracers, values


def dense(trace: Trace, value: Any, arguments: Any, *, linear: bool = False) -> Any:
    """`value`, all of which depends on all of `arguments`."""
    first, second = sets_of(tracers(arguments))
    first = [_together(trace.store, first)]
    if trace.second:
        events = second if linear else [*second, trace.square(first)]
        second = [_together(trace.events, events)]
    return each(value, lambda v: result_of(trace, v, first, second))


def _together(store: SetStore, several: list[Sets]) -> Sets:
    """The union of all that they hold, 0-d."""
    parts = [np.zeros(0, np.int64), *(part for sets in several for part in sets.parts)]
    return Sets(store, [np.asarray(Sets(store, parts).all())])


@rule(ANY_FUNCTION)
def missing(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """A function without a rule: of constants a constant, else refused or dense."""
    if all(t.constant for t in tracers((args, options))):
        if function is None:
            raise unknown(name)
        # Its shape may depend on values, which are not to decide.
        trace.decide(name)
        return constant(trace, function(*values(args), **values(options)))
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
    *("linalg.matrix_rank", "logical_and.reduce", "logical_or.reduce", "round", "fix"),
)
def _constant(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Constant in pieces, of a shape that does not depend on values."""
    return constant(trace, function(*values(args), **values(options)))


@rule("nonzero", "flatnonzero", "argwhere", "histogram")
def _found(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Constant in pieces, of a shape that depends on values."""
    needs_values(trace, f"np.{name}")
    return constant(trace, function(*values(args), **values(options)))


@rule("unique", "unique_values", "unique_all", "unique_counts", "unique_inverse", "trim_zeros")
def _by_values(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """A choice of elements by their values."""
    needs_values(trace, f"np.{name}")
    value = function(*values(args), **values(options))
    return dense(trace, value, (args, options), linear=True)
