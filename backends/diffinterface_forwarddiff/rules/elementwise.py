"""Elementwise functions: one line each."""

from __future__ import annotations

import math
from typing import Any

from ..adaptors import (
    added,
    binary,
    composed,
    constant,
    level_of,
    no_options,
    scale,
    spread,
    unary,
)
from ..dual import Dual
from ..table import RULES
from ..values import namespace_of

LN2, LN10 = math.log(2.0), math.log(10.0)

UNARY = {
    "sin": lambda xp, x, y: xp.cos(x),
    "cos": lambda xp, x, y: -xp.sin(x),
    "tan": lambda xp, x, y: 1 + y * y,
    "arcsin": lambda xp, x, y: 1 / xp.sqrt(1 - x * x),
    "arccos": lambda xp, x, y: -1 / xp.sqrt(1 - x * x),
    "arctan": lambda xp, x, y: 1 / (1 + x * x),
    "sinh": lambda xp, x, y: xp.cosh(x),
    "cosh": lambda xp, x, y: xp.sinh(x),
    "tanh": lambda xp, x, y: 1 - y * y,
    "arcsinh": lambda xp, x, y: 1 / xp.sqrt(1 + x * x),
    "arccosh": lambda xp, x, y: 1 / xp.sqrt(x * x - 1),
    "arctanh": lambda xp, x, y: 1 / (1 - x * x),
    "exp": lambda xp, x, y: y,
    "exp2": lambda xp, x, y: y * LN2,
    "expm1": lambda xp, x, y: y + 1,
    "log": lambda xp, x, y: 1 / x,
    "log2": lambda xp, x, y: 1 / (x * LN2),
    "log10": lambda xp, x, y: 1 / (x * LN10),
    "log1p": lambda xp, x, y: 1 / (1 + x),
    "sqrt": lambda xp, x, y: 0.5 / y,
    "cbrt": lambda xp, x, y: 1 / (3 * y * y),
    "square": lambda xp, x, y: 2 * x,
    "reciprocal": lambda xp, x, y: -y * y,
    "deg2rad": lambda xp, x, y: xp.zeros_like(x) + math.pi / 180,
    "rad2deg": lambda xp, x, y: xp.zeros_like(x) + 180 / math.pi,
    "nan_to_num": lambda xp, x, y: xp.where(xp.isfinite(x), xp.ones_like(x), xp.zeros_like(x)),
}
BINARY = {
    "true_divide": (lambda xp, a, b, y: 1 / b, lambda xp, a, b, y: -y / b),
    "arctan2": (
        lambda xp, a, b, y: b / (a * a + b * b),
        lambda xp, a, b, y: -a / (a * a + b * b),
    ),
    "hypot": (lambda xp, a, b, y: a / y, lambda xp, a, b, y: b / y),
    "logaddexp": (lambda xp, a, b, y: xp.exp(a - y), lambda xp, a, b, y: xp.exp(b - y)),
    "logaddexp2": (lambda xp, a, b, y: xp.exp2(a - y), lambda xp, a, b, y: xp.exp2(b - y)),
    "maximum": (
        lambda xp, a, b, y: _share(xp, a > b, a == b, y),
        lambda xp, a, b, y: _share(xp, b > a, a == b, y),
    ),
    "minimum": (
        lambda xp, a, b, y: _share(xp, a < b, a == b, y),
        lambda xp, a, b, y: _share(xp, b < a, a == b, y),
    ),
    "copysign": (lambda xp, a, b, y: _sign(xp, a) * _sign(xp, y), lambda xp, a, b, y: 0 * y),
    "remainder": (lambda xp, a, b, y: 1, lambda xp, a, b, y: -xp.floor(a / b)),
    "fmod": (lambda xp, a, b, y: 1, lambda xp, a, b, y: -xp.trunc(a / b)),
    "heaviside": (lambda xp, a, b, y: 0 * y, lambda xp, a, b, y: _ones(xp, a == 0, y)),
    "ldexp": (lambda xp, a, b, y: 2.0**b, None),
}
BINARY["fmax"], BINARY["fmin"] = BINARY["maximum"], BINARY["minimum"]

constant(
    *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "isnan", "isinf"),
    *("isfinite", "signbit", "sign", "floor", "ceil", "rint", "trunc", "round", "floor_divide"),
    *("logical_and", "logical_or", "logical_not", "logical_xor", "isclose", "allclose", "any"),
    *("all", "array_equal", "shape", "size", "ndim", "result_type", "iscomplexobj", "isrealobj"),
    *("argmax", "argmin", "argsort", "argpartition", "nonzero", "count_nonzero", "searchsorted"),
    *("lexsort", "iscomplex", "isreal", "digitize", "flatnonzero", "argwhere", "fix", "can_cast"),
    *("isdtype", "finfo", "iinfo", "logical_and.reduce", "logical_or.reduce"),
)

for _name, _factor in UNARY.items():
    unary(_name, _factor)
for _name, (_first, _second) in BINARY.items():
    binary(_name, _first, _second)


def _ones(xp: Any, condition: Any, like: Any) -> Any:
    return xp.where(condition, xp.ones_like(like), xp.zeros_like(like))


def _share(xp: Any, wins: Any, ties: Any, like: Any) -> Any:
    """1 where an argument wins, 1/2 where it ties: the mean of the one-sided derivatives."""
    return _ones(xp, wins, like) + 0.5 * _ones(xp, ties, like)


def _sign(xp: Any, x: Any) -> Any:
    return 1 - 2 * _ones(xp, x < 0, x)


