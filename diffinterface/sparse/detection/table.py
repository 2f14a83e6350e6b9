"""From a function's name to its rule.

A rule is ``rule(trace, name, function, args, options) -> result``, where `function` computes with plain
arrays. The table is empty until the modules in `rules` fill it, under NumPy's names, and under the names
below for what has no name of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffinterface.arrays.facts import dtype_name, shape_of
from diffinterface.arrays.framework import NUMPY, framework_of
from diffinterface.arrays.names import ALIASES, bound

from .errors import conversion
from .traced import is_traced, tracers

Rule = Callable[..., Any]
RULES: dict[str, Rule] = {}

ANY_UFUNC = "<ufunc>"
ANY_FUNCTION = "<function>"
UNSEEN = "<unseen>"  # an array whose values an engine outside hides

# Functions of sequences of arrays, to be left as such.
SEQUENCES = set(
    "concatenate stack vstack hstack dstack column_stack block select choose linalg.multi_dot "
    "asarray array asanyarray ascontiguousarray broadcast_arrays piecewise".split()
)


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule under these names."""

    def register(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return register


def composed(*names: str) -> Callable[[Rule], Rule]:
    """Register a function made of other functions, to be called as NumPy's is, but for its ``out``."""

    def register(body: Rule) -> Rule:
        rule(*names)(lambda trace, name, function, args, options: body(*args, **options))
        return body

    return register


def call(name: str, function: Any, args: Any, options: dict[str, Any]) -> Any:
    """`function` of arguments of which some hold tracers."""
    name = ALIASES.get(name, name)
    found = tracers((args, options))
    if not found:
        return function(*args, **options)
    trace = found[0].trace
    if any(other.trace is not trace for other in found):
        raise conversion("arrays of two detections at once")
    if options and function is not None:
        args, options = bound(function, args, options)
    sequence = name in SEQUENCES
    args = tuple(_ready(trace, arg, sequence) for arg in args)
    options = {key: _ready(trace, option, False) for key, option in options.items()}
    chosen = RULES.get(name)
    if chosen is None:
        owner = getattr(function, "__self__", function)
        chosen = RULES[ANY_UFUNC if isinstance(owner, np.ufunc) else ANY_FUNCTION]
    with np.errstate(all="ignore"):
        return chosen(trace, name, function, args, options)


def _ready(trace: Any, arg: Any, sequence: bool) -> Any:
    """A tracer for a list of tracers, NumPy's arrays for those of other frameworks."""
    if is_traced(arg):
        return arg
    if isinstance(arg, list | tuple):
        if not tracers(arg):
            return arg
        if sequence:
            nested = any(isinstance(part, list) for part in arg)
            return [_ready(trace, part, nested) for part in arg]
        return call("asarray", None, (list(arg),), {})
    if isinstance(arg, np.ndarray):
        return joined(arg)
    framework = None if isinstance(arg, type) else framework_of(arg)
    if framework is None or framework is NUMPY:
        return arg
    value, known = concrete(arg)
    return value if known else RULES[UNSEEN](trace, UNSEEN, None, (value,), {})


def joined(leaf: Any) -> Any:
    """An array of objects, as np.vectorize gives it, as one tracer."""
    if isinstance(leaf, np.ndarray) and leaf.dtype == object and tracers(leaf):
        return call("stack", np.stack, (list(leaf.flat),), {}).reshape(leaf.shape)
    return leaf


def concrete(x: Any) -> tuple[Any, bool]:
    """A NumPy copy of an array; ones of its shape and False where an engine outside hides its values."""
    framework: Any = framework_of(x)
    stopped = framework.stop_gradient(x)
    inner = framework_of(stopped) or framework
    if inner is not NUMPY and inner.is_traced(stopped):
        return np.ones(shape_of(x), dtype_name(x)), False
    return np.array(inner.to_numpy(stopped)), True


def argument(args: Any, options: dict[str, Any], position: int, name: str, default: Any) -> Any:
    """One argument, given by position or by name."""
    return args[position] if len(args) > position else options.get(name, default)
