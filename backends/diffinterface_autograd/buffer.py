"""Scratch memory for boxes: an array into which f may write values that autograd is recording."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, final

import autograd.numpy as anp
import numpy as np
from autograd.extend import defjvp, defvjp, primitive
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.numpy.numpy_vjps import unbroadcast_f


@final
class Buffer(ArrayBox):  # type: ignore[misc]
    """A box that can be assigned into.

    Writing makes a new value, computed from the old one and what is written (`_written`), and the
    box then stands for that one. What was read before keeps the old value, as with a copy.
    """

    __slots__ = ()

    def __setitem__(self, index: Any, value: Any) -> None:
        value = anp.array(value) if isinstance(value, list | tuple) else value
        box = _written(self, index, value)
        for name in ("_value", "_trace", "_node"):
            setattr(self, name, getattr(box, name))


def _in_place(operation: Callable[[Any, Any], Any]) -> Callable[[Buffer, Any], Buffer]:
    def update(self: Buffer, other: Any) -> Buffer:
        self[...] = operation(self, other)
        return self

    return update


for _name in ("add", "sub", "mul", "truediv", "pow", "mod", "matmul"):
    setattr(Buffer, f"__i{_name}__", _in_place(getattr(operator, _name)))


class _NoValue:
    """Autograd registers a box type for a type of value; a buffer is made by `scratch` alone."""


Buffer.register(_NoValue)


def scratch(buffer: Any, like: Any) -> Buffer:
    """A copy of `buffer` in the trace of the box `like`, on which its entries do not depend yet."""
    box = _blank(buffer, like)
    return Buffer(box._value, box._trace, box._node)


def frozen(x: Any) -> Any:
    """`x`, where it is a buffer as it now is."""
    return ArrayBox(x._value, x._trace, x._node) if type(x) is Buffer else x


@primitive  # type: ignore[untyped-decorator]
def _blank(buffer: Any, like: Any) -> Any:
    return np.array(buffer)


defvjp(_blank, None, None)
defjvp(_blank, None, None)


@primitive  # type: ignore[untyped-decorator]
def _written(array: Any, index: Any, value: Any) -> Any:
    """A copy of `array` with ``array[index] = value``."""
    if np.iscomplexobj(value) and not np.iscomplexobj(array):
        raise TypeError("A complex value cannot be written into a real buffer; make it complex.")
    new = np.array(array)
    new[index] = value
    return new


def _winning(array: Any, index: Any) -> Any:
    """Where `index` names an entry several times, which of these writes is the last: a mask."""
    parts = index if isinstance(index, tuple) else (index,)
    if not any(isinstance(part, np.ndarray | list) for part in parts):
        return True
    numbers = np.full(anp.shape(array), -1)
    count = np.arange(numbers[index].size).reshape(np.shape(numbers[index]))
    numbers[index] = count
    return numbers[index] == count


def _pull_value(ans: Any, array: Any, index: Any, value: Any) -> Any:
    winning = _winning(array, index)
    return unbroadcast_f(value, lambda g: g[index] * winning)


defvjp(
    _written,
    lambda ans, array, index, value: lambda g: _written(g, index, 0.0),
    None,
    _pull_value,
)
defjvp(
    _written,
    lambda g, ans, array, index, value: _written(g, index, 0.0),
    None,
    lambda g, ans, array, index, value: _written(anp.zeros_like(ans), index, g),
)
