"""Jacobians: of one f, or of all samples of a batch.

The parameters and errors in the docstrings are written by ``docs/docstrings.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..declare.adtypes import ADType
from ..engine.function import Argnums
from ..prepare.once import call, value_and
from ..prepare.operator import BATCHED_JACOBIAN, JACOBIAN
from ..prepare.prepared import OnMismatch, PreparedOperator
from ..prepare.request import ABSENT, Request


def jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ABSENT,
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
    request = Request.of(JACOBIAN, f, backend, argnums, has_aux, reuse=False)
    return call(request, x, contexts, out=out, accumulate=accumulate)


def value_and_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ABSENT,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """f(x), and the result of `jacobian`, in one pass.

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
        f(x), and the result of `jacobian`; with `has_aux`, aux last.

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
    >>> di.value_and_jacobian(f, "forwarddiff", np.array([2.0, 3.0]))
    (array([6., 9.]), array([[3., 2.],
           [0., 6.]]))
    """
    request = Request.of(JACOBIAN, f, backend, argnums, has_aux, reuse=False)
    return value_and(request, x, contexts, out=out, accumulate=accumulate)


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

    The values of x and the contexts only serve as examples. Errors that depend on f's value may come
    with the first call.

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
    on_mismatch : {"error", "reprepare"}
        What a call with arguments of another kind does.

    Returns
    -------
    PreparedOperator
        Call it with ``(x, *contexts)``; its method ``value_and`` is `value_and_jacobian`.

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
    >>> prep = di.prepare_jacobian(f, "forwarddiff", np.zeros(2))
    >>> prep(np.array([2.0, 3.0]))
    array([[3., 2.],
           [0., 6.]])
    """
    request = Request.of(JACOBIAN, f, backend, argnums, has_aux)
    return PreparedOperator(request, x, contexts, on_mismatch=on_mismatch)


def batched_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ABSENT,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """Jacobians of all samples of a batch, for the cost of one sample's passes.

    f must not mix samples: then one seed, the same for every sample, serves them all at once. That it
    does not is tested, by two products with the whole Jacobian: in each call of this function, and
    once by `prepare_batched_jacobian`, which therefore suits loops.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, mapping samples on the leading axis of x to samples on the leading axis
        of f(x), each on its own.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array, each ``(batch, *x_i)``, optional
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
        A tree like f(x), each leaf of which is a tree like x of arrays ``(batch, *y_j, *x_i)``;
        with `has_aux`, the pair (result, aux).

    Raises
    ------
    ShapeError
        If the leading axes of x and f(x) differ.
    OutputError
        If f mixes samples, as batch normalization in training does.
    NonAnalyticError
        If x is complex and f is not holomorphic there.
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
    request = Request.of(BATCHED_JACOBIAN, f, backend, argnums, has_aux, reuse=False)
    return call(request, x, contexts, out=out, accumulate=accumulate)


def value_and_batched_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ABSENT,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any:
    """f(x), and the result of `batched_jacobian`, in one pass.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, mapping samples on the leading axis of x to samples on the leading axis
        of f(x), each on its own.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array, each ``(batch, *x_i)``, optional
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
        f(x), and the result of `batched_jacobian`; with `has_aux`, aux last.

    Raises
    ------
    ShapeError
        If the leading axes of x and f(x) differ.
    OutputError
        If f mixes samples, as batch normalization in training does.
    NonAnalyticError
        If x is complex and f is not holomorphic there.
    InputError
        If x has an integer dtype, or holds something that is no array.

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
    request = Request.of(BATCHED_JACOBIAN, f, backend, argnums, has_aux, reuse=False)
    return value_and(request, x, contexts, out=out, accumulate=accumulate)


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

    The values of x and the contexts only serve as examples. Errors that depend on f's value may come
    with the first call.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, mapping samples on the leading axis of x to samples on the leading axis
        of f(x), each on its own.
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
    on_mismatch : {"error", "reprepare"}
        What a call with arguments of another kind does.

    Returns
    -------
    PreparedOperator
        Call it with ``(x, *contexts)``; its method ``value_and`` is `value_and_batched_jacobian`.

    Raises
    ------
    ShapeError
        If the leading axes of x and f(x) differ.
    OutputError
        If f mixes samples, as batch normalization in training does.
    NonAnalyticError
        If x is complex and f is not holomorphic there.
    InputError
        If x has an integer dtype, or holds something that is no array.

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
    request = Request.of(BATCHED_JACOBIAN, f, backend, argnums, has_aux)
    return PreparedOperator(request, x, contexts, on_mismatch=on_mismatch)
