"""Mutating functions ``f(y, x)`` as ordinary ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from ..arrays.framework import NUMPY, framework_of
from ..arrays.trees import flatten, map_leaves
from ..errors import InputError, UnsupportedOperatorError
from ..evaluations import name_of


@final
class inplace:  # noqa: N801 - reads as the function that it is
    """Adapt a function that writes its result into its first argument.

    Parameters
    ----------
    f : callable
        ``f(y, x, *contexts)``, which overwrites y. Its return value is ignored.
    y : tree of array
        An example of the output: its structure, shapes and dtypes; never written.

    Returns
    -------
    callable
        ``g(x, *contexts)``, which calls f on a fresh copy of y, able to hold the values that the
        engine traces, and returns it.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> def f(y, x):
    ...     y[0] = x[0] * x[1]
    ...     y[1] = x[1] ** 2
    >>> di.jacobian(di.inplace(f, np.zeros(2)), "forwarddiff", np.array([2.0, 3.0]))
    array([[3., 2.],
           [0., 6.]])
    """

    def __init__(self, f: Callable[..., Any], y: Any) -> None:
        if not callable(f):
            raise InputError(f"inplace expects a callable f(y, x), got {f!r}.", got=f)
        self._f, self._y = f, y
        self.__name__ = f"inplace({name_of(f)})"
        self.__wrapped__ = f

    def __repr__(self) -> str:
        return self.__name__

    def __call__(self, x: Any, *contexts: Any) -> Any:
        """The filled copy of y."""
        # Most often a lone array, which need not be taken apart.
        leaves = (x,) if framework_of(x) is not None else flatten(x)[0]
        like = leaves[0] if leaves else 0.0
        framework = framework_of(like) or NUMPY
        if not framework.mutable:
            raise UnsupportedOperatorError(
                f"{self.__name__}: arrays of {framework.name} are immutable, so f cannot write its "
                "result; return it instead, or use a backend that runs on other arrays.",
                operator="inplace",
            )
        scratch = framework.scratch
        y = map_leaves(lambda buffer: scratch(buffer, like), self._y)
        self._f(y, x, *contexts)
        return y
