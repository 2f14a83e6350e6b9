"""What functions captured: closure cells, defaults and globals, whose values no argument tells.

A compiling engine reads them once. `Captured` remembers which objects they held, and tells which of
them have been rebound since. Mutated attributes and array contents it does not see; such values belong
in contexts.
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, final

from ..arrays.facts import NUMBERS
from ..arrays.framework import NUMPY, Framework, framework_of

Follows = Callable[[FunctionType, FunctionType, bool], bool]
_EMPTY = object()


def same_module(function: FunctionType, inner: FunctionType, held: bool) -> bool:
    """Other modules' functions are libraries: theirs to keep, and too many to watch."""
    return inner.__module__ == function.__module__


def same_module_or_held(function: FunctionType, inner: FunctionType, held: bool) -> bool:
    """The same, and those that a closure cell or a default holds: somebody chose these."""
    return held or same_module(function, inner, held)


@final
class Captured:
    """The objects that functions, and those that they reach, refer to.

    Parameters
    ----------
    *callables : callable
        The functions, or what calls them: partials, methods, objects.
    follows : callable
        ``follows(function, inner, held)``: whether to look also into `inner`, to which `function`
        refers; `held` where a cell or a default holds it.

    Attributes
    ----------
    cells : list of (cell, value, name)
        Closure cells, and what they held.
    names : list of (namespace, name, value)
        Globals and keyword defaults, and what they held.
    functions : list of (function, code, defaults, keyword defaults)
        The functions, and what they ran with: a reloader may replace their code.
    """

    __slots__ = ("_callables", "_follows", "cells", "functions", "names")

    def __init__(self, *callables: Callable[..., Any], follows: Follows = same_module) -> None:
        self._callables, self._follows = callables, follows
        self.cells: list[tuple[CellType, Any, str]] = []
        self.names: list[tuple[dict[str, Any], str, Any]] = []
        self.functions: list[tuple[FunctionType, CodeType, Any, Any]] = []
        seen: set[FunctionType] = set()
        for f in callables:
            for function in _functions(f):
                self._add(function, seen)

    def __reduce__(self) -> Any:
        # Cells and modules do not travel: it is read anew where it arrives.
        return functools.partial(Captured, follows=self._follows), self._callables

    def _add(self, function: FunctionType, seen: set[FunctionType]) -> None:
        if function in seen:
            return
        seen.add(function)
        code, defaults = function.__code__, function.__defaults__ or ()
        keywords = function.__kwdefaults__ or {}
        self.functions.append((function, code, function.__defaults__, function.__kwdefaults__))
        pairs = zip(function.__closure__ or (), code.co_freevars, strict=True)
        cells = [(cell, _contents(cell), name) for cell, name in pairs]
        names = [(keywords, name, value) for name, value in keywords.items()]
        space = function.__globals__
        names += [(space, name, space[name]) for name in global_names(code) if name in space]
        self.cells += cells
        self.names += names
        held = [*defaults, *(value for _, value, _ in cells)]
        for k, value in enumerate([*held, *(value for *_, value in names)]):
            chosen = k < len(held) and isinstance(value, _CHOSEN)
            for inner in _functions(value):
                if self._follows(function, inner, chosen):
                    self._add(inner, seen)

    # --- rebound ---------------------------------------------------------------------------------

    @property
    def has_defaults(self) -> bool:
        """Whether a function has default values."""
        return any(defaults or keywords for *_, defaults, keywords in self.functions)

    def unchanged(self) -> bool:
        """Whether nothing was rebound."""
        for _ in self._changes():
            return False
        return True

    def rebound(self) -> list[str]:
        """Names that hold another object than before; empty when nothing changed."""
        return list(self._changes())

    def _changes(self) -> Iterator[str]:
        for cell, value, name in self.cells:
            if _contents(cell) is not value:
                yield name
        for space, name, value in self.names:
            if space.get(name, _EMPTY) is not value:
                yield name
        for f, code, defaults, keywords in self.functions:
            if f.__defaults__ is not defaults or f.__kwdefaults__ is not keywords:
                yield f"a default of {f.__name__}"
            if f.__code__ is not code:
                yield f"the code of {f.__name__}"

    def renew(self) -> None:
        """Take the present bindings for those to compare with."""
        if not self.unchanged():
            now = Captured(*self._callables, follows=self._follows)
            self.cells, self.names, self.functions = now.cells, now.names, now.functions

    # --- values ----------------------------------------------------------------------------------

    def items(self) -> Iterator[tuple[str, Any]]:
        """Variables, and what they held; what partials, methods and objects are bound to before them."""
        for f in self._callables:
            yield from ((getattr(f, "__name__", type(f).__name__), value) for value in _bound(f))
        yield from ((name, value) for _, value, name in self.cells)
        yield from ((name, value) for _, name, value in self.names)
        for _, code, defaults, _ in self.functions:
            first = code.co_argcount - len(defaults or ())
            yield from zip(code.co_varnames[first:], defaults or (), strict=False)

    def values(self) -> list[Any]:
        """What the variables held."""
        return [value for _, value in self.items()]

    def traced(self, arrays: Callable[[Any], Iterable[Any]]) -> tuple[str, Any, Framework] | None:
        """A variable, an array in it that somebody is tracing, and the framework that is.

        ``arrays(value)`` gives those to look at: `reached`, or the leaves of an engine's trees.
        """
        for name, value in self.items():
            for leaf in arrays(value):
                # An engine's other objects seem to be arrays of its framework; they have no dtype.
                framework = framework_of(leaf) if hasattr(leaf, "dtype") else None
                if framework is not None and framework.is_traced(leaf):
                    return name, leaf, framework
        return None

    def endings(self) -> list[Callable[[], bool]]:
        """For captured arrays that a transform around us made: whether it has ended."""
        owned = [(value, framework_of(value)) for value in self.values()]
        found = [owner.ending(value) for value, owner in owned if owner is not None]
        return [ended for ended in found if ended is not None]


