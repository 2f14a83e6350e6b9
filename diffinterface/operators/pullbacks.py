"""Pullbacks: products with the Jacobian's adjoint.

The parameters and errors in the docstrings are written by ``docs/docstrings.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..declare.adtypes import ADType
from ..engine.function import Argnums
from ..prepare.once import call, value_and
from ..prepare.operator import PULLBACK
from ..prepare.prepared import OnMismatch, PreparedSeeded
from ..prepare.request import ABSENT, Request
from ..prepare.same_point import PreparedSamePoint


def pullback(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ABSENT,
    t: Any = ABSENT,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """Pullback (vector-Jacobian product) of f at x for the cotangent t.

    For f : R^n -> R^m this is ``J(x)^T t``. At complex x it is the adjoint with respect to the real
    inner product ``Re <a, b>``: ``J(x)^H t`` where f is holomorphic, the same on every backend. See
    Griewank & Walther, *Evaluating Derivatives* (2008), ch. 3.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning any tree of arrays.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array, optional
        The point. Real or complex floating dtype; its framework is that of the result. Left out,
        the operator returns a function of x and what follows it here, which prepares at its first
        call, and again for arguments of another kind.
    t : tree of array, optional
        The cotangent, like f(x). Left out where x is.
    *contexts : any
        Further arguments of f, not differentiated; see `Constant`, `Static` and `Cache`.
    argnums : int or tuple of int
        Which parameters of f the tree x fills; the contexts fill the others in order.
    has_aux : bool
        Whether f returns ``(y, aux)``; aux is returned last.
    batched : bool
        Whether each leaf of t carries one extra leading axis; the result then does too.
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
    ShapeError
        If t has not the structure and shapes of f(x).
    InputError
        If x has an integer dtype, or holds something that is no array.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x[0] * x
    >>> di.pullback(f, "forwarddiff", np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([22., 10.])
    """
    request = Request.of(PULLBACK, f, backend, argnums, has_aux, batched, reuse=False)
    return call(request, x, contexts, t, out=out, accumulate=accumulate)


def value_and_pullback(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ABSENT,
    t: Any = ABSENT,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """f(x), and the result of `pullback`, in one pass.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning any tree of arrays.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array, optional
        The point. Real or complex floating dtype; its framework is that of the result. Left out,
        the operator returns a function of x and what follows it here, which prepares at its first
        call, and again for arguments of another kind.
    t : tree of array, optional
        The cotangent, like f(x). Left out where x is.
    *contexts : any
        Further arguments of f, not differentiated; see `Constant`, `Static` and `Cache`.
    argnums : int or tuple of int
        Which parameters of f the tree x fills; the contexts fill the others in order.
    has_aux : bool
        Whether f returns ``(y, aux)``; aux is returned last.
    batched : bool
        Whether each leaf of t carries one extra leading axis; the result then does too.
    out : tree of array, optional
        Arrays like the result's, to write it into; returned in its place. JAX's cannot be written
        into: what is returned holds new ones.
    accumulate : bool
        Whether to add the result to what `out` holds, instead of overwriting it.

    Returns
    -------
    tuple
        f(x), and the result of `pullback`; with `has_aux`, aux last.

    Raises
    ------
    ShapeError
        If t has not the structure and shapes of f(x).
    InputError
        If x has an integer dtype, or holds something that is no array.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x[0] * x
    >>> di.value_and_pullback(f, "forwarddiff", np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    (array([1., 2.]), array([22., 10.]))
    """
    request = Request.of(PULLBACK, f, backend, argnums, has_aux, batched, reuse=False)
    return value_and(request, x, contexts, t, out=out, accumulate=accumulate)


def prepare_pullback(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    t: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    batched: bool = False,
    on_mismatch: OnMismatch = "error",
) -> PreparedSeeded:
    """`pullback`, decided, traced and compiled once for f and arguments of this kind.

    The values of x, t and the contexts only serve as examples. Errors that depend on f's value may
    come with the first call.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning any tree of arrays.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array
        The point. Real or complex floating dtype; its framework is that of the result.
    t : tree of array
        The cotangent, like f(x).
    *contexts : any
        Further arguments of f, not differentiated; see `Constant`, `Static` and `Cache`.
    argnums : int or tuple of int
        Which parameters of f the tree x fills; the contexts fill the others in order.
    has_aux : bool
        Whether f returns ``(y, aux)``; aux is returned last.
    batched : bool
        Whether each leaf of t carries one extra leading axis; the result then does too.
    on_mismatch : {"error", "reprepare"}
        What a call with arguments of another kind does.

    Returns
    -------
    PreparedSeeded
        Call it with ``(x, t, *contexts)``; its method ``value_and`` is `value_and_pullback`.

    Raises
    ------
    ShapeError
        If t has not the structure and shapes of f(x).
    InputError
        If x has an integer dtype, or holds something that is no array.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x[0] * x
    >>> prep = di.prepare_pullback(f, "forwarddiff", np.ones(2), np.ones(2))
    >>> prep(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([22., 10.])
    """
    request = Request.of(PULLBACK, f, backend, argnums, has_aux, batched)
    return PreparedSeeded(request, x, contexts, t, on_mismatch=on_mismatch)


def prepare_pullback_same_point(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    t: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    batched: bool = False,
) -> PreparedSamePoint:
    """`pullback` linearized at x, to be applied to many seeds.

    The value of t only serves as an example. Errors that depend on f's value may come with the first
    call.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning any tree of arrays.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array
        The point. Real or complex floating dtype; its framework is that of the result.
    t : tree of array
        The cotangent, like f(x).
    *contexts : any
        Further arguments of f, not differentiated; see `Constant`, `Static` and `Cache`.
    argnums : int or tuple of int
        Which parameters of f the tree x fills; the contexts fill the others in order.
    has_aux : bool
        Whether f returns ``(y, aux)``; aux is returned last.
    batched : bool
        Whether each leaf of t carries one extra leading axis; the result then does too.

    Returns
    -------
    PreparedSamePoint
        Call it with ``(t)``.

    Raises
    ------
    ShapeError
        If t has not the structure and shapes of f(x).
    InputError
        If x has an integer dtype, or holds something that is no array.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x[0] * x
    >>> prep = di.prepare_pullback_same_point(f, "forwarddiff", np.array([1.0, 2.0]), np.ones(2))
    >>> prep(np.array([1.0, 10.0]))
    array([22., 10.])
    """
    request = Request.of(PULLBACK, f, backend, argnums, has_aux, batched, same_point=True)
    return PreparedSamePoint(request, x, contexts, t)
