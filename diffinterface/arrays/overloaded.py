"""Arrays of our own, to which NumPy hands its functions by name: what all engines' arrays share.

An engine that follows f with arrays derives them from `Overloaded`, and says how a call is answered:
most often from a table of rules, which starts empty and which modules above fill. Everything else
(operators, methods, ``out=``, the array-API namespace, and what SciPy and ``np.vectorize`` ask for) is
the same for all, and stands here.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .names import METHODS, function_name


class Overloaded(NDArrayOperatorsMixin):
    """An array around another one, `value`, that stands for it in f.

    Subclasses define ``_answer``, ``_holds``, ``_convert``, ``__bool__``, ``__getitem__``,
    ``__setitem__`` and ``copy``.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]
    __array_priority__ = 1000.0
    value: Any

    # --- what an engine says ---------------------------------------------------------------------

    #: ``_answer(name, function, args, options)``: a function of arguments of which some hold arrays of
    #: this class; `function` computes it of plain ones.
    _answer: Callable[..., Any]
    #: ``_holds(*trees)``: whether arrays of this class are among arguments, in lists and tuples too.
    _holds: Callable[..., bool]

    @classmethod
    def _answer_named(cls, name: str, function: Any, args: Any, options: dict[str, Any]) -> Any:
        """The function `name` of a namespace; `function` is None if the plain one has none."""
        return cls._answer(name, function, args, options)

    @classmethod
    def _adds(cls, name: str) -> bool:
        """Whether there is a function `name` in the namespace of these arrays alone."""
        return False

    def _yields(self, operands: Any) -> bool:
        """Whether an array of another engine among operands answers, and takes this as a constant."""
        return False

    def _convert(self, operation: str) -> None:
        """`operation` is about to keep the values alone: raise, if they are not all that counts."""
        raise NotImplementedError

    def copy(self) -> Any:
        """An array that shares no memory with this one."""
        raise NotImplementedError

    def _method(self, name: str) -> Callable[..., Any]:
        """A function of this array as its method."""
        return partial(getattr(np, name), self)

    def _unknown(self, name: str) -> Exception:
        """The error for an attribute that arrays of this class do not have."""
        return AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    # --- facts -----------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape)

    @property
    def ndim(self) -> int:
        return len(self.value.shape)

    @property
    def size(self) -> int:
        return math.prod(self.value.shape)

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def device(self) -> Any:
        return getattr(self.value, "device", None)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"len() of a 0-d {type(self).__name__}")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    # --- dispatch from NumPy ---------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if len(inputs) > 1 and self._yields(inputs):
            return NotImplemented
        if method == "__call__" and not options:
            return self._answer(ufunc.__name__, ufunc, inputs, options)
        out = options.pop("out", None)
        if method == "outer":
            return ufunc(_outer_axes(*inputs), inputs[1], out=out, **options)
        name, function = ufunc.__name__, ufunc
        if method != "__call__":
            name, function = f"{name}.{method}", getattr(ufunc, method)
            if method in ("reduce", "accumulate"):
                options.setdefault("axis", 0)
        if out is not None and len(out) == 1 and out[0] is inputs[0] and _is_immutable(out[0]):
            out = None  # as NumPy does with its scalars: s *= 2 makes a new one
        return self._written(name, function, inputs, options, out)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if self._yields(args):
            return NotImplemented
        if not options:
            return self._answer(function_name(function), function, args, options)
        out = options.get("out")
        options = {key: value for key, value in options.items() if key != "out"}
        return self._written(
            function_name(function), function, args, options, None if out is None else (out,)
        )

    def _written(self, name: str, function: Any, args: Any, options: Any, out: Any) -> Any:
        """The result of a function, in the arrays `out` if there are any."""
        if out is None:
            return self._answer(name, function, args, options)
        if self._holds(args, tuple(options.values())):
            result = self._answer(name, function, args, options)
        else:
            result = function(*args, **options)
        return self._store(result, out, isinstance(function, np.ufunc) or name in _ELEMENTWISE)

    def _store(self, result: Any, out: tuple[Any, ...], broadcasts: bool = True) -> Any:
        """Write results into `out`, and give these; elementwise functions broadcast into them."""
        parts = result if isinstance(result, tuple) else (result,)
        given = []
        for target, part in zip(out, parts, strict=True):
            given.append(part if target is None else target)
            if target is None:  # np.modf(x, out=(a, None)) makes the second one
                continue
            if not isinstance(target, type(self)):
                self._leave(target, part)
                continue
            _check_shape(target.shape, tuple(getattr(part, "shape", ())), broadcasts)
            if is_numpy_scalar(target):
                raise TypeError("return arrays must be of ArrayType")
            wanted = target.dtype
            dtype = getattr(part, "dtype", wanted)
            if dtype != wanted and not np.can_cast(dtype, wanted, "same_kind"):
                raise TypeError(f"Cannot cast {dtype} to {wanted} in an in-place operation.")
            target[...] = part
        return given[0] if len(given) == 1 else tuple(given)

    def _leave(self, target: Any, part: Any) -> None:
        """Write `part` into an array that holds values alone."""
        self._convert("an assignment into a plain array (out=)")

    # --- conversions that would keep the values alone ------------------------------------------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if sys._getframe(1).f_code.co_name == "_matmul_dispatch":
            box = np.empty((), object)  # at which scipy.sparse leaves the product to `__rmatmul__`
            box[()] = self
            return box
        # np.vectorize boxes its arguments, and one sample result to learn its dtype: as objects.
        if _in_vectorize() or (dtype is not None and np.dtype(dtype) == object):
            return self._boxed()
        self._convert("np.asarray, np.array of a list, or an assignment into a plain array")
        return np.array(self.value, dtype=dtype)

    def _boxed(self) -> Any:
        """An array of objects, the elements."""
        boxes = np.empty(self.shape, object)
        for index in np.ndindex(self.shape):
            boxes[index] = self[index]
        return boxes

    def __float__(self) -> float:
        self._convert("float()")
        return float(self.value)

    def __complex__(self) -> complex:
        self._convert("complex()")
        return complex(self.value)

    def __int__(self) -> int:
        self._convert("int()")
        return int(self.value)

    def __index__(self) -> int:
        self._convert("an index")
        return int(self.value.__index__())

    def __round__(self, digits: int = 0) -> Any:
        self._convert("round()")

    def item(self, *args: Any) -> Any:
        """Refuse: a Python number keeps the value alone."""
        self._convert("item()")
        return self.value.item(*args)

    def tolist(self) -> Any:
        """Refuse: Python numbers keep the values alone."""
        self._convert("tolist()")
        return self.value.tolist()

    # --- products with matrices of scipy.sparse ---------------------------------------------------

    def __rmatmul__(self, other: Any) -> Any:
        if _is_sparse(other):
            return self._answer("sparse_matmul", np.matmul, (other, self), {})
        return np.matmul(other, self)  # by the protocol: another engine may stand inside

    def __matmul__(self, other: Any) -> Any:
        if _is_sparse(other):
            return self._answer("sparse_matmul", np.matmul, (other.T, self.T), {}).T
        return np.matmul(self, other)

    def __rmul__(self, other: Any) -> Any:
        # Of SciPy's matrices, which come here, it is the matrix product; its arrays do not.
        return self.__rmatmul__(other) if _is_sparse(other) else np.multiply(other, self)

    # --- as an array -----------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError

    def __setitem__(self, index: Any, value: Any) -> None:
        raise NotImplementedError

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        return self._answer("transpose", np.transpose, (self,), {})

    @property
    def mT(self) -> Any:  # noqa: N802 - the standard's name
        return self._answer("matrix_transpose", np.matrix_transpose, (self,), {})

    @property
    def real(self) -> Any:
        return self._answer("real", np.real, (self,), {})

    @property
    def imag(self) -> Any:
        return self._answer("imag", np.imag, (self,), {})

    def reshape(self, *shape: Any, **options: Any) -> Any:
        """The same entries in another shape."""
        wanted = shape[0] if len(shape) == 1 else shape
        return self._answer("reshape", np.reshape, (self, wanted), options)

    def transpose(self, *axes: Any) -> Any:
        """Axes permuted."""
        order = axes[0] if len(axes) == 1 else (axes or None)
        return self._answer("transpose", np.transpose, (self, order), {})

    def astype(self, dtype: Any, **options: Any) -> Any:
        """The same numbers in another dtype."""
        return self._answer("astype", None, (self, dtype), {})

    def flatten(self, order: str = "C") -> Any:
        """A flat copy."""
        return self._answer("ravel", np.ravel, (self, order), {}).copy()

    def fill(self, value: Any) -> None:
        """Write one value everywhere."""
        self[...] = value

    def sort(self, axis: int = -1) -> None:
        """Sort in place."""
        self[...] = self._answer("sort", np.sort, (self,), {"axis": axis})

    def __getattr__(self, name: str) -> Any:
        if name in METHODS:
            return self._method(name)
        raise self._unknown(name)


