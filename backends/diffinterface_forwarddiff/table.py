"""The one way from a function's name to its derivative: rules in a table, and how they are called.

A rule is ``rule(name, function, args, options) -> result``, with arrays where NumPy takes lists, and
positions where it takes names. The table is empty until the modules in `rules` fill it: each kind of
rule (elementwise, linear, composed, ...) is one adaptor that turns a line there into such a function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffinterface.extend.arrays import ALIASES, STANDARD_NAMES, bind_required

from .errors import MissingRuleError
from .levels import holds

Rule = Callable[..., Any]
RULES: dict[str, Rule] = {}

# How many leading arguments are arrays; one, of functions that are not here.
ARRAYS: dict[str, int] = {}

# Functions of sequences of arrays, to be left as such. Of these, nested lists are the argument.
SEQUENCES: set[str] = set()
NESTED = {"block", "asarray", "asanyarray", "array", "ascontiguousarray"}

_NUMBERS = {int, float, bool, complex, np.int64, np.float64}
_STANDARD = STANDARD_NAMES | {"cumsum": "cumulative_sum", "cumprod": "cumulative_prod"}


def call(name: str, function: Any, args: Any, options: dict[str, Any]) -> Any:
    """`function` of arguments of which some hold Duals."""
    name = ALIASES.get(name, name)
    rule = RULES.get(name)
    if rule is None:
        raise MissingRuleError(name)
    if options and function is not None:
        args, options = bind_required(function, args, options)
    for arg in args if not options else (*args, *options.values()):
        kind = type(arg)
        if kind is list or kind is tuple or (kind is np.ndarray and arg.dtype.hasobject):
            args, options = _ready(name, args, options)
            break
    return rule(name, function, args, options)


def base(xp: Any, name: str, function: Any) -> Any:
    """The function `name` on values: NumPy's own, or the namespace's."""
    if xp is np and function is not None:
        return function
    module, _, leaf = name.rpartition(".")
    home = getattr(xp, module) if module else xp
    names = (leaf, _STANDARD.get(leaf, leaf))
    for candidate in names if xp is np else reversed(names):
        found = getattr(home, candidate, None)
        if found is not None:
            return found
    raise MissingRuleError(name, f"is not in the namespace {getattr(xp, '__name__', xp)}")


def _ready(name: str, args: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
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
        return call("asarray", None, (list(arg),), {})
    if isinstance(arg, np.ndarray) and arg.dtype == object and holds(list(arg.flat)):
        return from_objects(arg)
    return arg


def _array(arg: Any) -> Any:
    return np.asarray(arg) if isinstance(arg, tuple | list) and not holds(arg) else arg


def from_objects(boxes: Any) -> Any:
    """One Dual from an object array of 0-d Duals and numbers, as np.vectorize returns it."""
    flat = list(np.ravel(boxes))
    if not holds(flat):
        return boxes if flat else np.zeros(np.shape(boxes))
    return call("stack", np.stack, (flat,), {}).reshape(np.shape(boxes))
