"""Derivatives that are written down once: the reverse rule is the transpose of the forward one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from autograd.extend import defjvp, defvjp
from autograd.tracer import getval

from .record import Record
from .rules import conj

Linear = Callable[[Any], Any]


def transpose(function: Linear, x: Any) -> Linear:
    """The transpose of a function that is linear over the reals, of arrays like `x`.

    Autograd pulls with plain transposes; a record pulls with adjoints, hence the conjugates.
    """

    @cache
    def record() -> Record:
        return Record(lambda t: ((function(t[0]),), None), (getval(x),), watch=False)

    return lambda g: conj(record().pull((conj(g),))[0])


def define(function: Any, tangent: Callable[..., Any]) -> None:
    """Give ``y = function(x, *args)`` the derivative ``tangent(dx, y, x, *args)``, linear in dx."""
    defjvp(function, tangent)
    defvjp(
        function,
        lambda y, x, *args, **options: transpose(lambda t: tangent(t, y, x, *args, **options), x),
    )


def define_linear(function: Any, composed: Callable[..., Any] | None = None) -> None:
    """Give a function that is linear in its first argument its derivative.

    Parameters
    ----------
    function : callable
        A primitive of autograd.
    composed : callable, optional
        The same made of other primitives, through which to pull back.
    """
    defjvp(function, "same")
    if composed is not None:
        defvjp(
            function,
            lambda y, x, *args, **options: transpose(lambda t: composed(t, *args, **options), x),
        )
