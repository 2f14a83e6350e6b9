"""Jacobian of f at x."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..declare.adtypes import ADType
from ..engine.function import Argnums
from ..prepare.operator import JACOBIAN
from ..prepare.prepared import OnMismatch, PreparedOperator
from ..prepare.request import Request
from .calls import call, value_and


def jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """Jacobian of f at x.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning any tree of arrays.
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
        A tree like f(x), each leaf of which is a tree like x of arrays of shape
        ``y_j.shape + x_i.shape``; with `has_aux`, the pair (result, aux).

    Raises
    ------
    NonAnalyticError
        If x is complex and f is not holomorphic there.
    InputError
        If x has an integer dtype, or holds something that is no array.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: np.stack([x[0] * x[1], x[1] ** 2])
    >>> di.jacobian(f, "forwarddiff", np.array([2.0, 3.0]))
    array([[3., 2.],
           [0., 6.]])
    """
    request = Request.of(JACOBIAN, f, backend, argnums=argnums, has_aux=has_aux, reuse=False)
    return call(request, x, contexts, None, out, accumulate)


def value_and_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, ...]:
    """F(x), and the result of `jacobian`, in one pass.

    Parameters are those of `jacobian`.

    Returns
    -------
    tuple
        F(x), and the result of `jacobian`; with `has_aux`, aux last.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: np.stack([x[0] * x[1], x[1] ** 2])
    >>> di.value_and_jacobian(f, "forwarddiff", np.array([2.0, 3.0]))
    (array([6., 9.]), array([[3., 2.],
           [0., 6.]]))
    """
    request = Request.of(JACOBIAN, f, backend, argnums=argnums, has_aux=has_aux, reuse=False)
    return value_and(request, x, contexts, None, out, accumulate)


def prepare_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    on_mismatch: OnMismatch = "error",
) -> PreparedOperator:
    """`jacobian`, decided, traced and compiled once for f and arguments of this kind.

    Parameters are those of `jacobian`; the values of x and the contexts only serve as examples.

    Parameters
    ----------
    on_mismatch : {"error", "reprepare"}
        What a call with arguments of another kind does.

    Returns
    -------
    PreparedOperator
        Call it with ``(x, *contexts)``; its method ``value_and`` is `value_and_jacobian`.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: np.stack([x[0] * x[1], x[1] ** 2])
    >>> prep = di.prepare_jacobian(f, "forwarddiff", np.zeros(2))
    >>> prep(np.array([2.0, 3.0]))
    array([[3., 2.],
           [0., 6.]])
    """
    request = Request.of(JACOBIAN, f, backend, argnums=argnums, has_aux=has_aux)
    return PreparedOperator(request, x, contexts, None, on_mismatch=on_mismatch)
