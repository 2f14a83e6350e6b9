"""Each operator as a pure function of flat tuples, ready for ``jax.jit``.

A body takes ``(x, contexts)`` or ``(x, contexts, t)`` and gives ``(value, result, aux)``. All seeds of
one call are pushed or pulled through one linearisation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from diffinterface import assembly
from diffinterface.arrays import is_complex
from diffinterface.derived import complex_gradient_error
from diffinterface.functions import Function
from diffinterface.seeds import basis, match_cotangent
from diffinterface.trees import Leaves

Body = Callable[..., tuple[Any, Any, Any]]
Pure = Callable[[Leaves], tuple[Leaves, Any]]


def close(fn: Function, contexts: Leaves) -> Pure:
    """F of x alone, its outputs as JAX arrays."""

    def pure(x: Leaves) -> tuple[Leaves, Any]:
        y, aux = fn(x, contexts)
        return tuple(jnp.asarray(leaf) for leaf in y), aux

    return pure


def conj(leaves: Leaves) -> Leaves:
    """The conjugate of each complex leaf: JAX pulls with J^T, the adjoint is J^H."""
    return tuple(jnp.conj(leaf) if is_complex(leaf) else leaf for leaf in leaves)


def linearize(g: Pure, x: Leaves) -> tuple[Any, Callable[[Leaves], Leaves], Any]:
    """The value, the pushforward and the auxiliary output of g at x."""
    value, push, aux = jax.linearize(g, x, has_aux=True)
    return value, push, aux


def pull(g: Pure, x: Leaves) -> tuple[Any, Callable[[Leaves], Leaves], Any]:
    """The value, the pullback (as the adjoint) and the auxiliary output of g at x."""
    value, vjp, aux = jax.vjp(g, x, has_aux=True)
    return value, lambda t: conj(vjp(conj(t))[0]), aux


def pushforward(fn: Function, batched: bool) -> Body:
    def body(x: Leaves, contexts: Leaves, t: Leaves) -> tuple[Any, Any, Any]:
        g = close(fn, contexts)
        if batched:
            value, push, aux = linearize(g, x)
            return value, jax.vmap(push)(t), aux
        return jax.jvp(g, (x,), (t,), has_aux=True)

    return body


def pullback(fn: Function, batched: bool) -> Body:
    def body(x: Leaves, contexts: Leaves, t: Leaves) -> tuple[Any, Any, Any]:
        value, back, aux = pull(close(fn, contexts), x)
        t = match_cotangent(t, value, batched)
        return value, (jax.vmap(back) if batched else back)(t), aux

    return body


def derivative(fn: Function) -> Body:
    def body(x: Leaves, contexts: Leaves) -> tuple[Any, Any, Any]:
        one = tuple(jnp.ones_like(leaf) for leaf in x)
        return jax.jvp(close(fn, contexts), (x,), (one,), has_aux=True)

    return body


def gradient_of(fn: Function, contexts: Leaves, forward: bool) -> Pure:
    """The gradient of f as a function of x; its aux is (y, aux)."""

    def reverse_gradient(x: Leaves) -> tuple[Leaves, Any]:
        y, back, aux = pull(close(fn, contexts), x)
        if is_complex(y[0]):
            raise complex_gradient_error()
        return back((jnp.ones_like(y[0]),)), (y, aux)

    def forward_gradient(x: Leaves) -> tuple[Leaves, Any]:
        y, push, aux = linearize(close(fn, contexts), x)
        if is_complex(y[0]):
            raise complex_gradient_error()
        flat = jax.vmap(push)(basis(x))[0]
        if any(is_complex(leaf) for leaf in x):
            turned = tuple(1j * s if is_complex(s) else 0 * s for s in basis(x))
            flat = flat + 1j * jax.vmap(push)(turned)[0]
        return assembly.split(flat, x, False), (y, aux)

    return forward_gradient if forward else reverse_gradient


def gradient(fn: Function, forward: bool) -> Body:
    def body(x: Leaves, contexts: Leaves) -> tuple[Any, Any, Any]:
        result, (value, aux) = gradient_of(fn, contexts, forward)(x)
        return value, result, aux

    return body


def jacobian(fn: Function, forward: bool) -> Body:
    def body(x: Leaves, contexts: Leaves) -> tuple[Any, Any, Any]:
        g = close(fn, contexts)
        if forward:
            value, push, aux = linearize(g, x)
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


def batched_jacobian(fn: Function, forward: bool) -> Body:
    def body(x: Leaves, contexts: Leaves) -> tuple[Any, Any, Any]:
        value, apply, aux = (linearize if forward else pull)(close(fn, contexts), x)
        batch = assembly.check_batch(x, value)
        sample_y, sample_x = (tuple(leaf[0] for leaf in leaves) for leaves in (value, x))
        seeds = assembly.broadcast_seeds(basis(sample_x if forward else sample_y), batch)
        blocks = jax.vmap(apply)(seeds)
        return value, assembly.batched_rows(blocks, sample_y, sample_x, forward), aux

    return body


def second_derivative(fn: Function) -> Body:
    def body(x: Leaves, contexts: Leaves) -> tuple[Any, Any, Any]:
        one = tuple(jnp.ones_like(leaf) for leaf in x)

        def first(x: Leaves) -> tuple[Leaves, Any]:
            y, dy, aux = jax.jvp(close(fn, contexts), (x,), (one,), has_aux=True)
            return dy, (y, aux)

        dy, ddy, (y, aux) = jax.jvp(first, (x,), (one,), has_aux=True)
        return (y, dy), ddy, aux

    return body


def hvp(fn: Function, batched: bool, inner_forward: bool, outer_reverse: bool) -> Body:
    def body(x: Leaves, contexts: Leaves, t: Leaves) -> tuple[Any, Any, Any]:
        g = gradient_of(fn, contexts, inner_forward)
        if outer_reverse:  # the Hessian is symmetric: its pullback is its product
            first, apply, (y, aux) = pull(g, x)
        elif batched:
            first, apply, (y, aux) = linearize(g, x)
        else:
            first, product, (y, aux) = jax.jvp(g, (x,), (t,), has_aux=True)
            return (y, first), product, aux
        return (y, first), (jax.vmap(apply) if batched else apply)(t), aux

    return body


def hessian(fn: Function, inner_forward: bool, outer_reverse: bool) -> Body:
    def body(x: Leaves, contexts: Leaves) -> tuple[Any, Any, Any]:
        apply = pull if outer_reverse else linearize
        first, product, (y, aux) = apply(gradient_of(fn, contexts, inner_forward), x)
        columns = jax.vmap(product)(basis(x))
        return (y, first), assembly.rows_from_rows(columns, x, x), aux

    return body
