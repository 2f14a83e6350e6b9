"""From a function's name to its rule.

A rule is ``rule(trace, name, function, args, options) -> result``, where `function` computes with plain
arrays. Rules register under NumPy's names; the array-API's other names are aliases.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from inspect import Parameter, signature
from typing import Any

import numpy as np

from diffinterface.arrays.facts import dtype_name, shape_of
from diffinterface.arrays.framework import NUMPY, framework_of

from .errors import conversion, unknown
from .traced import is_traced, tracers

Rule = Callable[..., Any]
RULES: dict[str, Rule] = {}

ALIASES = {
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "concat": "concatenate",
    "permute_dims": "transpose",
    "pow": "power",
    "abs": "absolute",
    "fabs": "absolute",
    "conj": "conjugate",
    "true_divide": "divide",
    "amax": "max",
    "amin": "min",
    "bitwise_invert": "invert",
    "degrees": "rad2deg",
    "radians": "deg2rad",
    "around": "round",
    "mod": "remainder",
    "linalg.matmul": "matmul",
    "linalg.tensordot": "tensordot",
    "linalg.outer": "outer",
    "linalg.vecdot": "vecdot",
    "linalg.cross": "cross",
    "linalg.matrix_transpose": "matrix_transpose",
    "linalg.diagonal": "linalg_diagonal",
    "linalg.trace": "linalg_trace",
    "add.reduce": "sum",
    "multiply.reduce": "prod",
    "maximum.reduce": "max",
    "minimum.reduce": "min",
    "logical_and.reduce": "all",
    "logical_or.reduce": "any",
    "add.accumulate": "cumsum",
    "multiply.accumulate": "cumprod",
    "cumulative_sum": "cumsum",
    "cumulative_prod": "cumprod",
}
METHODS = {
    name: name
    for name in (
        *("sum", "mean", "prod", "max", "min", "std", "var", "dot", "cumsum", "cumprod", "clip"),
        *("squeeze", "diagonal", "trace", "swapaxes", "take", "repeat", "argmax", "argmin"),
        *("argsort", "ravel", "round", "ptp", "nonzero", "any", "all", "searchsorted"),
        *("conjugate", "choose", "argpartition", "put"),
    )
} | {"conj": "conjugate"}

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


def ufunc_name(ufunc: Any, method: str) -> str:
    """The name under which a ufunc, or one of its methods, registers."""
    return ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"


def call(name: str, function: Any, args: Any, options: dict[str, Any]) -> Any:
    """`function` of arguments of which some hold tracers."""
    from . import rules

    name = ALIASES.get(name, name)
    found = tracers((args, options))
    trace = found[0].trace
    if any(other.trace is not trace for other in found):
        raise conversion("arrays of two detections at once")
    if options and function is not None:
        args, options = _bound(function, args, options)
    sequence = name in SEQUENCES
    args = tuple(_ready(trace, arg, sequence) for arg in args)
    options = {key: _ready(trace, option, False) for key, option in options.items()}
    with np.errstate(all="ignore"):
        chosen = RULES.get(name)
        if chosen is not None:
            return chosen(trace, name, function, args, options)
        owner = getattr(function, "__self__", function)
        if isinstance(owner, np.ufunc):
            return rules.any_ufunc(trace, name, owner, function, args, options)
        return rules.missing(trace, name, function, args, options)


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
        if arg.dtype == object and tracers(arg):
            return call("stack", np.stack, (list(arg.flat),), {}).reshape(arg.shape)
        return arg
    framework = None if isinstance(arg, type) else framework_of(arg)
    if framework is None or framework is NUMPY:
        return arg
    value, known = concrete(arg)
    if known:
        return value
    from .rules import general

    return general.unseen(trace, value)


def concrete(x: Any) -> tuple[Any, bool]:
    """A NumPy copy of an array; ones of its shape and False where an engine outside hides its values."""
    framework: Any = framework_of(x)
    stopped = framework.stop_gradient(x)
    inner = framework_of(stopped) or framework
    if inner is not NUMPY and inner.is_traced(stopped):
        return np.ones(shape_of(x), dtype_name(x)), False
    return np.array(inner.to_numpy(stopped)), True


def _bound(function: Any, args: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Required arguments that were given by name, at their positions."""
    names = _required(function)[len(args) :]
    if not names or not all(name in options for name in names):
        return args, options
    rest = {key: value for key, value in options.items() if key not in names}
    return (*args, *(options[name] for name in names)), rest


def without_out(function: Any, args: Any, out: Any) -> tuple[Any, Any]:
    """The arguments without the array to write into, and that array."""
    position = _position_of_out(function)
    if position is None or len(args) <= position or args[position] is None:
        return args, out
    return (*args[:position], None, *args[position + 1 :]), args[position]


@lru_cache(maxsize=256)
def _position_of_out(function: Any) -> int | None:
    try:
        names = [
            p.name
            for p in signature(function).parameters.values()
            if p.kind is not Parameter.KEYWORD_ONLY
        ]
    except (TypeError, ValueError):
        names = []
    return names.index("out") if "out" in names else None


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


def argument(args: Any, options: dict[str, Any], position: int, name: str, default: Any) -> Any:
    """One argument, given by position or by name."""
    return args[position] if len(args) > position else options.get(name, default)


def refuse(name: str, why: str = "has no sparsity rule") -> Any:
    """Raise for a function without a rule."""
    raise unknown(name, why)
