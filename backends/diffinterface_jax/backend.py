"""JAX as the inner engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np

from diffinterface import derived
from diffinterface.adtypes import AutoJax
from diffinterface.arrays import NUMBERS, dtype_name, framework_of, size_of
from diffinterface.backend import Backend
from diffinterface.functions import Function
from diffinterface.prep import Prep
from diffinterface.seeds import match_cotangent
from diffinterface.trees import LEAF, Leaves, Structure

from . import transforms
from .framework import framework

_WIDE = ("float64", "complex128")


@final
class JaxBackend(Backend):
    """`AutoJax`: prepared calls are jitted, single calls run eagerly.

    A 64-bit x is differentiated in 64 bits whatever JAX's global switch says: the switch is scoped to
    the call. A narrower x keeps JAX's own promotion, so 64-bit contexts do not widen its result.
    """

    adtype_class = AutoJax
    framework = framework
    accepts = frozenset({"jax", "numpy"})
    adtype: AutoJax

    def __init__(self, adtype: AutoJax) -> None:
        super().__init__(adtype)
        self.compiles = adtype.jit
        self._forward = adtype.mode == "forward"
        self._reverse = adtype.mode == "reverse"

    def flatten(self, tree: Any) -> tuple[Leaves, Structure]:
        leaves, structure = jax.tree_util.tree_flatten(tree)
        lone = len(leaves) == 1 and jax.tree_util.treedef_is_leaf(structure)  # None is a "leaf" too
        return tuple(leaves), LEAF if lone else structure

    def flatten_output(self, tree: Any) -> tuple[Leaves, Structure]:
        leaves = jax.tree_util.tree_leaves(tree, is_leaf=_no_tree)
        return (tuple(leaves), LEAF) if any(map(_no_tree, leaves)) else self.flatten(tree)

    # --- plans -----------------------------------------------------------------------------------

    def _plan(self, fn: Function, x: Leaves, contexts: Leaves, body: transforms.Body) -> Prep:
        if not (fn.reuse and self.adtype.jit):
            return Prep(_guard(_eager(body), x, contexts))
        result = jax.jit(lambda *args: body(*args)[1])
        return Prep(_guard(_jitted(body), x, contexts), _guard(result, x, contexts))

    def _prefers_forward(self, fn: Function, x: Leaves, contexts: Leaves) -> bool:
        """Whether x has no more entries than f(x); a batch axis counts on both sides."""
        if self.adtype.mode != "auto":
            return self._forward
        shapes = _guard(lambda x, c: jax.eval_shape(lambda x: fn(x, c)[0], x), x, contexts)
        return sum(map(size_of, x)) <= sum(map(size_of, shapes(x, contexts)))

    def prepare_pushforward(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._plan(fn, x, contexts, transforms.pushforward(fn, batched))

    def prepare_pullback(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._plan(fn, x, contexts, transforms.pullback(fn, batched))

    def prepare_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._plan(fn, x, contexts, transforms.derivative(fn))

    def prepare_gradient(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        body = transforms.gradient(fn, self._forward)
        plan = self._plan(fn, x, contexts, body)
        if fn.reuse and self.adtype.jit and len(x) == 1 and not fn.layout:
            lone = jax.jit(lambda leaf: body((leaf,), ())[1][0])
            plan.lone = _guard(lone, x, contexts)
        return plan

    def prepare_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        forward = self._prefers_forward(fn, x, contexts)
        return self._plan(fn, x, contexts, transforms.jacobian(fn, forward))

    def prepare_batched_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        forward = self._prefers_forward(fn, x, contexts)
        return self._plan(fn, x, contexts, transforms.batched_jacobian(fn, forward))

    def prepare_second_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._plan(fn, x, contexts, transforms.second_derivative(fn))

    def prepare_hvp(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        derived.refuse_complex(self, x, "hvp")
        body = transforms.hvp(fn, batched, self._forward, self._reverse)
        return self._plan(fn, x, contexts, body)

    def prepare_hessian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        derived.refuse_complex(self, x, "hessian")
        body = transforms.hessian(fn, self._forward, self._reverse)
        return self._plan(fn, x, contexts, body)

    # --- at one point ----------------------------------------------------------------------------

    def prepare_pushforward_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._at_point(fn, x, contexts, transforms.linearize, batched)

    def prepare_pullback_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._at_point(fn, x, contexts, transforms.pull, batched, check=True)

    def _at_point(
        self,
        fn: Function,
        x: Leaves,
        contexts: Leaves,
        linearize: Callable[..., Any],
        batched: bool,
        check: bool = False,
    ) -> Prep:
        at = _guard(lambda x, c: linearize(transforms.close(fn, c), _arrays(x)), x, contexts)
        value, linear, aux = at(x, contexts)

        def apply(t: Leaves) -> Leaves:
            t = match_cotangent(t, value, batched) if check else t
            return (jax.vmap(linear) if batched else linear)(_arrays(t))

        result = _guard(jax.jit(apply) if self.adtype.jit else apply, x, contexts)
        return Prep(lambda t: (value, result(t), aux), result)

    def prepare_hvp_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        derived.refuse_complex(self, x, "hvp")
        linearize = transforms.pull if self._reverse else transforms.linearize

        def of_gradient(_: Any, x: Leaves) -> Any:
            first, product, (y, aux) = linearize(
                transforms.gradient_of(fn, contexts, self._forward), x
            )
            return (y, first), product, aux

        return self._at_point(fn, x, contexts, of_gradient, batched)


def _no_tree(part: Any) -> bool:
    """What JAX would drop, or warn about, and f may not return: kept as a leaf, to be refused."""
    return part is None or isinstance(part, Iterator)


def _arrays(leaves: Leaves) -> Leaves:
    return tuple(jnp.asarray(leaf) for leaf in leaves)


def _jitted(body: transforms.Body) -> transforms.Body:
    """`body` compiled; what is no array in its auxiliary output is kept from the trace."""
    kept: dict[str, Any] = {}

    def arrays_only(*args: Any) -> Any:
        value, result, aux = body(*args)
        leaves, kept["structure"] = jax.tree_util.tree_flatten(aux)
        arrays = [leaf for leaf in leaves if _is_array(leaf)]
        kept["others"] = [_HOLE if _is_array(leaf) else leaf for leaf in leaves]
        return value, result, arrays

    compiled = jax.jit(arrays_only)

    def run(*args: Any) -> Any:
        value, result, arrays = compiled(*args)
        remaining = iter(arrays)
        leaves = [next(remaining) if other is _HOLE else other for other in kept["others"]]
        return value, result, jax.tree_util.tree_unflatten(kept["structure"], leaves)

    return run


_HOLE = object()


def _is_array(leaf: Any) -> bool:
    return framework_of(leaf) is not None and not isinstance(leaf, NUMBERS)


def _eager(body: transforms.Body) -> transforms.Body:
    def run(x: Leaves, contexts: Leaves, *t: Leaves) -> Any:
        return body(_arrays(x), contexts, *map(_arrays, t))

    return run


def _guard(call: Callable[..., Any], x: Leaves, contexts: Leaves) -> Callable[..., Any]:
    """`call` with what these kinds of arguments need: the 64-bit scope, and safe NumPy buffers."""
    if any(dtype_name(leaf) in _WIDE for leaf in x):
        call = _in_64_bits(call)
    if isinstance(x[0], jax.Array) and any(isinstance(leaf, np.ndarray) for leaf in contexts):
        call = _with_own_contexts(call)
    return call


def _in_64_bits(call: Callable[..., Any]) -> Callable[..., Any]:
    def wide(*args: Any) -> Any:
        if jax.config.jax_enable_x64:  # type: ignore[attr-defined]
            return call(*args)
        with jax.enable_x64(True):
            return call(*args)

    return wide


def _with_own_contexts(call: Callable[..., Any]) -> Callable[..., Any]:
    # Results for a JAX caller may still be computing, and reading these buffers, after we return.
    def owning(x: Leaves, contexts: Leaves, *t: Leaves) -> Any:
        own = tuple(np.array(c) if isinstance(c, np.ndarray) else c for c in contexts)
        return call(x, own, *t)

    return owning
