"""What a rule is given: arrays where NumPy takes lists, positions where it takes names."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from inspect import Parameter, signature
from typing import Any

import numpy as np

from .errors import MissingRuleError
from .levels import holds

_NUMBERS = {int, float, bool, complex, np.int64, np.float64}

# How many leading arguments are arrays; one, of functions that are not here.
ARRAYS: dict[str, int] = {}

# Functions of sequences of arrays, to be left as such. Of these, nested lists are the argument.
SEQUENCES: set[str] = set()
NESTED = {"block", "asarray", "asanyarray", "array", "ascontiguousarray"}


def ready(name: str, args: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The arguments, with Duals for lists that hold Duals, and arrays for lists of numbers."""
    if name in NESTED:
        return args, options
    options = {key: _joined(v) for key, v in options.items()}
    if name in SEQUENCES:
        return tuple(_elements(arg) for arg in args), options
    n = ARRAYS.get(name, 1)
    return tuple(_joined(_array(arg) if i < n else arg) for i, arg in enumerate(args)), options


def _elements(arg: Any) -> Any:
    return [_joined(part) for part in arg] if isinstance(arg, tuple | list) else _joined(arg)


def _joined(arg: Any) -> Any:
    if isinstance(arg, tuple | list):
        if all(type(part) in _NUMBERS for part in arg) or not holds(arg):
            return arg
        from .table import call

        return call("asarray", None, (list(arg),), {})
    if isinstance(arg, np.ndarray) and arg.dtype == object and holds(list(arg.flat)):
        return from_objects(arg)
    return arg


def _array(arg: Any) -> Any:
    return np.asarray(arg) if isinstance(arg, tuple | list) and not holds(arg) else arg


def bound(function: Any, args: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Required arguments of a NumPy function that were given by name, at their positions."""
    names = _required(function)[len(args) :]
    if not names or not all(name in options for name in names):
        return args, options
    rest = {key: value for key, value in options.items() if key not in names}
    return (*args, *(options[name] for name in names)), rest


@lru_cache(maxsize=256)
def _required(function: Any) -> tuple[str, ...]:
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    return tuple(
        p.name
        for p in parameters
        if p.kind is Parameter.POSITIONAL_OR_KEYWORD and p.default is Parameter.empty
    )


def apply(name: str, body: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """``body(*args, **options)``; arguments that it does not know have no derivative rule."""
    try:
        return body(*args, **options)
    except TypeError:
        try:
            signature(body).bind(*args, **options)
        except TypeError as error:
            raise MissingRuleError(
                name, f"has no derivative rule for these arguments: {error}"
            ) from None
        raise


def from_objects(boxes: Any) -> Any:
    """One Dual from an object array of 0-d Duals and numbers, as np.vectorize returns it."""
    flat = list(np.ravel(boxes))
    if not holds(flat):
        return boxes if flat else np.zeros(np.shape(boxes))
    from .table import call

    return call("stack", np.stack, (flat,), {}).reshape(np.shape(boxes))
