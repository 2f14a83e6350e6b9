"""The Jacobian as a SciPy linear operator: products only, no matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.seeds import direction
from ..arrays.trees import flatten
from ..arrays.vector import Vector
from ..declare.adtypes import ADType
from ..engine.function import Argnums
from ..errors import BackendNotInstalledError
from ..prepare.holomorphic import require
from ..prepare.operator import PULLBACK, PUSHFORWARD
from ..prepare.request import Request
from ..prepare.same_point import PreparedSamePoint
from ..prepare.signature import flatten_any


def linear_operator(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
) -> Any:
    """The Jacobian of f at x as a `scipy.sparse.linalg.LinearOperator`.

    f is linearised once; ``matvec`` is a pushforward and ``rmatvec`` a pullback (J^H). Trees are
    flattened in the order of their leaves.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning any tree of arrays.
    backend : ADType or str or None
        The engine; None means the configured one.
    x : tree of array
        The point, with n entries in all.
    *contexts : any
        Further arguments of f, not differentiated.
    argnums : int or tuple of int
        Which parameters of f the tree x fills.

    Returns
    -------
    scipy.sparse.linalg.LinearOperator
        Of shape (m, n), where f(x) has m entries; it takes and gives NumPy vectors.

    Raises
    ------
    BackendNotInstalledError
        If SciPy is not installed.
    NonAnalyticError
        If x is complex and f is not holomorphic there: its derivative is no complex matrix then.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> J = di.linear_operator(lambda x: x**2, "forwarddiff", np.array([1.0, 2.0]))
    >>> J @ np.array([1.0, 1.0])
    array([2., 4.])
    >>> J.T @ np.array([1.0, 0.0])
    array([2., 0.])
    """
    try:
        from scipy.sparse.linalg import LinearOperator
    except ImportError as error:
        raise BackendNotInstalledError(
            "linear_operator needs SciPy. Install it with: pip install scipy",
            command="pip install scipy",
        ) from error
    options: dict[str, Any] = {"argnums": argnums}
    push = PreparedSamePoint(
        Request.of(PUSHFORWARD, f, backend, same_point=True, **options), x, contexts, x
    )
    y, _ = push.value_and(x)
    pull = PreparedSamePoint(
        Request.of(PULLBACK, f, backend, same_point=True, **options), x, contexts, y
    )
    into, out = Vector(x), Vector(y)
    if into.is_complex.any():
        _require_holomorphic(push, into)

    def matvec(v: Any) -> Any:
        """J v; the part of v that a real x cannot take is pushed on its own: J is linear."""
        fits, rest = into.fitting(v)
        pushed = out.ravel(push(into.tree(fits)))
        return pushed if rest is None else pushed + 1j * out.ravel(push(into.tree(rest)))

    def adjoint(c: Any) -> Any:
        """J^H c for a c that fits y. A pullback to a real x is the real part only."""
        pulled = into.ravel(pull(out.tree(c)))
        if out.is_complex.any() and not into.is_complex.all():
            turned = into.ravel(pull(out.tree(np.where(out.is_complex, -1j * c, 0))))
            pulled = pulled + 1j * np.where(into.is_complex, 0, turned)
        return pulled

    def rmatvec(c: Any) -> Any:
        fits, rest = out.fitting(c)
        return adjoint(fits) if rest is None else adjoint(fits) + 1j * adjoint(rest)

    return LinearOperator(
        shape=(out.size, into.size),
        dtype=np.result_type(into.dtype, out.dtype),
        matvec=matvec,
        rmatvec=rmatvec,
    )


def _require_holomorphic(push: PreparedSamePoint, into: Vector) -> None:
    t = np.where(into.is_complex, direction((into.size,)), 0)
    along, across = (flatten_any(push(into.tree(v)), flatten)[0] for v in (t, 1j * t))
    require(along, across)
