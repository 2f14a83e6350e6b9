"""Choices: both branches, or in local mode the one that the values take."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import conversion
from ..results import constant, result_of, sets_of
from ..table import composed, rule
from ..trace import Trace
from ..traced import is_traced, tracers, values
from .elementwise import wide
from .general import dense, needs_values


@rule("where")
def _where(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    condition, *branches = args
    branches += [options[key] for key in ("x", "y") if key in options]
    if not branches:
        needs_values(trace, "np.where of one argument")
        return constant(trace, np.where(values(condition)))
    value = np.asarray(np.where(values(condition), *values(branches)))
    decided = not is_traced(condition) or trace.local
    mask = np.asarray(values(condition)).astype(bool)
    pairs = zip(branches, (mask, ~mask), strict=True)
    if decided:
        branches = [wide(op, mask.shape).only(taken) for op, taken in pairs if is_traced(op)]
    return result_of(trace, value, *sets_of(branches))


@composed("select")
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    result = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = np.where(condition, choice, result)
    return result


@rule("choose")
def _choose(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    index, choices = args[:2]
    if tracers(index) or options or len(args) > 2:
        return dense(trace, function(*values(args), **values(options)), choices, linear=True)
    *others, last = choices
    return _select([np.equal(index, j) for j in range(len(others))], others, last)


@rule("piecewise")
def _piecewise(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Each piece of the entries where its condition holds: the pieces see arrays of unknown length."""
    x, conditions, functions, *rest = args
    if tracers(conditions) and not trace.local:
        if any(callable(piece) for piece in functions):
            needs_values(trace, "np.piecewise with functions")
        return dense(
            trace, np.piecewise(values(x), values(conditions), functions), (x,), linear=True
        )
    single = np.ndim(conditions) == 0 or (np.ndim(conditions[0]) == 0 and x.ndim > 0)
    masks = [np.asarray(c, dtype=bool) for c in ([conditions] if single else conditions)]
    if len(functions) == len(masks) + 1:
        masks.append(~np.any(masks, axis=0))
    result = np.zeros_like(x)
    for mask, piece in zip(masks, functions, strict=True):
        result[mask] = piece(x[mask], *rest, **options) if callable(piece) else piece
    return result


@rule("interp")
def _interp(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Two neighbours of each point, where the grid and the points are known."""
    x, nodes, heights, *_ = args
    value = np.asarray(function(*values(args), **values(options)))[()]
    if is_traced(x) and not tracers((args[1:], options)):
        return result_of(trace, value, *sets_of([x]))
    if tracers((x, nodes, args[3:], options)):
        return dense(trace, value, (args, options))
    above = np.clip(np.searchsorted(np.asarray(nodes), x, side="right"), 0, heights.shape[0] - 1)
    near = np.take(heights, above) + np.take(heights, np.maximum(above - 1, 0))
    return result_of(trace, value, *sets_of([near]))


# --- writing -----------------------------------------------------------------------------------------


def _target(trace: Trace, name: str, target: Any) -> bool:
    """Whether `target` can hold what depends on x; a plain array loses it."""
    if is_traced(target):
        return True
    trace.lose(conversion(f"np.{name}, an assignment into a plain array"))
    return False


@rule("copyto")
def _copyto(trace: Trace, name: str, function: Any, args: Any, options: Any) -> None:
    target, source, *_ = args
    if not _target(trace, name, target):
        function(target, *values(args[1:]), **values(options))
        return
    where = options.get("where", True)
    target[...] = source if where is True else np.where(where, source, target)


@rule("put", "place", "putmask", "put_along_axis")
def _put(trace: Trace, name: str, function: Any, args: Any, options: Any) -> None:
    """Any of the values may be written anywhere."""
    target = args[0]
    if _target(trace, name, target):
        for value in tracers((args[2:], options)):
            target.include(value)
        target = target.value
    function(target, *values(args[1:]), **values(options))


@rule("fill_diagonal")
def _fill_diagonal(trace: Trace, name: str, function: Any, args: Any, options: Any) -> None:
    target, value, *rest = args
    if not _target(trace, name, target) or rest or options:
        if is_traced(target):
            target.include(value)
        function(values(target), *values(args[1:]), **values(options))
        return
    mask = np.zeros(target.shape, bool)
    np.fill_diagonal(mask, True)
    target[mask] = np.resize(value, (int(mask.sum()),))
