"""A function with an engine of its own, as one differentiable primitive of any other engine.

A `Bridge` takes and gives finished NumPy arrays. Its pushforward and its pullback are bridges again, so
that one rule in the outer engine (its *host*) gives every order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, Literal, final

import numpy as np

from ..arrays.facts import Array, shape_of
from ..arrays.framework import NUMPY, Framework, finished, framework_of
from ..arrays.kinds import Flags, Kinds, batch_of, example, kinds_of, of_one
from ..arrays.namespace import array_namespace
from ..arrays.perturbations import tracing
from ..arrays.trees import Leaves
from ..declare import plugins
from ..engine.capture import Captured
from ..engine.contract import AbstractBackend, Program
from ..engine.function import Function, looped
from ..engine.prep import Prep
from ..errors import NestedDifferentiationError
from ..evaluations import States, rewind

#: A rule of an outer engine: the outputs of a bridge at arrays of which its framework is tracing some.
Host = Callable[["Bridge", Leaves, Leaves], Leaves]


class Bridge:
    """A flat function ``(x, contexts) -> y`` of NumPy arrays, differentiated by its own engine.

    The way over is planned once for arguments of one kind: a crossing is a look-up, the conversions,
    and the engine's own work.

    Parameters
    ----------
    fn : Function
        The function, over the engine's arrays.
    backend : AbstractBackend
        The engine.
    kinds : callable, optional
        Shapes and dtypes of the outputs from those of x and of the contexts. By default a call at
        arbitrary values finds them, where they are asked for before any other call.
    captured : Captured, optional
        For an engine that compiles: what must not be rebound between a call and its derivatives.
    reuse : bool
        False for a single call, where compiling would not pay.
    """

    def __init__(
        self,
        fn: Function,
        backend: AbstractBackend,
        kinds: Callable[[Kinds, Kinds], Kinds] | None = None,
        captured: Captured | None = None,
        reuse: bool = True,
    ) -> None:
        self.fn, self.backend = fn.on(backend, reuse=False), backend
        self.captured, self.reuse = captured or Captured(), reuse
        self._states: tuple[States, ...] = (self.fn.states,)
        self._advances = True
        self._kinds = kinds or self._evaluated_kinds
        self._known: dict[tuple[Kinds, Kinds], Kinds] = {}
        self._ways: dict[Any, Callable[..., Leaves]] = {}
        self._derived: dict[Any, Bridge] = {}
        self._slopes: dict[Any, Bridge | None] = {}

    def __call__(self, x: Leaves, contexts: Leaves = ()) -> Leaves:
        """f's outputs as finished NumPy arrays; the arguments may be memory of the caller's."""
        return self._at(_key(x, contexts), x, contexts)

    def _at(self, key: Any, x: Leaves, contexts: Leaves) -> Leaves:
        way = self._ways.get(key)
        return self._first(key, x, contexts) if way is None else way(x, contexts)

    def with_gradient(self, x: Leaves, contexts: Leaves) -> tuple[Leaves, int]:
        """The same, behind a real scalar its gradient where one pass gives both; and its length.

        There is none at the first call of its kind, whose outputs tell, for other outputs, and for
        engines without reverse mode.
        """
        key = _key(x, contexts)
        slope = self._slopes.get(key)
        if slope is not None:
            return slope._at(key, x, contexts), len(x)
        outputs = self._at(key, x, contexts)
        if key not in self._slopes:
            (y, *others) = outputs
            cheap = (
                self.backend.has_reverse and y.shape == () and not others and y.dtype.kind == "f"
            )
            self._slopes[key] = _Slope(self) if cheap else None
        return outputs, 0

    def _first(self, key: Any, x: Leaves, contexts: Leaves, advance: bool = True) -> Leaves:
        rebound = self.captured.rebound()
        if rebound:
            raise NestedDifferentiationError(
                f"{', '.join(rebound)}: rebound between a call of f and its derivative, which "
                f"{self.backend.adtype!r} compiles only now; pass what changes as an argument.",
                inner=self.backend.adtype,
            )
        way = self._way(x, contexts)
        y = way(x, contexts, advance and self._advances)
        self.captured.renew()
        self._known[kinds_of(x), kinds_of(contexts)] = kinds_of(y)
        self._ways[key] = way
        return y

    def _way(self, x: Leaves, contexts: Leaves) -> Callable[..., Leaves]:
        """Over and back, for arguments of these kinds."""
        native = self.backend.framework
        enter: Callable[[Leaves], Leaves] = _own
        leave: Callable[[Any], Any] = self._left if native is None else finished
        if native is not None and "numpy" not in self.backend.accepts:
            enter = partial(_taken, native)
        elif native is not None and self.reuse and self.backend.compiles and self._makes_programs:
            # What is compiled writes into no argument, keeps none, and gives arrays of its engine.
            leave = native.to_numpy
            if all(leaf.dtype.isnative for leaf in (*x, *contexts)):
                enter = tuple  # as they are
        program = self._program(enter(x), enter(contexts))
        self._settle(False)

        def way(x: Leaves, contexts: Leaves, advance: bool = self._advances) -> Leaves:
            y = program(enter(x), enter(contexts))
            self._settle(advance)
            return tuple(map(leave, y))

        return way

    @property
    def _makes_programs(self) -> bool:
        """Whether the engine makes a program of a function, of whatever it is made."""
        return type(self.backend).program is not AbstractBackend.program

    def _settle(self, advance: bool) -> None:
        """What f advances stays where a call left it; other evaluations leave it where it was."""
        for states in self._states:
            if states:
                if not advance:
                    rewind(states)
                states.clear()

    def _program(self, x: Leaves, contexts: Leaves) -> Program:
        """The function at the engine's arrays, which no engine is tracing."""
        return self.backend.program(self.fn.on(self.backend, reuse=self.reuse), x, contexts)

    def _left(self, leaf: Array) -> Any:
        """An output of an engine that runs on any arrays."""
        if framework_of(leaf) is not NUMPY:
            raise NestedDifferentiationError(
                f"f returned a {type(leaf).__module__}.{type(leaf).__qualname__} under "
                f"{self.backend.adtype!r}, which had given it NumPy arrays: what f captured is lost to "
                "the derivative. Pass it as an argument, or use that framework's own backend.",
                inner=self.backend.adtype,
            )
        return np.array(leaf)

    # --- shapes ----------------------------------------------------------------------------------

    def kinds(self, x: Kinds, contexts: Kinds = ()) -> Kinds:
        """Shapes and dtypes of the outputs, from those of the inputs."""
        key = x, contexts
        if key not in self._known:
            self._known[key] = self._kinds(x, contexts)
        return self._known[key]

    def _evaluated_kinds(self, x: Kinds, contexts: Kinds) -> Kinds:
        xs, cs = tuple(map(example, x)), tuple(map(example, contexts))
        return kinds_of(self._first(_key(xs, cs), xs, cs, advance=False))  # it is no call of f

    # --- further bridges -------------------------------------------------------------------------

    @property
    def pushforward(self) -> Bridge:
        """``(*x, *t) -> the tangents of y``."""
        return self._memoised("pushforward", lambda: _Seeded(self, "pushforward"))

    def pullback(self, n: int) -> Bridge:
        """``(*x, *c) -> the cotangents of x``, where x has n leaves."""
        return self._memoised(n, lambda: _Seeded(self, "pullback", n))

    def batched(self, x: Sequence[bool], contexts: Sequence[bool] = ()) -> Bridge:
        """The same for inputs of which those named carry one leading axis; all outputs do."""
        flags = tuple(x), tuple(contexts)
        return self._memoised(flags, lambda: self._batched(*flags))

    def _batched(self, x: Flags, contexts: Flags) -> Bridge:
        return _Batched(self, x, contexts)

    def _memoised(self, key: Any, build: Callable[[], Bridge]) -> Bridge:
        found = self._derived.get(key)
        if found is None:
            found = self._derived[key] = build()
        return found


