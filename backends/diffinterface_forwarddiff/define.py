"""Rules of one's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from diffinterface.extend import InputError
from diffinterface.extend.arrays import ALIASES, function_name

from .adaptors import scale, spread
from .dual import Dual
from .levels import holds, top, value_at
from .table import RULES


def defrule(
    function: Callable[..., Any],
    jvp: Callable[..., tuple[Any, Any]] | None = None,
    *,
    elementwise: Callable[..., Any] | None = None,
) -> Callable[..., Any]:
    """Define the derivative of a function for dual numbers.

    Parameters
    ----------
    function : callable
        A NumPy ufunc, a function of NumPy that dispatches through ``__array_function__``, or a plain
        Python function.
    jvp : callable, optional
        The whole rule: ``jvp(primals, tangents, **options) -> (value, tangent)``. Tangents carry a
        trailing axis of length k; a constant argument has the tangent None.
    elementwise : callable, optional
        For an elementwise function: its derivative at the same arguments, or a tuple of its partial
        derivatives, one an argument.

    Returns
    -------
    callable
        What to call: `function` itself if it dispatches, else a wrapper that takes Duals.

    Raises
    ------
    InputError
        If neither, or both, of `jvp` and `elementwise` are given.

    Examples
    --------
    >>> import math
    >>> import diffinterface as di
    >>> from diffinterface_forwarddiff import defrule
    >>> gauss = defrule(lambda x: math.exp(-x * x), elementwise=lambda x: -2 * x * math.exp(-x * x))
    >>> round(float(di.derivative(gauss, "forwarddiff", 0.5)), 6)
    -0.778801
    """
    if (jvp is None) == (elementwise is None):
        raise InputError("defrule takes either jvp= or elementwise=, got both or neither.")

    def apply(function: Callable[..., Any], args: Any, options: Any) -> Any:
        level = top(args)
        primals = [value_at(arg, level) for arg in args]
        mine = [isinstance(arg, Dual) and arg.level == level for arg in args]
        if jvp is not None:
            tangents = [arg.tangent if own else None for arg, own in zip(args, mine, strict=True)]
            value, moved = jvp(primals, tangents, **options)
            value = _array(value)
            expected = (*value.shape, next(t for t in tangents if t is not None).shape[-1])
            if tuple(_array(moved).shape) != expected:
                raise InputError(
                    f"The jvp of {function.__name__} returned a tangent of shape "
                    f"{tuple(_array(moved).shape)}, expected {expected}: the value's, and k.",
                    got=tuple(_array(moved).shape),
                    expected=expected,
                )
            return Dual(value, moved, level)
        assert elementwise is not None
        value = _array(resolved(*primals, **options))
        factors = elementwise(*primals, **options)
        factors = factors if isinstance(factors, tuple) else (factors,)
        parts = [
            scale(_array(factor), arg.tangent)
            for factor, arg, own in zip(factors, args, mine, strict=True)
            if own
        ]
        return Dual(value, spread(sum(parts[1:], parts[0]), value), level)

    if isinstance(function, np.ufunc) or getattr(function, "__module__", "").startswith("numpy"):
        resolved: Callable[..., Any] = function
        name = function_name(function)
        RULES[ALIASES.get(name, name)] = lambda _, f, args, options: apply(
            f or function, args, options
        )
        return function

    @wraps(function)
    def wrapper(*args: Any, **options: Any) -> Any:
        return apply(function, args, options) if holds(args) else function(*args, **options)

    resolved = wrapper
    return wrapper


def _array(x: Any) -> Any:
    return x if hasattr(x, "dtype") else np.asarray(x)
