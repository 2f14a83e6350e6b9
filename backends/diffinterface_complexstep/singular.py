"""Branch points and poles: where a function has no analytic extension, though it has one all around.

At ``sqrt(0)`` the derivative is infinite, and the complex step would answer ``sqrt(i h) / h``: a large
number that says nothing. Only arguments that the step has moved are looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffinterface.extend import NonAnalyticError, array_namespace, framework_of, is_complex

# A step beyond this fraction of the distance is too long: its error is of the order of the square.
_NEAR = float(np.finfo(np.float64).eps ** 0.4)


def check(name: str, plain: list[Any]) -> Any:
    """Where a function is singular, if the values are hidden by a transform; None if it is not.

    Raises
    ------
    NonAnalyticError
        If the step has moved an argument from a branch point or a pole of the function, or from so near
        to one that it does not resolve the distance.
    """
    condition = _SINGULAR.get(name)
    if condition is None or not any(map(_is_moved, plain)):
        return None
    xp = array_namespace(*(a for a in plain if hasattr(a, "dtype")))
    where = condition(xp, *(a if hasattr(a, "dtype") else xp.asarray(a) for a in plain))
    framework = framework_of(where)
    if framework is not None and framework.is_traced(where):
        return where
    if not bool(xp.any(where)):
        return None
    point = ", ".join(_shown(xp, a, where) for a in plain)
    raise NonAnalyticError(
        f"The complex step met {name} at {point}: a branch point or a pole, near which it has no "
        "derivative that a step could measure. Use another backend, or keep x away from there.",
        function=name,
        point=point,
    )


def _shown(xp: Any, a: Any, where: Any) -> str:
    """The real part of an argument, where it is one number: at the first singular entry."""
    real = _real(xp, a if hasattr(a, "dtype") else xp.asarray(a))
    if real.shape != where.shape and real.size != 1:
        return "a singular matrix" if real.ndim > 1 else "an array"
    return repr(float(real[where][0] if real.shape == where.shape else real.reshape(())))


def _is_moved(z: Any) -> bool:
    return hasattr(z, "dtype") and is_complex(z)


def _real(xp: Any, z: Any) -> Any:
    return xp.real(z) if is_complex(z) else z


def _step(xp: Any, z: Any) -> Any:
    return xp.abs(xp.imag(z)) if is_complex(z) else xp.zeros_like(z)


def _near(*points: float) -> Callable[..., Any]:
    """The condition that the last argument is moved from one of these points."""

    def condition(xp: Any, *args: Any) -> Any:
        z = args[-1]
        steps, real = _step(xp, z), _real(xp, z)
        found = steps > _NEAR * xp.abs(real - points[0])
        for point in points[1:]:
            found = found | (steps > _NEAR * xp.abs(real - point))
        return found

    return condition


def _power(xp: Any, z: Any, p: Any) -> Any:
    exponent = _real(xp, p)
    polynomial = (exponent == xp.round(exponent)) & (exponent >= 0)
    cut = (_real(xp, z) < 0) & (_step(xp, p) > 0)  # real at whole exponents alone
    return (_near(0.0)(xp, z) & ~polynomial) | cut


def _hypot(xp: Any, a: Any, b: Any) -> Any:
    x, y = _real(xp, a), _real(xp, b)
    return _step(xp, a) + _step(xp, b) > _NEAR * (xp.abs(x) + xp.abs(y))


def _gamma(xp: Any, z: Any) -> Any:
    real = _real(xp, z)
    return (real < 0.5) & (_step(xp, z) > _NEAR * xp.abs(real - xp.round(real)))


def _matrix(xp: Any, a: Any, *_: Any) -> Any:
    return xp.any(_step(xp, a) > 0) & xp.any(xp.linalg.det(_real(xp, a)) == 0)


# Conditions on the arguments, as they stand off the real line.
_SINGULAR: dict[str, Callable[..., Any]] = {
    **dict.fromkeys("sqrt log log2 log10 xlogy divide reciprocal".split(), _near(0.0)),
    **dict.fromkeys(("arcsin", "arccos", "arctanh"), _near(-1.0, 1.0)),
    **dict.fromkeys(("gamma", "loggamma", "digamma"), _gamma),
    **dict.fromkeys(("linalg.inv", "linalg.solve"), _matrix),
    "log1p": _near(-1.0),
    "arccosh": _near(1.0),
    "power": _power,
    "hypot": _hypot,
}
