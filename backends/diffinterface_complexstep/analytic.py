"""Real arrays moved off the real line: complex inside, and refusing whatever is not analytic.

f sees an `Analytic` where it expects a real array. It passes through functions that extend analytically
to complex arguments, and raises `NonAnalyticError` in all others: ``abs``, ``conj``, comparisons and
the like would silently answer with a wrong derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, final

import numpy as np

from diffinterface.extend import Array, array_namespace, framework_of
from diffinterface.extend.arrays import ALIASES, Leveled, OverloadedNamespace, direct_operators

from .errors import refuse

#: ``rule(name, function, args, options)`` by NumPy's name; `functions` fills the table.
RULES: dict[str, Callable[..., Any]] = {}

# What to write instead of a conversion, or where another word says better what f did.
_HINTS = {
    "np.asarray": "np.asarray, or assignment into a plain array (use np.zeros_like(x))",
    "float()": "float(), as math.sin and its like call it (use np.sin)",
    "complex()": "complex(), as cmath calls it (use np.sin and its like)",
}


def call(name: str, function: Any, args: Any, options: dict[str, Any]) -> Any:
    """`function` of arguments of which some are `Analytic`, if it is analytic.

    Raises
    ------
    NonAnalyticError
        If it is not known to be.
    """
    known = ALIASES.get(name, name)
    rule = RULES.get(known)
    if rule is None:
        raise refuse(name)
    return rule(known, function, args, options)


def holds(*trees: Any) -> bool:
    """Whether any `Analytic` is among arguments."""
    for tree in trees:
        if isinstance(tree, Analytic) or (isinstance(tree, tuple | list) and holds(*tree)):
            return True
    return False


@final
class Analytic(Leveled):
    """A complex array that stands for a real one.

    Parameters
    ----------
    value : array
        Complex, of any framework. Its dtype is shown to f as the real one.
    level : int
        Which derivative it is part of.
    """

    __slots__ = ("level", "value")
    _answer = staticmethod(call)
    _holds = staticmethod(holds)

    def __init__(self, value: Array, level: int) -> None:
        self.value, self.level = value, level

    def __repr__(self) -> str:
        return f"Analytic({self.value!r})"

    @property
    def dtype(self) -> Any:
        return array_namespace(self.value).real(self.value).dtype

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return OverloadedNamespace(array_namespace(self.value), Analytic)

    def _written(self, name: str, function: Any, args: Any, options: Any, out: Any) -> Any:
        if out is not None and not all(t is None or isinstance(t, Analytic) for t in out):
            raise refuse(f"{name} with out= a plain array (use np.zeros_like(x))")
        return Leveled._written(self, name, function, args, options, out)

    # --- conversions that would lose the imaginary part --------------------------------------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if dtype is not None and np.dtype(dtype) == object:
            return self._boxed()
        return self._convert("np.asarray")

    def _convert(self, operation: str) -> None:
        raise refuse(_HINTS.get(operation, operation))

    def __bool__(self) -> bool:
        raise refuse("a truth value")

    @property
    def real(self) -> Any:
        raise refuse(".real")

    @property
    def imag(self) -> Any:
        raise refuse(".imag")

    # --- as an array -----------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Analytic:
        return wrap(self.value[index], self.level)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.value[index] = unwrap(value, self.level)

    @property
    def T(self) -> Analytic:  # noqa: N802 - NumPy's name
        return wrap(self.value.T, self.level)

    @property
    def mT(self) -> Analytic:  # noqa: N802 - the standard's name
        return wrap(self.value.mT, self.level)

    def copy(self) -> Analytic:
        framework = framework_of(self.value)
        assert framework is not None
        return wrap(framework.own(self.value), self.level)

    def _method(self, name: str) -> Callable[..., Any]:
        if ALIASES.get(name, name) not in RULES:
            raise self._unknown(name)
        return partial(getattr(self.__array_namespace__(), name), self)

    def _unknown(self, name: str) -> Exception:
        if hasattr(np.ndarray, name) and not name.startswith("__"):
            return refuse(f".{name}")
        return super()._unknown(name)


direct_operators(Analytic, RULES)


def unwrap(tree: Any, level: int) -> Any:
    """Plain arrays for `Analytic` ones, in tuples and lists too."""
    if isinstance(tree, Analytic):
        if tree.level != level:
            raise refuse("another complex step around or inside this one")
        return tree.value
    if isinstance(tree, tuple | list):
        return type(tree)([unwrap(part, level) for part in tree])
    return tree


def wrap(tree: Any, level: int) -> Any:
    """`Analytic` for complex arrays, in tuples and lists too; other values as they are."""
    if isinstance(tree, tuple | list):
        parts = [wrap(part, level) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    if "complex" in str(getattr(tree, "dtype", "")):
        return Analytic(tree, level)
    return tree
