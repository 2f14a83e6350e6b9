"""The two ways to call an operator once: for its result, or with the value before it."""

from __future__ import annotations

from typing import Any

from ..errors import InputError
from .crossing import bind
from .out import write
from .request import ABSENT, Request
from .transform import without_point


def call(
    request: Request,
    x: Any,
    contexts: tuple[Any, ...],
    t: Any = None,
    *,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """The operator's result; the pair (result, aux) with `has_aux`. A `Transform` without x."""
    if x is ABSENT or t is ABSENT:
        return without_point(request, False, x, contexts, t, out=out, accumulate=accumulate)
    if accumulate and out is None:
        raise _nothing_to_add_to()
    bound, arguments = bind(request, x, contexts, t)
    result = bound.result(arguments)
    if out is None:
        return result
    if request.has_aux:
        return write(out, result[0], accumulate), *result[1:]
    return write(out, result, accumulate)


def value_and(
    request: Request,
    x: Any,
    contexts: tuple[Any, ...],
    t: Any = None,
    *,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """The shown values, the result, and aux with `has_aux`. A `Transform` without x."""
    if x is ABSENT or t is ABSENT:
        return without_point(request, True, x, contexts, t, out=out, accumulate=accumulate)
    if accumulate and out is None:
        raise _nothing_to_add_to()
    bound, arguments = bind(request, x, contexts, t)
    parts = bound.value_and(arguments)
    if out is None:
        return parts
    at = len(parts) - 1 - request.has_aux
    return *parts[:at], write(out, parts[at], accumulate), *parts[at + 1 :]


def _nothing_to_add_to() -> InputError:
    return InputError(
        "accumulate=True adds to what out= holds, and there is no out=; pass out=zeros_like_tree(x).",
        got=None,
    )
