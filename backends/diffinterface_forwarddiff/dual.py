"""Dual numbers over any array: a value, and k tangents on a trailing axis.

Each derivative that is being taken has a level, from a counter that only rises. A higher level started
later, so it is the inner perturbation; operands of lower levels are constants to it and live inside its
value and its tangents. Perturbations can therefore never be confused (Siskind & Pearlmutter, *Nesting
forward-mode AD in a functional framework*, 2008).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, final

import numpy as np

from diffinterface.extend import Array, array_namespace
from diffinterface.extend.arrays import OverloadedNamespace, direct_operators, is_numpy_scalar

from .errors import DualConversionError, MissingRuleError
from .levels import holds
from .table import RULES, call
from .values import NUMPY, Perturbed, copied, plain


@final
class Dual(Perturbed):
    """An array and its k directional derivatives.

    Parameters
    ----------
    value : array
        Of any framework, or a Dual of a lower level.
    tangent : array
        Of shape ``value.shape + (k,)``.
    level : int
        Which derivative this is part of.
    """

    __slots__ = ("level", "tangent", "value")
    _answer = staticmethod(call)
    _holds = staticmethod(holds)

    def __init__(self, value: Array, tangent: Array, level: int) -> None:
        self.value = value
        self.tangent = tangent
        self.level = level

    def __repr__(self) -> str:
        return f"Dual({self.value!r}, tangents={self.width})"

    @property
    def width(self) -> int:
        """The number of tangents."""
        return int(self.tangent.shape[-1])

    # --- dispatch --------------------------------------------------------------------------------

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        inner = plain(self)
        # NumPy's own functions dispatch to Duals; those of other frameworks do not.
        return np if isinstance(inner, NUMPY) else OverloadedNamespace(array_namespace(inner), Dual)

    @classmethod
    def _answer_named(cls, name: str, function: Any, args: Any, options: dict[str, Any]) -> Any:
        return call(name, None, args, options)  # a rule finds the function in its own namespace

    @classmethod
    def _adds(cls, name: str) -> bool:
        return True  # what has no rule says so when it is called

    def _method(self, name: str) -> Callable[..., Any]:
        return partial(_method, name, getattr(np, name), self)

    def _written(self, name: str, function: Any, args: Any, options: Any, out: Any) -> Any:
        if out is not None and options and options.get("where", True) is not True:
            raise MissingRuleError(name, "with where= has no derivative rule")
        return Perturbed._written(self, name, function, args, options, out)

    def _convert(self, operation: str) -> None:
        raise DualConversionError(operation)

    def __bool__(self) -> bool:
        return bool(self.value)

    # --- as an array -----------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Any:
        value, tangent = self.value[index], self.tangent[trailing(index)]
        if type(value) is np.ndarray and type(self.value) is np.ndarray:
            return Dual(value, tangent, self.level)
        if is_numpy_scalar(value) or is_numpy_scalar(self):
            # A NumPy scalar is no view, and has none; so neither may its tangents.
            tangent = copied(tangent)
        return Dual(value, tangent, self.level)

    def __setitem__(self, index: Any, value: Any) -> None:
        """Write `value` and its tangents; a constant has none."""
        if is_numpy_scalar(self):
            raise TypeError("A NumPy scalar does not support item assignment.")
        if isinstance(value, list | tuple) and holds(value):
            value = call("asarray", None, (value,), {})
        tangent: Any = 0
        if isinstance(value, Dual):
            if value.level > self.level:
                raise DualConversionError("an assignment into an array of an outer derivative")
            if value.level == self.level:
                value, tangent = value.value, value.tangent
                tangent = tangent if tangent.shape[-1] == self.width else tangent + 0 * self.tangent
        self.value = _written(self.value, index, value)
        self.tangent = _written(self.tangent, trailing(index), tangent)

    def copy(self) -> Dual:
        """A Dual that shares no memory with this one."""
        return Dual(copied(self.value), copied(self.tangent), self.level)


def _method(name: str, function: Any, *args: Any, **options: Any) -> Any:
    return call(name, function, args, options)


direct_operators(Dual, RULES)


def trailing(index: Any) -> Any:
    """`index` for an array with one more axis at the end."""
    if index is Ellipsis:
        return (index, slice(None))
    if isinstance(index, tuple) and any(i is Ellipsis for i in index):
        return (*index, slice(None))
    return index


def _written(target: Any, index: Any, value: Any) -> Any:
    """`target` with `value` at `index`: written in place where the framework allows it."""
    if hasattr(target, "at"):  # JAX arrays are immutable
        return target.at[index].set(value)
    target[index] = value
    return target
