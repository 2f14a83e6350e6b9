"""Arrays made beside a tracer, or filled with one."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffinterface.arrays.facts import is_inexact

from ..results import constant, result_of, sets_of
from ..table import rule
from ..trace import Trace
from ..traced import is_traced, tracers, values
from .general import dense


@rule("zeros_like", "ones_like", "empty_like", "full_like", "zeros", "ones", "empty", "full")
def _buffer(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """A buffer that tracers can be written into."""
    if name.startswith("empty"):
        function = {"empty_like": np.zeros_like, "empty": np.zeros}[name]
    options = {key: option for key, option in options.items() if key not in ("like", "device")}
    fill = args[1] if name.startswith("full") and len(args) > 1 else options.get("fill_value")
    value = function(*values(args), **values(options))
    if not is_inexact(value):
        return constant(trace, value)
    if is_traced(fill):
        return dense(trace, value, (fill,), linear=True)
    return result_of(trace, np.array(value, order="K"), [], [])


@rule("arange", "linspace", "logspace", "geomspace")
def _range(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    if name == "arange":
        trace.decide("np.arange, the length of a range,")
    count = args[2] if len(args) > 2 else options.get("num", 50)
    if tracers(count):
        trace.decide("np.linspace, the length of a range,")
    value = function(*values(args), **values(options))
    return dense(trace, value, (args, options), linear=name in ("arange", "linspace"))


@rule("astype")
def _astype(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    x, dtype = args[:2]
    value = x.value.astype(dtype)
    if options.get("copy") is False and value.dtype == x.value.dtype:
        return x
    if not is_inexact(value):
        return constant(trace, value)
    return result_of(trace, value, *sets_of([x]))


@rule("asarray", "asanyarray", "array", "ascontiguousarray", "asfortranarray", "require")
def _asarray(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    x = args[0]
    if isinstance(x, tuple | list):
        return np.stack([_asarray(trace, name, function, (part,), {}) for part in x])
    if not is_traced(x):
        return np.asarray(x)
    dtype = options.get("dtype", args[1] if len(args) > 1 else None)
    if dtype is not None and dtype != x.value.dtype:
        return _astype(trace, name, function, (x, dtype), {})
    # The same array where NumPy hands on the same memory, lest a write into one miss the other.
    alias = name == "asarray" or function(x.value, *args[1:], **values(options)) is x.value
    return x if alias and not options.get("copy") else x.copy()
