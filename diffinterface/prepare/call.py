"""One plan: f made flat, the arguments checked and converted, the backend's `Prep` made.

Everything is decided before the first number is computed, and nothing changes afterwards, so threads
may share a plan. It keeps no argument alive but the fixed point of a ``same_point`` plan.
"""

from __future__ import annotations

from typing import Any, final

import numpy as np

from diffinterface.prepare.request import Request

from ..arrays.facts import NUMBERS, dtype_name, is_complex, is_inexact
from ..arrays.framework import NUMPY, framework_of
from ..arrays.seeds import match
from ..arrays.trees import LEAF, Leaves, Structure
from ..engine.arguments import check_statics, split
from ..engine.conversion import Converter, scalars
from ..engine.function import Function, check_argnums
from ..engine.prep import Prep
from ..engine.registry import resolve
from ..errors import ShapeError
from ..evaluations import States, rewind
from .holomorphic import guarded
from .samples import check_samples
from .signature import ContextCheck, TreeCheck, flatten_any


@final
class Plan:
    """The plan of one request for arguments of one kind."""

    __slots__ = (
        "_point",
        "check_contexts",
        "check_seed",
        "check_x",
        "converter",
        "fn",
        "prep",
        "request",
    )

    def __init__(self, request: Request, x: Any, contexts: tuple[Any, ...], t: Any) -> None:
        self.prepare(request, x, contexts, t)

    @classmethod
    def with_arguments(
        cls, request: Request, x: Any, contexts: tuple[Any, ...], t: Any
    ) -> tuple[Plan, tuple[Leaves, ...]]:
        """The plan, and the arguments it was made with as its `Prep` takes them."""
        plan = cls.__new__(cls)
        return plan, plan.prepare(request, x, contexts, t)

    def prepare(
        self, request: Request, x: Any, contexts: tuple[Any, ...], t: Any
    ) -> tuple[Leaves, ...]:
        """Decide everything; returns the arguments as the `Prep` takes them."""
        operator, backend = request.operator, resolve(request.adtype)
        leaves, structure = flatten_any(x, backend.flatten)
        layout, data = split(contexts, backend.flatten)
        if backend.compiles and request.reuse:
            check_statics(layout)
        self.request = request
        self.check_x = TreeCheck(leaves, structure, backend.flatten, "x")
        self.check_contexts = ContextCheck(contexts, layout, data, backend.flatten)
        self.check_seed: TreeCheck | None = None
        self._point: Leaves | None = None
        operator.check_x(leaves)
        leaves = beside(leaves, data)
        self.converter = Converter(backend, leaves)
        self.fn = Function(
            request.f,
            backend,
            structure,
            layout,
            argnums=check_argnums(request.argnums, x, len(contexts)),
            has_aux=request.has_aux,
            scalar=operator.scalar_y,
            reuse=request.reuse,
        )
        if request.same_point:
            leaves, data = own(leaves), own(data)
        entered = self.converter.enter(leaves)
        arguments = entered, self.converter.enter_contexts(data, entered)
        if operator.tangent is None:
            self.prep: Prep = self._one_call(backend.prepare(operator.name, self.fn, *arguments))
            if operator.holomorphic and any(map(is_complex, entered)):
                self.prep = guarded(self.prep, backend, self.fn, *arguments)
            if operator.samples:
                check_samples(backend, self.fn, *arguments)
            return arguments
        what = "tangent" if operator.tangent == "x" else "cotangent"
        seeds, structure = flatten_any(t, backend.flatten)
        self.check_seed = TreeCheck(seeds, structure, backend.flatten, f"the {what}")
        if operator.tangent == "x":
            self._check_seed_structure(self.check_x.structure)
        self._point = entered if request.same_point else None
        seeds = self._enter_seed(seeds, entered)
        self.prep = self._one_call(
            backend.prepare(
                operator.name,
                self.fn,
                *arguments,
                seeds,
                batched=request.batched,
                same_point=request.same_point,
            )
        )
        return (seeds,) if request.same_point else (*arguments, seeds)

    def _one_call(self, prep: Prep) -> Prep:
        """`prep`, each of whose runs advances what f advances once; compiled code advances nothing."""
        once = self.request.same_point or not self.request.reuse
        return prep if once or self.fn.backend.compiles else _each_a_call(prep, self.fn.states)

    def _enter_seed(self, seeds: Leaves, x: Leaves) -> Leaves:
        entered = self.converter.enter(seeds)
        if self.request.operator.tangent == "x":
            entered = match(entered, x, self.request.batched, "tangent", "x")
        return entered

    # --- calls -----------------------------------------------------------------------------------

    def arguments(self, x: Any, contexts: tuple[Any, ...], t: Any) -> tuple[Leaves, ...] | None:
        """What `prep` takes for a later call; None where it is not of the kind prepared for."""
        if self.differences(x, contexts, t):
            return None
        flatten = self.fn.backend.flatten
        seeds = flatten_any(t, flatten)[0] if self.check_seed is not None else ()
        if self._point is not None:
            return (self._enter_seed(seeds, self._point),)
        leaves, data = flatten_any(x, flatten)[0], split(contexts, flatten)[1]
        entered = self.converter.enter(beside(leaves, data))
        data = self.converter.enter_contexts(data, entered)
        if self.check_seed is None:
            return entered, data
        return entered, data, self._enter_seed(seeds, entered)

    def differences(self, x: Any, contexts: tuple[Any, ...], t: Any) -> list[str]:
        """One line for each way in which these arguments are not of the kind prepared for."""
        lines = []
        if self._point is None:
            lines = self.check_x.differences(x) + self.check_contexts.differences(contexts)
        return lines + (self.check_seed.differences(t) if self.check_seed is not None else [])

    def result(self, arguments: tuple[Leaves, ...]) -> Any:
        """The operator's result, as the caller gets it, with the auxiliary output where there is one."""
        if not self.request.has_aux:
            return self.finish(self.prep.result(*arguments))
        _, result, aux = self.prep.run(*arguments)
        return self.finish(result), self.converter.leave_aux(aux)

    def value_and(self, arguments: tuple[Leaves, ...]) -> tuple[Any, ...]:
        """The shown values, the result, and the auxiliary output where there is one."""
        return self.finish_run(self.prep.run(*arguments))

    def finish(self, result: Any) -> Any:
        """A result's tree, in the caller's arrays."""
        if self.request.operator.tangent == "y":
            self._check_seed_structure(self.fn.y_structure or LEAF)
        if not self.converter.same:
            fresh = self.prep.fresh and self.converter.native_numpy
            result = scalars(result) if fresh else self.converter.leave_all(result)
        return self.request.operator.assemble(result, self.fn)

    def finish_run(self, parts: tuple[Any, Any, Any]) -> tuple[Any, ...]:
        """The same of all that a run gives: shown values, the result, and the auxiliary output."""
        value, result, aux = parts
        values = self.request.operator.assemble_values(self.converter.leave_all(value), self.fn)
        result = self.finish(result)
        if not self.request.has_aux:
            return *values, result
        return *values, result, self.converter.leave_aux(aux)

    def _check_seed_structure(self, expected: Structure) -> None:
        got = LEAF if self.check_seed is None else self.check_seed.structure
        if not (got is expected or got == expected):
            of = "x" if self.request.operator.tangent == "x" else "f(x)"
            raise ShapeError(
                f"The seed has structure {got}, expected {expected}, that of {of}.",
                got=got,
                expected=expected,
            )


