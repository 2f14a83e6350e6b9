"""What f may read without being given it: a pattern that was found by it need not hold once it changes.

Rebound variables are a mismatch already, as `capture` tells. Here are the changes that it cannot see:
the contents of captured arrays, items of lists, attributes of objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from operator import is_
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, final

import numpy as np

from ..arrays.facts import NUMBERS, is_inexact
from ..arrays.framework import NUMPY, framework_of
from ..engine.capture import Capture

#: How far to look into objects, and at how many.
DEPTH, MOST = 4, 1000
_ENDS = (type, ModuleType, FunctionType, BuiltinFunctionType, *NUMBERS, str, bytes)


@final
class Watch:
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
        self._arrays: list[tuple[Any, Any]] = []
        self._holders: list[tuple[Any, list[Any]]] = []
        seen: set[int] = set()
        for root in _roots(f):
            self._add(root, seen, DEPTH)

    @property
    def changed(self) -> bool:
        """Whether anything is other than it was."""
        return any(
            len(holder) != len(items) or not all(map(is_, _items(holder), items))
            for holder, items in self._holders
        ) or any(not np.array_equal(_values(array), values) for array, values in self._arrays)

    def _add(self, value: Any, seen: set[int], depth: int) -> None:
        if isinstance(value, _ENDS) or id(value) in seen or len(seen) > MOST:
            return
        seen.add(id(value))
        framework = framework_of(value)
        if framework is not None:
            if framework is NUMPY or not is_inexact(value):
                values = _values(value)
                if values is not None:
                    self._arrays.append((value, np.array(values)))
            return
        holder = value if isinstance(value, (dict, list)) else getattr(value, "__dict__", None)
        inside = list(_items(holder)) if isinstance(holder, (dict, list)) else []
        if inside:
            self._holders.append((holder, inside))
        if isinstance(value, tuple):
            inside = [*value, *inside]
        for item in inside if depth else ():
            self._add(item, seen, depth - 1)


def _roots(f: Any) -> Iterator[Any]:
    """What f is bound to, and what it captured."""
    if isinstance(f, partial):
        yield from (f.args, f.keywords)
        yield from _roots(f.func)
        return
    if isinstance(f, MethodType):
        yield f.__self__
    elif not isinstance(f, FunctionType):
        yield f
    yield from Capture(f).values()


def _items(holder: dict[Any, Any] | list[Any]) -> Any:
    return holder.values() if isinstance(holder, dict) else holder


def _values(array: Any) -> Any:
    framework: Any = framework_of(array)
    return framework.values(array)