def _rule_abs(name: str, function: Any, args: Any, options: Any) -> Any:
    (x,) = args
    xp = namespace_of(x.value)
    y = xp.abs(x.value)
    if "complex" not in str(x.dtype):
        return Dual(y, xp.sign(x.value)[..., None] * x.tangent, x.level)
    # d|z| = Re(conj(z) dz) / |z|, and 0 at 0 as for real arguments.
    safe = xp.where(y == 0, xp.ones_like(y), y)
    xt = namespace_of(x.tangent)
    return Dual(y, xt.real(xp.conj(x.value)[..., None] * x.tangent) / safe[..., None], x.level)


def _negative(name: str, function: Any, args: Any, options: Any) -> Any:
    (x,) = args
    return Dual(-x.value, -x.tangent, x.level)


def _positive(name: str, function: Any, args: Any, options: Any) -> Any:
    (x,) = args
    return Dual(+x.value, +x.tangent, x.level)


RULES["abs"] = _rule_abs
RULES["negative"] = _negative
RULES["positive"] = _positive


def _power_of_base(xp: Any, a: Any, b: Any, y: Any) -> Any:
    """``b a^(b-1)``, and 0 for b = 0 whatever a is."""
    if isinstance(b, int | float):
        if b == 0:
            return xp.zeros_like(a)
        return b if b == 1 else b * a ** (b - 1)
    zero = b == 0
    safe = xp.where(zero, xp.ones_like(b), b)
    return xp.where(zero, xp.zeros_like(y), b * a ** (safe - 1))


def _power_of_exponent(xp: Any, a: Any, b: Any, y: Any) -> Any:
    """``log(a) a^b``, and 0 at a = 0 for b > 0, where the power stays 0."""
    a = a if hasattr(a, "dtype") else xp.zeros_like(y) + a
    zero = (a == 0) & (b > 0) if "complex" not in str(y.dtype) else a == 0
    return xp.where(zero, xp.zeros_like(y), xp.log(xp.where(zero, xp.ones_like(a), a)) * y)


binary("power", _power_of_base, _power_of_exponent)
RULES["float_power"] = RULES["power"]

composed("sinc", lambda xp, x: _sinc(xp, x))
composed("divmod", lambda xp, a, b: (xp.floor_divide(a, b), xp.remainder(a, b)))
composed("modf", lambda xp, x: (x - xp.trunc(x), xp.trunc(x)))
composed("clip", lambda xp, x, *bounds, **options: _clip(xp, x, *bounds, **options))


def _sinc(xp: Any, x: Any) -> Any:
    """``sin(pi x) / (pi x)``, with its Taylor polynomial where the quotient loses digits."""
    p = math.pi * x
    near = xp.abs(p) < 1e-2
    safe = xp.where(near, xp.ones_like(p), p)
    q = p * p
    series = 1 - q / 6 * (1 - q / 20 * (1 - q / 42 * (1 - q / 72)))
    return xp.where(near, series, xp.sin(safe) / safe)


def _clip(
    xp: Any,
    x: Any,
    min: Any = None,  # noqa: A002 - NumPy's names
    max: Any = None,  # noqa: A002
    *,
    a_min: Any = None,
    a_max: Any = None,
) -> Any:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    # At a bound itself the derivative is that of the inside, as for the engines that have a rule.
    x = x if low is None else xp.where(x < low, low, x)
    return x if high is None else xp.where(x > high, high, x)


def _part(part: str) -> Any:
    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        (x,) = args
        if "complex" not in str(x.dtype):
            return 0 * x if part == "imag" else x
        xp, xt = namespace_of(x.value), namespace_of(x.tangent)
        return Dual(getattr(xp, part)(x.value), getattr(xt, part)(x.tangent), x.level)

    return rule


RULES["real"], RULES["imag"], RULES["conjugate"] = _part("real"), _part("imag"), _part("conj")
composed("angle", lambda xp, z: xp.arctan2(z.imag, z.real))


# --- arithmetic: the hot operations, with as few passes over the tangents as there can be ----------


def _add(name: str, function: Any, args: Any, options: Any) -> Any:
    return _sum(args, options, 1)


def _subtract(name: str, function: Any, args: Any, options: Any) -> Any:
    return _sum(args, options, -1)


def _sum(args: Any, options: Any, sign: int) -> Any:
    if options:
        no_options("add" if sign == 1 else "subtract", options)
    a, b = args
    la, lb = level_of(a), level_of(b)
    level = max(la, lb)
    va, vb = (a.value if la == level else a), (b.value if lb == level else b)
    y = va + vb if sign == 1 else va - vb
    if la == lb:
        tangent = a.tangent + b.tangent if sign == 1 else a.tangent - b.tangent
    elif la == level:
        tangent = a.tangent
    else:
        tangent = b.tangent if sign == 1 else -b.tangent
    return Dual(y, spread(tangent, y), level)


def _multiply(name: str, function: Any, args: Any, options: Any) -> Any:
    if options:
        no_options("multiply", options)
    a, b = args
    la, lb = level_of(a), level_of(b)
    level = max(la, lb)
    va, vb = (a.value if la == level else a), (b.value if lb == level else b)
    tangent: Any = None
    if la == level:
        tangent = scale(vb, a.tangent)
    if lb == level:
        part = scale(va, b.tangent)
        tangent = part if tangent is None else added(part, tangent)
    y = va * vb
    return Dual(y, spread(tangent, y), level)


RULES["add"], RULES["subtract"], RULES["multiply"] = _add, _subtract, _multiply
