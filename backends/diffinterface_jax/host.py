"""JAX as the outer engine of a function that another engine differentiates.

Two primitives: the call of a bridge, and its pushforward, which is linear in the tangents and so can be
transposed. Their rules are calls of further bridges, which gives every order and both modes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad as _ad
from jax.interpreters import batching
from jax.interpreters import mlir as _mlir

from diffinterface.extend import Leaves, is_complex
from diffinterface.extend.bridges import Bridge, kinds_of

ad: Any = _ad  # untyped
mlir: Any = _mlir
_struct: Any = jax.ShapeDtypeStruct

# The operands of a call are (*x, *contexts), those of a pushforward (*x, *tangents, *contexts). The
# parameters are the bridge, or the linear map, and n, the number of differentiable inputs.
call_p: Any = Primitive("bridge_call")
push_p: Any = Primitive("bridge_pushforward")
call_p.multiple_results = push_p.multiple_results = True


def host(bridge: Bridge, x: Leaves, contexts: Leaves) -> Leaves:
    """The outputs of a bridge at arrays that JAX is tracing."""
    operands = [jnp.asarray(leaf) for leaf in (*x, *contexts)]
    return tuple(call_p.bind(*operands, bridge=bridge, n=len(x)))


@final
class Linear:
    """The derivative of a bridge: a linear map of tangents, its adjoint, and batches of them.

    Attributes
    ----------
    push : Bridge
        ``(*x, *t) -> the tangents of y``.
    """

    def __init__(self, push: Bridge, pull: Bridge, axes: tuple[Any, ...] = ()) -> None:
        self.push, self._pull, self._axes = push, pull, axes

    def pull(self, outputs: int) -> Bridge:
        """``(*x, *c) -> the cotangents of x``, for so many outputs y."""
        pull = self._pull
        for x, contexts in self._axes:
            pull = pull.batched((*x, *[True] * outputs), contexts)
        return pull

    def batched(self, x: list[bool], contexts: list[bool]) -> Linear:
        """Where all tangents carry a leading axis, and of the other inputs those named."""
        push = self.push.batched((*x, *[True] * len(x)), contexts)
        return Linear(push, self._pull, (*self._axes, (tuple(x), tuple(contexts))))


# --- evaluation ----------------------------------------------------------------------------------


def _call_abstract(*args: Any, bridge: Bridge, n: int) -> list[Any]:
    kinds = bridge.kinds(kinds_of(args[:n]), kinds_of(args[n:]))
    # Without its 64-bit switch JAX has no room for what f may answer.
    return [
        jax.core.ShapedArray(shape, jax.dtypes.canonicalize_dtype(dtype)) for shape, dtype in kinds
    ]


def _call_now(*args: Any, bridge: Bridge, n: int) -> list[Any]:
    leaves = tuple(map(np.asarray, args))
    y = bridge(leaves[:n], leaves[n:])
    return [jnp.asarray(leaf, jax.dtypes.canonicalize_dtype(leaf.dtype)) for leaf in y]


def _call_back(bridge: Bridge, n: int, results: Any) -> Callable[..., list[Any]]:
    """What a compiled program calls, with its own memory as arguments: the bridge copies it."""
    dtypes = [np.dtype(result.dtype) for result in results]

    def run(*args: Any) -> list[Any]:
        leaves = tuple(map(np.asarray, args))
        y = bridge(leaves[:n], leaves[n:])
        return [np.asarray(leaf, dtype) for leaf, dtype in zip(y, dtypes, strict=True)]

    return run


def _call_lowering(ctx: Any, *args: Any, bridge: Bridge, n: int) -> Any:
    run = _call_back(bridge, n, ctx.avals_out)
    if getattr(ctx.module_context.axis_context, "num_devices", 0) != 1:
        return _lower_anywhere(ctx, *args, bridge=bridge, n=n)
    # What `jax.pure_callback` comes to, without its copies from device to device.
    return mlir.emit_python_callback(
        ctx,
        run,
        None,
        list(args),
        ctx.avals_in,
        ctx.avals_out,
        has_side_effect=False,
        returns_token=False,
    )[0]


def _call_anywhere(*args: Any, bridge: Bridge, n: int) -> list[Any]:
    avals = _call_abstract(*args, bridge=bridge, n=n)
    results = [_struct(aval.shape, aval.dtype) for aval in avals]
    return list(jax.pure_callback(_call_back(bridge, n, results), results, *args))


_lower_anywhere = mlir.lower_fun(_call_anywhere, multiple_results=True)


def _push_abstract(*args: Any, linear: Linear, n: int) -> list[Any]:
    return _call_abstract(*args, bridge=linear.push, n=2 * n)


def _push(*args: Any, linear: Linear, n: int) -> list[Any]:
    return list(call_p.bind(*args, bridge=linear.push, n=2 * n))


# --- derivatives ---------------------------------------------------------------------------------


def _call_jvp(primals: Any, tangents: Any, *, bridge: Bridge, n: int) -> Any:
    y = call_p.bind(*primals, bridge=bridge, n=n)
    linear = Linear(bridge.pushforward, bridge.pullback(n))
    return y, _pushed(primals[:n], tangents[:n], primals[n:], linear, y)


def _push_jvp(primals: Any, tangents: Any, *, linear: Linear, n: int) -> Any:
    x, t, contexts = primals[:n], primals[n : 2 * n], primals[2 * n :]
    dx, dt = tangents[:n], tangents[n : 2 * n]
    y = push_p.bind(*primals, linear=linear, n=n)
    # Linear in t; by x, the next order: the pushforward of the pushforward.
    along = _pushed(x, dt, contexts, linear, y)
    if all(type(leaf) is ad.Zero for leaf in dx):
        return y, along
    zeros = [ad.Zero(jax.typeof(leaf).to_tangent_aval()) for leaf in t]
    across_x = Linear(linear.push.pushforward, linear.push.pullback(2 * n))
    across = _pushed((*x, *t), (*dx, *zeros), contexts, across_x, y)
    return y, [ad.add_tangents(a, b) for a, b in zip(along, across, strict=True)]


def _pushed(x: Any, t: Any, contexts: Any, linear: Linear, y: Any) -> Any:
    if all(type(leaf) is ad.Zero for leaf in t):
        return [ad.Zero(jax.typeof(leaf).to_tangent_aval()) for leaf in y]
    t = [ad.instantiate_zeros(leaf) for leaf in t]
    return push_p.bind(*x, *t, *contexts, linear=linear, n=len(x))


def _push_transpose(cotangents: Any, *args: Any, linear: Linear, n: int) -> Any:
    x, t, contexts = args[:n], args[n : 2 * n], args[2 * n :]
    c = [ad.instantiate_zeros(leaf) for leaf in cotangents]
    # JAX transposes without the conjugate that an adjoint has.
    pulled = call_p.bind(*x, *map(_conj, c), *contexts, bridge=linear.pull(len(c)), n=n + len(c))
    return [
        *[None] * n,
        *(
            _conj(p) if ad.is_undefined_primal(leaf) else None
            for p, leaf in zip(pulled[:n], t, strict=True)
        ),
        *[None] * len(contexts),
    ]


def _conj(leaf: Any) -> Any:
    return jnp.conj(leaf) if is_complex(leaf) else leaf


# --- batches -------------------------------------------------------------------------------------


def _call_batch(args: Any, dims: Any, *, bridge: Bridge, n: int) -> Any:
    every, batched = _fronted(args, dims)
    y = call_p.bind(*every, bridge=bridge.batched(batched[:n], batched[n:]), n=n)
    return y, [0] * len(y)


def _push_batch(args: Any, dims: Any, *, linear: Linear, n: int) -> Any:
    every, batched = _fronted(args, dims)
    size = next(leaf.shape[0] for leaf, has in zip(every, batched, strict=True) if has)
    # All tangents are batched, so that the result is linear in them again, and the transpose of a
    # tangent that was not batched is JAX's own sum.
    for i in range(n, 2 * n):
        if not batched[i]:
            every[i] = jnp.broadcast_to(every[i], (size, *every[i].shape))
    y = push_p.bind(*every, linear=linear.batched(batched[:n], batched[2 * n :]), n=n)
    return y, [0] * len(y)


def _fronted(args: Any, dims: Any) -> tuple[list[Any], list[bool]]:
    mapped = [dim is not None for dim in dims]
    moved = [
        jnp.moveaxis(arg, dim, 0) if has else arg
        for arg, dim, has in zip(args, dims, mapped, strict=True)
    ]
    return moved, mapped


def _register(primitive: Any, now: Any, lower: Any, abstract: Any, jvp: Any, batch: Any) -> None:
    primitive.def_impl(now)
    primitive.def_abstract_eval(abstract)
    mlir.register_lowering(primitive, lower, cacheable=False)
    ad.primitive_jvps[primitive] = jvp
    batching.primitive_batchers[primitive] = batch


_register(call_p, _call_now, _call_lowering, _call_abstract, _call_jvp, _call_batch)
_push_lowering = mlir.lower_fun(_push, multiple_results=True)
_register(push_p, _push, _push_lowering, _push_abstract, _push_jvp, _push_batch)
ad.primitive_transposes[push_p] = _push_transpose
