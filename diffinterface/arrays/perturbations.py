"""Who is tracing an array, and who of several is the inner derivative.

Engines that wrap arrays share one counter: who started later is inside. A wrapper of a higher level
takes one of a lower level as a constant, inside its own values.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from .framework import Framework, framework_of
from .overloaded import Overloaded
from .trees import Leaves

_levels = count(1)


def new_level() -> int:
    """A level above all those that are open."""
    return next(_levels)


class Leveled(Overloaded):
    """An array wrapped by an engine of ours.

    Attributes
    ----------
    level : int
        Which derivative it is part of.
    """

    __slots__ = ()
    level: int

    def _yields(self, operands: Any) -> bool:
        kind = type(self)
        for operand in operands:  # asked in each call, mostly of arrays of one class and of numbers
            if type(operand) is not kind and isinstance(operand, Leveled | tuple | list):
                return type(innermost(operands, self)) is not kind
        return False


def innermost(operands: Any, found: Leveled | None = None) -> Leveled | None:
    """The wrapper of the highest level among operands, in lists and tuples too: it answers for all."""
    for operand in operands:
        if isinstance(operand, Leveled):
            if found is None or operand.level > found.level:
                found = operand
        elif isinstance(operand, tuple | list):
            found = innermost(operand, found)
    return found


def tracing(leaves: Leaves) -> Framework | None:
    """The framework that is tracing any of the leaves; the inner one, if several are.

    What wraps arrays, and has a level, started inside of what it wraps.
    """
    wrapper = innermost(leaves)
    if wrapper is not None:
        return framework_of(wrapper)
    found = None
    for leaf in leaves:
        framework = framework_of(leaf)
        if framework is not None and framework.is_traced(leaf):
            if framework.wraps:
                return framework
            found = framework
    return found
