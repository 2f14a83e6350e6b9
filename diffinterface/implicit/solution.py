"""A solution, and the same with the derivatives that the implicit function theorem gives it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from operator import neg
from typing import Any, final

from ..arrays.facts import dtype_name, is_inexact
from ..arrays.framework import finished, framework_of
from ..arrays.kinds import Kinds, example, kinds_of
from ..arrays.trees import Leaves, Structure
from ..errors import NestedDifferentiationError, OutputError
from ..operators import pullback, pushforward
from .conditions import Conditions, flat_output
from .linear import Linear, require_uniform
from .primitive import Primitive


@final
class Solution(Primitive):
    """``solve`` itself, at arguments that nothing differentiates: the leaves of y, then of aux."""

    def __init__(self, solve: Callable[..., Any], conditions: Conditions) -> None:
        super().__init__(conditions.engine)
        self._solve, self._conditions = solve, conditions
        if conditions.options.like is not None:
            self._record(*self._leaves(conditions.options.like))

    def value(self, x: Leaves, contexts: Leaves) -> Leaves:
        y, aux = self.solved(x, contexts)
        self._conditions.check(x, y, (*aux, *contexts))
        return (*y, *aux)

    def solved(self, x: Leaves, contexts: Leaves) -> tuple[Leaves, Leaves]:
        """The leaves of y and of aux, as NumPy arrays."""
        conditions, framework = self._conditions, self.engine.framework
        scope: Any = nullcontext()
        if conditions.options.arrays == "backend" and framework is not None:
            scope = framework.scope(x[0])
            x, contexts = (
                tuple(framework.from_numpy(leaf, None) for leaf in leaves)
                for leaves in (x, contexts)
            )
        with scope:
            parts = self._leaves(self._solve(*conditions.arguments.join(x, contexts)))
            self._record(*parts)
            (y, _), (aux, _) = parts
            return tuple(map(finished, y)), tuple(map(finished, aux))

    def _leaves(self, result: Any) -> tuple[tuple[Leaves, Structure], tuple[Leaves, Structure]]:
        aux: Any = ()
        if self._conditions.options.has_aux:
            if not (isinstance(result, tuple) and len(result) == 2):
                raise OutputError(
                    f"has_aux=True expects solve to return a pair (y, aux), got {result!r}.",
                    got=result,
                )
            result, aux = result
        for part, name in ((result, "y"), (aux, "aux")):
            for leaf in flat_output(part, self.engine)[0]:
                if framework_of(leaf) is None or (name == "y" and not is_inexact(leaf)):
                    array = framework_of(leaf) is not None
                    kind = dtype_name(leaf) if array else type(leaf).__qualname__
                    raise OutputError(
                        f"solve returned {name} with a {kind}, expected "
                        + ("floating arrays." if name == "y" else "arrays and numbers."),
                        got=leaf,
                    )
        return flat_output(result, self.engine), flat_output(aux, self.engine)

    def _record(self, y: tuple[Leaves, Structure], aux: tuple[Leaves, Structure]) -> None:
        conditions = self._conditions
        got = (len(y[0]), y[1]), (len(aux[0]), aux[1])
        if conditions.y is None:
            require_uniform(tuple(map(finished, y[0])))
            conditions.y, conditions.aux = got
        elif (conditions.y, conditions.aux) != got:
            raise OutputError(
                f"solve returned the structure {got[0][1]}, after {conditions.y[1]} before.",
                got=got[0][1],
                expected=conditions.y[1],
            )

    def kinds(self, x: Kinds, contexts: Kinds) -> Kinds:
        like = self._conditions.options.like
        if like is not None:
            (y, _), (aux, _) = self._leaves(like)
            return kinds_of((*y, *aux))
        try:
            y, aux = self.solved(tuple(map(example, x)), tuple(map(example, contexts)))
        except Exception as error:
            raise NestedDifferentiationError(
                "The shape of the solution must be known before solve can run (jax.jit), and solve "
                f"failed at an example point ({error}); pass like=, a solution of the right shape."
            ) from error
        return kinds_of((*y, *aux))

    def push(self, x: Leaves, contexts: Leaves, t: Leaves) -> Leaves:
        raise AssertionError("its arguments are not differentiated")

    def pull(self, x: Leaves, contexts: Leaves, c: Leaves) -> Leaves:
        return self.push(x, contexts, c)


@final
class Attached(Primitive):
    """A given solution as a function of x. Contexts are the leaves of y, of aux, and the constants."""

    batches = True

    def __init__(self, solution: Solution, conditions: Conditions) -> None:
        super().__init__(conditions.engine)
        self._solution, self._conditions = solution, conditions
        self._linear = Linear(conditions)

    def _parts(self, contexts: Leaves) -> tuple[Leaves, Leaves]:
        m = self._conditions.sizes[1]
        return contexts[:m], contexts[m:]

    def value(self, x: Leaves, contexts: Leaves) -> Leaves:
        y, rest = self._parts(contexts)
        # An engine that differences values moves x without a trace: there is a new solution to find.
        stays = self.engine.stops
        return y if stays else self._solution.solved(x, rest[self._conditions.aux[0] :])[0]

    def kinds(self, x: Kinds, contexts: Kinds) -> Kinds:
        return self._parts(contexts)[0]

    def push(self, x: Leaves, contexts: Leaves, t: Leaves, many: bool = False) -> Leaves:
        y, rest = self.at(x, contexts), self._parts(contexts)[1]
        conditions = self._conditions
        c = pushforward(conditions.residual, conditions.adtype, x, t, y, rest, batched=many)
        return self._linear.at((*x, *y, *map(neg, c)), rest, len(c) if many else 0)

    def pull(self, x: Leaves, contexts: Leaves, c: Leaves, many: bool = False) -> Leaves:
        y, rest = self.at(x, contexts), self._parts(contexts)[1]
        conditions = self._conditions
        b = self._linear.other.at((*x, *y, *map(neg, c)), rest, len(c) if many else 0)
        return tuple(pullback(conditions.residual, conditions.adtype, x, b, y, rest, batched=many))
