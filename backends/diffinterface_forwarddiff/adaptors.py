"""From a line of a table to a rule: elementwise, constant, linear and composed functions."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from diffinterface.extend import is_complex, is_inexact

from .dual import Dual
from .errors import MissingRuleError
from .levels import duals, holds, level_of, top, value_at
from .table import ARRAYS, RULES, base
from .values import cast, contiguous, copied, namespace_for, namespace_of, plain, zeros_beside


def no_options(name: str, options: dict[str, Any]) -> None:
    """Refuse keyword arguments, which elementwise rules do not know."""
    kept = [key for key, value in options.items() if not (key == "where" and value is True)]
    if kept:
        raise MissingRuleError(name, f"with {', '.join(kept)}= has no derivative rule")


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


_PLAIN = {np.ndarray, float, int}


def common_namespace(*values: Any) -> Any:
    """The namespace that can compute with all these values."""
    if _PLAIN.issuperset(map(type, values)):
        return np
    wrapped = [v for v in values if isinstance(v, Dual)]
    arrays = wrapped or [v for v in values if hasattr(v, "dtype") and not isinstance(v, type)]
    others = [v for v in arrays if type(v).__module__.partition(".")[0] != "numpy"]
    return namespace_of((others or arrays or values)[0])


def unary(name: str, factor: Callable[[Any, Any, Any], Any]) -> None:
    """Register an elementwise function of one argument with derivative ``factor(xp, x, y)``."""

    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        if options:
            no_options(name, options)
        (x,) = args
        value = x.value
        xp = namespace_of(value)
        y = base(xp, name, function)(value)
        return Dual(y, scale(factor(xp, value, y), x.tangent), x.level)

    RULES[name] = rule


def binary(
    name: str,
    factor_a: Callable[[Any, Any, Any, Any], Any] | None,
    factor_b: Callable[[Any, Any, Any, Any], Any] | None,
) -> None:
    """Register an elementwise function of two arguments, with its two partial derivatives.

    A factor of None says that the function is not differentiated in that argument, and raises.
    """

    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        if options:
            no_options(name, options)
        a, b = args
        level = max(level_of(a), level_of(b))
        va, vb = value_at(a, level), value_at(b, level)
        xp = common_namespace(va, vb)
        y = base(xp, name, function)(*_standard(xp, va, vb))
        va, vb = _precise(va, y), _precise(vb, y)
        tangent: Any = None
        for argument, factor in ((a, factor_a), (b, factor_b)):
            if isinstance(argument, Dual) and argument.level == level:
                if factor is None:
                    raise MissingRuleError(name, "has no derivative in this argument")
                part = scale(factor(xp, va, vb, y), argument.tangent)
                tangent = part if tangent is None else tangent + part
        return Dual(y, spread(tangent, y), level)

    RULES[name] = rule
    ARRAYS[name] = 2


def mirrored(factor: Callable[[Any, Any, Any, Any], Any]) -> Callable[[Any, Any, Any, Any], Any]:
    """The derivative by b of a symmetric function, from that by a."""
    return lambda xp, a, b, y: factor(xp, b, a, y)


def _precise(v: Any, y: Any) -> Any:
    """An argument in the precision of y, lest the factors be computed in a lower one."""
    dtype = getattr(v, "dtype", None)
    if dtype is None or dtype is y.dtype or is_complex(y) != is_complex(v):
        return v
    return cast(v, y.dtype)


def _standard(xp: Any, *values: Any) -> tuple[Any, ...]:
    """Arguments as the standard's functions want them: arrays, where NumPy takes numbers too."""
    if xp is np or all(hasattr(v, "dtype") for v in values):
        return values
    like = next(v for v in values if hasattr(v, "dtype"))
    return tuple(
        v if hasattr(v, "dtype") else xp.asarray(v, dtype=like.dtype, device=_device(like))
        for v in values
    )


def _device(x: Any) -> Any:
    return None if isinstance(x, Dual) else getattr(x, "device", None)


# NumPy's innermost loop is over the axis that is contiguous; where that is shorter than this, and the
# others are longer, a loop over it by hand is up to four times faster.
_FEW, _MANY = 4, 512


