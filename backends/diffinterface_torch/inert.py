"""Functions that cannot reach a parameter which somebody outside is differentiating.

Most functions capture torch itself, other functions and plain data. Of these the tape need not be
searched for captured parameters, which costs as much as a small function does.
"""

from __future__ import annotations

from collections.abc import Callable
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any, final

import numpy as np
import torch

from diffinterface.engine.capture import global_names, instructions

_ABSENT = object()
_LIBRARIES = frozenset({"torch", "numpy", "math", "cmath", "builtins", "diffinterface"})
_DATA = (int, float, complex, bool, str, bytes, type(None), torch.dtype, torch.device, torch.Size)
_REACH_ANYTHING = {"eval", "exec", "globals", "locals", "vars", "__import__"}


class NotInertError(Exception):
    """Something was captured that may hold parameters."""


def inert(f: Any) -> Callable[[], bool] | None:
    """Whether `f` is still inert, as a question for every call; None if it was not to begin with.

    A captured variable may be bound anew, and a captured tensor be made a parameter.
    """
    try:
        captured = Captured(f)
    except NotInertError:
        return None
    return captured.unchanged if captured.unchanged() else None


@final
class Captured:
    """What a function, and those that it captured, can reach."""

    def __init__(self, f: Any) -> None:
        self._cells: list[tuple[CellType, Any]] = []
        self._names: list[tuple[dict[str, Any], str, Any]] = []
        self._functions: list[tuple[FunctionType, CodeType, Any]] = []
        self._tensors: list[torch.Tensor] = []
        self.libraries: list[Any] = []  # functions and classes of libraries
        self._visit(f)

    @property
    def codes(self) -> list[CodeType]:
        """The code of the function, and of those that it captured."""
        return [code for _, code, _ in self._functions]

    @property
    def builtins(self) -> list[str]:
        """The names that none of these functions' modules binds."""
        return [name for _, name, value in self._names if value is _ABSENT]

    def unchanged(self) -> bool:
        """Whether nothing was bound anew, and no tensor made a parameter."""
        return self.bound() and not any(tensor.requires_grad for tensor in self._tensors)

    def bound(self) -> bool:
        """Whether nothing was bound anew."""
        for cell, value in self._cells:
            if cell.cell_contents is not value:
                return False
        for namespace, name, value in self._names:
            if namespace.get(name, _ABSENT) is not value:
                return False
        for function, code, defaults in self._functions:
            if function.__code__ is not code or function.__defaults__ is not defaults:
                return False
            if function.__dict__ or function.__kwdefaults__:  # f may read its own attributes
                return False
        return True

    def _visit(self, f: Any) -> None:
        if type(f) is not FunctionType or f.__kwdefaults__ or f.__dict__:
            raise NotInertError
        if any(f is function for function, *_ in self._functions):
            return
        self._functions.append((f, f.__code__, f.__defaults__))
        for cell in f.__closure__ or ():
            try:
                value = cell.cell_contents
            except ValueError:  # not filled yet
                raise NotInertError from None
            self._cells.append((cell, value))
            self._admit(value)
        for name in _globals_of(f.__code__):
            value = f.__globals__.get(name, _ABSENT)
            self._names.append((f.__globals__, name, value))
            if value is not _ABSENT:
                self._admit(value)
        for value in f.__defaults__ or ():
            self._admit(value)

    def _admit(self, value: Any) -> None:
        """Take note of a value that holds no parameter, or raise."""
        kind = type(value)
        if kind in _DATA or isinstance(value, np.generic | np.ufunc):
            return
        if kind is torch.Tensor:
            self._tensors.append(value)
        elif kind is tuple:
            for part in value:
                self._admit(part)
        elif kind is FunctionType and not _is_libraries(value):
            self._visit(value)
        elif _is_libraries(value):
            if kind is not ModuleType:
                self.libraries.append(value)
        elif kind is not np.ndarray or value.dtype == object:
            raise NotInertError


def _is_libraries(value: Any) -> bool:
    """Whether a module, class or function is a library's own, with nothing of the user's inside."""
    if isinstance(value, ModuleType):
        name = value.__name__
    elif isinstance(value, type):
        name = value.__module__
    elif isinstance(value, BuiltinFunctionType):
        owner = value.__self__
        return owner is None or isinstance(owner, type | ModuleType)
    elif isinstance(value, FunctionType):
        if value.__closure__ or hasattr(value, "__wrapped__"):
            return False
        name = value.__globals__.get("__name__", "")
    else:
        return False
    return name.partition(".")[0] in _LIBRARIES


def _globals_of(code: CodeType) -> tuple[str, ...]:
    """The global names that code reads; code that can read any raises."""
    names = global_names(code)
    imports = any(i.opname.startswith("IMPORT") for i in instructions(code))
    if imports or not _REACH_ANYTHING.isdisjoint(names):
        raise NotInertError
    return names
