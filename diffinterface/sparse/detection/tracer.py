"""The array that f is called with: values, and for each element the inputs that it depends on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .errors import conversion, foreign, unknown
from .sets import Sets
from .table import METHODS, call, ufunc_name, without_out
from .trace import Trace
from .traced import Traced, tracers, values


@final
class Tracer(Traced, NDArrayOperatorsMixin):
    """An array that remembers what it was computed from.

    It holds the values of f at the point of detection, which give every result its shape and dtype. In
    global mode they decide nothing else: a comparison is then an array without dependences that may not
    decide the program.

    Parameters
    ----------
    value : ndarray or NumPy scalar
        The values.
    first : Sets
        For each element the inputs that it depends on.
    second : Sets or None
        For each element the events that it depends on; see `Trace`.
    trace : Trace
        The run of f.
    """

    __slots__ = ("first", "second", "trace", "value")
    __hash__ = None  # type: ignore[assignment]
    __array_priority__ = 2000.0

    def __init__(self, value: Any, first: Sets, second: Sets | None, trace: Trace) -> None:
        self.value = value
        self.first = first
        self.second = second
        self.trace = trace

    def __repr__(self) -> str:
        return f"Tracer(shape={self.shape}, dtype={self.dtype})"

    # --- facts -----------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape)

    @property
    def ndim(self) -> int:
        return int(self.value.ndim)

    @property
    def size(self) -> int:
        return int(self.value.size)

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def itemsize(self) -> int:
        return int(self.value.itemsize)

    @property
    def nbytes(self) -> int:
        return int(self.value.nbytes)

    @property
    def device(self) -> str:
        return "cpu"

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        from .namespace import namespace

        return namespace

    # --- dispatch --------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        out, where = options.pop("out", None), options.pop("where", True)
        name = ufunc_name(ufunc, method)
        function = getattr(ufunc, method)
        if method in ("reduce", "accumulate"):
            options.setdefault("axis", 0)
            if where is not True:
                options["where"], where = where, True
        targets = [target for target in out or () if target is not None]
        if not tracers((inputs, tuple(options.values()), where)):
            result = function(*inputs, **options)
        else:
            result = call(name, function, inputs, options)
        if where is not True:
            if len(targets) != 1:
                raise unknown(
                    name, "with where= but without one out= leaves entries undefined, and"
                )
            result = call("where", np.where, (where, result, targets[0]), {})
        if not targets:
            return result
        if len(targets) == 1 and targets[0] is inputs[0] and isinstance(self.value, np.generic):
            return result  # as NumPy does with its scalars: s *= 2 makes a new one
        return store(self.trace, result, tuple(targets))

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        args, out = without_out(function, args, options.get("out"))
        options = {key: value for key, value in options.items() if key != "out"}
        module = getattr(function, "__module__", "") or ""
        name = function.__name__
        name = f"{module[6:]}.{name}" if module in ("numpy.linalg", "numpy.fft") else name
        if not tracers((args, tuple(options.values()))):
            result = function(*args, **options)
        else:
            result = call(name, function, args, options)
        return result if out is None else store(self.trace, result, (out,))

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), options: Any = None
    ) -> Any:
        name = getattr(function, "__name__", str(function))
        operator = _TORCH_OPERATORS.get(name)
        if operator is None or len(args) != 2 or options:
            raise foreign(f"torch.{name}", "torch")
        return call(operator.__name__, operator, args, {})

    def __rmatmul__(self, other: Any) -> Any:
        return call("matmul", np.matmul, (other, self), {})

    def __rmul__(self, other: Any) -> Any:
        if hasattr(other, "tocoo"):  # a scipy.sparse matrix, whose product this is
            return self.__rmatmul__(other)
        return call("multiply", np.multiply, (other, self), {})

    def __matmul__(self, other: Any) -> Any:
        return call("matmul", np.matmul, (self, other), {})

    # --- conversions that would lose what is known -------------------------------------------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        asked = sys._getframe(1).f_code.co_name
        if asked == "_matmul_dispatch":  # scipy.sparse, which then leaves the product to us
            box = np.empty((), object)
            box[()] = self
            return box
        if _in_vectorize() or (dtype is not None and np.dtype(dtype) == object):
            boxes = np.empty(self.shape, object)
            for index in np.ndindex(self.shape):
                boxes[index] = self[index]
            return boxes
        self._convert("np.asarray, np.array of a list, or an assignment into a plain array")
        return np.array(self.value, dtype=dtype)

    def _convert(self, operation: str) -> None:
        if self.constant:
            self.trace.decide(operation)
        else:
            self.trace.lose(conversion(operation))

    @property
    def constant(self) -> bool:
        """Whether nothing here depends on x."""
        return self.first.is_empty

    def __float__(self) -> float:
        self._convert("float()")
        return float(self.value)

    def __complex__(self) -> complex:
        self._convert("complex()")
        return complex(self.value)

    def __bool__(self) -> bool:
        self.trace.decide("the truth (if, while, and, or, max, min)")
        return bool(self.value)

    def __int__(self) -> int:
        self.trace.decide("int()")
        return int(self.value)

    def __index__(self) -> int:
        self.trace.decide("an index, a length or a range")
        return int(self.value.__index__())

    def __round__(self, digits: int = 0) -> Any:
        return call("round", np.round, (self, digits or 0), {})

    def __floor__(self) -> Any:
        return self.__int__()

    __ceil__ = __trunc__ = __floor__

    def item(self, *args: Any) -> Any:
        """Refuse: a Python number depends on nothing."""
        self._convert("item()")
        return self.value.item(*args)

    def tolist(self) -> Any:
        """Refuse: Python numbers depend on nothing."""
        self._convert("tolist()")
        return self.value.tolist()

    # --- as an array -----------------------------------------------------------------------------

    def moved(self, move: Callable[[Any], Any]) -> Tracer:
        """The same elements elsewhere."""
        second = None if self.second is None else self.second.map(move)
        return Tracer(move(self.value), self.first.map(move), second, self.trace)

    def __getitem__(self, index: Any) -> Any:
        if tracers(index):
            from .rules.structural import indexed

            return indexed(self, index)
        return self.moved(lambda part: part[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(self.value, np.generic):
            raise TypeError("A NumPy scalar does not support item assignment.")
        if not isinstance(value, Tracer) and tracers(value):
            value = call("asarray", None, (value,), {})
        if isinstance(value, Tracer) and value.trace is not self.trace:
            raise conversion("an array of another detection")
        if tracers(index):
            # Any of the values may be written anywhere, and any may stay.
            self.include(value)
            index = values(index)
        elif isinstance(value, Tracer):
            self.first.assign(index, value.first)
            if self.second is not None:
                self.second.assign(index, value.second)
        else:
            self.first.assign(index, None)
            if self.second is not None:
                self.second.assign(index, None)
        with np.errstate(all="ignore"):
            self.value[index] = values(value)

    def include(self, value: Any) -> None:
        """Any of `value` may have been written anywhere."""
        if isinstance(value, Tracer):
            self.first.include(value.first.all())
            if self.second is not None and value.second is not None:
                self.second.include(value.second.all())

    def copy(self, order: str = "C") -> Tracer:
        """A Tracer that shares no memory with this one."""
        second = None if self.second is None else self.second.copy()
        return Tracer(np.copy(self.value), self.first.copy(), second, self.trace)

    def __copy__(self) -> Tracer:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Tracer:
        return self.copy()

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        return self.moved(lambda part: part.T)

    @property
    def mT(self) -> Any:  # noqa: N802 - the standard's name
        return self.moved(lambda part: part.mT)

    @property
    def real(self) -> Any:
        return call("real", np.real, (self,), {})

    @property
    def imag(self) -> Any:
        return call("imag", np.imag, (self,), {})

    @property
    def flat(self) -> Any:
        """All entries in order; read-only where they are not a view, lest a write be lost."""
        result = self.reshape(-1)
        if isinstance(result.value, np.ndarray) and not np.may_share_memory(
            result.value, self.value
        ):
            result.value.flags.writeable = False
        return result

    def reshape(self, *shape: Any, **options: Any) -> Any:
        """The same entries in another shape."""
        wanted = shape[0] if len(shape) == 1 else shape
        return call("reshape", np.reshape, (self, wanted), options)

    def transpose(self, *axes: Any) -> Any:
        """Axes permuted."""
        order = axes[0] if len(axes) == 1 else (axes or None)
        return call("transpose", np.transpose, (self, order), {})

    def astype(self, dtype: Any, **options: Any) -> Any:
        """The same numbers in another dtype; an integer does not vary with x."""
        return call("astype", None, (self, dtype), {})

    def flatten(self, order: str = "C") -> Any:
        """A flat copy."""
        return call("ravel", np.ravel, (self, order), {}).copy()

    def fill(self, value: Any) -> None:
        """Write one value everywhere."""
        self[...] = value

    def sort(self, axis: int = -1) -> None:
        """Sort in place."""
        self[...] = call("sort", np.sort, (self,), {"axis": axis})

    def __getattr__(self, name: str) -> Any:
        if name in METHODS:
            function = getattr(np, METHODS[name])
            return lambda *args, **options: function(self, *args, **options)
        raise AttributeError(
            f"Sparsity detection met .{name} of an array: a Tracer has no such attribute. Use a "
            "function of NumPy, or of di.array_namespace(x)."
        )


_TORCH_OPERATORS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "__matmul__": np.matmul,
}


def _in_vectorize() -> bool:
    """Whether np.vectorize asks; its list comprehension has a frame of its own before Python 3.12."""
    frame: Any = sys._getframe(2)
    for _ in range(2):
        if frame is not None and frame.f_code.co_name == "_get_ufunc_and_otypes":
            return True
        frame = frame.f_back if frame is not None else None
    return False


def store(trace: Trace, result: Any, out: tuple[Any, ...]) -> Any:
    """Results, written where out= says."""
    parts = result if isinstance(result, tuple) else (result,)
    for target, part in zip(out, parts, strict=True):
        if isinstance(target, Tracer):
            if isinstance(target.value, np.generic):
                raise TypeError("return arrays must be of ArrayType")
            kind = getattr(part, "dtype", target.dtype)
            if not np.can_cast(kind, target.dtype, "same_kind"):
                raise TypeError(f"Cannot cast {kind} to {target.dtype} in an in-place operation.")
            target[...] = part
        else:
            if isinstance(part, Tracer) and not part.constant:
                trace.lose(conversion("an assignment into a plain array (out=)"))
            elif isinstance(part, Tracer):
                trace.decide("an assignment into a plain array (out=)")
            target[...] = values(part)
    return out[0] if len(out) == 1 else out
