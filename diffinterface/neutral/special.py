"""Functions of scipy.special that convert their arguments first, for every engine's arrays.

SciPy's ufuncs (``erf``, ``gammaln`` ...) dispatch to dual numbers by themselves; these do not.
"""

from __future__ import annotations

from typing import Any

from ..arrays.facts import Array
from ..arrays.namespace import array_namespace
from ..arrays.stop import stopped

__all__ = ["log_softmax", "logsumexp", "softmax"]


def logsumexp(
    x: Array, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False
) -> Array:
    """``log(sum(exp(x)))`` without overflow.

    Parameters
    ----------
    x : array
        Of any framework, or being differentiated by any engine.
    axis : int or tuple of int, optional
        Over which axes to sum; all by default.
    keepdims : bool
        Whether the axes stay, with length 1.

    Returns
    -------
    array
        Of the dtype of x.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> di.gradient(di.special.logsumexp, "forwarddiff", np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    xp: Any = array_namespace(x)
    # The shift only keeps exp from overflowing: its derivative cancels.
    constant = stopped(x)
    shift = array_namespace(constant).max(constant, axis=axis, keepdims=True)
    total = xp.log(xp.sum(xp.exp(x - shift), axis=axis, keepdims=True)) + shift
    if keepdims:
        return total
    axes = tuple(range(x.ndim)) if axis is None else axis
    return xp.squeeze(total, axis=axes)


def softmax(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """``exp(x) / sum(exp(x))`` without overflow; see `logsumexp`."""
    return array_namespace(x).exp(log_softmax(x, axis))


def log_softmax(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """``x - log(sum(exp(x)))`` without overflow; see `logsumexp`."""
    return x - logsumexp(x, axis, keepdims=True)
