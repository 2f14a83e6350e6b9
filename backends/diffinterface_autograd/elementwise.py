"""Elementwise functions of the standard for which autograd has no rule, or not the standard's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.extend import defjvp, defvjp
from autograd.numpy.numpy_vjps import unbroadcast_f
from autograd.tracer import getval, isbox

from .buffer import frozen
from .rules import primitive_of

defjvp(anp.hypot, lambda g, ans, x, y: g * x / ans, lambda g, ans, x, y: g * y / ans)

_where = primitive_of(np.where)

# Autograd's own take the condition and both values to have one shape.
defvjp(
    _where,
    None,
    lambda ans, c, x, y: unbroadcast_f(x, lambda g: _where(c, g, 0.0)),
    lambda ans, c, x, y: unbroadcast_f(y, lambda g: _where(c, 0.0, g)),
)
defjvp(
    _where,
    None,
    lambda g, ans, c, x, y: _where(c, g, np.zeros_like(getval(ans))),
    lambda g, ans, c, x, y: _where(c, np.zeros_like(getval(ans)), g),
)


def _clip(x: Any, /, min: Any = None, max: Any = None) -> Any:  # noqa: A002 - the standard's names
    low = frozen(x) if min is None else anp.where(x < min, min, x)
    return low if max is None else anp.where(low > max, max, low)


def _copysign(x1: Any, x2: Any, /) -> Any:
    return anp.where(np.signbit(getval(x1)) == np.signbit(getval(x2)), x1, -x1)


def _positive(x: Any, /) -> Any:
    return frozen(x) if isbox(x) else np.positive(x)


def _sign(x: Any, /) -> Any:
    """``x / |x|``, which is constant on the real line only."""
    if not anp.iscomplexobj(x):
        return anp.sign(x)
    zero = getval(x) == 0
    return anp.where(zero, 0.0, x / anp.where(zero, 1.0, anp.abs(x)))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "clip": _clip,
    "copysign": _copysign,
    "positive": _positive,
    "sign": _sign,
}
