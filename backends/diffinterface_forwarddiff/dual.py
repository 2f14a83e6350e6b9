"""Dual numbers over any array: a value, and k tangents on a trailing axis.

Each derivative that is being taken has a level, from a counter that only rises. A higher level started
later, so it is the inner perturbation; operands of lower levels are constants to it and live inside its
value and its tangents. Perturbations can therefore never be confused (Siskind & Pearlmutter, *Nesting
forward-mode AD in a functional framework*, 2008).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from diffinterface.arrays.facts import Array
from diffinterface.arrays.perturbations import innermost

from .errors import DualConversionError, MissingRuleError
from .levels import holds
from .table import call, method_names, rule_name
from .values import Perturbed, copied, is_immutable, is_scalar, namespace_of


@final
class Dual(Perturbed, NDArrayOperatorsMixin):
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
        if not isinstance(innermost(inputs, self), Dual):
            return NotImplemented  # an inner engine's array takes Duals as constants
        out = options.pop("out", None)
        if method == "outer":
            return ufunc(_outer_axes(*inputs), inputs[1], out=out, **options)
        if method == "__call__":
            name, function = ufunc.__name__, ufunc
        else:
            name, function = f"{ufunc.__name__}.{method}", None
            if method in ("reduce", "accumulate"):
                options.setdefault("axis", 0)
        if out is None:
            return call(name, function, inputs, options)
        if options.get("where", True) is not True:
            raise MissingRuleError(name, "with where= has no derivative rule")
        compute = getattr(ufunc, method)
        result = (
            call(name, function, inputs, options) if holds(inputs) else compute(*inputs, **options)
        )
        if len(out) == 1 and out[0] is inputs[0] and is_immutable(out[0]):
            return result  # as NumPy does with its scalars: s *= 2 makes a new one
        return _store(result, out)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if not isinstance(innermost(args, self), Dual):
            return NotImplemented
        name = rule_name(function)
        if options.get("out") is None:
            options = {key: v for key, v in options.items() if key != "out"} if options else options
            return call(name, function, args, options)
        out = options.pop("out")
        if holds((args, tuple(options.values()))):
            return _store(call(name, function, args, options), (out,))
        return _store(function(*args, **options), (out,))

    # --- conversions that would lose the tangents --------------------------------------------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if sys._getframe(1).f_code.co_name == "_matmul_dispatch":
            box = np.empty((), object)  # at which scipy.sparse leaves the product to `__rmatmul__`
            box[()] = self
            return box
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

    # --- products with matrices of scipy.sparse ---------------------------------------------------

    def __rmatmul__(self, other: Any) -> Any:
        if _is_sparse(other):
            return call("sparse_matmul", np.matmul, (other, self), {})
        return np.matmul(other, self)  # by the protocol: another engine may stand inside

    def __matmul__(self, other: Any) -> Any:
        if _is_sparse(other):
            return call("sparse_matmul", np.matmul, (other.T, self.T), {}).T
        return np.matmul(self, other)

    def __rmul__(self, other: Any) -> Any:
        # Of SciPy's matrices, which come here, it is the matrix product; its arrays do not.
        return self.__rmatmul__(other) if _is_sparse(other) else np.multiply(other, self)

    # --- as an array -----------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Any:
        value, tangent = self.value[index], self.tangent[trailing(index)]
        if type(value) is np.ndarray:
            return Dual(value, tangent, self.level)
        if isinstance(value, np.generic) or is_scalar(value):
            tangent = copied(tangent)  # a NumPy scalar is no view, so neither may its tangents be
        return Dual(value, tangent, self.level)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.assign(index, value)

    def assign(self, index: Any, value: Any) -> None:
        """Write `value` and its tangents; a constant has none."""
        if is_scalar(self):
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

    __copy__ = copy

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

    def flatten(self, order: str = "C") -> Any:
        """A flat copy."""
        return call("ravel", np.ravel, (self, order), {}).copy()

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


def _is_sparse(x: Any) -> bool:
    return hasattr(x, "tocoo")


def _outer_axes(a: Any, b: Any) -> Any:
    """`a` with an axis of length 1 behind its own for each one of b."""
    a = a if isinstance(a, Dual) else np.asarray(a)
    return a.reshape((*a.shape, *(1,) * np.ndim(b)))


def _store(result: Any, out: tuple[Any, ...]) -> Any:
    """Results, written where out= says."""
    parts = result if isinstance(result, tuple) else (result,)
    for target, part in zip(out, parts, strict=True):
        if not isinstance(target, Dual):
            raise DualConversionError("an assignment into a plain array (out=)")
        if is_scalar(target):
            raise TypeError("return arrays must be of ArrayType")
        if part.dtype != target.dtype and not np.can_cast(part.dtype, target.dtype, "same_kind"):
            raise TypeError(f"Cannot cast {part.dtype} to {target.dtype} in an in-place operation.")
        target.assign(..., part)
    return out[0] if len(out) == 1 else out


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
