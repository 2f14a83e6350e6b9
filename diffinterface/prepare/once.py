"""The two ways to call an operator once: for its result, or with the value before it."""

from __future__ import annotations

from typing import Any

from ..errors import InputError
from .crossing import bind
from .out import write
from .request import Request

# The `options` are those of `write`, ``out=`` and ``accumulate=``.


def call(request: Request, x: Any, contexts: tuple[Any, ...], t: Any = None, **options: Any) -> Any:
    """The operator's result; the pair (result, aux) with `has_aux`."""
    _check(options)
    bound, arguments = bind(request, x, contexts, t)
    result = bound.result(arguments)
    if options.get("out") is None:
        return result
    if request.has_aux:
        return write(result=result[0], **options), *result[1:]
    return write(result=result, **options)


def value_and(
    request: Request, x: Any, contexts: tuple[Any, ...], t: Any = None, **options: Any
) -> tuple[Any, ...]:
    """The shown values, the result, and aux with `has_aux`."""
    _check(options)
    bound, arguments = bind(request, x, contexts, t)
    parts = bound.value_and(arguments)
    if options.get("out") is None:
        return parts
    at = len(parts) - 1 - request.has_aux
    return *parts[:at], write(result=parts[at], **options), *parts[at + 1 :]


def _check(options: dict[str, Any]) -> None:
    if options.get("accumulate") and options.get("out") is None:
        raise InputError(
            "accumulate=True adds to what out= holds, and there is no out=; pass "
            "out=zeros_like_tree(x).",
            got=None,
        )
