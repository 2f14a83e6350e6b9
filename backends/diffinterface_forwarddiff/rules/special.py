"""Functions of scipy.special that are ufuncs, by name."""

from __future__ import annotations

import math
from typing import Any

from diffinterface.extend.functions import log_softmax, softmax

from ..adaptors import binary, composed, mirrored, unary


def _special() -> Any:
    import scipy.special

    return scipy.special


_SQRT_PI = math.sqrt(math.pi)
_SQRT_2PI = math.sqrt(2 * math.pi)

UNARY = {
    "erf": lambda s, xp, x, y: 2 / _SQRT_PI * xp.exp(-x * x),
    "erfc": lambda s, xp, x, y: -2 / _SQRT_PI * xp.exp(-x * x),
    "erfcx": lambda s, xp, x, y: 2 * x * y - 2 / _SQRT_PI,
    "erfinv": lambda s, xp, x, y: _SQRT_PI / 2 * xp.exp(y * y),
    "erfcinv": lambda s, xp, x, y: -_SQRT_PI / 2 * xp.exp(y * y),
    "gamma": lambda s, xp, x, y: y * s.digamma(x),
    "gammaln": lambda s, xp, x, y: s.digamma(x),
    "loggamma": lambda s, xp, x, y: s.digamma(x),
    "rgamma": lambda s, xp, x, y: _rgamma_slope(s, xp, x, y),
    "digamma": lambda s, xp, x, y: s.zeta(2, x),
    "expit": lambda s, xp, x, y: y * (1 - y),
    "logit": lambda s, xp, x, y: 1 / (x * (1 - x)),
    "log_expit": lambda s, xp, x, y: s.expit(-x),
    "entr": lambda s, xp, x, y: -xp.log(x) - 1,
    "ndtr": lambda s, xp, x, y: xp.exp(-x * x / 2) / _SQRT_2PI,
    "log_ndtr": lambda s, xp, x, y: xp.exp(-x * x / 2 - y) / _SQRT_2PI,
    "ndtri": lambda s, xp, x, y: _SQRT_2PI * xp.exp(y * y / 2),
    "exprel": lambda s, xp, x, y: _exprel_slope(s, xp, x, y),
    "dawsn": lambda s, xp, x, y: 1 - 2 * x * y,
    "i0": lambda s, xp, x, y: s.i1(x),
    "i0e": lambda s, xp, x, y: s.i1e(x) - xp.sign(x) * y,
    "i1": lambda s, xp, x, y: (s.iv(0, x) + s.iv(2, x)) / 2,
    "j0": lambda s, xp, x, y: -s.j1(x),
    "j1": lambda s, xp, x, y: (s.jv(0, x) - s.jv(2, x)) / 2,
    "y0": lambda s, xp, x, y: -s.y1(x),
    "y1": lambda s, xp, x, y: (s.yv(0, x) - s.yv(2, x)) / 2,
}

BINARY = {
    "xlogy": (
        lambda s, xp, a, b, y: xp.log(b),
        lambda s, xp, a, b, y: a / b,
    ),
    "xlog1py": (
        lambda s, xp, a, b, y: xp.log1p(b),
        lambda s, xp, a, b, y: a / (1 + b),
    ),
    "rel_entr": (
        lambda s, xp, a, b, y: xp.log(a / b) + 1,
        lambda s, xp, a, b, y: -a / b,
    ),
    "kl_div": (
        lambda s, xp, a, b, y: xp.log(a / b),
        lambda s, xp, a, b, y: 1 - a / b,
    ),
    "gammainc": (None, lambda s, xp, a, b, y: _gamma_density(s, xp, a, b)),
    "gammaincc": (None, lambda s, xp, a, b, y: -_gamma_density(s, xp, a, b)),
    "zeta": (None, lambda s, xp, a, b, y: -a * s.zeta(a + 1, b)),
    "jv": (None, lambda s, xp, a, b, y: (s.jv(a - 1, b) - s.jv(a + 1, b)) / 2),
    "yv": (None, lambda s, xp, a, b, y: (s.yv(a - 1, b) - s.yv(a + 1, b)) / 2),
    "iv": (None, lambda s, xp, a, b, y: (s.iv(a - 1, b) + s.iv(a + 1, b)) / 2),
}
# Symmetric in a and b: the derivative by a.
SYMMETRIC = {
    "betaln": lambda s, xp, a, b, y: s.digamma(a) - s.digamma(a + b),
    "beta": lambda s, xp, a, b, y: y * (s.digamma(a) - s.digamma(a + b)),
}


def _gamma_density(s: Any, xp: Any, a: Any, x: Any) -> Any:
    return xp.exp((a - 1) * xp.log(x) - x - s.gammaln(a))


def _rgamma_slope(s: Any, xp: Any, x: Any, y: Any) -> Any:
    """Left of 1/2 that of ``sin(pi x) gamma(1 - x) / pi``, which has no poles there."""
    left = x < 0.5
    mirrored = xp.where(left, 1 - x, xp.ones_like(x))
    slope = s.gamma(mirrored) * (
        xp.cos(math.pi * x) - s.digamma(mirrored) * xp.sin(math.pi * x) / math.pi
    )
    return xp.where(left, slope, -y * s.digamma(xp.where(left, xp.ones_like(x), x)))


def _exprel_slope(s: Any, xp: Any, x: Any, y: Any) -> Any:
    """``(exp(x) - y) / x``, near 0 the sum of ``(n + 1) / (n + 2)! x^n``."""
    near = xp.abs(x) < 1
    safe = xp.where(near, xp.ones_like(x), x)
    series = xp.zeros_like(x)
    for n in range(17, -1, -1):
        series = series * x + (n + 1) / math.factorial(n + 2)
    return xp.where(near, series, (xp.exp(safe) - y) / safe)


def _with_special(factor: Any) -> Any:
    return None if factor is None else lambda *args: factor(_special(), *args)


def _polygamma(n: Any, x: Any) -> Any:
    if n == 0:
        return _special().digamma(x)
    return (-1.0) ** (n + 1) * math.factorial(n) * _special().zeta(n + 1, x)


# SciPy itself is only imported when a rule runs.
for _name, _factor in UNARY.items():
    unary(_name, _with_special(_factor))
for _name, (_first, _second) in BINARY.items():
    binary(_name, _with_special(_first), _with_special(_second))
for _name, _first in SYMMETRIC.items():
    binary(_name, _with_special(_first), mirrored(_with_special(_first)))
composed("polygamma", lambda xp, n, x: _polygamma(n, x))
composed("softmax", lambda xp, x, axis=None: softmax(x, axis))
composed("log_softmax", lambda xp, x, axis=None: log_softmax(x, axis))
