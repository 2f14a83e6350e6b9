"""Elementwise functions: one line each."""

from __future__ import annotations

import math
from typing import Any

from ..adaptors import binary, composed, constant, mirrored, unary

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
    "divide": (lambda xp, a, b, y: _reciprocal(b), lambda xp, a, b, y: -y / b),
    "arctan2": (
        lambda xp, a, b, y: b / (a * a + b * b),
        lambda xp, a, b, y: -a / (a * a + b * b),
    ),
    "copysign": (lambda xp, a, b, y: _sign(xp, a) * _sign(xp, y), lambda xp, a, b, y: 0 * y),
    # y = a - n b with a whole n, which a / b itself may miss by one where it rounds to a whole number.
    "remainder": (lambda xp, a, b, y: 1, lambda xp, a, b, y: -xp.round((a - y) / b)),
    "fmod": (lambda xp, a, b, y: 1, lambda xp, a, b, y: -xp.round((a - y) / b)),
    "heaviside": (lambda xp, a, b, y: 0 * y, lambda xp, a, b, y: _ones(xp, a == 0, y)),
    "ldexp": (lambda xp, a, b, y: xp.exp2(b), None),
}
# Symmetric in a and b: the derivative by a.
SYMMETRIC = {
    "hypot": lambda xp, a, b, y: a / y,
    "logaddexp": lambda xp, a, b, y: xp.exp(a - y),
    "logaddexp2": lambda xp, a, b, y: xp.exp2(a - y),
    "maximum": lambda xp, a, b, y: _share(xp, a > b, a == b, y),
    "minimum": lambda xp, a, b, y: _share(xp, a < b, a == b, y),
    # Where one argument is NaN, fmax and fmin are the other.
    "fmax": lambda xp, a, b, y: _share(xp, (a > b) | xp.isnan(b), a == b, y),
    "fmin": lambda xp, a, b, y: _share(xp, (a < b) | xp.isnan(b), a == b, y),
}
constant(
    *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "isnan", "isinf"),
    *("isfinite", "signbit", "floor", "ceil", "rint", "trunc", "round", "floor_divide"),
    *("logical_and", "logical_or", "logical_not", "logical_xor", "isclose", "allclose", "any"),
    *("all", "array_equal", "shape", "size", "ndim", "result_type", "iscomplexobj", "isrealobj"),
    *("argmax", "argmin", "argpartition", "nonzero", "count_nonzero", "searchsorted"),
    *("lexsort", "iscomplex", "isreal", "digitize", "flatnonzero", "argwhere", "fix", "can_cast"),
    *("isdtype", "finfo", "iinfo", "logical_and.reduce", "logical_or.reduce"),
)

for _name, _factor in UNARY.items():
    unary(_name, _factor)
for _name, (_first, _second) in BINARY.items():
    binary(_name, _first, _second)
for _name, _first in SYMMETRIC.items():
    binary(_name, _first, mirrored(_first))


def _reciprocal(b: Any) -> Any:
    """1 / b, by NumPy's rules where b is a Python number: 1 / 0 is infinite."""
    return 1 / b if hasattr(b, "dtype") or b else math.copysign(math.inf, b.real)


def _ones(xp: Any, condition: Any, like: Any) -> Any:
    return xp.where(condition, xp.ones_like(like), xp.zeros_like(like))


def _share(xp: Any, wins: Any, ties: Any, like: Any) -> Any:
    """1 where an argument wins, 1/2 where it ties: the mean of the one-sided derivatives."""
    return _ones(xp, wins, like) + 0.5 * _ones(xp, ties, like)


def _sign(xp: Any, x: Any) -> Any:
    return 1 - 2 * _ones(xp, x < 0, x)


composed("divmod", lambda xp, a, b: (xp.floor_divide(a, b), xp.remainder(a, b)), arrays=2)
composed("modf", lambda xp, x: (x - xp.trunc(x), xp.trunc(x)))


def _sinc(xp: Any, x: Any) -> Any:
    """``sin(pi x) / (pi x)``, with its Taylor polynomial where the quotient loses digits."""
    p = math.pi * x
    near = xp.abs(p) < 1
    safe = xp.where(near, xp.ones_like(p), p)
    series = xp.ones_like(p)
    for n in range(20, 0, -2):
        series = 1 - p * p / (n * (n + 1)) * series
    y = xp.where(near, series, xp.sin(safe) / safe)
    return y if y.shape else y[()]


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
    result = +x if low is None else xp.where(x < low, low, x)
    result = result if high is None else xp.where(result > high, high, result)
    return result if result.shape else result[()]


composed("sinc", _sinc)
composed("clip", _clip, arrays=3)
