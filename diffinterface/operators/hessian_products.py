"""Products with the Hessian, which is never made.

The parameters and errors in the docstrings are written by ``docs/docstrings.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..declare.adtypes import ADType
from ..engine.function import Argnums
from ..prepare.once import call, value_and
from ..prepare.operator import HVP
from ..prepare.prepared import OnMismatch, PreparedSeeded
from ..prepare.request import ABSENT, Request
from ..prepare.same_point import PreparedSamePoint


def hvp(
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
    """Hessian-vector product of a scalar-valued f at x along the tangent t.

    ``H(x) t`` without the Hessian, at a small multiple of the gradient's cost: Pearlmutter, *Fast
    exact multiplication by the Hessian*, Neural Computation 6 (1994).

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
    t : tree of array, optional
        The tangent, like x. Left out where x is.
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
        If t has not the structure and shapes of x.
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
    >>> f = lambda x: np.sum(x**3)
    >>> di.hvp(f, "forwarddiff", np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([  6., 120.])
    """
    request = Request.of(HVP, f, backend, argnums, has_aux, batched, reuse=False)
    return call(request, x, contexts, t, out=out, accumulate=accumulate)


def gradient_and_hvp(
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
    """The gradient, and the product, in one pass.

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
    t : tree of array, optional
        The tangent, like x. Left out where x is.
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
        The gradient, and the product; with `has_aux`, aux last.

    Raises
    ------
    ShapeError
        If t has not the structure and shapes of x.
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
    >>> f = lambda x: np.sum(x**3)
    >>> di.gradient_and_hvp(f, "forwarddiff", np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    (array([ 3., 12.]), array([  6., 120.]))
    """
    request = Request.of(HVP, f, backend, argnums, has_aux, batched, reuse=False)
    return value_and(request, x, contexts, t, out=out, accumulate=accumulate)


def prepare_hvp(
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
    """`hvp`, decided, traced and compiled once for f and arguments of this kind.

    The values of x, t and the contexts only serve as examples. Errors that depend on f's value may
    come with the first call.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning a real scalar.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array
        The point. Real floating dtype; its framework is that of the result.
    t : tree of array
        The tangent, like x.
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
        Call it with ``(x, t, *contexts)``; its method ``value_and`` is `gradient_and_hvp`.

    Raises
    ------
    ShapeError
        If t has not the structure and shapes of x.
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
    >>> f = lambda x: np.sum(x**3)
    >>> prep = di.prepare_hvp(f, "forwarddiff", np.ones(2), np.ones(2))
    >>> prep(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([  6., 120.])
    """
    request = Request.of(HVP, f, backend, argnums, has_aux, batched)
    return PreparedSeeded(request, x, contexts, t, on_mismatch=on_mismatch)


def prepare_hvp_same_point(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    t: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    batched: bool = False,
) -> PreparedSamePoint:
    """`hvp` linearized at x, to be applied to many seeds.

    The value of t only serves as an example. Errors that depend on f's value may come with the first
    call.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning a real scalar.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array
        The point. Real floating dtype; its framework is that of the result.
    t : tree of array
        The tangent, like x.
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
        If t has not the structure and shapes of x.
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
    >>> f = lambda x: np.sum(x**3)
    >>> prep = di.prepare_hvp_same_point(f, "forwarddiff", np.array([1.0, 2.0]), np.ones(2))
    >>> prep(np.array([1.0, 10.0]))
    array([  6., 120.])
    """
    request = Request.of(HVP, f, backend, argnums, has_aux, batched, same_point=True)
    return PreparedSamePoint(request, x, contexts, t)
