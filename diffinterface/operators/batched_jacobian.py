"""Jacobians of all samples of a batch, for the cost of one sample's passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..declare.adtypes import ADType
from ..engine.function import Argnums
from ..prepare.operator import BATCHED_JACOBIAN
from ..prepare.prepared import OnMismatch, PreparedOperator
from ..prepare.request import Request
from .calls import call, value_and


def batched_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
) -> Any:
    """Jacobians of all samples of a batch, for the cost of one sample's passes.

    f must not mix samples: then one seed, the same for every sample, serves them all at once. That it
    does not is tested, by two products with the whole Jacobian: in each call of this function, and
    once by `prepare_batched_jacobian`, which therefore suits loops.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, mapping samples on the leading axis of x to samples on the leading
        axis of f(x), each on its own.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array, each ``(batch, *x_i)``
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
        A tree like f(x), each leaf of which is a tree like x of arrays ``(batch, *y_j, *x_i)``;
        with `has_aux`, the pair (result, aux).

    Raises
    ------
    ShapeError
        If the leading axes of x and f(x) differ.
    OutputError
        If f mixes samples, as batch normalisation in training does.
    InputError
        If x has an integer dtype, or holds something that is no array.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x**2
    >>> di.batched_jacobian(f, "forwarddiff", np.array([[1.0], [2.0]]))
    array([[[2.]],
    <BLANKLINE>
           [[4.]]])
    """
    request = Request.of(
        BATCHED_JACOBIAN, f, backend, argnums=argnums, has_aux=has_aux, reuse=False
    )
    return call(request, x, contexts, None, out)


def value_and_batched_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
) -> tuple[Any, ...]:
    """F(x), and the result of `batched_jacobian`, in one pass.

    Parameters are those of `batched_jacobian`.

    Returns
    -------
    tuple
        F(x), and the result of `batched_jacobian`; with `has_aux`, aux last.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x**2
    >>> di.value_and_batched_jacobian(f, "forwarddiff", np.array([[1.0], [2.0]]))
    (array([[1.],
           [4.]]), array([[[2.]],
    <BLANKLINE>
           [[4.]]]))
    """
    request = Request.of(
        BATCHED_JACOBIAN, f, backend, argnums=argnums, has_aux=has_aux, reuse=False
    )
    return value_and(request, x, contexts, None, out)


def prepare_batched_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    on_mismatch: OnMismatch = "error",
) -> PreparedOperator:
    """`batched_jacobian`, decided, traced and compiled once for f and arguments of this kind.

    Parameters are those of `batched_jacobian`; the values of x and the contexts only serve as examples.

    Parameters
    ----------
    on_mismatch : {"error", "reprepare"}
        What a call with arguments of another kind does.

    Returns
    -------
    PreparedOperator
        Call it with ``(x, *contexts)``; its method ``value_and`` is `value_and_batched_jacobian`.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x**2
    >>> prep = di.prepare_batched_jacobian(f, "forwarddiff", np.zeros((2, 1)))
    >>> prep(np.array([[1.0], [2.0]]))
    array([[[2.]],
    <BLANKLINE>
           [[4.]]])
    """
    request = Request.of(BATCHED_JACOBIAN, f, backend, argnums=argnums, has_aux=has_aux)
    return PreparedOperator(request, x, contexts, None, on_mismatch=on_mismatch)
