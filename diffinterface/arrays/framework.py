"""Arrays of any framework: who owns one, how it travels, and its array-API namespace.

The core knows NumPy and Python numbers. Every other array type, dual numbers and autograd boxes
included, belongs to a `Framework` that an adapter registers (entry-point group
``diffinterface.frameworks``, keyed by the top-level module in which its classes are defined).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, final

import array_api_compat
import numpy as np

from diffinterface.arrays.facts import NUMBERS, Array, dtype_name, shape_of

from ..declare import plugins
from ..errors import InputError, NestedDifferentiationError


class Framework:
    """One family of array types, and the questions that the core asks about its arrays.

    The defaults serve any array that follows the array-API standard and ``__dlpack__``.
    """

    name: str = "numpy"
    wraps: bool = False  # an engine's tracers: dual numbers, boxes
    mutable: bool = True  # whether an array can be written into
    concrete: type | None = None  # a class whose instances no transform is ever recording
    #: A loop of its own, ``scan(step, carry, xs) -> carry, ys``, where unrolling one would cost.
    scan: Callable[..., tuple[Any, Any]] | None = None
    to_floating: str = "x.astype('float64')"  # how one writes it, for messages
    unsuited: str | None = None  # why its arrays are refused, and what to pass instead

    def owns(self, kind: type) -> bool:
        """Whether instances of `kind`, a class of this framework's module, are arrays."""
        return True

    def has_dtype(self, name: str) -> bool:
        """Whether there are arrays of the dtype that NumPy calls `name`."""
        return True

    def to_numpy(self, x: Array) -> Any:
        """A finished NumPy copy of `x`, safe to overwrite."""
        return np.array(x)

    def from_numpy(self, a: Any, like: Array) -> Array:
        """`a` as an array of this framework that shares no memory with it, on the device of `like`."""
        return np.array(a)

    def namespace(self, x: Array) -> Any:
        """The array-API namespace in which to compute with `x`."""
        return array_api_compat.array_namespace(x)

    def scratch(self, buffer: Array, like: Array) -> Array:
        """A fresh copy of `buffer` into which values computed from `like` may be written."""
        return np.array(buffer)

    def write(self, target: Array, leaf: Array, accumulate: bool) -> Array:
        """`target` with `leaf` written into it, or added; a new array where none can be written into."""
        if accumulate:
            target += leaf
        elif self.mutable:
            target[...] = leaf
        else:
            target = self.namespace(leaf).astype(leaf, target.dtype, copy=False)
        return target

    def extent(self, x: Array) -> tuple[int, int]:
        """Where the memory of `x` begins and ends; no more than who `x` is where none is shared."""
        return id(x), id(x) + 1

    def overlap(self, x: Array, y: Array) -> bool:
        """Whether two arrays of which one begins before the other ends share an entry."""
        return True

    def own(self, x: Array) -> Array:
        """`x`, or a copy where the caller could overwrite it, still connected to any outer trace."""
        return x.copy()

    def is_traced(self, x: Array) -> bool:
        """Whether a transform outside our own call is recording `x`, so that a copy would lose it."""
        return self.wraps

    def ending(self, x: Array) -> Callable[[], bool] | None:
        """What tells whether the transform that `x` belongs to has ended; None if it has no end.

        A framework that raises by itself where such an array is used later needs none.
        """
        return None

    def recorders(self, x: Array) -> tuple[str, ...]:
        """What is recording `x`, outermost first, by the names that users write; see `explain`."""
        return (self.name,) if self.is_traced(x) else ()

    def inside(self, x: Array) -> Array:
        """What a wrapper wraps, one level down; `x` itself if that is all that can be told."""
        return x

    def recomputed(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """`f` in a `scan`, where its derivative is to compute what f did again instead of storing it."""
        return f

    def put(self, x: Array, index: Any, value: Any) -> Array:
        """`x` with `value` at `index`: itself where it is `mutable`, else a new one."""
        if not self.mutable:
            return x.at[index].set(value)
        x[index] = value
        return x

    def take(self, x: Array, indices: Array) -> Array:
        """Entries of a vector, at indices that are known to be inside it."""
        return self.namespace(x).take(x, indices, axis=0)

    def stop_gradient(self, x: Array) -> Array:
        """`x` as a constant to whatever is recording it, at all levels."""
        return x

    def values(self, x: Array) -> Any:
        """The values of `x` in NumPy, whatever is recording it; None where they are not known yet."""
        constant = self.stop_gradient(x)
        home = framework_of(constant) or self  # a wrapper gives what it wraps
        return self.to_numpy(constant) if home is self else home.values(constant)

    def elsewhere(
        self,
        call: Callable[..., tuple[Array, ...]],
        x: tuple[Array, ...],
        contexts: tuple[Array, ...],
    ) -> tuple[Array, ...]:
        """``call(x, contexts)`` for other values of the same kinds, where those of `x` are not known.

        Nothing, if this framework cannot tell.
        """
        return ()

    def layer(self, module: Any, state: Any) -> Any:
        """The `Parts` of `module`, if it is one of a library over this framework's arrays."""
        return None

    def sparse(self, data: Array, layout: Any) -> Any:
        """A sparse matrix of this framework's own, with entries `data` at a `matrix.Layout`."""
        raise NestedDifferentiationError(
            f"{self.name} has no sparse arrays that it could differentiate; write "
            "AutoSparse(..., output='data').",
            outer=self.name,
        )

    def is_dense(self, x: Array) -> bool:
        """Whether `x` holds all its entries; a sparse array stays what it is."""
        return True

    def shard(self, x: Array, sharding: Any) -> Array:
        """`x` laid over devices as `sharding` says."""
        raise InputError(f"sharding= is of JAX arrays; got arrays of {self.name}.", got=sharding)

    def scope(self, x: Array) -> AbstractContextManager[None]:
        """A context in which to compute with `x` without losing its precision."""
        return nullcontext()

    def device(self, x: Array) -> Any:
        """The device of `x` where a prepared call must find the same one again, else None."""
        return None


@final
class Standard(Framework):
    """Arrays of a library for which no adapter speaks, and which follow the array-API standard.

    Engines get them as NumPy arrays, by dlpack, and results come back as arrays of the library.
    """

    to_floating = "xp.astype(x, xp.float64)"

    def __init__(self, name: str) -> None:
        self.name = name

    def namespace(self, x: Array) -> Any:
        return x.__array_namespace__()

    def to_numpy(self, x: Array) -> Any:
        for export in (np.from_dlpack, np.asarray):
            try:
                found = np.array(export(x))
            except Exception:  # whatever the library raises, for a device or a dtype, say
                continue
            if found.dtype != object:
                return found
        raise InputError(
            f"An array of {self.name} ({type(x).__qualname__}) cannot become a NumPy array, by dlpack "
            "or by np.asarray, and no adapter speaks for its library. Pass one that can, or write a "
            f"Framework for {self.name}, with to_numpy and from_numpy, and declare it under the "
            "entry-point group 'diffinterface.frameworks'.",
            got=x,
        )

    def from_numpy(self, a: Any, like: Array) -> Array:
        xp, device = self.namespace(like), getattr(like, "device", None)
        x = xp.from_dlpack(np.array(a, order="C"))
        return x if getattr(x, "device", None) == device else x.to_device(device)

    def scratch(self, buffer: Array, like: Array) -> Array:
        return self.from_numpy(finished(buffer), like)

    def own(self, x: Array) -> Array:
        return self.namespace(x).asarray(x, copy=True)


_standard = cache(Standard)


class _Unsuited(Framework):
    """A class of NumPy's whose arrays mean something else than the numbers that they hold."""

    def __init__(self, name: str, unsuited: str) -> None:
        self.name, self.unsuited = name, unsuited


class _NumPy(Framework):
    _namespace: Any = None

    def namespace(self, x: Array) -> Any:
        if self._namespace is None:
            import array_api_compat.numpy  # which loads all of NumPy, its Fortran compiler included

            self._namespace = array_api_compat.numpy
        return self._namespace

    def extent(self, x: Array) -> tuple[int, int]:
        return np.lib.array_utils.byte_bounds(x)

    def overlap(self, x: Array, y: Array) -> bool:
        return np.shares_memory(x, y)

    def take(self, x: Array, indices: Array) -> Array:
        return x.take(indices, axis=0, mode="clip")  # without the check of each index


#: The framework of NumPy's arrays and of Python numbers.
NUMPY = _NumPy()


#: By their names: numpy.ma takes as long to load as this library does.
_UNSUITED: dict[str, Framework] = {
    "MaskedArray": _Unsuited(
        "numpy.ma", "engines do not know masks; pass x.filled(0), and the mask as a context"
    ),
    "matrix": _Unsuited("numpy.matrix", "its * is a matrix product; pass np.asarray(x)"),
}


_numpy_types = (np.ndarray, np.generic, *NUMBERS)


_framework_by_type: dict[type, Framework | None] = dict.fromkeys((np.ndarray, *NUMBERS), NUMPY)


def framework_of(x: Any) -> Framework | None:
    """The framework that owns `x`, or None if `x` is no array and no number."""
    try:
        return _framework_by_type[type(x)]
    except KeyError:
        found = _framework_by_type[type(x)] = _find_framework(type(x))
        return found


def register_framework(kind: type, framework: Framework) -> None:
    """Make `framework` the owner of a class of arrays of the library's own, without an entry point."""
    _framework_by_type[kind] = framework


def find_framework(module: str) -> Framework | None:
    """The framework whose array types live under the top-level module `module`, if any."""
    entry = plugins.entries("frameworks").get(module)
    if entry is None:
        return None
    what = f"The framework of {module}'s arrays"
    framework = plugins.load(entry, what)
    if not isinstance(framework, Framework):
        raise plugins.broken(entry, what, f"{framework!r} is no instance of Framework")
    if framework.name == NUMPY.name:
        raise plugins.broken(entry, what, "its name is 'numpy'; give it a name of its own")
    owner = plugins.claimed(framework.name, entry)
    if owner is not None:
        raise plugins.broken(entry, what, f"its name {framework.name!r} is that of {owner}")
    return framework


def _find_framework(kind: type) -> Framework | None:
    if kind.__module__ == "builtins":
        return NUMPY if issubclass(kind, NUMBERS) else None
    for base in kind.__mro__:
        module = base.__module__.partition(".")[0]
        if module == "numpy" and base.__name__ in _UNSUITED:
            return _UNSUITED[base.__name__]
        if module != "builtins":
            found = find_framework(module)
            if found is not None and found.owns(kind):
                return found
        if base in _numpy_types:
            return NUMPY
    # An array of a library that no adapter speaks for: the standard is enough to compute with it.
    module = kind.__module__.partition(".")[0]
    return _standard(module) if hasattr(kind, "__array_namespace__") else None


def is_traced(leaf: Array) -> bool:
    """Whether anything is recording an array, so that its values cannot be looked at."""
    framework = framework_of(leaf)
    return framework is not None and framework.is_traced(leaf)


def is_abstract(leaf: Array) -> bool:
    """Whether an outer engine does not know the values of an array yet."""
    framework = framework_of(leaf)
    if framework is None:
        return False
    inside = framework.stop_gradient(leaf)
    return (framework_of(inside) or framework).values(inside) is None


def plain(leaf: Array) -> Any:
    """An array's values in NumPy, or others where an outer engine does not know them yet."""
    framework = framework_of(leaf)
    if framework is None:
        return leaf
    values = framework.values(leaf)
    return np.full(shape_of(leaf), 0.5).astype(dtype_name(leaf)) if values is None else values


def finished(leaf: Array) -> Any:
    """An own NumPy copy."""
    framework = framework_of(leaf)
    if framework is None or isinstance(leaf, NUMBERS):
        return np.asarray(leaf)
    return framework.to_numpy(leaf)
