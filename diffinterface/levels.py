"""One counter for all engines that wrap arrays: who started later is the inner derivative.

A wrapper of a higher level takes one of a lower level as a constant, inside its own values.
"""

from __future__ import annotations

from itertools import count
from typing import Any

_levels = count(1)


def new_level() -> int:
    """A level above all those that are open."""
    return next(_levels)


class Leveled:
    """An array wrapped by an engine of ours.

    Attributes
    ----------
    level : int
        Which derivative it is part of.
    """

    __slots__ = ()
    level: int


def innermost(operands: Any, found: Leveled | None = None) -> Leveled | None:
    """The wrapper of the highest level among operands, in lists and tuples too: it answers for all."""
    for operand in operands:
        if isinstance(operand, Leveled):
            if found is None or operand.level > found.level:
                found = operand
        elif isinstance(operand, tuple | list):
            found = innermost(operand, found)
    return found
