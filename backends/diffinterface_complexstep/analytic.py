"""Real arrays moved off the real line: complex inside, and refusing whatever is not analytic.

f sees an `Analytic` where it expects a real array. It passes through functions that extend analytically
to complex arguments, and raises `NonAnalyticError` in all others: ``abs``, ``conj``, comparisons and
the like would silently answer with a wrong derivative.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from diffinterface.arrays.facts import Array
from diffinterface.arrays.framework import framework_of
from diffinterface.arrays.namespace import array_namespace
from diffinterface.arrays.perturbations import Leveled, innermost
from diffinterface.errors import NonAnalyticError

from . import functions

_ADVICE = "Use AutoForwardDiff(), or write f with analytic functions of x only."


def refuse(what: str) -> NonAnalyticError:
    """The error for a function that has no analytic extension."""
    return NonAnalyticError(
        f"The complex step met {what}, which is not analytic (or not known to be). {_ADVICE}",
        function=what,
    )


@final
class Analytic(Leveled, NDArrayOperatorsMixin):
    """A complex array that stands for a real one.

    Parameters
    ----------
    value : array
        Complex, of any framework. Its dtype is shown to f as the real one.
    level : int
        Which derivative it is part of.
    """

    __slots__ = ("level", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Array, level: int) -> None:
        self.value, self.level = value, level

    def __repr__(self) -> str:
        return f"Analytic({self.value!r})"

    # --- facts -----------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape)

    @property
    def ndim(self) -> int:
        return len(self.value.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def dtype(self) -> Any:
        return array_namespace(self.value).real(self.value).dtype

    @property
    def device(self) -> Any:
        return self.value.device

    def __len__(self) -> int:
        return len(self.value)

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        from .namespace import Namespace

        return Namespace(array_namespace(self.value), self.level)

    # --- dispatch from NumPy ---------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if not isinstance(innermost(inputs, self), Analytic):
            return NotImplemented  # an inner engine's array takes this one as a constant
        name = ufunc.__name__
        out = options.pop("out", None)
        if out is not None and not isinstance(out[0], Analytic):
            raise refuse(f"{name} with out= a plain array (use np.zeros_like(x))")
        if method == "__call__":
            result = functions.call(name, ufunc, inputs, options)
        elif method in ("reduce", "accumulate") and name in ("add", "multiply"):
            options = functions.without_dtype(name, options)
            options = {key: v for key, v in options.items() if v is not None or key == "axis"}
            result = self._like(getattr(ufunc, method)(*map(self._unwrap, inputs), **options))
        elif method == "outer" and name in functions.ANALYTIC:
            result = self._like(ufunc.outer(*map(self._unwrap, inputs), **options))
        else:
            raise refuse(f"{name}.{method}")
        if out is not None:
            out[0].value = out[0].value * 0 + out[0]._unwrap(result)
            return out[0]
        return result

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if not isinstance(innermost(args, self), Analytic):
            return NotImplemented
        name = function.__name__
        if function.__module__ in ("numpy.linalg", "numpy.fft"):
            name = f"{function.__module__.rpartition('.')[2]}.{name}"
        return functions.call(name, function, args, options)

    # --- conversions that would lose the imaginary part --------------------------------------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if dtype is not None and np.dtype(dtype) == object:
            boxed = np.empty(self.shape, object)
            for index in np.ndindex(self.shape):
                boxed[index] = self._like(self.value[index])
            return boxed
        raise refuse("np.asarray, or assignment into a plain array (use np.zeros_like(x))")

    def __float__(self) -> float:
        raise refuse("float(), as math.sin and its like call it (use np.sin)")

    def __int__(self) -> int:
        raise refuse("int()")

    def __complex__(self) -> complex:
        raise refuse("complex(), as cmath calls it (use np.sin and its like)")

    def __bool__(self) -> bool:
        raise refuse("a truth value")

    def item(self, *args: Any) -> Any:
        raise refuse("item()")

    def tolist(self) -> Any:
        raise refuse("tolist()")

    @property
    def real(self) -> Any:
        raise refuse(".real")

    @property
    def imag(self) -> Any:
        raise refuse(".imag")

    # --- as an array -----------------------------------------------------------------------------

    def _like(self, value: Any) -> Any:
        return wrap(value, self.level)

    def _unwrap(self, value: Any) -> Any:
        return unwrap(value, self.level)

    def __getitem__(self, index: Any) -> Analytic:
        taken = self.value[index]
        return self._like(taken)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.value[index] = self._unwrap(value)

    def __iter__(self) -> Iterator[Analytic]:
        return (self[i] for i in range(len(self)))

    @property
    def T(self) -> Analytic:  # noqa: N802 - NumPy's name
        return self._like(self.value.T)

    @property
    def mT(self) -> Analytic:  # noqa: N802 - the standard's name
        return self._like(self.value.mT)

    def astype(self, dtype: Any, **options: Any) -> Analytic:
        """The same array: a real dtype is the one that it stands for."""
        if np.dtype(dtype).kind != "f":
            raise refuse(f"a cast to {dtype}")
        return self

    def copy(self) -> Analytic:
        framework = framework_of(self.value)
        assert framework is not None
        return self._like(framework.own(self.value))

    def reshape(self, *shape: Any) -> Analytic:
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        return self._like(array_namespace(self.value).reshape(self.value, tuple(wanted)))

    def __getattr__(self, name: str) -> Any:
        if name in functions.METHODS:
            function = getattr(self.__array_namespace__(), functions.METHODS[name])
            return lambda *args, **options: function(self, *args, **options)
        if hasattr(np.ndarray, name) and not name.startswith("__"):
            raise refuse(f".{name}")
        raise AttributeError(f"Analytic has no attribute {name!r}")


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
    if isinstance(tree, np.complexfloating):
        return Analytic(np.asarray(tree), level)
    if "complex" in str(getattr(tree, "dtype", "")):
        return Analytic(tree, level)
    return tree
