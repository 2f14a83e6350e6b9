"""What authors of backends, array types and derivative rules need, under one name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .arrays.framework import NUMPY, Framework, framework_of, register_framework
from .arrays.seeds import basis, match_cotangent
from .arrays.standard_namespace import NumPyLike
from .arrays.trees import LEAF, Leaves, flatten
from .declare.strings import plugin
from .engine.backend import Backend
from .engine.function import Function
from .engine.prep import Prep
from .nest.bridge import Bridge
from .nest.hosts import Host, apply

__all__ = [
    "LEAF",
    "NUMPY",
    "Backend",
    "Bridge",
    "Framework",
    "Function",
    "Host",
    "Leaves",
    "NumPyLike",
    "Prep",
    "apply",
    "basis",
    "defrule",
    "flatten",
    "framework_of",
    "match_cotangent",
    "register_framework",
]


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
    return plugin("forwarddiff").defrule(function, *args, **options)
