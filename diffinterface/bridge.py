"""A function with an engine of its own, as one differentiable primitive of any other engine.

A `Bridge` takes and gives finished NumPy arrays. Its pushforward and its pullback are bridges again, so
that one rule in the outer engine (its *host*) gives every order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, final

import numpy as np

from .arrays import NUMBERS, NUMPY, Array, Framework, dtype_name, framework_of, is_inexact, shape_of
from .backend import Backend
from .conversion import Converter
from .errors import NestedDifferentiationError
from .functions import Function
from .trees import Leaves

Kind = tuple[tuple[int, ...], str]
Kinds = tuple[Kind, ...]


@final
class Bridge:
    """A flat function ``(x, contexts) -> y`` of NumPy arrays, differentiated by its own engine.

    Attributes
    ----------
    fn : Function
        The function, over the engine's arrays.
    """

    def __init__(
        self,
        fn: Function,
        backend: Backend,
        kinds: Callable[[Kinds, Kinds], Kinds] | None = None,
    ) -> None:
        self.fn, self._backend = fn.on(backend, reuse=False), backend
        self._kinds = kinds or self._evaluated_kinds
        self._known: dict[tuple[Kinds, Kinds], Kinds] = {}
        self._programs: dict[tuple[str, ...], Callable[[Leaves, Leaves], Leaves]] = {}
        self._derived: dict[Any, Bridge] = {}

    def __call__(self, x: Leaves, contexts: Leaves = ()) -> Leaves:
        """F's outputs as finished NumPy arrays."""
        converter = Converter(self._backend, x)
        entered = converter.enter(x)
        given = entered, converter.enter_contexts(contexts, entered)
        key = tuple(map(dtype_name, (*x, *contexts)))
        program = self._programs.get(key)
        if program is None:
            program = self._programs[key] = self._backend.program(self.fn, *given)
        y = tuple(self._finished(leaf) for leaf in program(*given))
        self._known[tuple(map(kind_of, x)), tuple(map(kind_of, contexts))] = tuple(map(kind_of, y))
        return y

    def _finished(self, leaf: Array) -> Any:
        framework = framework_of(leaf)
        if self._backend.framework is None and framework is not NUMPY:
            raise NestedDifferentiationError(
                f"f returned a {type(leaf).__module__}.{type(leaf).__qualname__} under "
                f"{self._backend.adtype!r}, which had given it NumPy arrays: what f captured is lost to "
                "the derivative. Pass it as an argument, or use that framework's own backend.",
                inner=self._backend.adtype,
            )
        return finished(leaf)

    def kinds(self, x: Kinds, contexts: Kinds = ()) -> Kinds:
        """Shapes and dtypes of the outputs, from those of the inputs."""
        key = x, contexts
        if key not in self._known:
            self._known[key] = self._kinds(x, contexts)
        return self._known[key]

    def _evaluated_kinds(self, x: Kinds, contexts: Kinds) -> Kinds:
        return tuple(map(kind_of, self(tuple(map(_example, x)), tuple(map(_example, contexts)))))

    @cached_property
    def pushforward(self) -> Bridge:
        """``(*x, *t) -> the tangents of y``."""

        def push(both: Leaves, contexts: Leaves) -> tuple[Leaves, Any]:
            x, t = both[: len(both) // 2], both[len(both) // 2 :]
            plan = self._backend.prepare_pushforward(self.fn, x, contexts, t)
            return plan.result(x, contexts, t), None

        return Bridge(
            self.fn.derived(push), self._backend, lambda x, c: self.kinds(x[: len(x) // 2], c)
        )

    def pullback(self, n: int) -> Bridge:
        """``(*x, *c) -> the cotangents of x``, where x has n leaves."""

        def pull(both: Leaves, contexts: Leaves) -> tuple[Leaves, Any]:
            x, t = both[:n], both[n:]
            plan = self._backend.prepare_pullback(self.fn, x, contexts, t)
            return plan.result(x, contexts, t), None

        def build() -> Bridge:
            return Bridge(self.fn.derived(pull), self._backend, lambda x, c: x[:n])

        return self._memoised(("pullback", n), build)

    def batched(self, x: Sequence[bool], contexts: Sequence[bool] = ()) -> Bridge:
        """The same for inputs of which those named carry one leading axis; all outputs do."""
        x, contexts = tuple(x), tuple(contexts)

        def kinds(xs: Kinds, cs: Kinds) -> Kinds:
            both = zip((*xs, *cs), (*x, *contexts), strict=True)
            size = next(kind[0][0] for kind, has in both if has)
            inner = self.kinds(_without_batch(xs, x), _without_batch(cs, contexts))
            return tuple(((size, *shape), dtype) for shape, dtype in inner)

        def build() -> Bridge:
            every = self._backend.vectorized(self.fn, x, contexts)
            loops = type(self._backend).vectorized is Backend.vectorized  # and so learns no shapes

            def call(xs: Leaves, cs: Leaves) -> tuple[Leaves, Any]:
                if _batch_size((*xs, *cs), (*x, *contexts)) or not loops:
                    return every(xs, cs), None
                like, framework = xs[0], framework_of(xs[0]) or NUMPY
                empty = kinds(tuple(map(kind_of, xs)), tuple(map(kind_of, cs)))
                zeros = (np.zeros(shape, dtype) for shape, dtype in empty)
                return tuple(framework.from_numpy(leaf, like) for leaf in zeros), None

            return Bridge(self.fn.derived(call), self._backend, kinds)

        return self._memoised(("batched", x, contexts), build)

    def _memoised(self, key: Any, build: Callable[[], Bridge]) -> Bridge:
        found = self._derived.get(key)
        if found is None:
            found = self._derived[key] = build()
        return found


def apply(bridge: Bridge, x: Leaves, contexts: Leaves = ()) -> Leaves:
    """The bridge at arrays of any framework, through the host of the one that is tracing them."""
    host = tracing((*x, *contexts))
    if host is not None:
        return host.host(bridge, x, contexts)
    like = next((leaf for leaf in x if framework_of(leaf) is not NUMPY), None)
    framework = framework_of(like) or NUMPY
    y = bridge(tuple(map(finished, x)), tuple(map(finished, contexts)))
    return y if framework is NUMPY else tuple(framework.from_numpy(leaf, like) for leaf in y)


def tracing(leaves: Leaves) -> Framework | None:
    """The framework that is tracing any of the leaves; the outermost wrapper's, if several are."""
    found = None
    for leaf in leaves:
        framework = framework_of(leaf)
        if framework is not None and framework.is_traced(leaf):
            if framework.wraps:
                return framework
            found = framework
    return found


def finished(leaf: Array) -> Any:
    """An own NumPy copy."""
    framework = framework_of(leaf)
    if framework is None or isinstance(leaf, NUMBERS):
        return np.asarray(leaf)
    return framework.to_numpy(leaf)


def kind_of(leaf: Array) -> Kind:
    """Shape and dtype name."""
    return shape_of(leaf), dtype_name(leaf)


def _batch_size(leaves: Leaves, batched: Sequence[bool]) -> int:
    return next(shape_of(a)[0] for a, has in zip(leaves, batched, strict=True) if has)


def _without_batch(kinds: Kinds, batched: Sequence[bool]) -> Kinds:
    return tuple(
        (shape[1:], dtype) if has else (shape, dtype)
        for (shape, dtype), has in zip(kinds, batched, strict=True)
    )


def _example(kind: Kind) -> Any:
    """Values of no special form, for a function that is asked for its shapes."""
    shape, dtype = kind
    values = (
        np.zeros(shape)
        if not is_inexact(np.empty(0, dtype))
        else 0.5 + 0.01 * np.arange(np.prod(shape, dtype=int)).reshape(shape)
    )
    return values.astype(dtype)
