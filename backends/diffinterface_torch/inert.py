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

from diffinterface.capture import global_names, instructions

_ABSENT = object()
_LIBRARIES = frozenset({"torch", "numpy", "math", "cmath", "builtins", "diffinterface"})
_DATA = (int, float, complex, bool, str, bytes, type(None), torch.dtype, torch.device, torch.Size)
_REACH_ANYTHING = {"eval", "exec", "globals", "locals", "vars", "__import__"}


class _NotInertError(Exception):
    """Something was captured that may hold parameters."""


def inert(f: Any) -> Callable[[], bool] | None:
    """Whether `f` is still inert, as a question for every call; None if it was not to begin with.

    A captured variable may be bound anew, and a captured tensor be made a parameter.
    """
    try:
        return _Captured(f).unchanged
    except _NotInertError:
        return None


@final
class _Captured:
    """What a function, and those that it captured, can reach."""

    def __init__(self, f: Any) -> None:
        self._cells: list[tuple[CellType, Any]] = []
        self._names: list[tuple[dict[str, Any], str, Any]] = []
        self._functions: list[tuple[FunctionType, CodeType, Any]] = []
        self._tensors: list[torch.Tensor] = []
        self._visit(f)

    def unchanged(self) -> bool:
        for cell, value in self._cells:
            if cell.cell_contents is not value:
                return False
        for namespace, name, value in self._names:
            if namespace.get(name, _ABSENT) is not value:
                return False
        for function, code, defaults in self._functions:
            if function.__code__ is not code or function.__defaults__ is not defaults:
                return False
        return not any(tensor.requires_grad for tensor in self._tensors)

    def _visit(self, f: Any) -> None:
        if type(f) is not FunctionType or f.__kwdefaults__:
            raise _NotInertError
        if any(f is function for function, *_ in self._functions):
            return
        self._functions.append((f, f.__code__, f.__defaults__))
        for cell in f.__closure__ or ():
            try:
                value = cell.cell_contents
            except ValueError:  # not filled yet
                raise _NotInertError from None
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
        if kind is torch.Tensor and not value.requires_grad:
            self._tensors.append(value)
        elif kind is tuple:
            for part in value:
                self._admit(part)
        elif kind is FunctionType and not _is_libraries(value):
            self._visit(value)
        elif not (_is_libraries(value) or (kind is np.ndarray and value.dtype != object)):
            raise _NotInertError


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
        raise _NotInertError
    return names