def scale(factor: Any, tangent: Any) -> Any:
    """Tangents times an elementwise factor."""
    if not getattr(factor, "shape", ()):
        return factor * tangent
    if (
        type(tangent) is np.ndarray
        and 1 < tangent.shape[-1] <= _FEW
        and type(factor) is np.ndarray
        and factor.size >= _MANY
        and factor.shape == tangent.shape[:-1]
        and tangent.flags.c_contiguous
    ):
        scaled = np.empty(tangent.shape, np.result_type(factor, tangent))
        for j in range(tangent.shape[-1]):
            np.multiply(factor, tangent[..., j], out=scaled[..., j])
        return scaled
    return factor[..., None] * tangent


def added(a: Any, b: Any) -> Any:
    """``a + b``, in the memory of a, which nobody else holds, where that is possible."""
    if (
        type(a) is np.ndarray
        and type(b) is np.ndarray
        and a.shape == b.shape
        and a.dtype == b.dtype
    ):
        return np.add(a, b, out=a)
    return a + b


def spread(tangent: Any, y: Any) -> Any:
    """Tangents broadcast to the shape of y, in its dtype."""
    if tangent.shape[:-1] != y.shape:
        shape = (*y.shape, tangent.shape[-1])
        # A copy: a broadcast array is read-only, and a Dual may be written into.
        tangent = copied(namespace_of(tangent).broadcast_to(tangent, shape))
    # Of the same dtype, for it must be able to hold what may be written into y.
    return tangent if tangent.dtype is y.dtype else cast(tangent, y.dtype)


def constant(*names: str) -> None:
    """Register functions whose derivative is zero or that return no floating array."""

    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        while holds(args, tuple(options.values())):
            level = top(args, tuple(options.values()))
            args = value_at(tuple(args), level)
            options = {key: value_at(v, level) for key, v in options.items()}
        return base(common_namespace(*_flat(args)), name, function)(*args, **options)

    for name in names:
        RULES[name] = rule


def _flat(tree: Any) -> list[Any]:
    if isinstance(tree, tuple | list):
        return [leaf for part in tree for leaf in _flat(part)]
    return [tree]


def linear(name: str, on_tangent: Callable[..., Any], *, view: bool = False) -> None:
    """Register a function that is linear in its first argument.

    ``on_tangent(xp, f, x, t, *args, **options)`` gives the tangents' image: f applied with the trailing
    axis kept. x is the value, of whose shape it needs to know. `view` says that the result may be a
    view of x or a copy, as its layout in memory has it.
    """

    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        x, *rest = args
        if not isinstance(x, Dual):
            raise MissingRuleError(name, "has no derivative in this argument")
        xp = namespace_for(x.value, x.tangent)
        f = base(xp, name, function)
        y = f(x.value, *rest, **options)
        if "dtype" in options and not is_inexact(y):
            return y
        t = apply(name, on_tangent, xp, f, x.value, x.tangent, *rest, **options)
        if view and _shared(y, x.value) != _shared(t, x.tangent):
            # Both or neither, lest a value be overwritten without its tangents.
            if _shared(t, x.tangent):
                t = copied(t)
            else:
                x.tangent = contiguous(x.tangent)
                t = apply(name, on_tangent, xp, f, x.value, x.tangent, *rest, **options)
        return Dual(y, t, x.level)

    RULES[name] = rule


def _shared(a: Any, b: Any) -> bool:
    a, b = plain(a), plain(b)
    return type(a) is np.ndarray and type(b) is np.ndarray and np.may_share_memory(a, b)


def by_slices(xp: Any, f: Callable[[Any], Any], t: Any) -> Any:
    """``f`` of one tangent after the other."""
    columns = [f(t[..., j]) for j in range(t.shape[-1])]
    return xp.stack(columns, axis=-1) if columns else zeros_beside(f(xp.sum(t, axis=-1)), 0)


def slicewise(*names: str) -> None:
    """Register linear functions whose axes cannot be told from the trailing one: a loop over k."""

    def on_tangent(xp: Any, f: Any, x: Any, t: Any, *args: Any, **options: Any) -> Any:
        return by_slices(xp, lambda column: f(column, *args, **options), t)

    for name in names:
        linear(name, on_tangent)


def composed(name: str, body: Callable[..., Any], arrays: int = 1) -> None:
    """Register ``body(xp, *args, **options)``, written in functions that have rules.

    `arrays` says how many of its arguments are arrays.
    """

    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        first = next(duals((args, tuple(options.values()))))
        return apply(name, body, namespace_of(first), *args, **options)

    RULES[name] = rule
    ARRAYS[name] = arrays