def _each_a_call(prep: Prep, states: States) -> Prep:
    """A plan each of whose runs is one call, after a preparation that counts for none."""

    def one_call(run: Any) -> Any:
        def call(*args: Any) -> Any:
            if states:
                states.clear()
            return run(*args)

        return call

    rewind(states)
    states.clear()
    details, lone = prep.details, prep.lone and one_call(prep.lone)
    return Prep(
        one_call(prep.run),
        one_call(prep.result),
        fresh=prep.fresh,
        lone=lone,
        details=details,
        levels=prep.levels,
    )


def beside(x: Leaves, contexts: Leaves) -> Leaves:
    """Python numbers x as arrays of the framework that the contexts are of, if these are of one alone.

    Such a caller works in that framework, though x does not tell. Numbers take the precision of the
    arrays, as they do in their products with them.
    """
    if not contexts or not all(type(leaf) in (float, complex) for leaf in x):
        return x
    arrays = [leaf for leaf in contexts if framework_of(leaf) is not NUMPY and is_inexact(leaf)]
    frameworks = {framework_of(leaf) for leaf in arrays}
    framework = frameworks.pop() if len(frameworks) == 1 else None
    if framework is None or framework.wraps:
        return x
    names = {dtype_name(leaf) for leaf in arrays}
    names = {name for name in names if hasattr(np, name)}  # it knows no bfloat16
    return tuple(
        framework.from_numpy(np.asarray(number, np.result_type(number, *names)), arrays[0])
        for number in x
    )


def own(leaves: Leaves) -> Leaves:
    """Leaves that the caller cannot overwrite any more."""
    return tuple(
        leaf if isinstance(leaf, NUMBERS) or framework is None else framework.own(leaf)
        for leaf in leaves
        for framework in [framework_of(leaf)]
    )
