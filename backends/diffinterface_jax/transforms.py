"""Each operator as a pure function of flat tuples, ready for ``jax.jit``.

A body takes ``(x, contexts)`` or ``(x, contexts, t)`` and gives ``(value, result, aux)``. All seeds of
one call are pushed or pulled through one linearisation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from diffinterface.arrays import assembly
from diffinterface.arrays.facts import is_complex
from diffinterface.arrays.seeds import basis, match_cotangent
from diffinterface.arrays.trees import Leaves
from diffinterface.declare.adtypes import Mode
from diffinterface.engine.derived import complex_gradient_error
from diffinterface.engine.function import Function

Body = Callable[..., tuple[Any, Any, Any]]
Pure = Callable[[Leaves], tuple[Leaves, Any]]

# Linear maps are trees, so that what they keep can be copied, and passed to compiled code.
_Partial: Any = jax.tree_util.Partial


def close(fn: Function, contexts: Leaves) -> Pure:
    """f of x alone, its outputs as JAX arrays."""

    def pure(x: Leaves) -> tuple[Leaves, Any]:
        y, aux = fn(x, contexts)
        return tuple(jnp.asarray(leaf) for leaf in y), aux

    return pure


def conj(leaves: Leaves) -> Leaves:
    """The conjugate of each complex leaf: JAX pulls with J^T, the adjoint is J^H."""
    return tuple(jnp.conj(leaf) if is_complex(leaf) else leaf for leaf in leaves)


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


def pushforward(fn: Function, batched: bool, mode: Mode) -> Body:
    def body(x: Leaves, contexts: Leaves, t: Leaves) -> tuple[Any, Any, Any]:
        g = close(fn, contexts)
        if not batched:
            return push_once(g, x, t, mode)
        value, push, aux = linearize(g, x, mode)
        return value, jax.vmap(push)(t), aux

    return body


def pullback(fn: Function, batched: bool, mode: Mode) -> Body:
    def body(x: Leaves, contexts: Leaves, t: Leaves) -> tuple[Any, Any, Any]:
        value, back, aux = pull(close(fn, contexts), x)
        t = match_cotangent(t, value, batched)
        return value, (jax.vmap(back) if batched else back)(t), aux

    return body


def derivative(fn: Function, mode: Mode) -> Body:
    def body(x: Leaves, contexts: Leaves) -> tuple[Any, Any, Any]:
        return push_once(close(fn, contexts), x, _ones(x), mode)

    return body


def _ones(x: Leaves) -> Leaves:
    return tuple(jnp.ones_like(leaf) for leaf in x)


def gradient_of(fn: Function, contexts: Leaves, mode: Mode) -> Pure:
    """The gradient of f as a function of x; its aux is (y, aux)."""

    def reverse_gradient(x: Leaves) -> tuple[Leaves, Any]:
        y, back, aux = pull(close(fn, contexts), x)
        if is_complex(y[0]):
            raise complex_gradient_error()
        return back((jnp.ones_like(y[0]),)), (y, aux)

    def forward_gradient(x: Leaves) -> tuple[Leaves, Any]:
        y, push, aux = linearize(close(fn, contexts), x, mode)
        if is_complex(y[0]):
            raise complex_gradient_error()
        flat = jax.vmap(push)(basis(x))[0]
        if any(is_complex(leaf) for leaf in x):
            turned = tuple(1j * s if is_complex(s) else 0 * s for s in basis(x))
            flat = flat + 1j * jax.vmap(push)(turned)[0]
        return assembly.split(flat, x, False), (y, aux)

    return forward_gradient if mode == "forward" else reverse_gradient


def gradient(fn: Function, mode: Mode) -> Body:
    def body(x: Leaves, contexts: Leaves) -> tuple[Any, Any, Any]:
        result, (value, aux) = gradient_of(fn, contexts, mode)(x)
        return value, result, aux

    return body


def jacobian(fn: Function, forward: bool, mode: Mode) -> Body:
    def body(x: Leaves, contexts: Leaves) -> tuple[Any, Any, Any]:
        g = close(fn, contexts)
        if forward:
            value, push, aux = linearize(g, x, mode)
            columns = jax.vmap(push)(basis(x))
            return value, assembly.rows_from_columns([[c] for c in columns], value, x), aux
        value, back, aux = pull(g, x)
        seeds = basis(value)
        rows = jax.vmap(back)(seeds)
        if any(is_complex(leaf) for leaf in value):
            turned = tuple(1j * s if is_complex(s) else 0 * s for s in seeds)
            rows = assembly.complex_rows(rows, jax.vmap(back)(turned), x)
        return value, assembly.rows_from_rows(rows, value, x), aux

    return body


def batched_jacobian(fn: Function, forward: bool, mode: Mode) -> Body:
    def body(x: Leaves, contexts: Leaves) -> tuple[Any, Any, Any]:
        g = close(fn, contexts)
        value, apply, aux = linearize(g, x, mode) if forward else pull(g, x)
        batch = assembly.check_batch(x, value)
        sample_y, sample_x = map(assembly.first_sample, (value, x))
        seeds = assembly.broadcast_seeds(basis(sample_x if forward else sample_y), batch)
        blocks = jax.vmap(apply)(seeds)
        return value, assembly.batched_rows(blocks, sample_y, sample_x, forward), aux

    return body


def second_derivative(fn: Function, mode: Mode) -> Body:
    def body(x: Leaves, contexts: Leaves) -> tuple[Any, Any, Any]:
        def first(x: Leaves) -> tuple[Leaves, Any]:
            y, dy, aux = push_once(close(fn, contexts), x, _ones(x), mode)
            return dy, (y, aux)

        dy, ddy, (y, aux) = push_once(first, x, _ones(x), mode)
        return (y, dy), ddy, aux

    return body


def hvp(fn: Function, batched: bool, mode: Mode) -> Body:
    def body(x: Leaves, contexts: Leaves, t: Leaves) -> tuple[Any, Any, Any]:
        g = gradient_of(fn, contexts, mode)
        if not batched and mode != "reverse":
            first, product, (y, aux) = push_once(g, x, t, mode)
            return (y, first), product, aux
        first, apply, (y, aux) = linearize_symmetric(g, x, mode)
        return (y, first), (jax.vmap(apply) if batched else apply)(t), aux

    return body


def hessian(fn: Function, mode: Mode) -> Body:
    def body(x: Leaves, contexts: Leaves) -> tuple[Any, Any, Any]:
        g = gradient_of(fn, contexts, mode)
        first, product, (y, aux) = linearize_symmetric(g, x, mode)
        columns = jax.vmap(product)(basis(x))
        return (y, first), assembly.rows_from_rows(columns, x, x), aux

    return body


def linearize_symmetric(g: Pure, x: Leaves, mode: Mode) -> Any:
    """`linearize` of a gradient, whose pullback is its pushforward: a Hessian is symmetric."""
    return pull(g, x) if mode == "reverse" else linearize(g, x, mode)
