"""`AutoSparse` as a backend: pattern, colors, and one product a color by the dense engine."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, final

from ..arrays.facts import NUMBERS, size_of
from ..arrays.framework import NUMPY, framework_of
from ..arrays.namespace import array_namespace
from ..arrays.seeds import basis
from ..arrays.stop import stopped
from ..arrays.trees import Leaves, Structure
from ..compose.member import Composite
from ..compose.mixed_mode import MixedModeBackend
from ..declare.adtypes import AutoSparse
from ..engine.contract import AbstractBackend
from ..engine.derived import refuse_complex
from ..engine.function import Function
from ..engine.prep import Levels, Prep, Setting
from ..engine.registry import resolve
from ..errors import InputError, PreparationMismatchError, ShapeError
from .choice import cheapest
from .coloring import ColoringProblem
from .detect import is_local, pattern
from .detection import KnownPattern, TracerDetector
from .evaluation import Evaluation, check_fixed, fixed
from .outputs import Output
from .plan import SparsePlan
from .products import Evaluate, Products, batch_size, serial
from .watch import Contents
from .workers import remote


@final
class SparseBackend(Composite):
    """Sparse Jacobians and Hessians; every other operator is the dense engine's."""

    adtype_class = AutoSparse
    adtype: AutoSparse

    def __init__(self, adtype: AutoSparse) -> None:
        super().__init__(adtype)
        self.dense = resolve(adtype.dense)
        self.framework, self.accepts = self.dense.framework, self.dense.accepts
        self.compiles, self.stops = self.dense.compiles, self.dense.stops
        self.exact = self.dense.exact
        self.watches = True  # the pattern depends on what f captured
        self.trees: AbstractBackend = getattr(self.dense, "trees", None) or self.dense

    def flatten_output(self, tree: Any) -> tuple[Leaves, Structure]:
        return self.trees.flatten_output(tree)

    def _route(self, operator: str, fn: Function, x: Leaves, contexts: Leaves) -> AbstractBackend:
        return self.dense

    def prepare(
        self, operator: str, fn: Function, x: Leaves, contexts: Leaves, *t: Any, **options: Any
    ) -> Prep:
        if operator == "jacobian":
            return self._jacobian(fn, x, contexts)
        if operator == "hessian":
            return self._hessian(fn, x, contexts)
        return super().prepare(operator, fn, x, contexts, *t, **options)

    def _jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        plan = self._plan("jacobian", fn, x, contexts)
        with self._scope(x):
            y, coloring, sides = self._value(fn, x, contexts)[0], plan.coloring, []
            _check_shape(plan, y, x)
            if coloring.column_colors is not None:
                sides.append(self._side("pushforward", fn, x, contexts, x, coloring.column_colors))
            if coloring.row_colors is not None:
                y = tuple(array_namespace(*x, leaf).asarray(leaf) for leaf in y)
                sides.append(self._side("pullback", fn, x, contexts, y, coloring.row_colors))
            return self._prep(plan, sides, fn, x, contexts, y)

    def _hessian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        refuse_complex(self, x, "hessian")
        plan = self._plan("hessian", fn, x, contexts)
        _check_shape(plan, x, x)
        with self._scope(x):
            side = self._side("hvp", fn, x, contexts, x, plan.coloring.column_colors)
            return self._prep(plan, [side], fn, x, contexts, x)

    def _scope(self, x: Leaves) -> Any:
        """In which to compute with the engine's arrays; those of x may be NumPy's."""
        return (self.framework or framework_of(x[0]) or NUMPY).scope(x[0])

    def _own(self, leaves: Leaves) -> Leaves:
        """NumPy's arrays as the engine's own: f is written for these."""
        if self.framework is None:
            return leaves
        return tuple(
            leaf
            if isinstance(leaf, NUMBERS) or framework_of(leaf) is not NUMPY
            else self.framework.from_numpy(leaf, None)
            for leaf in leaves
        )

    def _value(self, fn: Function, x: Leaves, contexts: Leaves) -> tuple[Leaves, Any]:
        return fn.on(self.trees)(self._own(x), self._own(contexts))

    # --- deciding --------------------------------------------------------------------------------

    def _plan(self, operator: str, fn: Function, x: Leaves, contexts: Leaves) -> SparsePlan:
        plan = self.adtype.plan
        if plan is not None:
            if not isinstance(plan, SparsePlan) or plan.operator != operator:
                raise InputError(
                    f"AutoSparse: plan={plan!r}, expected a SparsePlan of a {operator}.",
                    got=plan,
                    expected=operator,
                )
            return plan
        found = pattern(self.adtype, self.dense, operator, fn, x, contexts)
        if operator == "hessian":
            problems = [ColoringProblem("symmetric")]
        else:
            problems = [ColoringProblem(partition=side) for side in _partitions(self.dense)]
        coloring = cheapest(found, problems, self.adtype.coloring, self.dense)
        return SparsePlan(operator, coloring, local=is_local(self.adtype.detector))

    def _side(
        self, operator: str, fn: Function, x: Leaves, contexts: Leaves, like: Leaves, colors: Any
    ) -> Products:
        adtype, entries = self.adtype, 2 * sum(map(size_of, x)) + sum(map(size_of, like))
        like = tuple(map(stopped, self._own(like)))  # an example; the prep must not keep a trace
        step = batch_size(adtype.chunk_size, self.dense.chunk_size, entries)

        def prepare(seeds: Leaves) -> Evaluate:
            if adtype.executor is not None:
                return remote(adtype.executor, self.dense.adtype, operator, fn)
            prep = self.dense.prepare(operator, fn, x, contexts, seeds, batched=True)
            return serial(prep.run)

        options: dict[str, Any] = {"adjoint": operator == "pullback"}
        if adtype.sharding is not None:
            place = partial((self.framework or NUMPY).shard, sharding=adtype.sharding)
            options |= {"multiple": len(adtype.sharding.device_set), "place": place}
        return Products(colors, like, step, prepare, **options)

    def _prep(
        self,
        plan: SparsePlan,
        sides: list[Products],
        fn: Function,
        x: Leaves,
        contexts: Leaves,
        y: Leaves,
    ) -> Prep:
        adtype = self.adtype
        given = adtype.plan is not None or isinstance(adtype.detector, KnownPattern)
        output = Output(adtype.output, plan, y, x)
        bare = partial(self._bare, plan, fn)
        evaluate = Evaluation(plan, sides, output, bare, self.dense, given)
        known = [] if given else fixed(fn, contexts)
        moves = plan.local and (fn.reuse or given)
        # A jitted f keeps what it read; a pattern found at each x follows it.
        watch = Contents(fn.f) if fn.reuse and not (self.dense.compiles or moves) else None
        calls = count(1)

        def doubtful() -> bool:
            """Whether one more product is due.

            A user's word may hold at the x of the preparation alone, often zero, where entries vanish:
            it is tested in calls 1, 2, 4, 8, ...
            """
            call = next(calls)
            due = not fn.reuse or (given and call & (call - 1) == 0)
            return due or (watch is not None and watch.changed)

        def run(x: Leaves, contexts: Leaves) -> tuple[Any, Any, Any]:
            check_fixed(contexts, known)
            if moves:
                self._check_local(plan, fn, x, contexts)
            with self._scope(x):
                return evaluate(x, contexts, adtype.progress, doubtful())

        if fn.reuse:
            if adtype.executor is None:
                evaluate.compile(fn, x, contexts)
            evaluate.check(x, contexts)
        return Prep(run, details=plan, levels=partial(self._levels, plan.operator, sides, fn))

    def _levels(
        self, operator: str, sides: list[Products], fn: Function, setting: Setting
    ) -> Levels:
        """Those of the products of each side, as many as it has colors."""
        told: Levels = ()
        for side in (side for side in sides if side.count):
            product = "pullback" if side.adjoint else "pushforward"
            product = "hvp" if operator == "hessian" else product
            with self._scope(setting.x):
                seed = basis(side.like, 0, 1)
                prep = self.dense.prepare(product, fn, *setting[:2], seed, batched=True)
                first, *inside = prep.levels(setting._replace(seeds=side.count))
            told += first._replace(beside=bool(told)), *inside
        return told

    def _bare(self, plan: SparsePlan, fn: Function, x: Leaves, contexts: Leaves) -> tuple[Any, Any]:
        """The value where no product is needed, because the derivative is zero everywhere."""
        if plan.operator == "jacobian":
            return self._value(fn, x, contexts)
        value, slope, aux = self.dense.prepare("gradient", fn, x, contexts).run(x, contexts)
        return (value, slope), aux

    def _check_local(self, plan: SparsePlan, fn: Function, x: Leaves, contexts: Leaves) -> None:
        """A pattern that was found at one point holds at another if the one found there lies in it."""
        adtype = self.adtype
        if not is_local(adtype.detector):
            adtype = replace(adtype, detector=TracerDetector("local"))
        here = pattern(adtype, self.dense, plan.operator, fn, x, contexts)
        if here.multiply(plan.coloring.pattern).nnz < here.nnz:
            raise PreparationMismatchError(
                f"The {plan.operator} has entries at this x that the pattern found at another x lacks. "
                'Prepare again, or use a pattern for every x: TracerDetector("global"), KnownPattern.',
                differences=["x: another pattern"],
            )


def _partitions(dense: AbstractBackend) -> list[Any]:
    """Which products the engine has."""
    if isinstance(dense, MixedModeBackend):
        return ["bidirectional"]
    mode = getattr(dense.adtype, "mode", "auto")
    if mode == "reverse" or not dense.has_forward:
        return ["row"]
    return ["column"] if mode == "forward" or not dense.has_reverse else ["column", "row"]


def _check_shape(plan: SparsePlan, y: Leaves, x: Leaves) -> None:
    expected = sum(map(size_of, y)), sum(map(size_of, x))
    if plan.layout.shape != expected:
        raise ShapeError(
            f"The pattern is {plan.layout.shape}, but the {plan.operator} of f here is {expected}.",
            got=plan.layout.shape,
            expected=expected,
        )
