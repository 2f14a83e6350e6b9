"""How many digits f really returns, and the step that suits them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from diffinterface import assembly
from diffinterface.arrays import dtype_name, framework_of
from diffinterface.errors import PrecisionWarning
from diffinterface.trees import Leaves

from .schemes import Evaluate, moved, step

# Exponents of the relative step in the unit roundoff: where truncation and rounding errors balance
# (Nocedal & Wright, Numerical Optimization, section 8.1). The extrapolated scheme starts far out.
_EXPONENT = {"forward": 1 / 2, "central": 1 / 3, "richardson": 1 / 8}


def roundoff(leaves: Leaves) -> float:
    """The largest unit roundoff among the dtypes of the leaves."""
    return max((_EPS[dtype_name(leaf)] for leaf in leaves), default=_EPS["float64"])


_EPS = {
    "float64": float(np.finfo(np.float64).eps),
    "complex128": float(np.finfo(np.float64).eps),
    "float32": float(np.finfo(np.float32).eps),
    "complex64": float(np.finfo(np.float32).eps),
    "float16": float(np.finfo(np.float16).eps),
    "bfloat16": 2.0**-7,
    "float128": float(np.finfo(np.float64).eps),
    "longdouble": float(np.finfo(np.float64).eps),
}


def relative_step(scheme: str, eps: float) -> float:
    """The relative step of a scheme for values with this roundoff."""
    return float(eps ** _EXPONENT[scheme])


def probe(f: Evaluate, x: Leaves, scheme: str) -> float:
    """The roundoff of f near x, from the dtype and the digits of one value.

    f is evaluated once, at a point of no special form within a step of x. If every non-zero entry of
    a 64-bit output is a 32-bit number there, f computes in 32 bits inside, or is piecewise constant.

    Warns
    -----
    PrecisionWarning
        In that case; steps are then chosen for 32 bits.
    """
    coarse = roundoff(x)
    direction = tuple(assembly.generic_direction(leaf) for leaf in x)
    relative = relative_step(scheme, coarse)
    y = f(moved(x, direction, step(x, direction, relative, relative) * 0.7310585786300049))
    eps = max(coarse, roundoff(y))
    if eps == _EPS["float64"] and _looks_coarse(y):
        warnings.warn(
            "f returns 64-bit values that carry only 32 bits or fewer: it computes in float32 inside "
            "(JAX without 64-bit, a cast), or is piecewise constant, and then its finite differences "
            "mean little. Steps are chosen for float32; compute in float64, or pass relative_step.",
            PrecisionWarning,
            stacklevel=2,
        )
        return _EPS["float32"]
    return eps


def _looks_coarse(y: Leaves) -> bool:
    entries = [_numpy(leaf) for leaf in y]
    if any(values is None for values in entries):
        return False
    values = np.concatenate([np.ravel(v) for v in entries])
    parts = np.concatenate([values.real, values.imag]) if np.iscomplexobj(values) else values
    parts = parts[np.isfinite(parts) & (parts != 0)]
    with np.errstate(over="ignore", under="ignore"):
        return bool(parts.size) and bool(np.all(parts.astype(np.float32) == parts))


def _numpy(leaf: Any) -> Any:
    framework = framework_of(leaf)
    if framework is None or framework.is_traced(leaf):
        return None
    return framework.to_numpy(leaf)
