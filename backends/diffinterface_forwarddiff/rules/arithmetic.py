"""Arithmetic: the hot operations, with as few passes over the tangents as there can be."""

from __future__ import annotations

from collections.abc import Callable
from operator import neg, pos
from typing import Any

import numpy as np

from diffinterface.extend import is_complex
from diffinterface.extend.arrays import is_numpy_scalar

from ..adaptors import added, binary, composed, constant, no_options, scale, spread
from ..dual import Dual
from ..levels import level_of
from ..table import ARRAYS, RULES
from ..values import copied, namespace_for, namespace_of


def _sum(sign: int) -> Any:
    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        if options:
            no_options(name, options)
        a, b = args
        la, lb = level_of(a), level_of(b)
        level = max(la, lb)
        va, vb = (a.value if la == level else a), (b.value if lb == level else b)
        # Python's complex numbers take NumPy's floating scalars for their own.
        y = va + vb if sign == 1 else va - vb
        if la == lb:
            tangent = a.tangent + b.tangent if sign == 1 else a.tangent - b.tangent
            return Dual(y, spread(tangent, y), level)
        y = np.complex128(y) if type(y) is complex else y
        if la == level:
            tangent = spread(a.tangent, y)
            # Not that of the operand: y and the operand may be written into, each for itself.
            return Dual(y, copied(tangent) if tangent is a.tangent else tangent, level)
        tangent = spread(b.tangent if sign == 1 else -b.tangent, y)
        return Dual(y, copied(tangent) if tangent is b.tangent else tangent, level)

    return rule


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
    y = np.complex128(y) if type(y) is complex else y
    return Dual(y, spread(tangent, y), level)


def _signed(sign: Callable[[Any], Any]) -> Any:
    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        (x,) = args
        if options:
            no_options(name, options)
        return Dual(sign(x.value), sign(x.tangent), x.level)

    return rule


RULES["add"], RULES["subtract"], RULES["multiply"] = _sum(1), _sum(-1), _multiply
RULES["negative"], RULES["positive"] = _signed(neg), _signed(pos)
ARRAYS.update(add=2, subtract=2, multiply=2)


def _power_of_base(xp: Any, a: Any, b: Any, y: Any) -> Any:
    """``b a^(b-1)``, and 0 for b = 0 whatever a is."""
    if isinstance(b, int | float):
        if b == 0:
            return xp.zeros_like(a)
        if b == 2:
            return b * a
        return b if b == 1 else b * a ** (b - 1)
    zero = b == 0
    safe = xp.where(zero, xp.ones_like(b), b)
    return xp.where(zero, xp.zeros_like(y), b * a ** (safe - 1))


def _power_of_exponent(xp: Any, a: Any, b: Any, y: Any) -> Any:
    """``log(a) a^b``, and 0 at a = 0 for b > 0, where the power stays 0."""
    a = a if hasattr(a, "dtype") else xp.zeros_like(y) + a
    zero = a == 0 if is_complex(y) else (a == 0) & (b > 0)
    return xp.where(zero, xp.zeros_like(y), xp.log(xp.where(zero, xp.ones_like(a), a)) * y)


binary("power", _power_of_base, _power_of_exponent)
RULES["float_power"] = RULES["power"]
ARRAYS["float_power"] = 2


# --- complex numbers -------------------------------------------------------------------------------


def _abs(name: str, function: Any, args: Any, options: Any) -> Any:
    (x,) = args
    if options:
        no_options(name, options)
    xp = namespace_of(x.value)
    y = xp.abs(x.value)
    if not is_complex(x):
        return Dual(y, xp.sign(x.value)[..., None] * x.tangent, x.level)
    # d|z| = Re(conj(z) dz) / |z|, and 0 at 0 as for real arguments.
    safe = xp.where(y == 0, xp.ones_like(y), y)
    xt = namespace_for(x.value, x.tangent)
    moved = xt.real(xp.conj(x.value)[..., None] * x.tangent)
    return Dual(y, moved / safe[..., None], x.level)


def _part(part: str) -> Any:
    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        (x,) = args
        no_options(name, options)
        xp, xt = namespace_of(x.value), namespace_of(x.tangent)
        if is_complex(x):
            return Dual(getattr(xp, part)(x.value), getattr(xt, part)(x.tangent), x.level)
        if part == "imag":
            zeros = xp.zeros_like(x.value)
            return Dual(
                zeros[()] if is_numpy_scalar(x) else zeros, xt.zeros_like(x.tangent), x.level
            )
        # As in NumPy: the real part of reals is that array itself, their conjugate a new one.
        return x if part == "real" else +x

    return rule


RULES["absolute"] = _abs
RULES["real"], RULES["imag"], RULES["conjugate"] = _part("real"), _part("imag"), _part("conj")

constant("sign")
_sign_of_reals = RULES["sign"]


def _sign(name: str, function: Any, args: Any, options: Any) -> Any:
    (z,) = args
    if not is_complex(z):
        return _sign_of_reals(name, function, args, options)
    no_options(name, options)
    # z / |z|, which turns with z.
    xp = namespace_of(z)
    size = xp.abs(z)
    return z / xp.where(size == 0, xp.ones_like(size), size)


RULES["sign"] = _sign


def _angle(xp: Any, z: Any, deg: bool = False) -> Any:
    phase = xp.arctan2(xp.imag(z), xp.real(z))
    return xp.rad2deg(phase) if deg else phase


composed("angle", _angle)
