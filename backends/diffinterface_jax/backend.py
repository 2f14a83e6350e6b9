"""JAX as the inner engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, final

import jax
import numpy as np

from diffinterface.extend import (
    LEAF,
    AutoJax,
    Backend,
    DerivedFunction,
    Function,
    Leaves,
    Mode,
    Prep,
    Structure,
    match_cotangent,
)
from diffinterface.extend.bridges import Program, Pullback
from diffinterface.extend.modes import (
    Costs,
    Levels,
    Setting,
    jacobian_levels,
    prefers_forward,
    two_pullbacks,
)

from . import transforms
from .framework import framework
from .nodes import register_nodes, tree_flatten
from .tracing import arrays, eager, guard, has_custom_vjp, jitted, own, traced_once


@final
class JaxBackend(Backend):
    """`AutoJax`: prepared calls are jitted, single calls run eagerly.

    A 64-bit x is differentiated in 64 bits whatever JAX's global switch says: the switch is scoped to
    the call. A narrower x keeps JAX's own promotion, so 64-bit contexts do not widen its result.
    """

    adtype_class = AutoJax
    framework = framework
    accepts = frozenset({"jax", "numpy"})
    # Both modes run the same kind of compiled program. Columns come out transposed.
    costs = Costs(column=1.2, base=60_000)
    adtype: AutoJax

    def __init__(self, adtype: AutoJax) -> None:
        super().__init__(adtype)
        self.compiles = adtype.jit
        self._mode = adtype.mode

    def flatten(self, tree: Any) -> tuple[Leaves, Structure]:
        leaves, structure = tree_flatten(tree)
        lone = len(leaves) == 1 and jax.tree_util.treedef_is_leaf(structure)  # None is a "leaf" too
        return tuple(leaves), LEAF if lone else structure

    def flatten_output(self, tree: Any) -> tuple[Leaves, Structure]:
        register_nodes()
        leaves = jax.tree_util.tree_leaves(tree, is_leaf=_no_tree)
        return (tuple(leaves), LEAF) if any(map(_no_tree, leaves)) else self.flatten(tree)

    # --- preps -----------------------------------------------------------------------------------

    def _prep(
        self,
        operator: str,
        fn: Function,
        x: Leaves,
        contexts: Leaves,
        *,
        t: Leaves = (),
        lone: bool = False,
        **options: bool,
    ) -> Prep:
        """The prep of an operator of `JaxTransforms`."""

        def make(mode: Mode) -> transforms.Body:
            return partial(getattr(transforms.IN_MODE[mode], operator), fn, **options)

        levels = partial(self._levels, operator, fn)
        compiled, has_aux = fn.reuse and self.adtype.jit, fn.has_aux
        if compiled:
            fn = traced_once(fn)

        modes: tuple[Mode, ...] = ("auto", "reverse") if self._mode == "auto" else (self._mode,)
        pulls = operator in ("gradient", "pullback")  # they ask for no forward rule
        traced = not pulls and any(isinstance(leaf, jax.core.Tracer) for leaf in x)

        def allowed(x: Leaves, contexts: Leaves) -> tuple[Mode, ...]:
            """Those of `modes` that f has rules for, where a missing one shows too late."""
            return modes[-1:] if len(modes) > 1 and has_custom_vjp(fn, x, contexts) else modes

        if not (compiled or traced):
            return Prep(guard(eager(list(map(make, modes))), x, contexts, t), levels=levels)
        if not compiled:

            def once(x: Leaves, contexts: Leaves, *t: Leaves) -> Any:
                return eager(list(map(make, allowed(x, contexts))))(x, contexts, *t)

            return Prep(guard(once, x, contexts, t), levels=levels)
        body = make(guard(allowed, x, contexts)(x, contexts)[0])
        result = jax.jit(lambda *args: body(*args)[1])
        run = jitted(body) if has_aux else jax.jit(body)  # arrays alone, and a None
        prep = Prep(guard(run, x, contexts, t), guard(result, x, contexts, t), levels=levels)
        if lone:
            prep.lone = guard(jax.jit(lambda leaf: body((leaf,), ())[1][0]), x, contexts)
        return prep

    def _prefers_forward(
        self, fn: Function, x: Leaves, contexts: Leaves, samples: bool = False
    ) -> bool:
        if self._mode != "auto":
            return self._mode == "forward"
        return prefers_forward(self, x, self._outputs(fn, x, contexts), samples=samples)

    def _outputs(self, fn: Function, x: Leaves, contexts: Leaves) -> Leaves:
        shapes = guard(lambda x, c: jax.eval_shape(lambda x: fn(x, c)[0], x), x, contexts)
        return tuple(shapes(x, contexts))

    def prepare_pushforward(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._prep("pushforward", fn, x, contexts, batched=batched, t=t)

    def prepare_pullback(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._prep("pullback", fn, x, contexts, batched=batched, t=t)

    def prepare_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._prep("derivative", fn, x, contexts)

    def prepare_gradient(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        lone = len(x) == 1 and not fn.layout
        return self._prep("gradient", fn, x, contexts, lone=lone)

    def prepare_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        forward = self._prefers_forward(fn, x, contexts)
        return self._prep("jacobian", fn, x, contexts, forward=forward)

    def prepare_batched_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        forward = self._prefers_forward(fn, x, contexts, samples=True)
        return self._prep("batched_jacobian", fn, x, contexts, forward=forward)

    def prepare_second_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._prep("second_derivative", fn, x, contexts)

    def prepare_hvp(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._prep("hvp", fn, x, contexts, batched=batched, t=t)

    def prepare_hessian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._prep("hessian", fn, x, contexts)

    def probe(self, fn: Function, x: Leaves, contexts: Leaves) -> tuple[Leaves, Leaves]:
        def trace(x: Leaves, contexts: Leaves) -> Any:
            return jax.make_jaxpr(lambda x, contexts: fn(x, contexts)[0])(x, contexts)

        program = guard(trace, x, contexts)(x, contexts)
        y = tuple(np.zeros(leaf.shape, leaf.dtype) for leaf in program.out_avals)
        return y, tuple(program.consts)

    def _levels(self, operator: str, fn: Function, setting: Setting) -> Levels:
        mode, level, at = self._mode, self.level, (setting.x, setting.contexts)
        if operator in ("jacobian", "batched_jacobian"):
            samples = operator == "batched_jacobian"
            return jacobian_levels(self, setting.x, self._outputs(fn, *at), samples=samples)
        # To trace a derivative by another engine would be to take it.
        traceable = mode == "auto" and not isinstance(fn, DerivedFunction)
        if traceable and guard(partial(has_custom_vjp, fn), *at)(*at):
            mode = "reverse"
        gradient = (
            level("forward", setting.entries) if mode == "forward" else level("reverse", 1),
        )
        if operator in ("hvp", "hessian"):
            directions = setting.entries if operator == "hessian" else setting.seeds
            return level("reverse" if mode == "reverse" else "forward", directions), *gradient
        if operator in ("gradient", "pullback"):
            return gradient if operator == "gradient" else (level("reverse", setting.seeds),)
        twice = mode == "reverse"
        push = two_pullbacks(self, setting.seeds) if twice else (level("forward", setting.seeds),)
        return push * 2 if operator == "second_derivative" else push

    # --- what a bridge asks ----------------------------------------------------------------------

    def program(self, fn: Function, x: Leaves, contexts: Leaves) -> Program:
        run = jax.jit if self.adtype.jit and fn.reuse else (lambda call: call)
        return guard(run(lambda x, contexts: fn(arrays(x), contexts)[0]), x, contexts)

    def with_pullback(
        self, fn: Function, x: Leaves, contexts: Leaves
    ) -> tuple[Leaves, Pullback] | None:
        def at(x: Leaves, contexts: Leaves) -> Any:
            y, pull, _ = transforms.pull(transforms.close(fn, contexts), arrays(x))
            return y, jax.tree_util.tree_map(own, pull)  # as in `_at_point`

        try:
            y, pull = guard(at, x, contexts)(x, contexts)
        except (TypeError, ValueError, NotImplementedError):
            return None  # what has no derivative may yet be evaluated
        return y, guard(lambda t: pull(arrays(t)), x, contexts)

    def vectorized(self, fn: Function, x: tuple[bool, ...], contexts: tuple[bool, ...]) -> Program:
        axes = tuple(tuple(0 if has else None for has in part) for part in (x, contexts))
        return jax.vmap(lambda x, contexts: fn(x, contexts)[0], in_axes=axes)

    # --- at one point ----------------------------------------------------------------------------

    def prepare_pushforward_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        linearize = partial(transforms.linearize, mode=self._mode)
        return self._at_point(fn, x, contexts, t, linearize, batched)

    def prepare_pullback_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._at_point(fn, x, contexts, t, transforms.pull, batched, check=True)

    def prepare_hvp_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:

        def of_gradient(_: Any, x: Leaves) -> Any:
            g = transforms.close(fn, contexts)
            gradient = transforms.IN_MODE[self._mode].gradient_of(g)
            first, product, (y, aux) = transforms.linearize_symmetric(gradient, x, self._mode)
            return (y, first), product, aux

        return self._at_point(fn, x, contexts, t, of_gradient, batched)

    def _at_point(
        self,
        fn: Function,
        x: Leaves,
        contexts: Leaves,
        t: Leaves,
        linearize: Callable[..., Any],
        batched: bool,
        check: bool = False,
    ) -> Prep:
        def at(x: Leaves, contexts: Leaves) -> Any:
            value, linear, aux = linearize(transforms.close(fn, contexts), arrays(x))
            # What the linear map keeps may be a NumPy array that f captured: an own copy of it.
            return value, jax.tree_util.tree_map(own, linear), aux

        value, linear, aux = guard(at, x, contexts)(x, contexts)

        def apply(linear: Any, t: Leaves) -> Leaves:
            t = match_cotangent(t, value, batched) if check else t
            return (jax.vmap(linear) if batched else linear)(arrays(t))

        applied = jax.jit(apply) if self.adtype.jit else apply
        result = guard(lambda t: applied(linear, t), x, contexts, t)
        return Prep(lambda t: (value, result(t), aux), result)


def _no_tree(part: Any) -> bool:
    """What JAX would drop, or warn about, and f may not return: kept as a leaf, to be refused."""
    return part is None or isinstance(part, Iterator)
