"""What a function captured: closure cells, defaults and globals that an engine may compile in.

A compiling engine reads them once. `Capture` remembers which objects they held at preparation, and
tells which of them have been rebound since. Mutated attributes and array contents cannot be seen;
such values belong in contexts.
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any, final

_EMPTY = object()


@final
class Capture:
    """The objects that functions, and those that they reach in their own modules, refer to.

    Attributes
    ----------
    cells : list of (cell, value)
        Closure cells, and what they held.
    names : list of (namespace, name, value)
        Globals and keyword defaults, and what they held.
    codes : list of (function, code)
        The functions, and the code that they ran: a reloader may replace it.
    defaults : list of (function, (defaults, keyword defaults))
        Functions with default values, and these.
    """

    __slots__ = ("_cell_names", "cells", "codes", "defaults", "names")

    def __init__(self, *callables: Callable[..., Any]) -> None:
        self.cells: list[tuple[CellType, Any]] = []
        self.names: list[tuple[dict[str, Any], str, Any]] = []
        self.codes: list[tuple[FunctionType, CodeType]] = []
        self.defaults: list[tuple[FunctionType, Any]] = []
        self._cell_names: list[str] = []
        seen: set[int] = set()
        for f in callables:
            for function in _functions(f):
                self._add(function, function.__module__, seen)

    def rebound(self) -> list[str]:
        """Names that hold another object than at preparation; empty when nothing changed."""
        return list(self._changes())

    def unchanged(self) -> bool:
        """Whether nothing was rebound."""
        return next(self._changes(), None) is None

    def _changes(self) -> Iterator[str]:
        for (cell, value), name in zip(self.cells, self._cell_names, strict=True):
            if _contents(cell) is not value:
                yield name
        for space, name, value in self.names:
            if space.get(name, _EMPTY) is not value:
                yield name
        for f, kept in self.defaults:
            if not _same_defaults(f, *kept):
                yield f"a default of {f.__name__}"
        for f, code in self.codes:
            if f.__code__ is not code:
                yield f"the code of {f.__name__}"

    def values(self) -> list[Any]:
        """What the variables held."""
        held = [value for _, value in self.cells] + [value for *_, value in self.names]
        return held + [value for _, (values, _) in self.defaults for value in values or ()]

    def _add(self, function: FunctionType, module: str, seen: set[int]) -> None:
        if id(function) in seen:
            return
        seen.add(id(function))
        self.codes.append((function, function.__code__))
        keywords = function.__kwdefaults__ or {}
        if function.__defaults__ or keywords:
            kept = function.__defaults__, function.__kwdefaults__
            self.defaults.append((function, kept))
        self.names += [(keywords, name, value) for name, value in keywords.items()]
        reached: list[Any] = [*(function.__defaults__ or ()), *keywords.values()]
        names = function.__code__.co_freevars
        for cell, name in zip(function.__closure__ or (), names, strict=True):
            value = _contents(cell)
            self.cells.append((cell, value))
            self._cell_names.append(name)
            reached.append(value)
        for name in global_names(function.__code__):
            value = function.__globals__.get(name, _EMPTY)
            if value is not _EMPTY:
                self.names.append((function.__globals__, name, value))
                reached.append(value)
        for value in reached:
            # Other modules' functions are libraries: theirs to keep, and too many to watch.
            for inner in _functions(value):
                if inner.__module__ == module:
                    self._add(inner, module, seen)


@final
class Watch:
    """What f captured, for an engine that compiles it in."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self._f, self._capture = f, Capture(f)

    def unchanged(self) -> bool:
        """Whether nobody has bound a name anew."""
        return self._capture.unchanged()

    def rebound(self) -> list[str]:
        """Names that somebody else has bound anew."""
        return self._capture.rebound()

    def renew(self) -> None:
        """Take the present bindings for those that were compiled in: f itself made them."""
        if not self._capture.unchanged():
            self._capture = Capture(self._f)


def _same_defaults(f: FunctionType, defaults: Any, keywords: Any) -> bool:
    return f.__defaults__ is defaults and f.__kwdefaults__ is keywords


def _functions(f: Any) -> Iterator[FunctionType]:
    """The plain functions inside a callable: through partial, bound methods and ``__call__``."""
    if isinstance(f, functools.partial):
        for part in (f.func, *f.args, *f.keywords.values()):
            yield from _functions(part)
    elif isinstance(f, MethodType):
        yield from _functions(f.__func__)
    elif isinstance(f, FunctionType):
        yield f
        yield from _functions(getattr(f, "__wrapped__", None))
    elif callable(f) and not isinstance(f, type):
        method = type(f).__call__
        if isinstance(method, FunctionType):
            yield method
        yield from _functions(getattr(f, "__wrapped__", None))


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a cell not filled yet
        return _EMPTY


@lru_cache(maxsize=1024)
def global_names(code: CodeType) -> tuple[str, ...]:
    """The globals that code reads; `co_names` has the names of attributes as well."""
    return tuple(dict.fromkeys(i.argval for i in instructions(code) if i.opname in _READS))


_READS = ("LOAD_GLOBAL", "LOAD_NAME")


def instructions(code: CodeType) -> Iterator[dis.Instruction]:
    """Those of a function, and of the functions and comprehensions in it."""
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from instructions(constant)