@final
class _Seeded(Bridge):
    """The pushforward ``(*x, *t) -> t_y`` of a bridge, or its pullback ``(*x, *c) -> c_x``.

    With `fan`, the seeds named carry one leading axis: one batched call of the engine.
    """

    def __init__(
        self,
        of: Bridge,
        operator: Literal["pushforward", "pullback"],
        n: int | None = None,
        fan: Flags = (),
    ) -> None:
        self._of, self._operator, self._n, self._fan = of, operator, n, fan
        super().__init__(
            of.fn.derived(self._traced), of.backend, self._seeded_kinds, of.captured, of.reuse
        )
        self._states, self._advances = (*of._states, self.fn.states), False

    def _split(self, both: Sequence[Any]) -> tuple[Any, Any]:
        """The point, and the seeds."""
        n = len(both) // 2 if self._n is None else self._n
        return both[:n], both[n:]

    def _prepare(self, both: Leaves, contexts: Leaves) -> Prep:
        x, seeds = self._split(both)
        t, batched = self._spread(seeds), bool(self._fan)
        return self.backend.prepare(self._operator, self._of.fn, x, contexts, t, batched=batched)

    def _traced(self, both: Leaves, contexts: Leaves) -> tuple[Leaves, Any]:
        """At arrays that the engine may be tracing, where nothing is kept."""
        return self._run(self._prepare(both, contexts), both, contexts), None

    def _run(self, prep: Prep, both: Leaves, contexts: Leaves) -> Leaves:
        x, seeds = self._split(both)
        result: Leaves = prep.result(x, contexts, self._spread(seeds))
        return result

    def _spread(self, seeds: Leaves) -> Leaves:
        """All seeds with the leading axis that some of them have."""
        if all(self._fan):
            return seeds
        size = _size(seeds, self._fan)
        return tuple(
            seed if has else array_namespace(seed).broadcast_to(seed[None], (size, *shape_of(seed)))
            for seed, has in zip(seeds, self._fan, strict=True)
        )

    def _program(self, both: Leaves, contexts: Leaves) -> Program:
        if self._makes_programs:
            return super()._program(both, contexts)
        return partial(self._run, self._prepare(both, contexts))

    def _seeded_kinds(self, both: Kinds, contexts: Kinds) -> Kinds:
        x, seeds = self._split(both)
        result = self._of.kinds(x, contexts) if self._operator == "pushforward" else x
        if not self._fan:
            return tuple(result)
        size = batch_of(seeds, self._fan)
        return tuple(((size, *shape), dtype) for shape, dtype in result)

    def _batched(self, both: Flags, contexts: Flags) -> Bridge:
        x, seeds = self._split(both)
        if any((*x, *contexts)) or self._fan:
            return super()._batched(both, contexts)
        return _Seeded(self._of, self._operator, self._n, tuple(seeds))


