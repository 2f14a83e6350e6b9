"""The Jacobian as a SciPy linear operator: products only, no matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.facts import dtype_name, is_complex, shape_of, size_of
from ..arrays.framework import NUMPY, Framework, framework_of
from ..arrays.seeds import direction
from ..arrays.trees import Leaves, Structure, flatten
from ..declare.adtypes import ADType
from ..engine.function import Argnums
from ..errors import BackendNotInstalledError
from ..prepare.holomorphic import require
from ..prepare.operator import PULLBACK, PUSHFORWARD
from ..prepare.prepared import PreparedSamePoint
from ..prepare.request import Request
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
    into, out = _Vector(x), _Vector(y)
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


def _require_holomorphic(push: PreparedSamePoint, into: _Vector) -> None:
    t = np.where(into.is_complex, direction((into.size,)), 0)
    along, across = (flatten_any(push(into.tree(v)), flatten)[0] for v in (t, 1j * t))
    require(along, across)


class _Vector:
    """A tree's entries as one NumPy vector, both ways.

    Attributes
    ----------
    is_complex : numpy.ndarray of bool
        Which entries belong to a complex leaf.
    """

    def __init__(self, tree: Any) -> None:
        self._leaves: Leaves
        self._structure: Structure
        self._leaves, self._structure = flatten_any(tree, flatten)
        self.size = sum(map(size_of, self._leaves))
        self.is_complex = np.repeat(
            [is_complex(leaf) for leaf in self._leaves], [size_of(leaf) for leaf in self._leaves]
        )
        self.dtype = np.result_type(*(np.dtype(dtype_name(leaf)) for leaf in self._leaves))

    def fitting(self, vector: Any) -> tuple[Any, Any]:
        """A vector's part that the leaves can hold, and the imaginary rest (None if there is none)."""
        vector = np.ravel(vector)  # SciPy may pass a column
        if not np.iscomplexobj(vector) or self.is_complex.all():
            return vector, None
        rest = np.where(self.is_complex, 0, np.imag(vector))
        return np.where(self.is_complex, vector, np.real(vector)), rest

    def tree(self, vector: Any) -> Any:
        leaves, start = [], 0
        for leaf in self._leaves:
            piece = np.reshape(vector[start : start + size_of(leaf)], shape_of(leaf))
            framework = self._framework(leaf)
            piece = (piece if is_complex(leaf) else np.real(piece)).astype(dtype_name(leaf))
            leaves.append(piece if framework is NUMPY else framework.from_numpy(piece, leaf))
            start += size_of(leaf)
        return self._structure.unflatten(leaves)

    def ravel(self, tree: Any) -> Any:
        leaves, _ = flatten_any(tree, flatten)
        return np.concatenate([np.ravel(self._framework(leaf).to_numpy(leaf)) for leaf in leaves])

    @staticmethod
    def _framework(leaf: Any) -> Framework:
        return framework_of(leaf) or NUMPY
