"""Rules of users' own functions, handed to the engine that takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..declare.adtypes import AutoForwardDiff
from ..declare.strings import plugin


def defrule(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Teach `AutoForwardDiff` the derivative of a function; see `diffinterface_forwarddiff.defrule`.

    Parameters
    ----------
    function : callable
        A NumPy ufunc, a function that dispatches through ``__array_function__``, or a plain function.
    jvp : callable, optional
        The whole rule: ``jvp(primals, tangents, **kwargs) -> (value, tangent)``.
    elementwise : callable, optional
        For elementwise functions: the derivative, or the derivatives, at the same arguments.

    Returns
    -------
    callable
        What to call: `function` itself, or for a plain function a wrapper that takes duals.

    Examples
    --------
    >>> import math
    >>> import diffinterface as di
    >>> tgamma = di.extend.defrule(
    ...     lambda x: math.gamma(x), elementwise=lambda x: math.gamma(x) * -0.5772156649
    ... )
    >>> round(float(di.derivative(tgamma, "forwarddiff", 1.0)), 4)
    -0.5772
    """
    return plugin(AutoForwardDiff.name).defrule(function, *args, **options)
