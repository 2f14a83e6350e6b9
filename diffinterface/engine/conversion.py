"""Between the caller's arrays and the engine's: what goes in is converted once, what comes out once.

A result that is still being traced by an outer transform stays as it is: turning it into the caller's
framework would cut the trace and lose a derivative in silence.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
import optree

from ..arrays.facts import NUMBERS, Array, dtype_name, is_inexact
from ..arrays.framework import NUMPY, Framework, Standard, framework_of
from ..arrays.seeds import cast
from ..arrays.trees import Leaves
from ..errors import InputError, NestedDifferentiationError
from .contract import AbstractBackend
from .function import Function
from .prep import Prep


class CrossingError(NestedDifferentiationError):
    """An engine was given arrays that another one is tracing: what the bridge is for."""


def crossing(backend: AbstractBackend, *arguments: Leaves) -> Framework | None:
    """Who is tracing one of the leaves, so that only a bridge leads to `backend`; None if nobody is.

    An engine without arrays of its own runs on whatever it is given.
    """
    if backend.framework is None:
        return None
    for leaf in chain(*arguments):
        framework = framework_of(leaf)
        if framework is None or framework is NUMPY or framework.name in backend.accepts:
            continue
        if framework.is_traced(leaf):
            return framework
    return None


class Converter:
    """The two directions for one backend and one caller, decided at preparation.

    Raises
    ------
    InputError
        If a leaf of x is no array, has an integer or boolean dtype, or frameworks mix.
    """

    __slots__ = (
        "_backend",
        "_caller",
        "_like",
        "_native",
        "_widened",
        "native_numpy",
        "plain",
        "same",
        "to_numpy_arrays",
    )

    def __init__(self, backend: AbstractBackend, x: Leaves, lone: bool = True) -> None:
        self._backend = backend
        self._caller = _caller(x, lone)
        self._native = backend.framework
        # Only where results cross to another framework; else a call would keep x, or its trace, alive.
        unadapted = isinstance(self._caller, Standard)
        foreign = unadapted or (
            self._native is not None and self._caller not in (NUMPY, self._native)
        )
        self._like = x[0] if foreign else None
        # NumPy has no bfloat16: such an x crosses as float32, and so do the results.
        self._widened = foreign and all(dtype_name(leaf) == "bfloat16" for leaf in x)
        #: Whether leaves of the caller go in, and come out, untouched (0-d results of NumPy aside).
        self.plain = not unadapted and (
            self._native is None or self._caller.name in backend.accepts
        )
        #: Whether results come out in the caller's framework with nothing left to do.
        self.same = self._caller is not NUMPY and self._caller is self._native
        #: Whether results are NumPy arrays for a NumPy caller.
        self.native_numpy = self._caller is NUMPY and self._native in (None, NUMPY)
        #: The engine's type of finished arrays and their way to NumPy, for a NumPy caller.
        self.to_numpy_arrays: tuple[type | None, Any] = None, None
        if self._caller is NUMPY and self._native is not None:
            self.to_numpy_arrays = self._native.concrete, self._native.to_numpy

    def enter(self, leaves: Leaves) -> Leaves:
        """Leaves of x or of a tangent, as the engine takes them."""
        return tuple(map(self._enter, leaves))

    def enter_all(self, x: Leaves, contexts: Leaves) -> tuple[Leaves, Leaves]:
        """Leaves of x and of the contexts, as the engine takes them."""
        entered = self.enter(x)
        return entered, self.enter_contexts(contexts, entered)

    def enter_contexts(self, leaves: Leaves, x: Leaves) -> Leaves:
        """Leaves of contexts, beside x as the engine takes it.

        Python numbers stay as they are, so that they promote as they do in f's own code.
        """
        like = x[0] if x and self._caller is self._native else None
        return tuple(
            [leaf if isinstance(leaf, NUMBERS) else self._enter(leaf, like) for leaf in leaves]
        )

    def _enter(self, leaf: Array, like: Array = None) -> Array:
        native, accepts, framework = self._native, self._backend.accepts, framework_of(leaf)
        if framework is NUMPY:
            if isinstance(leaf, NUMBERS):
                leaf = np.asarray(leaf)[()]
            if native is not None and not _has_dtype(native, leaf.dtype):
                raise InputError(
                    f"{native.name} has no arrays of dtype {dtype_name(leaf)}; pass "
                    "x.astype('float64'), or use AutoForwardDiff().",
                    got=dtype_name(leaf),
                )
            if not leaf.dtype.isnative:  # no engine computes in the other byte order
                leaf = leaf.astype(leaf.dtype.newbyteorder("="))
        if isinstance(framework, Standard):
            array = framework.to_numpy(leaf)
            return array if native is None or "numpy" in accepts else native.from_numpy(array, like)
        if native is None or framework is None or framework.name in accepts:
            return leaf
        if framework.is_traced(leaf):
            raise self._lost(framework)
        array = framework.to_numpy(leaf)
        return array if "numpy" in accepts else native.from_numpy(array, like)

    def _lost(self, outer: Framework) -> CrossingError:
        """A copy would lose the derivative that `outer` is taking."""
        inner = self._backend.adtype
        if outer is self._caller and outer.wraps:
            text = (
                f"x is being differentiated by {outer.name}, and {inner!r} cannot run on its arrays; "
                f"use a backend that does: AutoForwardDiff(), or {outer.name}'s own."
            )
        else:
            text = (
                f"An argument is being traced by {outer.name}, and {inner!r} would have to copy it, "
                "which loses that derivative; use a backend of the same framework."
            )
        return CrossingError(text, outer=outer.name, inner=inner)

    def crossing(self, x: Leaves, contexts: Leaves, seed: Leaves) -> Framework | None:
        """`crossing` at arguments whose x is of the caller that was prepared for."""
        if self.plain and not contexts and not seed:
            return None
        return crossing(self._backend, x, contexts, seed)

    def leave(self, result: Any) -> Any:
        """A result, an array or flat tuples of them, nested or not, as the caller gets it."""
        if type(result) is tuple:
            return tuple(map(self.leave, result))
        leaf = result
        concrete, to_numpy = self.to_numpy_arrays
        if type(leaf) is concrete:
            array = to_numpy(leaf)
            return array[()] if array.ndim == 0 else array
        framework = framework_of(leaf)
        if framework is None:
            over = getattr(leaf, "over", None)  # a sparse matrix of entries that are an array
            return leaf if over is None else over(self.leave)
        if framework is self._caller and framework is not NUMPY:
            return leaf
        if framework.is_traced(leaf) or not framework.is_dense(leaf):
            return leaf
        # A copy even from NumPy to NumPy: f may return x, a seed or a context as it is, and the
        # caller may write into what it gets.
        array = framework.to_numpy(leaf)
        if self._caller is NUMPY:
            return array[()] if array.ndim == 0 else array
        array = self._caller.from_numpy(array, self._like)
        return cast(array, self._like) if self._widened else array

    def leave_aux(self, aux: Any) -> Any:
        """The auxiliary output: arrays of another framework become the caller's, all else stays."""
        unadapted = isinstance(self._caller, Standard)

        def convert(leaf: Any) -> Any:
            if type(leaf) is np.ndarray and not leaf.flags.writeable:
                return leaf.copy()  # what f saw of the caller's contexts
            framework = framework_of(leaf)
            foreign = framework not in (None, self._caller) and (
                framework is not NUMPY
                or self._native is NUMPY
                or (unadapted and not isinstance(leaf, NUMBERS))  # f was given NumPy arrays
            )
            return self.leave(leaf) if foreign else leaf

        return None if aux is None else optree.tree_map(convert, aux)

    def leave_run(self, parts: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        """What the `run` of a `Prep` gives, as the caller gets it."""
        value, result, aux = parts
        return self.leave(value), self.leave(result), self.leave_aux(aux)


@lru_cache(maxsize=256)
def _has_dtype(framework: Framework, dtype: np.dtype[Any]) -> bool:
    return framework.has_dtype(dtype.name)


def _caller(x: Leaves, lone: bool) -> Framework:
    """The one framework of the arrays in x."""
    if not x:
        raise InputError("x holds no array: there is nothing to differentiate.", got=x)
    found: dict[str, Framework] = {}
    for leaf in x:
        framework = framework_of(leaf)
        if framework is None:
            raise InputError(
                f"x holds a {type(leaf).__qualname__}, expected arrays, numbers or a tree of them "
                "(a class of your own must be registered with optree.register_pytree_node).",
                got=leaf,
            )
        if not is_inexact(leaf):
            name = dtype_name(leaf)
            cast = framework.to_floating
            if isinstance(leaf, int):
                in_list = "1.0 for 1, or np.array(x, dtype=float) for a list of numbers"
                cast = "float(x)" if lone else in_list
            raise InputError(
                f"x has dtype {name}, which cannot be differentiated; pass floating values: {cast}.",
                got=name,
                expected="a floating dtype",
            )
        found[framework.name] = framework
    if len(found) == 2 and "numpy" in found:
        (other,) = (framework for name, framework in found.items() if name != "numpy")
        if other.wraps:  # some leaves are traced, and the others are arrays beside them
            return other
    if len(found) > 1:
        raise InputError(
            f"x mixes arrays of {' and '.join(sorted(found))}, expected one framework a tree.",
            got=sorted(found),
        )
    return next(iter(found.values()))


def scalars(result: Any) -> Any:
    """A NumPy result of flat tuples, its 0-d arrays as scalars."""
    if type(result) is tuple:
        return tuple(scalars(part) for part in result)
    return result[()] if getattr(result, "ndim", 1) == 0 else result


def prepare(
    backend: AbstractBackend,
    operator: str,
    fn: Function,
    x: Leaves,
    contexts: Leaves,
    t: Leaves | None = None,
    /,
    **options: bool,
) -> tuple[Prep, Converter]:
    """A backend's prep for arguments of any framework, and the converter that serves it."""
    converter = Converter(backend, x)
    seeds = None if t is None else converter.enter(t)
    entered, data = converter.enter_all(x, contexts)
    return backend.prepare(operator, fn.on(backend), entered, data, seeds, **options), converter
