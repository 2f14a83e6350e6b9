"""The arguments of f: where x stands among its contexts, and how each of these reaches the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from diffinterface.declare.contexts import Cache, Constant, Static

from ..arrays.framework import framework_of
from ..arrays.trees import LEAF, Leaves, Structure
from ..errors import InputError

Flatten = Callable[[Any], tuple[Leaves, Structure]]


@dataclass(frozen=True, eq=False)
class _Slot:
    """One context argument: which wrapper, what structure, and which of its leaves are data."""

    wrapper: type | None
    structure: Structure
    statics: tuple[Any, ...]  # one entry a leaf: `DATA`, or the leaf itself

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Slot)
            and self.wrapper is other.wrapper
            and (self.structure is other.structure or self.structure == other.structure)
            and same(self.statics, other.statics)
        )

    @property
    def bare(self) -> bool:
        """Whether the context is, but for a `Constant`, its one leaf of data."""
        return self.wrapper is None and self.structure is LEAF and self.statics == (DATA,)

    def __repr__(self) -> str:
        kind = "" if self.wrapper is None else f"{self.wrapper.__name__} "
        return f"{kind}{self.structure.unflatten(self.statics)}"


class _Data:
    def __repr__(self) -> str:
        return "data"

    def __reduce__(self) -> str:
        return "DATA"  # by name: it is compared by identity


DATA: Any = _Data()


def _slot(context: Any, flatten: Flatten) -> tuple[_Slot, Leaves]:
    wrapper = type(context) if isinstance(context, Constant | Static | Cache) else None
    if isinstance(context, Static):
        return _Slot(Static, LEAF, (context.value,)), ()
    value = context.value if isinstance(context, Constant) else context
    value = context.buffer if isinstance(context, Cache) else value
    if framework_of(value) is not None:
        leaves, structure = (value,), LEAF
    else:
        leaves, structure = flatten(value)
    statics = tuple([leaf if framework_of(leaf) is None else DATA for leaf in leaves])
    data = tuple([leaf for leaf, static in zip(leaves, statics, strict=True) if static is DATA])
    return _Slot(Cache if wrapper is Cache else None, structure, statics), data


def same(a: Any, b: Any) -> bool:
    """Whether f cannot tell two static values apart: ``1 == True == 1.0``, but they are not the same."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.generic):
        return a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return a.hex() == b.hex()  # tells 0.0 from -0.0, and NaN is NaN
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, frozenset):
        return {(type(each), each) for each in a} == {(type(each), each) for each in b}
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    try:
        # What it holds, attributes and slots, counts too: an == of the user's may leave some out.
        return bool(a == b) and same(object.__getstate__(a), object.__getstate__(b))
    except Exception:  # an object of the user's that holds arrays, of which == makes an array
        return False


def check_statics(layout: tuple[_Slot, ...]) -> None:
    """Refuse objects that a compiling engine would read once, and that may change unseen.

    Raises
    ------
    InputError
        If a context holds an object that is no array, no tree, and not hashed by its value, though it
        has attributes, or is a generator of random numbers.
    """
    for i, slot in enumerate(layout):
        for leaf in slot.statics if slot.wrapper is not Static else ():
            known = leaf is DATA or callable(leaf) or isinstance(leaf, ModuleType)
            if not known and _may_change(leaf):
                raise InputError(
                    f"Context {i} holds a {type(leaf).__qualname__}, which would be compiled in as it "
                    "is now. Register the class with optree.register_pytree_node if it holds data, or "
                    "pass a hashable value that never changes as Static(...).",
                    got=leaf,
                )


def _may_change(leaf: Any) -> bool:
    """Whether an object is not hashed by its value, and has something that could be replaced."""
    hashed: Any = type(leaf).__hash__
    by_value = hashed is not None and hashed is not object.__hash__
    open_to_all = hasattr(leaf, "__dict__") or hasattr(type(leaf), "__slots__")
    return not by_value and (open_to_all or isinstance(leaf, np.random.Generator))


def callables(contexts: tuple[Any, ...], flatten: Flatten) -> list[Any]:
    """The functions among the contexts' leaves: they are part of the program, like f."""
    layout, _ = split(contexts, flatten)
    return [leaf for slot in layout for leaf in slot.statics if callable(leaf)]


def split(contexts: tuple[Any, ...], flatten: Flatten) -> tuple[tuple[_Slot, ...], Leaves]:
    """The layout of a call's contexts, and their data leaves in one flat tuple."""
    slots: list[_Slot] = []
    leaves: list[Any] = []
    for context in contexts:
        slot, data = _slot(context, flatten)
        slots.append(slot)
        leaves += data
    return tuple(slots), tuple(leaves)


def read_only(leaf: Any) -> Any:
    """A NumPy array as one that f cannot write into: the next evaluation of f needs it as it is."""
    if type(leaf) is not np.ndarray or not leaf.flags.writeable:
        return leaf
    view = leaf.view()
    view.flags.writeable = False
    return view


def join(layout: tuple[_Slot, ...], data: Leaves, scratch: Callable[[Any], Any]) -> tuple[Any, ...]:
    """The arguments that f sees, from the data leaves: the inverse of `split`."""
    remaining = iter(data)
    arguments = []
    for slot in layout:
        leaves = [next(remaining) if static is DATA else static for static in slot.statics]
        wrap = scratch if slot.wrapper is Cache else read_only
        leaves = [wrap(leaf) for leaf in leaves]
        arguments.append(slot.structure.unflatten(leaves))
    return tuple(arguments)
