"""Gradient of a scalar-valued f at x."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..declare.adtypes import ADType
from ..engine.function import Argnums
from ..prepare.operator import GRADIENT
from ..prepare.prepared import OnMismatch, PreparedOperator
from ..prepare.request import Request
from .calls import call, value_and


def gradient(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """Gradient of a scalar-valued f at x.

    At complex x it is the direction of steepest ascent, ``df/d(Re x) + i df/d(Im x)``, the same on
    every backend.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning a real scalar.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array
        The point. Real or complex floating dtype; its framework is that of the result.
    *contexts : any
        Further arguments of f, not differentiated; see `Constant`, `Static` and `Cache`.
    argnums : int or tuple of int
        Which parameters of f the tree x fills; the contexts fill the others in order.
    has_aux : bool
        Whether f returns ``(y, aux)``; aux is returned last.
    out : tree of numpy.ndarray, optional
        Where to write the result (NumPy only); returned in its place.
    accumulate : bool
        Whether to add the result to what `out` holds, instead of overwriting it.

    Returns
    -------
    result
        Like x; with `has_aux`, the pair (result, aux).

    Raises
    ------
    NonScalarOutputError
        If f(x) is not a scalar.
    NonAnalyticError
        If f(x) is complex.
    InputError
        If x has an integer dtype, or holds something that is no array.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda p: np.sum((p["a"] * p["b"]) ** 2)
    >>> di.gradient(f, "forwarddiff", {"a": np.ones(2), "b": 3.0})
    {'a': array([18., 18.]), 'b': np.float64(12.0)}
    """
    request = Request.of(GRADIENT, f, backend, argnums=argnums, has_aux=has_aux, reuse=False)
    return call(request, x, contexts, None, out, accumulate)


def value_and_gradient(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, ...]:
    """F(x), and the result of `gradient`, in one pass.

    Parameters are those of `gradient`.

    Returns
    -------
    tuple
        F(x), and the result of `gradient`; with `has_aux`, aux last.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda p: np.sum((p["a"] * p["b"]) ** 2)
    >>> di.value_and_gradient(f, "forwarddiff", {"a": np.ones(2), "b": 3.0})
    (np.float64(18.0), {'a': array([18., 18.]), 'b': np.float64(12.0)})
    """
    request = Request.of(GRADIENT, f, backend, argnums=argnums, has_aux=has_aux, reuse=False)
    return value_and(request, x, contexts, None, out, accumulate)


def prepare_gradient(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    on_mismatch: OnMismatch = "error",
) -> PreparedOperator:
    """`gradient`, decided, traced and compiled once for f and arguments of this kind.

    Parameters are those of `gradient`; the values of x and the contexts only serve as examples.

    Parameters
    ----------
    on_mismatch : {"error", "reprepare"}
        What a call with arguments of another kind does.

    Returns
    -------
    PreparedOperator
        Call it with ``(x, *contexts)``; its method ``value_and`` is `value_and_gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda p: np.sum((p["a"] * p["b"]) ** 2)
    >>> prep = di.prepare_gradient(f, "forwarddiff", {"a": np.zeros(2), "b": 0.0})
    >>> prep({"a": np.ones(2), "b": 3.0})
    {'a': array([18., 18.]), 'b': np.float64(12.0)}
    """
    request = Request.of(GRADIENT, f, backend, argnums=argnums, has_aux=has_aux)
    return PreparedOperator(request, x, contexts, None, on_mismatch=on_mismatch)
