"""What f may read without being given it: a pattern that was found by it need not hold once it changes.

Rebound variables are a mismatch already, as `capture` tells. Here are the changes that it cannot see:
the contents of captured arrays, items of lists, attributes of objects.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import is_
from typing import Any, final

import numpy as np

from ..arrays.facts import is_inexact
from ..arrays.framework import NUMPY, framework_of
from ..engine.capture import Captured, items_of, reached


@final
class Contents:
    """The contents of what f reaches, as they were.

    Arrays of floats are compared if they are NumPy's, those of other frameworks only if they are
    integers or bools: parameters that are being trained do not move a pattern.

    Parameters
    ----------
    f : callable
        The function.
    """

    __slots__ = ("_arrays", "_holders")

    def __init__(self, f: Callable[..., Any]) -> None:
        self._arrays: list[tuple[Callable[[], Any], Any]] = []
        self._holders: list[tuple[Any, list[Any]]] = []
        for value in reached(*Captured(f).values()):
            framework = framework_of(value)
            if framework is None:
                holder, items = items_of(value)
                if items:
                    self._holders.append((holder, items))
            elif framework is NUMPY or not is_inexact(value):
                values = framework.values(value)
                if values is not None:
                    self._arrays.append((partial(framework.values, value), np.array(values)))

    @property
    def changed(self) -> bool:
        """Whether anything is other than it was."""
        return any(
            len(holder) != len(items) or not all(map(is_, items_of(holder)[1], items))
            for holder, items in self._holders
        ) or any(not np.array_equal(look(), values) for look, values in self._arrays)
