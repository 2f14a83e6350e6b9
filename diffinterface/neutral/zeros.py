"""Zeros shaped like a tree: where gradients are gathered."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.facts import is_inexact, shape_of
from ..arrays.framework import finished, framework_of
from ..arrays.stop import stopped
from ..arrays.trees import map_leaves
from ..errors import InputError


def zeros_like_tree(tree: Any) -> Any:
    """NumPy zeros like each leaf of a tree, to gather gradients in: ``out=`` with ``accumulate=True``.

    Parameters
    ----------
    tree : tree of array
        Parameters: real or complex floating arrays of any framework, or numbers.

    Returns
    -------
    tree of numpy.ndarray
        Of the same structure, shapes and dtypes; nothing is shared with `tree`.

    Raises
    ------
    InputError
        If a leaf is no floating array.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> from diffinterface.neutral.zeros import zeros_like_tree
    >>> p = {"w": np.ones(2), "b": 1.0}
    >>> total = zeros_like_tree(p)
    >>> for x in (1.0, 2.0, 3.0):
    ...     f = lambda p: np.sum(p["w"]) * x + p["b"]
    ...     _ = di.gradient(f, "forwarddiff", p, out=total, accumulate=True)
    >>> total
    {'w': array([6., 6.]), 'b': array(3.)}
    """
    return map_leaves(_zeros, tree)


def _zeros(leaf: Any) -> Any:
    if framework_of(leaf) is None or not is_inexact(leaf):
        raise InputError(
            f"zeros_like_tree got a {type(leaf).__qualname__}, expected floating arrays.", got=leaf
        )
    return np.zeros(shape_of(leaf), finished(stopped(leaf)).dtype)
