"""The array that f is called with: values, and for each element the inputs that it depends on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import array_api_compat.numpy
import numpy as np

from diffinterface.arrays.names import without_out
from diffinterface.arrays.overloaded import Namespace

from .errors import conversion, foreign, unknown
from .sets import Sets
from .table import RULES, call
from .trace import Trace
from .traced import Traced, tracers, values


@final
class Tracer(Traced):
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
    __array_priority__ = 2000.0
    _answer = staticmethod(call)

    def __init__(self, value: Any, first: Sets, second: Sets | None, trace: Trace) -> None:
        self.value = value
        self.first = first
        self.second = second
        self.trace = trace

    def __repr__(self) -> str:
        return f"Tracer(shape={self.shape}, dtype={self.dtype})"

    @property
    def itemsize(self) -> int:
        return int(self.value.itemsize)

    @property
    def nbytes(self) -> int:
        return int(self.value.nbytes)

    @property
    def constant(self) -> bool:
        """Whether nothing here depends on x."""
        return self.first.is_empty

    # --- dispatch --------------------------------------------------------------------------------

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return _namespace

    @staticmethod
    def _holds(*trees: Any) -> bool:
        return bool(tracers(trees))

    @classmethod
    def _answer_named(cls, name: str, function: Any, args: Any, options: dict[str, Any]) -> Any:
        # NumPy's own function where it has all the options: what is wrapped asks for plain arrays.
        module, _, leaf = name.rpartition(".")
        own = getattr(getattr(np, module) if module else np, leaf, None)
        return call(
            name, function if own is None or "descending" in options else own, args, options
        )

    def _written(self, name: str, function: Any, args: Any, options: Any, out: Any) -> Any:
        where = options.pop("where", True) if isinstance(function, np.ufunc) else True
        if where is True:
            return super()._written(name, function, args, options, out)
        if out is None or len(out) != 1:
            raise unknown(name, "with where= but without one out= leaves entries undefined, and")
        result = call(name, function, args, options)
        return self._store(call("where", np.where, (where, result, out[0]), {}), out)

    def _leave(self, target: Any, part: Any) -> None:
        if isinstance(part, Tracer):
            part._convert("an assignment into a plain array (out=)")
        target[...] = values(part)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        args, out = without_out(function, args)
        options = options if out is None else {**options, "out": out}
        return super().__array_function__(function, types, args, options)

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), options: Any = None
    ) -> Any:
        name = getattr(function, "__name__", str(function))
        operator = _TORCH_OPERATORS.get(name)
        if operator is None or len(args) != 2 or options:
            raise foreign(f"torch.{name}", "torch")
        return call(operator.__name__, operator, args, {})

    # --- conversions that would lose what is known -------------------------------------------------

    def _convert(self, operation: str) -> None:
        if self.constant:
            self.trace.decide(operation)
        else:
            self.trace.lose(conversion(operation))

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

    # --- as an array -----------------------------------------------------------------------------

    def holding(self, value: Any, move: Callable[[Sets], Sets]) -> Tracer:
        """`value`, with these sets after `move`."""
        second = None if self.second is None else move(self.second)
        return Tracer(value, move(self.first), second, self.trace)

    def moved(self, move: Callable[[Any], Any]) -> Tracer:
        """The same elements elsewhere."""
        return self.holding(move(self.value), lambda sets: sets.map(move))

    def only(self, keep: Any) -> Tracer:
        """The same values, which depend on nothing but where `keep` is true."""
        return self.holding(self.value, lambda sets: sets.where(keep))

    def __getitem__(self, index: Any) -> Any:
        if tracers(index):
            return RULES["getitem"](self.trace, "getitem", None, (self, index), {})
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
        else:
            traced = isinstance(value, Tracer)
            self.first.assign(index, value.first if traced else None)
            if self.second is not None:
                self.second.assign(index, value.second if traced else None)
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
        return self.holding(np.copy(self.value), Sets.copy)

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        return self.moved(lambda part: part.T)

    @property
    def mT(self) -> Any:  # noqa: N802 - the standard's name
        return self.moved(lambda part: part.mT)

    @property
    def flat(self) -> Any:
        """All entries in order; read-only where they are not a view, lest a write be lost."""
        result = self.reshape(-1)
        if isinstance(result.value, np.ndarray) and not np.may_share_memory(
            result.value, self.value
        ):
            result.value.flags.writeable = False
        return result

    def _unknown(self, name: str) -> Exception:
        return AttributeError(
            f"Sparsity detection met .{name} of an array: a Tracer has no such attribute. Use a "
            "function of NumPy, or of di.array_namespace(x)."
        )


class _NumPy(Namespace):
    """NumPy's namespace, which goes by NumPy's name."""

    @property
    def __name__(self) -> str:
        return str(self._base.__name__)


_namespace = _NumPy(array_api_compat.numpy, Tracer)

_TORCH_OPERATORS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "__matmul__": np.matmul,
}
