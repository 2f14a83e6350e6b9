"""Dual numbers over any array: a value, and k tangents on a trailing axis.

Each derivative that is being taken has a level, from a counter that only rises. A higher level started
later, so it is the inner perturbation; operands of lower levels are constants to it and live inside its
value and its tangents. Perturbations can therefore never be confused (Siskind & Pearlmutter, *Nesting
forward-mode AD in a functional framework*, 2008).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import count
from typing import Any, final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from diffinterface.arrays import Array

from .errors import DualConversionError
from .table import call, method_names
from .values import copied, namespace_of, zeros_beside

_levels = count(1)


def new_level() -> int:
    """A level above all those that are open."""
    return next(_levels)


@final
class Dual(NDArrayOperatorsMixin):
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
    __hash__ = None  # type: ignore[assignment]
    __array_priority__ = 1000.0

    def __init__(self, value: Array, tangent: Array, level: int) -> None:
        self.value = value
        self.tangent = tangent
        self.level = level

    def __repr__(self) -> str:
        return f"Dual({self.value!r}, tangents={self.width})"

    # --- facts -----------------------------------------------------------------------------------

    @property
    def width(self) -> int:
        """The number of tangents."""
        return int(self.tangent.shape[-1])

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape)

    @property
    def ndim(self) -> int:
        return len(self.value.shape)

    @property
    def size(self) -> int:
        size = 1
        for extent in self.value.shape:
            size *= extent
        return size

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def device(self) -> Any:
        return getattr(self.value, "device", None)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d Dual")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return namespace_of(self)

    # --- dispatch from NumPy ---------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        out = options.pop("out", None)
        if method != "__call__":
            ufunc_method = f"{ufunc.__name__}.{method}"
            result = call(ufunc_method, None, inputs, options)
        else:
            result = call(ufunc.__name__, ufunc, inputs, options)
        if out is None:
            return result
        for target, part in zip(
            out, result if isinstance(result, tuple) else (result,), strict=True
        ):
            if not isinstance(target, Dual):
                raise DualConversionError("an assignment into a plain array (out=)")
            target.assign(..., part)
        return out[0] if len(out) == 1 else out

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        module = function.__module__
        name = function.__name__
        if module in ("numpy.linalg", "numpy.fft"):
            name = f"{module[6:]}.{name}"
        out = options.pop("out", None) if "out" in options else None
        result = call(name, function, args, options)
        if out is None:
            return result
        if not isinstance(out, Dual):
            raise DualConversionError("an assignment into a plain array (out=)")
        out.assign(..., result)
        return out

    # --- conversions that would lose the tangents --------------------------------------------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        # np.vectorize boxes its arguments, and one sample result to learn its dtype: as objects.
        if _in_vectorize() or (dtype is not None and np.dtype(dtype) == object):
            boxes = np.empty(self.shape, object)
            for index in np.ndindex(self.shape):
                boxes[index] = self[index]
            return boxes
        raise DualConversionError(
            "np.asarray, np.array of a list, or an assignment into a plain array"
        )

    def __float__(self) -> float:
        raise DualConversionError("float()")

    def __int__(self) -> int:
        raise DualConversionError("int()")

    def __index__(self) -> int:
        raise DualConversionError("an index")

    def __complex__(self) -> complex:
        raise DualConversionError("complex()")

    def __round__(self, digits: int = 0) -> Any:
        raise DualConversionError("round()")

    def item(self, *args: Any) -> Any:
        """Refuse: a Python number has no tangents."""
        raise DualConversionError("item()")

    def tolist(self) -> Any:
        """Refuse: Python numbers have no tangents."""
        raise DualConversionError("tolist()")

    def __bool__(self) -> bool:
        return bool(self.value)

    # --- as an array -----------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Any:
        trailing = (*_tuple(index), slice(None)) if _has_ellipsis(index) else index
        return Dual(self.value[index], self.tangent[trailing], self.level)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.assign(index, value)

    def assign(self, index: Any, value: Any) -> None:
        """Write `value` and its tangents; a constant has none."""
        trailing = (*_tuple(index), slice(None)) if _has_ellipsis(index) else index
        tangent: Any = 0
        if isinstance(value, Dual):
            if value.level > self.level:
                raise DualConversionError("an assignment into an array of an outer derivative")
            if value.level == self.level:
                value, tangent = value.value, value.tangent
                tangent = tangent if tangent.shape[-1] == self.width else tangent + 0 * self.tangent
        self.value = _written(self.value, index, value)
        self.tangent = _written(self.tangent, trailing, tangent)

    def copy(self) -> Dual:
        """A Dual that shares no memory with this one."""
        return Dual(copied(self.value), copied(self.tangent), self.level)

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        return call("transpose", np.transpose, (self,), {})

    @property
    def mT(self) -> Any:  # noqa: N802 - the standard's name
        return call("matrix_transpose", np.matrix_transpose, (self,), {})

    @property
    def real(self) -> Any:
        return call("real", np.real, (self,), {})

    @property
    def imag(self) -> Any:
        return call("imag", np.imag, (self,), {})

    def reshape(self, *shape: Any, **options: Any) -> Any:
        """The same entries in another shape."""
        wanted = shape[0] if len(shape) == 1 else shape
        return call("reshape", np.reshape, (self, wanted), options)

    def transpose(self, *axes: Any) -> Any:
        """Axes permuted."""
        order = axes[0] if len(axes) == 1 else (axes or None)
        return call("transpose", np.transpose, (self, order), {})

    def astype(self, dtype: Any, **options: Any) -> Any:
        """The same numbers in another dtype; an integer dtype has no tangents."""
        return call("astype", None, (self, dtype), {})

    def flatten(self) -> Any:
        """A flat copy."""
        return self.reshape((-1,)).copy()

    def fill(self, value: Any) -> None:
        """Write one value everywhere."""
        self.assign(..., value)

    def sort(self, axis: int = -1) -> None:
        """Sort in place."""
        self.assign(..., call("sort", np.sort, (self,), {"axis": axis}))

    def __getattr__(self, name: str) -> Any:
        if name in method_names:
            function = getattr(np, method_names[name])
            return lambda *args, **options: call(
                method_names[name], function, (self, *args), options
            )
        raise AttributeError(f"Dual has no attribute {name!r}")


def _in_vectorize() -> bool:
    """Whether np.vectorize asks; its list comprehension has a frame of its own before Python 3.12."""
    frame: Any = sys._getframe(2)
    for _ in range(2):
        if frame is not None and frame.f_code.co_name == "_get_ufunc_and_otypes":
            return True
        frame = frame.f_back if frame is not None else None
    return False


def _tuple(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def _has_ellipsis(index: Any) -> bool:
    return index is Ellipsis or (isinstance(index, tuple) and any(i is Ellipsis for i in index))


def _written(target: Any, index: Any, value: Any) -> Any:
    """`target` with `value` at `index`: written in place where the framework allows it."""
    if hasattr(target, "at"):  # JAX arrays are immutable
        return target.at[index].set(value)
    if isinstance(target, np.generic):
        target = np.asarray(target)
    target[index] = value
    return target


def primal(y: Any, level: int) -> Any:
    """The value of y at `level`; y itself if it does not depend on that perturbation."""
    return y.value if isinstance(y, Dual) and y.level == level else y


def tangent(y: Any, level: int, k: int) -> Any:
    """The tangents of y at `level`; zeros if it does not depend on that perturbation."""
    if isinstance(y, Dual) and y.level == level:
        return y.tangent
    return zeros_beside(y, k)


def from_objects(boxes: Any) -> Any:
    """One Dual from an object array of 0-d Duals and numbers, as np.vectorize returns it."""
    flat = [call("stack", np.stack, (list(np.ravel(boxes)),), {})] if np.size(boxes) else []
    return flat[0].reshape(np.shape(boxes)) if flat else np.zeros(np.shape(boxes))
