"""Each operator as a pure function of flat tuples, ready for ``jax.jit``.

A body takes ``(x, contexts)`` or ``(x, contexts, t)`` and gives ``(value, result, aux)``. All seeds of
one call are pushed or pulled through one linearization.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import jax
import jax.numpy as jnp

from diffinterface.extend import Function, Leaves, Mode
from diffinterface.extend.transforms import Pull, Pure, Push, Transforms

Body = Callable[..., tuple[Any, Any, Any]]

# Linear maps are trees, so that what they keep can be copied, and passed to compiled code.
_Partial: Any = jax.tree_util.Partial


def close(fn: Function, contexts: Leaves) -> Pure:
    """f of x alone, its outputs as JAX arrays."""

    def pure(x: Leaves) -> tuple[Leaves, Any]:
        y, aux = fn(x, contexts)
        return tuple(map(jnp.asarray, y)), aux

    return pure


def conj(leaves: Leaves) -> Leaves:
    """The conjugate of each complex leaf: JAX pulls with J^T, the adjoint is J^H."""
    return tuple([jnp.conj(leaf) if leaf.dtype.kind == "c" else leaf for leaf in leaves])


def pull(g: Pure, x: Leaves) -> tuple[Any, Callable[[Leaves], Leaves], Any]:
    """The value, the pullback (as the adjoint) and the auxiliary output of g at x."""
    value, vjp, aux = jax.vjp(g, x, has_aux=True)
    return value, _Partial(_adjoint, vjp), aux


def _adjoint(vjp: Any, t: Leaves) -> Leaves:
    return conj(vjp(conj(t))[0])


def linearize(g: Pure, x: Leaves, mode: Mode) -> tuple[Any, Callable[[Leaves], Leaves], Any]:
    """The value, the pushforward and the auxiliary output of g at x."""
    if mode == "reverse":
        return _transposed(g, x)
    value, push, aux = jax.linearize(g, x, has_aux=True)
    return value, push, aux


def push_once(g: Pure, x: Leaves, t: Leaves, mode: Mode) -> tuple[Any, Leaves, Any]:
    """The value, the pushforward of one tangent and the auxiliary output of g at x."""
    if mode == "reverse":
        value, push, aux = _transposed(g, x)
        return value, push(t), aux
    value, tangent, aux = jax.jvp(g, (x,), (t,), has_aux=True)
    return value, tangent, aux


def _transposed(g: Pure, x: Leaves) -> tuple[Any, Callable[[Leaves], Leaves], Any]:
    """`linearize` by reverse mode alone: the pullback of the pullback, which is linear.

    J. Townsend, "A new trick for calculating Jacobian vector products", 2017.
    """
    value, vjp, aux = jax.vjp(g, x, has_aux=True)
    _, back = jax.vjp(lambda t: vjp(t)[0], tuple(jnp.zeros_like(leaf) for leaf in value))
    return value, _Partial(_first, back), aux


def _first(back: Any, t: Leaves) -> Leaves:
    (tangent,) = back(t)
    return tangent


class JaxTransforms(Transforms):
    """All of a mode."""

    def __init__(self, mode: Mode) -> None:
        self.mode = mode

    close = staticmethod(close)

    def pushing(self, g: Pure, x: Leaves, batched: bool) -> Push:
        if not batched:
            return lambda t: push_once(g, x, t, self.mode)
        value, push, aux = linearize(g, x, self.mode)
        return lambda t: (value, jax.vmap(push)(t), aux)

    def pulling(self, g: Pure, x: Leaves) -> tuple[Leaves, Pull, Any]:
        value, back, aux = pull(g, x)
        return value, lambda t, batched: (jax.vmap(back) if batched else back)(t), aux

    def symmetric(self, g: Pure, x: Leaves, batched: bool) -> Push:
        if self.mode != "reverse":
            return self.pushing(g, x, batched)
        value, back, aux = self.pulling(g, x)
        return lambda t: (value, back(t, batched), aux)


@final
class _ForwardTransforms(JaxTransforms):
    gradient_of = Transforms.forward_gradient_of


#: A body is a method of one of these.
IN_MODE: dict[Mode, JaxTransforms] = {
    "auto": JaxTransforms("auto"),
    "forward": _ForwardTransforms("forward"),
    "reverse": JaxTransforms("reverse"),
}


def linearize_symmetric(g: Pure, x: Leaves, mode: Mode) -> Any:
    """`linearize` of a gradient, whose pullback is its pushforward: a Hessian is symmetric."""
    return pull(g, x) if mode == "reverse" else linearize(g, x, mode)
