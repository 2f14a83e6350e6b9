"""Functions that cannot reach a parameter which somebody outside is differentiating.

Most functions capture torch itself, other functions and plain data. Of these the tape need not be
searched for captured parameters, which costs as much as a small function does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any, final

import numpy as np
import torch

from diffinterface.extend.captures import Captured, global_names, instructions

_LIBRARIES = frozenset({"torch", "numpy", "math", "cmath", "builtins", "diffinterface"})
_DATA = (int, float, complex, bool, str, bytes, type(None), torch.dtype, torch.device, torch.Size)
_REACH_ANYTHING = {"eval", "exec", "globals", "locals", "vars", "__import__"}


def inert(f: Any) -> Callable[[], bool] | None:
    """Whether `f` is still inert, as a question for every call; None if it was not to begin with.

    A captured variable may be bound anew, and a captured tensor be made a parameter.
    """
    reach = Reach.of(f)
    if reach is None:
        return None
    tensors, unchanged = [v for v in reach.values if type(v) is torch.Tensor], reach.unchanged

    def still() -> bool:
        for tensor in tensors:
            if tensor.requires_grad:
                return False
        return unchanged()

    return still if still() else None


@final
class Reach:
    """All that a function can reach, where none of it may hold a parameter.

    Attributes
    ----------
    values : list
        What it captured, and the functions that it captured captured.
    functions : list of function
        Itself, and those.
    builtins : list of (namespace, name)
        The names that none of these functions' modules binds.
    """

    def __init__(self, f: FunctionType) -> None:
        self._captured = Captured(f, follows=lambda _, inner, held: not is_librarys(inner))
        self.values = list(_parts(self._captured.values()))
        self.functions = [function for function, *_ in self._captured.functions]
        self._attributes = list(map(vars, self.functions))
        self.builtins = [
            (function.__globals__, name)
            for function in self.functions
            for name in global_names(function.__code__)
            if name not in function.__globals__
        ]

    @classmethod
    def of(cls, f: Any) -> Reach | None:
        """Of `f`; None where it may reach more."""
        if type(f) is not FunctionType:
            return None
        reach = cls(f)
        return reach if reach.unchanged() and reach._is_bounded() else None

    def unchanged(self) -> bool:
        """Whether nothing was bound anew."""
        for space, name in self.builtins:
            if name in space:
                return False
        # f may read its own attributes.
        return self._captured.unchanged() and not any(self._attributes)

    def _is_bounded(self) -> bool:
        return (
            not any(f.__kwdefaults__ or _imports(f.__code__) for f in self.functions)
            and all(_REACH_ANYTHING.isdisjoint(global_names(f.__code__)) for f in self.functions)
            and all(map(_is_plain, self.values))
        )


def _parts(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if type(value) is tuple:
            yield from _parts(value)
        else:
            yield value


def _is_plain(value: Any) -> bool:
    """Whether a value holds no parameter, but what a tensor may become."""
    kind = type(value)
    return (
        kind in _DATA
        or kind is FunctionType  # a library's, or one that was followed
        or kind is torch.Tensor
        or (kind is np.ndarray and value.dtype != object)
        or isinstance(value, np.generic | np.ufunc)
        or is_librarys(value)
    )


def is_librarys(value: Any) -> bool:
    """Whether a module, class or function is a library's own, with nothing of the user's inside."""
    if isinstance(value, BuiltinFunctionType):
        owner = value.__self__
        return owner is None or isinstance(owner, type | ModuleType)
    name = ""
    if isinstance(value, ModuleType):
        name = value.__name__
    elif isinstance(value, type):
        name = value.__module__
    elif isinstance(value, FunctionType) and not value.__closure__:
        name = "" if hasattr(value, "__wrapped__") else value.__globals__.get("__name__", "")
    return name.partition(".")[0] in _LIBRARIES


def _imports(code: CodeType) -> bool:
    return any(i.opname.startswith("IMPORT") for i in instructions(code))