@final
class _Slope(Bridge):
    """``x -> (y, *gradient)`` for a bridge whose output is one real scalar."""

    def __init__(self, of: Bridge) -> None:
        self._of = of
        super().__init__(of.fn.derived(self._traced), of.backend, None, of.captured, of.reuse)
        self._states = *of._states, self.fn.states

    def _traced(self, x: Leaves, contexts: Leaves) -> tuple[Leaves, Any]:
        return self._run(self._prepare(x, contexts), x, contexts), None

    def _prepare(self, x: Leaves, contexts: Leaves) -> Prep:
        return self.backend.prepare("gradient", self._of.fn, x, contexts)

    def _run(self, prep: Prep, x: Leaves, contexts: Leaves) -> Leaves:
        value, gradient, _ = prep.run(x, contexts)
        return *value, *gradient

    def _program(self, x: Leaves, contexts: Leaves) -> Program:
        if self._makes_programs:
            return super()._program(x, contexts)
        return partial(self._run, self._prepare(x, contexts))


@final
class _Batched(Bridge):
    """A bridge over a leading axis of the inputs named, which every output has then."""

    def __init__(self, of: Bridge, x: Flags, contexts: Flags) -> None:
        self._of, self._x, self._contexts = of, x, contexts
        self._loops = type(of.backend).vectorized is AbstractBackend.vectorized
        self._every = of.backend.vectorized(of.fn, x, contexts)
        super().__init__(
            of.fn.derived(self._traced), of.backend, self._batched_kinds, of.captured, of.reuse
        )
        self._states, self._advances = (*of._states, self.fn.states), of._advances

    def _traced(self, x: Leaves, contexts: Leaves) -> tuple[Leaves, Any]:
        return self._over(self._every, x, contexts), None

    def _over(self, every: Program, x: Leaves, contexts: Leaves) -> Leaves:
        if not self._loops or _size((*x, *contexts), (*self._x, *self._contexts)):
            return every(x, contexts)
        # A loop over nothing learns no shapes.
        framework = framework_of(x[0]) or NUMPY
        zeros = (
            np.zeros(shape, dtype) for shape, dtype in self.kinds(kinds_of(x), kinds_of(contexts))
        )
        return tuple(framework.from_numpy(leaf, x[0]) for leaf in zeros)

    def _program(self, x: Leaves, contexts: Leaves) -> Program:
        if not (self._loops and _size((*x, *contexts), (*self._x, *self._contexts))):
            return super()._program(x, contexts)
        one = self._of._program(_sample(x, self._x, 0), _sample(contexts, self._contexts, 0))
        each = self._of.fn.derived(lambda x, contexts: (one(x, contexts), None))
        return partial(self._over, looped(each, self._x, self._contexts))

    def _batched_kinds(self, x: Kinds, contexts: Kinds) -> Kinds:
        size = batch_of((*x, *contexts), (*self._x, *self._contexts))
        inner = self._of.kinds(of_one(x, self._x), of_one(contexts, self._contexts))
        return tuple(((size, *shape), dtype) for shape, dtype in inner)


