"""Functions with derivative rules of their own, as bridges.

A `Primitive` gives its value on NumPy arrays, and its pushforward and pullback in calls that are
differentiable again: operators of the engine, and other primitives. So every outer engine takes it in
as one function, and every order follows from the two rules.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, final

from ..arrays.facts import shape_of
from ..arrays.framework import NUMPY, framework_of
from ..arrays.kinds import Kinds
from ..arrays.namespace import array_namespace
from ..arrays.perturbations import tracing
from ..arrays.trees import LEAF, Leaves
from ..compose.member import Composite
from ..engine.contract import AbstractBackend, Program
from ..engine.function import Function, looped
from ..engine.prep import Prep
from ..errors import UnsupportedOperatorError
from ..nest.bridge import Bridge
from ..nest.hosts import apply, through
from .captured import recording
from .kept import kept

Rule = Callable[[Leaves, Leaves, Leaves], Leaves]


class Primitive(Function, ABC):
    """A flat function ``(x, contexts) -> y`` with its own rules.

    Attributes
    ----------
    engine : AbstractBackend
        What differentiates the rules themselves, for the second order and beyond.
    bridge : Bridge
        The function as outer engines take it.
    batches : bool
        Whether the rules take ``many=True``, for tangents and cotangents with one leading axis.
    """

    batches: ClassVar[bool] = False

    def __init__(self, engine: AbstractBackend) -> None:
        super().__init__(self.value, engine, LEAF, reuse=False)
        self.engine = engine
        self.bridge = Bridge(self, RuleBackend(engine), self.kinds)

    def __call__(self, x: Leaves, contexts: Leaves = ()) -> tuple[Leaves, Any]:
        ours = all(framework_of(leaf) is NUMPY for leaf in (*x, *contexts))
        return (self.value if ours else self.at)(x, contexts), None

    def on(self, backend: Any, *, reuse: bool | None = None) -> Function:
        return self  # it brings its own engine

    def at(self, x: Leaves, contexts: Leaves = (), many: int = 0) -> Leaves:
        """The function at arrays of any framework, traced or not.

        `many` says how many of the last leaves of x carry one leading axis.
        """
        bridge = self.bridge
        if many:
            flags = [k >= len(x) - many for k in range(len(x))]
            bridge = bridge.batched(flags, [False] * len(contexts))
        return apply(bridge, x, contexts)

    def entered(self, x: Leaves, contexts: Leaves = ()) -> Leaves:
        """The same from the user's own code, where even constants may have to be recorded."""
        outer = tracing((*x, *contexts)) or recording(self.engine)
        return through(outer, self.bridge, x, contexts)

    @abstractmethod
    def value(self, x: Leaves, contexts: Leaves) -> Leaves:
        """y, of NumPy arrays."""

    @abstractmethod
    def kinds(self, x: Kinds, contexts: Kinds) -> Kinds:
        """Shapes and dtypes of y from those of the arguments."""

    @abstractmethod
    def push(self, x: Leaves, contexts: Leaves, t: Leaves) -> Leaves:
        """The tangent of y."""

    @abstractmethod
    def pull(self, x: Leaves, contexts: Leaves, c: Leaves) -> Leaves:
        """The cotangent of x."""


@final
class RuleBackend(Composite):
    """The rules of a primitive, and for all that is made of them the engine."""

    def __init__(self, engine: AbstractBackend) -> None:
        super().__init__(engine.adtype)
        self._engine = self.trees = engine
        # The rules take and give NumPy arrays; what an engine makes of them may be its own.
        self.framework, self.accepts = engine.framework, engine.accepts | {"numpy"}

    @property
    def has_reverse(self) -> bool:
        """No: a pullback solves an equation of its own, and does not come along with a value."""
        return False

    def _route(self, operator: str, fn: Function, x: Leaves, contexts: Leaves) -> AbstractBackend:
        if isinstance(fn, Primitive):  # an engine would only ask this bridge again
            raise UnsupportedOperatorError(
                f"a rule of an implicit function gives no {operator}.",
                backend=self.adtype,
                operator=operator,
            )
        return self._engine

    def prepare(
        self, operator: str, fn: Function, x: Leaves, contexts: Leaves, *t: Any, **options: bool
    ) -> Prep:
        primitive = operator in ("pushforward", "pullback") and not options.get("same_point")
        if primitive and isinstance(fn, Primitive):
            rule: Any = fn.push if operator == "pushforward" else fn.pull
            if options.get("batched"):
                rule = partial(rule, many=True) if fn.batches else partial(one_by_one, rule)
            return Prep(lambda x, c, t: (fn.at(x, c), rule(x, c, t), None), rule)
        return super().prepare(operator, fn, x, contexts, *t, **options)

    def vectorized(self, fn: Function, x: tuple[bool, ...], contexts: tuple[bool, ...]) -> Program:
        run = looped(fn, x, contexts)

        def rows(x: Leaves, contexts: Leaves) -> Leaves:
            with kept():
                return run(x, contexts)

        return rows


def one_by_one(rule: Rule, x: Leaves, contexts: Leaves, seeds: Leaves) -> Leaves:
    """A rule for each of many seeds, with what they share computed once."""
    with kept():
        rows = [rule(x, contexts, row) for row in _rows(seeds)]
    return tuple(array_namespace(*column).stack(list(column)) for column in zip(*rows, strict=True))


def _rows(seeds: Leaves) -> list[Leaves]:
    return [tuple(seed[k, ...] for seed in seeds) for k in range(shape_of(seeds[0])[0])]
