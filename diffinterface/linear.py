"""The Jacobian as a SciPy linear operator: products only, no matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .adtypes import ADType
from .arrays import NUMPY, Framework, dtype_name, framework_of, shape_of, size_of
from .errors import BackendNotInstalledError
from .functions import Argnums
from .operator import PULLBACK, PUSHFORWARD
from .plan import Request
from .preparation import PreparedSamePoint
from .signature import flatten_any
from .trees import Leaves, Structure, flatten


def linear_operator(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
) -> Any:
    """The Jacobian of f at x as a `scipy.sparse.linalg.LinearOperator`.

    f is linearised once; ``matvec`` is a pushforward and ``rmatvec`` a pullback (J^T, J^H for complex
    x). Trees are flattened in the order of their leaves.

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
    return LinearOperator(
        shape=(out.size, into.size),
        dtype=np.result_type(into.dtype, out.dtype),
        matvec=lambda v: out.ravel(push(into.tree(v))),
        rmatvec=lambda v: into.ravel(pull(out.tree(v))),
    )


class _Vector:
    """A tree's entries as one NumPy vector, both ways."""

    def __init__(self, tree: Any) -> None:
        self._leaves: Leaves
        self._structure: Structure
        self._leaves, self._structure = flatten_any(tree, flatten)
        self.size = sum(map(size_of, self._leaves))
        self.dtype = np.result_type(*(np.dtype(dtype_name(leaf)) for leaf in self._leaves))

    def tree(self, vector: Any) -> Any:
        leaves, start = [], 0
        for leaf in self._leaves:
            piece = np.reshape(vector[start : start + size_of(leaf)], shape_of(leaf))
            framework = self._framework(leaf)
            piece = piece.astype(dtype_name(leaf))
            leaves.append(piece if framework is NUMPY else framework.from_numpy(piece, leaf))
            start += size_of(leaf)
        return self._structure.unflatten(leaves)

    def ravel(self, tree: Any) -> Any:
        leaves, _ = flatten_any(tree, flatten)
        return np.concatenate([np.ravel(self._framework(leaf).to_numpy(leaf)) for leaf in leaves])

    @staticmethod
    def _framework(leaf: Any) -> Framework:
        return framework_of(leaf) or NUMPY