def apply(bridge: Bridge, x: Leaves, contexts: Leaves = ()) -> Leaves:
    """The bridge at arrays of any framework, through the host of the one that is tracing them."""
    return through(tracing((*x, *contexts)), bridge, x, contexts)


def through(outer: Framework | None, bridge: Bridge, x: Leaves, contexts: Leaves) -> Leaves:
    """The same, where `outer` is known to be tracing, or nobody is."""
    if outer is not None:
        return _host(outer)(bridge, x, contexts)
    like = next((leaf for leaf in x if framework_of(leaf) is not NUMPY), None)
    framework = framework_of(like) or NUMPY
    y = bridge(tuple(map(finished, x)), tuple(map(finished, contexts)))
    return y if framework is NUMPY else tuple(framework.from_numpy(leaf, like) for leaf in y)


@cache
def _host(outer: Framework) -> Host:
    """Who takes a bridge in where `outer` is tracing: the entry point of its name."""
    entry = plugins.entries("hosts").get(outer.name)
    if entry is None:
        raise NestedDifferentiationError(
            f"{outer.name} is differentiating, and cannot take in a function of another engine here.",
            outer=outer.name,
        )
    what = f"The host of {outer.name}'s arrays"
    host: Host = plugins.load(entry, what)
    if not callable(host):
        raise plugins.broken(entry, what, f"{host!r} is no function of (bridge, x, contexts)")
    return host


def _key(x: Leaves, contexts: Leaves) -> Any:
    return len(x), *[(leaf.shape, leaf.dtype) for leaf in (*x, *contexts)]


def _own(leaves: Leaves) -> Leaves:
    """NumPy arrays of f's own, in this machine's byte order."""
    return tuple(
        [
            np.array(leaf) if leaf.dtype.isnative else leaf.astype(leaf.dtype.newbyteorder("="))
            for leaf in leaves
        ]
    )


def _taken(native: Framework, leaves: Leaves) -> Leaves:
    """NumPy arrays as new ones of the engine."""
    return tuple([native.from_numpy(leaf, None) for leaf in leaves])


def _sample(leaves: Leaves, flags: Flags, k: int) -> Leaves:
    return tuple(leaf[k] if has else leaf for leaf, has in zip(leaves, flags, strict=True))


def _size(leaves: Leaves, flags: Flags) -> int:
    """The extent of the leading axis that the leaves named have."""
    return next(shape_of(leaf)[0] for leaf, has in zip(leaves, flags, strict=True) if has)
