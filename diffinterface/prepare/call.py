"""One call: f made flat, the arguments checked and converted, the backend's `Prep` made.

Everything is decided before the first number is computed, and nothing changes afterwards, so threads
may share a call. It keeps no argument alive but the fixed point of a ``same_point`` call.
"""

from __future__ import annotations

from typing import Any, final

import numpy as np

from ..arrays.facts import NUMBERS, dtype_name, is_complex, is_inexact
from ..arrays.framework import NUMPY, framework_of
from ..arrays.seeds import instead, match
from ..arrays.trees import LEAF, Leaves, Structure
from ..engine.arguments import check_statics
from ..engine.contract import AbstractBackend
from ..engine.conversion import Converter, scalars
from ..engine.function import Function, check_argnums
from ..engine.prep import Prep
from ..errors import ShapeError
from ..evaluations import States, rewind
from .holomorphic import guarded
from .operator import assemble
from .request import Request
from .samples import check_samples
from .signature import Flat, Signature


@final
class Call:
    """One request, bound to arguments of one kind."""

    __slots__ = ("_point", "_seed_structure", "converter", "fn", "prep", "request", "signature")

    def __init__(self, request: Request, backend: AbstractBackend, x: Any, flat: Flat) -> None:
        operator = request.operator
        if backend.compiles and request.reuse:
            check_statics(flat.layout)
        if operator.samples or operator.scalar_x:
            operator.check_x(flat.x)
        self.request = request
        x_beside = beside(flat.x, flat.contexts) if flat.contexts else flat.x
        self.converter = Converter(backend, x_beside, flat.structure is LEAF)
        self.fn = Function(
            request.f,
            backend,
            flat.structure,
            flat.layout,
            argnums=check_argnums(request.argnums, x, len(flat.layout)),
            has_aux=request.has_aux,
            scalar=operator.scalar_y,
            samples=operator.samples,
            reuse=request.reuse,
        )
        self._point: Leaves | None = None
        self._seed_structure = flat.seed_structure
        if operator.tangent == "x":
            self._check_seed_structure(flat.structure)
        if request.reuse:
            fixed = request.same_point
            self.signature = Signature(flat, operator.tangent, backend.flatten, fixed)

    def prepare(self, flat: Flat) -> tuple[Leaves, ...]:
        """Make the `Prep`; returns the arguments as it takes them."""
        request, backend = self.request, self.fn.backend
        x, contexts = flat.x, flat.contexts
        if request.same_point:
            x, contexts = own(x), own(contexts)
        arguments = self._enter(x, contexts, flat.seed)
        options = {"batched": request.batched, "same_point": request.same_point}
        self.prep: Prep = backend.prepare(request.operator.name, self.fn, *arguments, **options)
        if request.reuse and not request.same_point and not backend.compiles:
            self.prep = _each_a_call(self.prep, self.fn.states)
        if request.operator.holomorphic and any(map(is_complex, arguments[0])):
            self.prep = guarded(self.prep, backend, self.fn, *arguments)
        if request.operator.samples:
            check_samples(backend, self.fn, *arguments)
        if request.same_point:
            self._point = arguments[0]
            return arguments[2:]
        return arguments

    def _enter(self, x: Leaves, contexts: Leaves, seed: Leaves) -> tuple[Leaves, ...]:
        """Leaves of the caller as the `Prep` takes them."""
        tangent = self.request.operator.tangent
        if self._point is not None:
            return (self._enter_seed(seed, self._point),)
        x = self.converter.enter(beside(x, contexts) if contexts else x)
        if contexts:
            contexts = self.converter.enter_contexts(contexts, x)
        return (x, contexts) if tangent is None else (x, contexts, self._enter_seed(seed, x))

    def _enter_seed(self, seed: Leaves, x: Leaves) -> Leaves:
        entered = self.converter.enter(seed)
        if self.request.operator.tangent == "x":
            entered = match(entered, x, self.request.batched, "tangent", "x")
        return entered

    # --- calls -----------------------------------------------------------------------------------

    def arguments(self, x: Any, contexts: tuple[Any, ...], t: Any) -> tuple[Leaves, ...] | None:
        """What `prep` takes for a later call.

        None where the arguments are not of the kind prepared for, or must cross a bridge.
        """
        leaves = self.signature.match(x, contexts, t)
        if leaves is None or self.converter.crossing(*leaves) is not None:
            return None
        return self._enter(*leaves)

    def differences(self, x: Any, contexts: tuple[Any, ...], t: Any) -> list[str]:
        """One line for each way in which these arguments are not of the kind prepared for."""
        return self.signature.differences(x, contexts, t)

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
            result = scalars(result) if fresh else self.converter.leave(result)
        return assemble(self.request.operator.result, result, self.fn)

    def finish_run(self, parts: tuple[Any, Any, Any]) -> tuple[Any, ...]:
        """The same of all that a run gives: shown values, the result, and the auxiliary output."""
        value, result, aux = parts
        values = self.request.operator.values(self.converter.leave(value), self.fn)
        result = self.finish(result)
        if not self.request.has_aux:
            return *values, result
        return *values, result, self.converter.leave_aux(aux)

    def _check_seed_structure(self, expected: Structure) -> None:
        got = self._seed_structure
        if not (got is expected or got == expected):
            of = "x" if self.request.operator.tangent == "x" else "f(x)"
            raise ShapeError(
                f"The seed has structure {got}, expected {expected}, that of {of}."
                f"{instead(of, expected is LEAF)}",
                got=got,
                expected=expected,
            )


def _each_a_call(prep: Prep, states: States) -> Prep:
    """`prep`, each of whose runs is one call, after a preparation that counts for none."""

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
    if not all(type(leaf) in (float, complex) for leaf in x):
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
