"""f's value on its engine: what ``value_and_*`` gives first, without the derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..declare.adtypes import ADType
from ..engine.function import Argnums
from .once import call
from .operator import Operator
from .request import Request

VALUE: Final = Operator("evaluate", "y")


def evaluate(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
) -> Any:
    """f(x) as the engine computes it: f gets the engine's arrays, the caller his own kind back.

    What a library writes where it needs a value alone, as a line search does: ``f(x)`` itself fails
    where x is of another kind than the arrays that f is written for.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, returning any tree of floating arrays.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array
        The point; its framework is that of the result.
    *contexts : any
        Further arguments of f; see `Constant`, `Static` and `Cache`.
    argnums : int or tuple of int
        Which parameters of f the tree x fills; the contexts fill the others in order.

    Returns
    -------
    tree of array
        What `value_and_gradient` and the like give before the derivative.

    Raises
    ------
    InputError
        If x has an integer dtype, or holds something that is no array.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> di.evaluate(lambda x: np.sum(x**2), "forwarddiff", np.array([1.0, 2.0]))
    np.float64(5.0)
    """
    return call(Request.of(VALUE, f, backend, argnums, reuse=False), x, contexts)
