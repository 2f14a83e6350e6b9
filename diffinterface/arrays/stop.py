"""`stop_gradient`: a value of which nothing is differentiated."""

from __future__ import annotations

from typing import Any

from ..errors import InputError, UnsupportedOperatorError
from ..evaluations import running
from .facts import NUMBERS, Array, dtype_name
from .framework import framework_of
from .trees import map_leaves


def stop_gradient(x: Any) -> Any:
    """x as a constant: no derivative that anybody is taking goes through it.

    It stops every engine that is recording x, at all levels, outer ones included: JAX's traces,
    torch's tape, forward mode and ``torch.func``, autograd's boxes, dual numbers, complex steps.

    Parameters
    ----------
    x : tree of array or number
        Of any framework, traced or not.

    Returns
    -------
    tree
        The same values, for one to compute with; they may share memory with x.

    Raises
    ------
    InputError
        If a leaf is no array and no number: the derivative through it would go on.
    UnsupportedOperatorError
        If the engine of a surrounding call differentiates by differences of f's values, of which
        this value is a part.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: np.sum(x * di.stop_gradient(x))
    >>> di.gradient(f, "forwarddiff", np.array([1.0, 2.0]))
    array([1., 2.])
    """
    for fn in running():
        if not fn.backend.stops:
            raise UnsupportedOperatorError(
                f"stop_gradient cannot stop {fn.backend.adtype!r}: it differentiates by differences of "
                "the values of f, which change with x all the same. Use another engine.",
                backend=fn.backend.adtype,
                operator="stop_gradient",
            )
    return map_leaves(_stopped_leaf, x)


def _stopped_leaf(leaf: Any) -> Any:
    if framework_of(leaf) is None or dtype_name(leaf) == "object":
        raise InputError(
            f"stop_gradient got a {type(leaf).__qualname__}, expected arrays, numbers or a tree of "
            "them (a class of your own must be registered with optree.register_pytree_node).",
            got=leaf,
        )
    return stopped(leaf)


def stopped(leaf: Array) -> Array:
    """One array or number as a constant, where it is no matter if the engine can be stopped."""
    framework = framework_of(leaf)
    if framework is None or isinstance(leaf, NUMBERS):
        return leaf
    return framework.stop_gradient(leaf)