class Namespace:
    """The array-API namespace `base`, whose functions take arrays of the class `kind` too."""

    def __init__(self, base: Any, kind: type[Overloaded], prefix: str = "") -> None:
        self._base, self._kind, self._prefix = base, kind, prefix

    def __repr__(self) -> str:
        base = getattr(self._base, "__name__", self._base)
        return f"<{base} of {self._kind.__name__.lower()} arrays>"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Namespace)
            and other._base is self._base
            and other._kind is self._kind
            and other._prefix == self._prefix
        )

    def __hash__(self) -> int:
        return hash(id(self._base))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self._base, name, None)
        if name in ("linalg", "fft") and not self._prefix:  # fft.fft is a function
            return type(self)(found, self._kind, f"{name}.")
        if found is not None and (not callable(found) or _is_dtype(found)):
            return found
        if found is None and not self._kind._adds(self._prefix + name):
            raise AttributeError(f"{self!r} has no attribute {name!r}")
        return _dispatching(self._kind, self._prefix + name, found)


def _dispatching(kind: type[Overloaded], name: str, function: Any) -> Callable[..., Any]:
    holds, answer = kind._holds, kind._answer_named

    def dispatch(*args: Any, **options: Any) -> Any:
        if holds(args, tuple(options.values())):
            return answer(name, function, args, options)
        if function is None:
            raise AttributeError(name)
        return function(*args, **options)

    dispatch.__name__ = name.rpartition(".")[2]
    return dispatch


