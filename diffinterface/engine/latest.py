"""The one bounded memory of things that were made for some kind of arguments."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any, Generic, TypeVar, final

T = TypeVar("T")


@final
class Latest(Generic[T]):
    """The latest few things made, so that none is made twice; threads may share it."""

    __slots__ = ("_items", "_most")

    def __init__(self, most: int = 64) -> None:
        self._most = most
        self._items: tuple[T, ...] = ()  # replaced and never changed, because of the threads

    def find(self, fits: Callable[[T], bool]) -> T | None:
        """The oldest that fits."""
        return next(filter(fits, self._items), None)

    def keep(self, item: T) -> T:
        """`item`, in the place of the oldest where there are too many."""
        self._items = (*self._items[1 - self._most :], item)
        return item

    def __reduce__(self) -> Any:
        return Latest, (self._most,)  # what was made stays where it was made


def carried(function: Any, name: str, most: int) -> Latest[Any] | None:
    """The latest things made of a function, which it carries itself: they go with it.

    A memory of ours would keep the function too, which what was made of it holds. None if it is of a
    class that can carry nothing.
    """
    owner = function.__self__ if isinstance(function, MethodType) else function
    space = getattr(owner, "__dict__", None)
    return space.setdefault(name, Latest(most)) if isinstance(space, dict) else None
