"""Cases of the elementwise rules: at numbers, vectors and matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .truth import Case

RANGES = {
    "real": (-2.15, 1.85),
    "unit": (-0.85, 0.95),
    "positive": (0.15, 3.1),
    "above one": (1.2, 3.4),
    "wide": (-7.0, 9.0),
}
UNARY = {
    "real": (
        *("sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh", "arcsinh", "exp", "exp2"),
        *("expm1", "square", "reciprocal", "nan_to_num", "negative", "positive"),
    ),
    "unit": ("arcsin", "arccos", "arctanh"),
    "positive": ("log", "log2", "log10", "log1p", "sqrt"),
    "above one": ("arccosh",),
}
UNARY_REAL = {
    "real": ("absolute", "deg2rad", "rad2deg", "sinc", "real", "imag", "angle", "conjugate"),
    "positive": ("cbrt",),
}
# Of two arguments, with where they may lie; and those that have complex loops.
BINARY = {
    **dict.fromkeys(("arctan2", "hypot", "logaddexp", "logaddexp2", "maximum", "minimum"), "real"),
    **dict.fromkeys(("copysign", "fmax", "fmin"), "real"),
    # Where differences meet no jump.
    **dict.fromkeys(("fmod", "remainder"), "wide"),
    **dict.fromkeys(("add", "subtract", "multiply", "divide"), "real"),
    **dict.fromkeys(("power", "float_power"), "positive"),
}
ANALYTIC = {"add", "subtract", "multiply", "divide", "power", "float_power"}
SHAPES: tuple[tuple[int, ...], ...] = ((), (4,), (2, 3))


def points(domain: str, *shapes: tuple[int, ...]) -> list[Any]:
    """Arrays of these shapes, with entries spread unevenly over a domain, off zero and in no order."""
    low, high = RANGES[domain]
    result = []
    for shape in shapes or SHAPES:
        n = int(np.prod(shape, dtype=int))
        spread = (np.arange(n) * 0.618034 + 0.27) % 1
        result.append(np.reshape(low + (high - low) * spread, shape))
    return result


def _call(name: str) -> Callable[[Any, Any], Any]:
    return lambda xp, x: getattr(xp, name)(x)


def _pair(name: str) -> Callable[[Any, Any], Any]:
    return lambda xp, x: getattr(xp, name)(x[0], x[1])


def _broadcast(name: str) -> Callable[[Any, Any], Any]:
    return lambda xp, x: getattr(xp, name)(x[0, :, None], x[1])


def _first(name: str, constant: Any) -> Callable[[Any, Any], Any]:
    return lambda xp, x: getattr(xp, name)(x, constant)


def _second(name: str, constant: Any) -> Callable[[Any, Any], Any]:
    return lambda xp, x: getattr(xp, name)(constant, x)


def unary(name: str, domain: str, how: str) -> list[Case]:
    return [Case(name, _call(name), x, how) for x in points(domain)]


def binary(name: str, domain: str, how: str) -> list[Case]:
    """In both arguments, in each alone beside a number or an array, with broadcasting both ways."""
    (row,) = points(domain, (3,))
    column = np.array([[0.7], [1.3]])
    return [
        *(Case(name, _pair(name), x, how) for x in points(domain, (2,), (2, 3), (2, 2, 2))),
        Case(name, _broadcast(name), points(domain, (2, 3))[0], how),
        *(Case(name, _first(name, c), row, how) for c in (0.77, column)),
        *(Case(name, _second(name, c), row, how) for c in (0.77, column)),
    ]


V = points("real", (4,))[0]
EXPONENTS = np.array([0, 1, 2, -1])


def _divmod(xp: Any, x: Any) -> Any:
    quotient, rest = xp.divmod(x, 0.37)
    return quotient * x + rest**2


def _modf(xp: Any, x: Any) -> Any:
    fraction, whole = xp.modf(x)
    return fraction**2 + whole * x


CASES = [
    *(c for domain, names in UNARY.items() for n in names for c in unary(n, domain, "complex")),
    *(c for domain, names in UNARY_REAL.items() for n in names for c in unary(n, domain, "long")),
    *(
        c
        for n, domain in BINARY.items()
        for c in binary(n, domain, "complex" if n in ANALYTIC else "long")
    ),
    *(Case("power", lambda xp, x, n=n: xp.power(x, n), V) for n in (0, 1, 2, -1, 3.0, EXPONENTS)),
    Case("power", lambda xp, x: xp.power(2, x), V),
    Case("power", lambda xp, x: 1.5**x + x**2 + x**-2.0 + x**1 + x**0, V),
    Case("float_power", lambda xp, x: xp.float_power(x, 3), V),
    Case("heaviside", lambda xp, x: xp.heaviside(x[0], x[1]) * x[1], V[:2], "long"),
    Case("heaviside", lambda xp, x: xp.heaviside(np.array([0.0, 1.0, -1.0]), x), V[:3], "long"),
    Case("ldexp", lambda xp, x: xp.ldexp(x, np.array([1, -2, 0, 3])) ** 2, V, "long"),
    Case("divmod", _divmod, V, "long"),
    Case("divmod", lambda xp, x: xp.divmod(2.5, x)[1], V - 3, "long"),
    Case("modf", _modf, V, "long"),
    Case("sinc", lambda xp, x: xp.sinc(x), np.array([1e-3, 2e-3, -0.004, 0.0]), "long"),
    *(
        Case("clip", f, V, "long")
        for f in (
            lambda xp, x: xp.clip(x, -0.5, 1.0) * x,
            lambda xp, x: xp.clip(x, None, 1.0),
            lambda xp, x: xp.clip(x, -0.5, None),
            lambda xp, x: xp.clip(x, max=1.0, min=np.array([[-0.5], [0.1]])),
            lambda xp, x: xp.clip(np.array([[-3.0], [0.2], [3.0]]), x[0], x[2]),
        )
    ),
    Case("clip", lambda xp, x: xp.clip(x, xp.min(x) + 1, xp.max(x) - 1), points("real", (2, 3))[0]),
    Case("clip", lambda xp, x: x.clip(-0.5, 0.5), np.array(0.2)),
    Case("conjugate", lambda xp, x: xp.real(xp.conjugate(xp.exp(1j * x)) * (2 + 1j)), V, "long"),
    Case("imag", lambda xp, x: xp.imag(xp.exp(1j * x)) + xp.exp(2j * x).imag, V, "long"),
    Case("real", lambda xp, x: xp.real(xp.exp(1j * x)) + xp.exp(2j * x).real, V, "long"),
    Case("absolute", lambda xp, x: xp.abs(xp.exp(1j * x) + x), V, "long"),
    Case("angle", lambda xp, x: xp.angle(xp.exp(1j * x) * x), V, "long"),
]
