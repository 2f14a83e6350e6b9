"""First derivatives where x or f(x) is a scalar.

The parameters and errors in the docstrings are written by ``docs/docstrings.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..declare.adtypes import ADType
from ..engine.function import Argnums
from ..prepare.once import call, value_and
from ..prepare.operator import DERIVATIVE, GRADIENT
from ..prepare.prepared import OnMismatch, PreparedOperator
from ..prepare.request import ABSENT, Request


def derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ABSENT,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """Derivative of f with respect to a scalar x.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning any tree of arrays.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : number or 0-d array, optional
        The point. Real or complex floating dtype; its framework is that of the result. Left out,
        the operator returns a function of x and what follows it here, which prepares at its first
        call, and again for arguments of another kind.
    *contexts : any
        Further arguments of f, not differentiated; see `Constant`, `Static` and `Cache`.
    argnums : int or tuple of int
        Which parameters of f the tree x fills; the contexts fill the others in order.
    has_aux : bool
        Whether f returns ``(y, aux)``; aux is returned last.
    out : tree of array, optional
        Arrays like the result's, to write it into; returned in its place. JAX's cannot be written
        into: what is returned holds new ones.
    accumulate : bool
        Whether to add the result to what `out` holds, instead of overwriting it.

    Returns
    -------
    result
        Like f(x); with `has_aux`, the pair (result, aux).

    Raises
    ------
    ShapeError
        If x is not a scalar.
    NonAnalyticError
        If x is complex and f is not holomorphic there.
    InputError
        If x has an integer dtype, or holds something that is no array.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x**3 + x**2 + x
    >>> di.derivative(f, "forwarddiff", 3.0)
    np.float64(34.0)
    """
    request = Request.of(DERIVATIVE, f, backend, argnums, has_aux, reuse=False)
    return call(request, x, contexts, out=out, accumulate=accumulate)


def value_and_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ABSENT,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """f(x), and the result of `derivative`, in one pass.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning any tree of arrays.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : number or 0-d array, optional
        The point. Real or complex floating dtype; its framework is that of the result. Left out,
        the operator returns a function of x and what follows it here, which prepares at its first
        call, and again for arguments of another kind.
    *contexts : any
        Further arguments of f, not differentiated; see `Constant`, `Static` and `Cache`.
    argnums : int or tuple of int
        Which parameters of f the tree x fills; the contexts fill the others in order.
    has_aux : bool
        Whether f returns ``(y, aux)``; aux is returned last.
    out : tree of array, optional
        Arrays like the result's, to write it into; returned in its place. JAX's cannot be written
        into: what is returned holds new ones.
    accumulate : bool
        Whether to add the result to what `out` holds, instead of overwriting it.

    Returns
    -------
    tuple
        f(x), and the result of `derivative`; with `has_aux`, aux last.

    Raises
    ------
    ShapeError
        If x is not a scalar.
    NonAnalyticError
        If x is complex and f is not holomorphic there.
    InputError
        If x has an integer dtype, or holds something that is no array.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x**3 + x**2 + x
    >>> di.value_and_derivative(f, "forwarddiff", 3.0)
    (np.float64(39.0), np.float64(34.0))
    """
    request = Request.of(DERIVATIVE, f, backend, argnums, has_aux, reuse=False)
    return value_and(request, x, contexts, out=out, accumulate=accumulate)


def prepare_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    on_mismatch: OnMismatch = "error",
) -> PreparedOperator:
    """`derivative`, decided, traced and compiled once for f and arguments of this kind.

    The values of x and the contexts only serve as examples. Errors that depend on f's value may come
    with the first call.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning any tree of arrays.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : number or 0-d array
        The point. Real or complex floating dtype; its framework is that of the result.
    *contexts : any
        Further arguments of f, not differentiated; see `Constant`, `Static` and `Cache`.
    argnums : int or tuple of int
        Which parameters of f the tree x fills; the contexts fill the others in order.
    has_aux : bool
        Whether f returns ``(y, aux)``; aux is returned last.
    on_mismatch : {"error", "reprepare"}
        What a call with arguments of another kind does.

    Returns
    -------
    PreparedOperator
        Call it with ``(x, *contexts)``; its method ``value_and`` is `value_and_derivative`.

    Raises
    ------
    ShapeError
        If x is not a scalar.
    NonAnalyticError
        If x is complex and f is not holomorphic there.
    InputError
        If x has an integer dtype, or holds something that is no array.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x**3 + x**2 + x
    >>> prep = di.prepare_derivative(f, "forwarddiff", 0.0)
    >>> prep(3.0)
    np.float64(34.0)
    """
    request = Request.of(DERIVATIVE, f, backend, argnums, has_aux)
    return PreparedOperator(request, x, contexts, on_mismatch=on_mismatch)


def gradient(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ABSENT,
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
    x : tree of array, optional
        The point. Real or complex floating dtype; its framework is that of the result. Left out,
        the operator returns a function of x and what follows it here, which prepares at its first
        call, and again for arguments of another kind.
    *contexts : any
        Further arguments of f, not differentiated; see `Constant`, `Static` and `Cache`.
    argnums : int or tuple of int
        Which parameters of f the tree x fills; the contexts fill the others in order.
    has_aux : bool
        Whether f returns ``(y, aux)``; aux is returned last.
    out : tree of array, optional
        Arrays like the result's, to write it into; returned in its place. JAX's cannot be written
        into: what is returned holds new ones.
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
    request = Request.of(GRADIENT, f, backend, argnums, has_aux, reuse=False)
    return call(request, x, contexts, out=out, accumulate=accumulate)


def value_and_gradient(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ABSENT,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """f(x), and the result of `gradient`, in one pass.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning a real scalar.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array, optional
        The point. Real or complex floating dtype; its framework is that of the result. Left out,
        the operator returns a function of x and what follows it here, which prepares at its first
        call, and again for arguments of another kind.
    *contexts : any
        Further arguments of f, not differentiated; see `Constant`, `Static` and `Cache`.
    argnums : int or tuple of int
        Which parameters of f the tree x fills; the contexts fill the others in order.
    has_aux : bool
        Whether f returns ``(y, aux)``; aux is returned last.
    out : tree of array, optional
        Arrays like the result's, to write it into; returned in its place. JAX's cannot be written
        into: what is returned holds new ones.
    accumulate : bool
        Whether to add the result to what `out` holds, instead of overwriting it.

    Returns
    -------
    tuple
        f(x), and the result of `gradient`; with `has_aux`, aux last.

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
    >>> di.value_and_gradient(f, "forwarddiff", {"a": np.ones(2), "b": 3.0})
    (np.float64(18.0), {'a': array([18., 18.]), 'b': np.float64(12.0)})
    """
    request = Request.of(GRADIENT, f, backend, argnums, has_aux, reuse=False)
    return value_and(request, x, contexts, out=out, accumulate=accumulate)


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

    The values of x and the contexts only serve as examples. Errors that depend on f's value may come
    with the first call.

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
    on_mismatch : {"error", "reprepare"}
        What a call with arguments of another kind does.

    Returns
    -------
    PreparedOperator
        Call it with ``(x, *contexts)``; its method ``value_and`` is `value_and_gradient`.

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
    >>> prep = di.prepare_gradient(f, "forwarddiff", {"a": np.zeros(2), "b": 0.0})
    >>> prep({"a": np.ones(2), "b": 3.0})
    {'a': array([18., 18.]), 'b': np.float64(12.0)}
    """
    request = Request.of(GRADIENT, f, backend, argnums, has_aux)
    return PreparedOperator(request, x, contexts, on_mismatch=on_mismatch)
