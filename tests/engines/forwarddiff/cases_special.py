"""Cases of scipy.special: mpmath's function of the same name or meaning, and where to compare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp

REAL = (-2.3, -0.4, 0.3, 1.7, 4.2)
POSITIVE = (0.15, 0.8, 2.5, 7.3)
UNIT = (0.1, 0.35, 0.5, 0.92)
GAMMA = (-1.7, -0.4, 0.3, 1.0, 2.6, 9.1)


def _ndtr(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _exprel(x: Any) -> Any:
    return mp.expm1(x) / x if x else mp.mpf(1)


def _dawsn(x: Any) -> Any:
    return mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)


def _log_gamma(x: Any) -> Any:
    return mp.log(abs(mp.gamma(x)))


def _log_beta(a: Any, b: Any) -> Any:
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


# Of one argument: points, and mpmath's function.
UNARY: dict[str, tuple[tuple[float, ...], Callable[[Any], Any]]] = {
    "erf": (REAL, mp.erf),
    "erfc": (REAL, mp.erfc),
    "erfcx": (REAL, lambda x: mp.exp(x * x) * mp.erfc(x)),
    "erfinv": ((-0.8, -0.1, 0.4, 0.95), mp.erfinv),
    "erfcinv": ((0.1, 0.7, 1.5), lambda x: mp.erfinv(1 - x)),
    "gamma": (GAMMA, mp.gamma),
    "gammaln": (GAMMA, _log_gamma),
    "loggamma": (POSITIVE, _log_gamma),
    "rgamma": ((0.0, *GAMMA), mp.rgamma),
    "digamma": (GAMMA, mp.digamma),
    "expit": (REAL, lambda x: 1 / (1 + mp.exp(-x))),
    "logit": (UNIT, lambda x: mp.log(x / (1 - x))),
    "log_expit": (REAL, lambda x: -mp.log1p(mp.exp(-x))),
    "entr": (POSITIVE, lambda x: -x * mp.log(x)),
    "ndtr": (REAL, _ndtr),
    "log_ndtr": ((-12.0, *REAL), lambda x: mp.log(_ndtr(x))),
    "ndtri": (UNIT, lambda p: -mp.sqrt(2) * mp.erfinv(1 - 2 * p)),
    "exprel": ((*REAL, 0.0, 1e-5, 9e-4, -9e-4, 1.1e-3), _exprel),
    "dawsn": (REAL, _dawsn),
    "i0": (REAL, lambda x: mp.besseli(0, x)),
    "i0e": (REAL, lambda x: mp.exp(-abs(x)) * mp.besseli(0, x)),
    "i1": ((0.0, *REAL), lambda x: mp.besseli(1, x)),
    "j0": ((0.0, *REAL), lambda x: mp.besselj(0, x)),
    "j1": ((0.0, *REAL), lambda x: mp.besselj(1, x)),
    "y0": (POSITIVE, lambda x: mp.bessely(0, x)),
    "y1": (POSITIVE, lambda x: mp.bessely(1, x)),
}
# Rules whose own derivative has no rule.
FIRST_ORDER = {"i0e"}

# Of two arguments: pairs of points, mpmath's function, and which arguments are differentiated.
BINARY: dict[
    str, tuple[tuple[tuple[float, float], ...], Callable[[Any, Any], Any], tuple[int, ...]]
]
PAIRS = ((0.4, 1.3), (2.2, 0.6), (3.1, 5.2))
BINARY = {
    "xlogy": (PAIRS, lambda a, b: a * mp.log(b), (0, 1)),
    "xlog1py": (PAIRS, lambda a, b: a * mp.log1p(b), (0, 1)),
    "rel_entr": (PAIRS, lambda a, b: a * mp.log(a / b), (0, 1)),
    "kl_div": (PAIRS, lambda a, b: a * mp.log(a / b) - a + b, (0, 1)),
    "betaln": (PAIRS, _log_beta, (0, 1)),
    "beta": (PAIRS, mp.beta, (0, 1)),
    "gammainc": (PAIRS, lambda a, x: mp.gammainc(a, 0, x, regularized=True), (1,)),
    "gammaincc": (PAIRS, lambda a, x: mp.gammainc(a, x, regularized=True), (1,)),
    "zeta": (((2.5, 0.6), (4.0, 1.7)), mp.zeta, (1,)),
    "jv": (((0.5, 1.3), (2.0, 4.1)), mp.besselj, (1,)),
    "yv": (((0.5, 1.3), (2.0, 4.1)), mp.bessely, (1,)),
    "iv": (((0.5, 1.3), (2.0, 4.1)), mp.besseli, (1,)),
}
# Plain functions of SciPy, reached through the namespace alone.
COMPOSED = {"polygamma", "softmax", "log_softmax"}
SPECIAL = set(UNARY) | set(BINARY) | COMPOSED