def leaves_by(flatten: Callable[[Any], Any]) -> Callable[[Any], Iterable[Any]]:
    """The leaves of an engine's trees, of whatever a variable may hold."""

    def leaves(value: Any) -> Iterable[Any]:
        if isinstance(value, type) or framework_of(value) is NUMPY:
            return ()
        try:
            found: Iterable[Any] = flatten(value)[0]
        except (TypeError, ValueError):  # a container whose keys cannot be sorted, say
            return ()
        return found

    return leaves


#: How far to look into objects, and at how many.
_DEPTH, _MOST = 5, 1000
_ENDS = (type, ModuleType, FunctionType, BuiltinFunctionType, *NUMBERS, str, bytes)


def reached(*roots: Any) -> Iterator[Any]:
    """The arrays and objects in `roots`, and what these hold in items and attributes, each once."""
    seen: set[int] = set()
    level: list[Any] = [*roots]
    for _ in range(_DEPTH):
        below: list[Any] = []
        for value in level:
            if isinstance(value, _ENDS) or id(value) in seen or len(seen) > _MOST:
                continue
            seen.add(id(value))
            yield value
            if framework_of(value) is None:
                below += value if isinstance(value, tuple) else ()
                below += items_of(value)[1]
        level = below


def items_of(value: Any) -> tuple[Any, list[Any]]:
    """The dict or list of a mutable object, and what it holds."""
    holder = value if isinstance(value, dict | list) else getattr(value, "__dict__", None)
    if isinstance(holder, dict):
        return holder, list(holder.values())
    return holder, list(holder) if isinstance(holder, list) else []


def _functions(f: Any) -> Iterator[FunctionType]:
    """The plain functions in a value: through partial, bound methods, ``__call__`` and tuples."""
    if isinstance(f, functools.partial):
        f = (f.func, *f.args, *f.keywords.values())
    if isinstance(f, tuple):
        for part in f:
            yield from _functions(part)
    elif isinstance(f, MethodType):
        yield from _functions(f.__func__)
        yield from _functions(getattr(f.__self__, "__wrapped__", None))
    elif isinstance(f, FunctionType):
        yield f
        yield from _functions(getattr(f, "__wrapped__", None))
    elif callable(f) and not isinstance(f, type):
        method = type(f).__call__
        if isinstance(method, FunctionType):
            yield method
        yield from _functions(getattr(f, "__wrapped__", None))


_CHOSEN = (FunctionType, MethodType, functools.partial)


def _bound(f: Any) -> Iterator[Any]:
    """What a callable is bound to."""
    if isinstance(f, functools.partial):
        yield from (*f.args, *f.keywords.values())
        yield from _bound(f.func)
    elif not isinstance(f, FunctionType):
        yield getattr(f, "__self__", f)


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


@lru_cache(maxsize=1024)
def instructions(code: CodeType) -> tuple[dis.Instruction, ...]:
    """Those of a function, and of the functions and comprehensions in it."""
    inner = (instructions(part) for part in code.co_consts if isinstance(part, CodeType))
    return *dis.get_instructions(code), *chain.from_iterable(inner)
