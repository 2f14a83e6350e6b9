"""The two ways to call an operator once: for its result, or with the value before it."""

from __future__ import annotations

from typing import Any

from .crossing import bind
from .out import check, into
from .request import ABSENT, Request
from .transform import without_point


def call(
    request: Request,
    x: Any,
    contexts: tuple[Any, ...],
    t: Any = None,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """The operator's result; the pair (result, aux) with `has_aux`. A `Transform` without x."""
    if x is ABSENT or t is ABSENT:
        return without_point(request, False, x, contexts, t, out=out, accumulate=accumulate)
    if accumulate:
        check(out)
    bound, arguments = bind(request, x, contexts, t)
    result = bound.result(arguments)
    return result if out is None else into(request, False, result, out, accumulate)


def value_and(
    request: Request,
    x: Any,
    contexts: tuple[Any, ...],
    t: Any = None,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """The shown values, the result, and aux with `has_aux`. A `Transform` without x."""
    if x is ABSENT or t is ABSENT:
        return without_point(request, True, x, contexts, t, out=out, accumulate=accumulate)
    if accumulate:
        check(out)
    bound, arguments = bind(request, x, contexts, t)
    parts = bound.value_and(arguments)
    return parts if out is None else into(request, True, parts, out, accumulate)
