"""Second derivatives where x or f(x) is a scalar.

The parameters and errors in the docstrings are written by ``docs/docstrings.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..declare.adtypes import ADType
from ..engine.function import Argnums
from ..prepare.once import call, value_and
from ..prepare.operator import HESSIAN, SECOND_DERIVATIVE
from ..prepare.prepared import OnMismatch, PreparedOperator
from ..prepare.request import ABSENT, Request


def second_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ABSENT,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """Second derivative of f with respect to a scalar x.

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
    >>> f = lambda x: x**3
    >>> di.second_derivative(f, "forwarddiff", 2.0)
    np.float64(12.0)
    """
    request = Request.of(SECOND_DERIVATIVE, f, backend, argnums, has_aux, reuse=False)
    return call(request, x, contexts, out=out, accumulate=accumulate)


def value_derivative_and_second_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ABSENT,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """f(x), its derivative and its second derivative, in one pass.

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
        f(x), its derivative and its second derivative; with `has_aux`, aux last.

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
    >>> f = lambda x: x**3
    >>> di.value_derivative_and_second_derivative(f, "forwarddiff", 2.0)
    (np.float64(8.0), np.float64(12.0), np.float64(12.0))
    """
    request = Request.of(SECOND_DERIVATIVE, f, backend, argnums, has_aux, reuse=False)
    return value_and(request, x, contexts, out=out, accumulate=accumulate)


def prepare_second_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    on_mismatch: OnMismatch = "error",
) -> PreparedOperator:
    """`second_derivative`, decided, traced and compiled once for f and arguments of this kind.

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
        Call it with ``(x, *contexts)``; its method ``value_and`` is
        `value_derivative_and_second_derivative`.

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
    >>> f = lambda x: x**3
    >>> prep = di.prepare_second_derivative(f, "forwarddiff", 0.0)
    >>> prep(2.0)
    np.float64(12.0)
    """
    request = Request.of(SECOND_DERIVATIVE, f, backend, argnums, has_aux)
    return PreparedOperator(request, x, contexts, on_mismatch=on_mismatch)


def hessian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ABSENT,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """Hessian of a scalar-valued f at x.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning a real scalar.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array, optional
        The point. Real floating dtype; its framework is that of the result. Left out, the operator
        returns a function of x and what follows it here, which prepares at its first call, and
        again for arguments of another kind.
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
        A tree like x of trees like x, of arrays of shape ``x_j.shape + x_i.shape``; with `has_aux`,
        the pair (result, aux).

    Raises
    ------
    NonScalarOutputError
        If f(x) is not a scalar.
    NonAnalyticError
        If f(x) is complex.
    UnsupportedOperatorError
        If x is complex.
    InputError
        If x has an integer dtype, or holds something that is no array.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x[0] ** 2 * x[1]
    >>> di.hessian(f, "forwarddiff", np.array([2.0, 3.0]))
    array([[6., 4.],
           [4., 0.]])
    """
    request = Request.of(HESSIAN, f, backend, argnums, has_aux, reuse=False)
    return call(request, x, contexts, out=out, accumulate=accumulate)


def value_gradient_and_hessian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ABSENT,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """f(x), its gradient and its Hessian, in one pass.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning a real scalar.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array, optional
        The point. Real floating dtype; its framework is that of the result. Left out, the operator
        returns a function of x and what follows it here, which prepares at its first call, and
        again for arguments of another kind.
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
        f(x), its gradient and its Hessian; with `has_aux`, aux last.

    Raises
    ------
    NonScalarOutputError
        If f(x) is not a scalar.
    NonAnalyticError
        If f(x) is complex.
    UnsupportedOperatorError
        If x is complex.
    InputError
        If x has an integer dtype, or holds something that is no array.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x[0] ** 2 * x[1]
    >>> di.value_gradient_and_hessian(f, "forwarddiff", np.array([2.0, 3.0]))
    (np.float64(12.0), array([12.,  4.]), array([[6., 4.],
           [4., 0.]]))
    """
    request = Request.of(HESSIAN, f, backend, argnums, has_aux, reuse=False)
    return value_and(request, x, contexts, out=out, accumulate=accumulate)


def prepare_hessian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    on_mismatch: OnMismatch = "error",
) -> PreparedOperator:
    """`hessian`, decided, traced and compiled once for f and arguments of this kind.

    The values of x and the contexts only serve as examples. Errors that depend on f's value may come
    with the first call.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning a real scalar.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array
        The point. Real floating dtype; its framework is that of the result.
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
        Call it with ``(x, *contexts)``; its method ``value_and`` is `value_gradient_and_hessian`.

    Raises
    ------
    NonScalarOutputError
        If f(x) is not a scalar.
    NonAnalyticError
        If f(x) is complex.
    UnsupportedOperatorError
        If x is complex.
    InputError
        If x has an integer dtype, or holds something that is no array.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x[0] ** 2 * x[1]
    >>> prep = di.prepare_hessian(f, "forwarddiff", np.zeros(2))
    >>> prep(np.array([2.0, 3.0]))
    array([[6., 4.],
           [4., 0.]])
    """
    request = Request.of(HESSIAN, f, backend, argnums, has_aux)
    return PreparedOperator(request, x, contexts, on_mismatch=on_mismatch)
