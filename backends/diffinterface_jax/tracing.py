"""Programs of JAX: traced once, compiled, and safe from what the caller overwrites."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from diffinterface.extend import NUMBERS, Function, Leaves, framework_of
from diffinterface.extend.transforms import AuxCarrier

from . import transforms

WIDE = frozenset({np.dtype("float64"), np.dtype("complex128")})

_CUSTOM_VJP = "custom_vjp"


def traced_once(fn: Function) -> Function:
    """The same function, traced once for all programs of a plan: they agree on what it captured."""
    return fn.derived(_carried(fn, inline=True))


def jitted(body: transforms.Body) -> transforms.Body:
    """`body` compiled."""
    return _carried(body)


def _carried(call: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """`call` compiled, with all that is no array in its auxiliary output, the last."""
    carrier = AuxCarrier(jax.tree_util.tree_flatten, _is_array)

    def arrays_only(*args: Any) -> Any:
        *results, aux = call(*args)
        return results, carrier.take(aux)

    compiled = jax.jit(arrays_only, **options)

    def run(*args: Any) -> Any:
        results, passed = compiled(*args)
        return (*results, carrier.give(passed))

    return run


def _is_array(leaf: Any) -> bool:
    return framework_of(leaf) is not None and not isinstance(leaf, NUMBERS)


def arrays(leaves: Leaves) -> Leaves:
    return tuple(map(jnp.asarray, leaves))


def own(leaf: Any) -> Any:
    return leaf if isinstance(leaf, jax.Array) else jnp.array(leaf, copy=True)


def eager(bodies: Sequence[transforms.Body]) -> transforms.Body:
    """The first of `bodies`, not compiled; the next where f lacks a forward rule."""

    def run(x: Leaves, contexts: Leaves, *t: Leaves) -> Any:
        for body in bodies[:-1]:
            try:
                return body(arrays(x), contexts, *map(arrays, t))
            except (TypeError, NotImplementedError) as error:
                if not any(name in str(error) for name in (_CUSTOM_VJP, "custom_lin")):
                    raise
        return bodies[-1](arrays(x), contexts, *map(arrays, t))

    return run


def has_custom_vjp(fn: Function, x: Leaves, contexts: Leaves) -> bool:
    """Whether f calls a function that has a rule for reverse mode only.

    JAX notices it only when it compiles the pushforward.
    """
    program = jax.make_jaxpr(lambda x, contexts: fn(x, contexts)[0])(x, contexts)
    return _calls(program.jaxpr, _CUSTOM_VJP)


def _calls(jaxpr: Any, name: str) -> bool:
    inner = (
        getattr(part, "jaxpr", part)
        for equation in jaxpr.eqns
        for parameter in equation.params.values()
        for part in (parameter if isinstance(parameter, tuple | list) else (parameter,))
    )
    return any(name in equation.primitive.name for equation in jaxpr.eqns) or any(
        _calls(part, name) for part in inner if hasattr(part, "eqns")
    )


def elsewhere(call: Callable[..., Any], x: Leaves, contexts: Leaves) -> Leaves:
    """``call`` for values that are known, in the places of those that an outer program will have."""
    x, contexts = (tuple(map(_known, leaves)) for leaves in (x, contexts))
    program = jax.make_jaxpr(call)(x, contexts)
    captured = tuple(map(_known, program.consts))
    with jax.core.eval_context():
        return tuple(jax.core.eval_jaxpr(program.jaxpr, captured, *x, *contexts))


def _known(leaf: Any) -> Any:
    """`leaf`, or numbers between 0 and 1 in its place: most functions are defined there."""
    if not isinstance(leaf, jax.core.Tracer):
        return leaf
    numbers = np.random.default_rng(0).uniform(0.25, 0.75, leaf.shape)
    with jax.core.eval_context():
        return jnp.asarray(numbers).astype(leaf.dtype)


def guard(
    call: Callable[..., Any], x: Leaves, contexts: Leaves, t: Leaves = ()
) -> Callable[..., Any]:
    """`call` with what these kinds of arguments need: the 64-bit scope, and safe NumPy buffers."""
    if not WIDE.isdisjoint([leaf.dtype for leaf in x]):
        call = _in_64_bits(call)
    if isinstance(x[0], jax.Array) and any(
        isinstance(leaf, np.ndarray) for leaf in (*contexts, *t)
    ):
        call = _with_own_buffers(call)
    return call


def _in_64_bits(call: Callable[..., Any]) -> Callable[..., Any]:
    def wide(*args: Any) -> Any:
        if jax.config.jax_enable_x64:  # type: ignore[attr-defined]
            return call(*args)
        with jax.enable_x64(True):
            return call(*args)

    return wide


def _with_own_buffers(call: Callable[..., Any]) -> Callable[..., Any]:
    # Results for a JAX caller may still be computing, and reading these buffers, after we return.
    def copied(leaf: Any) -> Any:
        return np.array(leaf) if isinstance(leaf, np.ndarray) else leaf

    def owning(*args: Leaves) -> Any:
        return call(*(tuple(map(copied, leaves)) for leaves in args))

    return owning
