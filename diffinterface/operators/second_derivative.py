"""Second derivative of f with respect to a scalar x."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..declare.adtypes import ADType
from ..engine.function import Argnums
from ..prepare.operator import SECOND_DERIVATIVE
from ..prepare.prepared import OnMismatch, PreparedOperator
from ..prepare.request import Request
from .calls import call, value_and


def second_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
) -> Any:
    """Second derivative of f with respect to a scalar x.

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
    out : tree of numpy.ndarray, optional
        Where to write the result (NumPy only); returned in its place.

    Returns
    -------
    result
        Like f(x); with `has_aux`, the pair (result, aux).

    Raises
    ------
    ShapeError
        If x is not a scalar.
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
    request = Request.of(
        SECOND_DERIVATIVE, f, backend, argnums=argnums, has_aux=has_aux, reuse=False
    )
    return call(request, x, contexts, None, out)


def value_derivative_and_second_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
) -> tuple[Any, ...]:
    """F(x), its derivative and its second derivative, in one pass.

    Parameters are those of `second_derivative`.

    Returns
    -------
    tuple
        F(x), its derivative and its second derivative; with `has_aux`, aux last.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x**3
    >>> di.value_derivative_and_second_derivative(f, "forwarddiff", 2.0)
    (np.float64(8.0), np.float64(12.0), np.float64(12.0))
    """
    request = Request.of(
        SECOND_DERIVATIVE, f, backend, argnums=argnums, has_aux=has_aux, reuse=False
    )
    return value_and(request, x, contexts, None, out)


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

    Parameters are those of `second_derivative`; the values of x and the contexts only serve as examples.

    Parameters
    ----------
    on_mismatch : {"error", "reprepare"}
        What a call with arguments of another kind does.

    Returns
    -------
    PreparedOperator
        Call it with ``(x, *contexts)``; its method ``value_and`` is
        `value_derivative_and_second_derivative`.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x**3
    >>> prep = di.prepare_second_derivative(f, "forwarddiff", 0.0)
    >>> prep(2.0)
    np.float64(12.0)
    """
    request = Request.of(SECOND_DERIVATIVE, f, backend, argnums=argnums, has_aux=has_aux)
    return PreparedOperator(request, x, contexts, None, on_mismatch=on_mismatch)
