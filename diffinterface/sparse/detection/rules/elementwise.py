"""Elementwise functions: unions, with a short table of those that are not plainly nonlinear.

A ufunc that nobody names here is elementwise all the same: its result depends on all its arguments,
with all second derivatives. So no ufunc, of SciPy or of anybody, is ever unknown.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import conversion, unknown
from ..results import constant, each, result_of, sets_of
from ..sets import Sets
from ..table import ANY_UFUNC, rule
from ..trace import Trace
from ..traced import is_traced, tracers, values
from .general import dense, missing
from .linalg import by_signature

# Constant in pieces, though it may be a floating number.
CONSTANT = set(
    "floor ceil rint trunc floor_divide sign signbit spacing equal not_equal less less_equal greater "
    "greater_equal isnan isinf isfinite isnat logical_and logical_or logical_not logical_xor invert "
    "bitwise_and bitwise_or bitwise_xor left_shift right_shift gcd lcm bitwise_count".split()
)
# Linear in all arguments together, in pieces at least.
LINEAR = set(
    "add subtract negative positive conjugate deg2rad rad2deg absolute maximum minimum fmax fmin "
    "copysign remainder fmod ldexp heaviside nextafter modf frexp divmod".split()
)
# Linear in the first argument alone, and nothing more is said of the others.
LINEAR_IN_FIRST = {"divide", "xlogy", "xlog1py"}


@rule(ANY_UFUNC)
def any_ufunc(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Any ufunc, called plainly; its other methods are refused."""
    ufunc = getattr(function, "__self__", function)
    if function is not ufunc:
        return by_method(trace, name, ufunc, function.__name__, args, options)
    if ufunc.signature is not None:
        return by_signature(trace, ufunc, args, options)
    operands, rest = args[: ufunc.nin], args[ufunc.nin :]
    if any(hasattr(op, "tocoo") for op in operands):
        raise unknown(f"np.{name} of a sparse array")
    if rest:
        raise TypeError(f"{name} takes {ufunc.nin} arguments; give out= by name.")
    value = function(*values(operands), **values(options))
    if name in CONSTANT and not (name == "sign" and np.iscomplexobj(value)):
        return constant(trace, value)
    winners = _kept(name, operands) if trace.local and name in _WINNERS else operands
    first, second = sets_of(winners)
    if trace.second:
        second = [*second, *_events(trace, name, operands)]
    return each(value, lambda v: result_of(trace, v, first, second))


def by_method(trace: Trace, name: str, ufunc: Any, method: str, args: Any, options: Any) -> Any:
    """The other methods of a ufunc, of which few say by themselves what meets what."""
    if method == "at" and name.partition(".")[0] in ("add", "subtract") and not options:
        target, index, value = args
        if not is_traced(target):
            trace.lose(conversion(f"np.{name}, an assignment into a plain array"))
        elif not tracers(index):
            return _gathered(trace, ufunc, target, index, value)
    return missing(trace, name, getattr(ufunc, method), args, options)


def _gathered(trace: Trace, ufunc: Any, target: Any, index: Any, value: Any) -> None:
    """``ufunc.at``: what is at an index, and all that is added to it."""
    size = target.value.size
    at = np.arange(size).reshape(target.shape)[index]
    ufunc.at(target.value, index, values(value))
    if not is_traced(value):
        return
    for into, more in ((target.first, value.first), (target.second, value.second)):
        if into is not None:
            parts = [np.broadcast_to(part, at.shape).ravel() for part in more.parts]
            rows = np.concatenate([np.arange(size), *(at.ravel() for _ in parts)])
            ids = np.concatenate([into.ids().ravel(), *parts])
            merged = into.store.merge(rows, ids, size).reshape(target.shape)
            into.assign(..., Sets(into.store, [merged]))


_WINNERS = {"maximum", "minimum", "fmax", "fmin"}


def _kept(name: str, operands: Any) -> list[Any]:
    """The operands where each may be the result; at a tie, or beside NaN, both may."""
    a, b = (np.asarray(v) for v in values(operands))
    loses_a, loses_b = (a < b, b < a) if name in ("maximum", "fmax") else (a > b, b > a)
    pairs = zip(operands, (~loses_a, ~loses_b), strict=True)
    shape = np.broadcast_shapes(a.shape, b.shape)
    return [wide(op, shape).only(keep) for op, keep in pairs if is_traced(op)]


def wide(op: Any, shape: tuple[int, ...]) -> Any:
    """A tracer broadcast with `shape`."""
    shape = np.broadcast_shapes(op.shape, shape)
    return op if op.shape == shape else op.moved(lambda part: np.broadcast_to(part, shape))


def _events(trace: Trace, name: str, operands: Any) -> list[Sets]:
    """Events of an elementwise function."""
    traced = [op for op in operands if is_traced(op)]
    if name in LINEAR and not (name == "absolute" and np.iscomplexobj(values(operands[0]))):
        return []
    if name in ("multiply", *LINEAR_IN_FIRST):
        a, b = operands
        parts = []
        if is_traced(a) and is_traced(b):
            parts.append(trace.event(a.first, b.first))
        if name != "multiply" and is_traced(b):
            parts.append(trace.square([b.first]))
        return parts
    if name in ("power", "float_power") and len(traced) == 1 and operands[0] is traced[0]:
        exponent = np.asarray(operands[1])
        if exponent.ndim == 0 and exponent in (0, 1):
            return []
    return [trace.square([op.first for op in traced])]


@rule("real", "imag", "nan_to_num", "real_if_close", "i0", "sinc", "angle")
def _one(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Functions of one array that are no ufuncs."""
    value = function(*values(args), **values(options))
    (x,) = tracers(args[:1]) or (None,)
    if x is None or tracers((args[1:], options)):
        return dense(trace, value, (args, options))
    if name == "imag" and not np.iscomplexobj(x.value):
        return result_of(trace, np.array(value), [], [])
    if name in ("real", "real_if_close") and value is x.value:
        return x
    if options.get("copy") is False or len(args) > 1:
        return missing(trace, name, function, args, options)
    first, second = sets_of([x])
    if trace.second and name in ("i0", "sinc", "angle"):
        second.append(trace.square(first))
    result = result_of(trace, value, first, second)
    if np.ndim(value) and np.may_share_memory(value, x.value):
        # A view in NumPy of half of each number, of which sets know nothing: not to be written into.
        result.value.flags.writeable = False
    return result


@rule("clip")
def _clip(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Inside the bounds x, outside a bound; linear in pieces."""
    names = ("min", "a_min"), ("max", "a_max")
    bounds = [
        args[i + 1] if len(args) > i + 1 else next((options[n] for n in both if n in options), None)
        for i, both in enumerate(names)
    ]
    value = function(*values(args), **values(options))
    operands = [op for op in (args[0], *bounds) if is_traced(op)]
    if trace.local and is_traced(args[0]) and len(operands) == 1:
        x = args[0].value
        low, high = values(bounds)
        inside = ~np.zeros(np.shape(value), bool)
        if low is not None:
            inside &= ~(x < low)
        if high is not None:
            inside &= ~(x > high)
        operands = [wide(args[0], np.shape(value)).only(inside)]
    return result_of(trace, value, *sets_of(operands))
