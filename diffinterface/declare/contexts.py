"""Contexts: the arguments of f that are not differentiated.

A plain value is constant data. Its array and number leaves are traced by a compiling engine, so that
new values do not recompile; its other leaves (strings, callables, None) are part of the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import InputError


@dataclass(frozen=True)
class Constant:
    """A value that is data: the same as passing `value` plainly, spelled out."""

    value: Any


@dataclass(frozen=True)
class Static:
    """A hashable value that is part of the program: a compiling engine compiles it in.

    Raises
    ------
    InputError
        If `value` is not hashable.
    """

    value: Any

    def __post_init__(self) -> None:
        try:
            hash(self.value)
        except TypeError:
            raise InputError(
                f"Static({type(self.value).__qualname__}) is not hashable; pass a hashable value "
                "(a tuple for a list), or Constant(...) if it is data.",
                got=self.value,
            ) from None


@dataclass(frozen=True, eq=False)
class Cache:
    """Scratch memory that f may overwrite.

    Each evaluation of f gets a fresh copy of `buffer`, of the engine's own kind and able to hold
    the values that it traces. The caller's buffer is never written.
    """

    buffer: Any
