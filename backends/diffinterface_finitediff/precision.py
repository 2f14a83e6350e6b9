"""How many digits f really returns, and the step that suits them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from diffinterface.extend import (
    Leaves,
    PrecisionWarning,
    dtype_name,
    framework_of,
    generic_direction,
)

from .schemes import LEVELS, Evaluate, moved, step

# Exponents of the relative step in the unit roundoff: where truncation and rounding errors balance
# (Nocedal & Wright, Numerical Optimization, section 8.1). The extrapolated scheme starts far out.
_EXPONENT = {"forward": 1 / 2, "central": 1 / 3, "richardson": 1 / 8}
_NOTICEABLE = 1e-5


def roundoff(leaves: Leaves) -> float:
    """The largest unit roundoff among the dtypes of the leaves."""
    return max((_EPS[dtype_name(leaf)] for leaf in leaves), default=_EPS["float64"])


_EPS = {
    **dict.fromkeys(("float64", "complex128", "float128", "longdouble"), 2.0**-52),
    **dict.fromkeys(("float32", "complex64"), 2.0**-23),
    "float16": 2.0**-10,
    "bfloat16": 2.0**-7,
}


def relative_step(scheme: str, eps: float) -> float:
    """The relative step of a scheme for values with this roundoff."""
    return float(eps ** _EXPONENT[scheme])


def probe(f: Evaluate, x: Leaves, scheme: str) -> float:
    """The roundoff of f near x, from the dtype and the digits of its values.

    f is evaluated at x and at a point of no special form within a step of x. If every entry of a 64-bit
    output that has moved is a 32-bit number, f computes in 32 bits inside. If none has moved, f is
    evaluated once more, a tenth of x away: a value that moves there only is piecewise constant.

    Warns
    -----
    PrecisionWarning
        In either case; steps are then chosen for 32 bits.
    """
    coarse = roundoff(x)
    direction = tuple(generic_direction(leaf) for leaf in x)
    # The extrapolated scheme is as easily misled by its smallest step.
    relative = relative_step(scheme, coarse) / (2**LEVELS if scheme == "richardson" else 1)
    h = step(x, direction, relative, relative)
    here = f(moved(x, direction, 0 * h))
    near = f(moved(x, direction, h * 0.7310585786300049))
    eps = max(coarse, roundoff(near))
    if eps > _EPS["float64"]:
        return eps
    changed = _changed(here, near)
    if changed.size:
        with np.errstate(over="ignore", under="ignore"):
            suspicious = bool(np.all(changed.astype(np.float32) == changed))
        what = (
            "carries only 32 bits or fewer: it computes in float32 inside (a cast, JAX without x64)"
        )
    else:
        suspicious = _moves_far_away(f, x, direction, here)
        what = "does not move near x but does further away: it is piecewise constant"
    if not suspicious:
        return eps
    warnings.warn(
        f"The value of f {what}, so finite differences say little about it. Steps are chosen for "
        "float32; compute in float64, pass relative_step, or use another backend.",
        PrecisionWarning,
        stacklevel=2,
    )
    return _EPS["float32"]


def _changed(before: Leaves, after: Leaves, least: float = 0.0) -> Any:
    """The finite real numbers in `after` that differ from those in `before` by more than `least`."""
    parts = []
    for a, b in zip(before, after, strict=True):
        u, v = _numpy(a), _numpy(b)
        if u is not None and v is not None and u.shape == v.shape:
            for p, q in ((u.real, v.real), (u.imag, v.imag)):
                finite = np.isfinite(p) & np.isfinite(q)
                parts.append(q[finite][np.abs(q[finite] - p[finite]) > least])
    return np.concatenate([np.ravel(part) for part in parts]) if parts else np.empty(0)


def _moves_far_away(f: Evaluate, x: Leaves, direction: Leaves, here: Leaves) -> bool:
    try:
        far = f(moved(x, direction, step(x, direction, 0.1, 0.1)))
    except Exception:
        return False  # outside the domain of f: no evidence
    # By more than the rounding of a function that is itself made of differences, a gradient say.
    values = [value for value in map(_numpy, far) if value is not None]
    size = max((np.max(np.abs(value), initial=0.0) for value in values), default=0.0)
    return bool(_changed(here, far, _NOTICEABLE * size).size)


def _numpy(leaf: Any) -> Any:
    framework = framework_of(leaf)
    if framework is None or framework.is_traced(leaf):
        return None
    return framework.to_numpy(leaf)