def _in_vectorize() -> bool:
    """Whether np.vectorize asks; its list comprehension has a frame of its own before Python 3.12."""
    frame: Any = sys._getframe(2)
    for _ in range(2):
        if frame is not None and frame.f_code.co_name == "_get_ufunc_and_otypes":
            return True
        frame = frame.f_back if frame is not None else None
    return False


def _check_shape(out: tuple[int, ...], result: tuple[int, ...], broadcasts: bool) -> None:
    """As NumPy does: an array that a ufunc writes into may be larger, any other may not."""
    if out != result and not (broadcasts and np.broadcast_shapes(out, result) == out):
        raise ValueError(f"out= has shape {out}, expected {result}, which is that of the result.")


#: Functions of NumPy that are no ufuncs, and call one with their ``out=``.
_ELEMENTWISE = ("clip", "fix")


def is_numpy_scalar(x: Any) -> bool:
    """Whether x is a NumPy scalar, or an array around one: nobody can write into it."""
    return isinstance(_innermost_value(x), np.generic)


def _innermost_value(x: Any) -> Any:
    while isinstance(x, Overloaded):
        x = x.value
    return x


def _is_immutable(x: Any) -> bool:
    """Whether x is a NumPy scalar or a JAX array: ``x += 1`` makes a new one."""
    inner = _innermost_value(x)
    return isinstance(inner, np.generic) or hasattr(inner, "at")


def _is_dtype(found: Any) -> bool:
    """Whether a name in a namespace is a dtype, or another class; JAX's dtypes are no classes."""
    return isinstance(found, type) or hasattr(found, "dtype")


def _is_sparse(x: Any) -> bool:
    return hasattr(x, "tocoo")


def _outer_axes(a: Any, b: Any) -> Any:
    """`a` with an axis of length 1 behind its own for each one of b."""
    a = a if isinstance(a, Overloaded) else np.asarray(a)
    return a.reshape((*a.shape, *(1,) * np.ndim(b)))
