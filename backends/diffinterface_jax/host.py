"""JAX as the outer engine of a function that another engine differentiates.

Two primitives: the call of a bridge, and its pushforward, which is linear in the tangents and so can be
transposed. Their rules are calls of further bridges, which gives every order and both modes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad as _ad
from jax.interpreters import batching, mlir

from diffinterface.arrays import dtype_name, is_complex, shape_of
from diffinterface.bridge import Bridge, Kinds
from diffinterface.trees import Leaves

ad: Any = _ad  # untyped
_struct: Any = jax.ShapeDtypeStruct

# Parameters of both: the bridge, and n, the number of differentiable inputs. The operands of a call
# are (*x, *contexts), those of a pushforward (*x, *tangents, *contexts).
call_p: Any = Primitive("bridge_call")
push_p: Any = Primitive("bridge_pushforward")
call_p.multiple_results = push_p.multiple_results = True


def host(bridge: Bridge, x: Leaves, contexts: Leaves) -> Leaves:
    """The outputs of a bridge at arrays that JAX is tracing."""
    operands = [jnp.asarray(leaf) for leaf in (*x, *contexts)]
    return tuple(call_p.bind(*operands, bridge=bridge, n=len(x)))


def _kinds(leaves: Any) -> Kinds:
    return tuple((shape_of(leaf), dtype_name(leaf)) for leaf in leaves)


# --- evaluation ----------------------------------------------------------------------------------


def _call_abstract(*args: Any, bridge: Bridge, n: int) -> list[Any]:
    kinds = bridge.kinds(_kinds(args[:n]), _kinds(args[n:]))
    # Without its 64-bit switch JAX has no room for what f may answer.
    return [
        jax.core.ShapedArray(shape, jax.dtypes.canonicalize_dtype(dtype)) for shape, dtype in kinds
    ]


def _push_abstract(*args: Any, bridge: Bridge, n: int) -> list[Any]:
    return _call_abstract(*args[:n], *args[2 * n :], bridge=bridge, n=n)


def _call(*args: Any, bridge: Bridge, n: int) -> list[Any]:
    def run(*args: Any) -> list[Any]:
        leaves = tuple(map(np.asarray, args))
        y = bridge(leaves[:n], leaves[n:])
        return [np.asarray(leaf, aval.dtype) for leaf, aval in zip(y, results, strict=True)]

    results = [
        _struct(aval.shape, aval.dtype) for aval in _call_abstract(*args, bridge=bridge, n=n)
    ]
    return list(jax.pure_callback(run, results, *args))


def _call_now(*args: Any, bridge: Bridge, n: int) -> list[Any]:
    leaves = tuple(map(np.asarray, args))
    y = bridge(leaves[:n], leaves[n:])
    return [jnp.asarray(leaf, jax.dtypes.canonicalize_dtype(leaf.dtype)) for leaf in y]


def _push(*args: Any, bridge: Bridge, n: int) -> list[Any]:
    return list(call_p.bind(*args, bridge=bridge.pushforward, n=2 * n))


# --- derivatives ---------------------------------------------------------------------------------


def _call_jvp(primals: Any, tangents: Any, *, bridge: Bridge, n: int) -> Any:
    y = call_p.bind(*primals, bridge=bridge, n=n)
    return y, _pushed(primals[:n], tangents[:n], primals[n:], bridge, y)


def _push_jvp(primals: Any, tangents: Any, *, bridge: Bridge, n: int) -> Any:
    x, t, contexts = primals[:n], primals[n : 2 * n], primals[2 * n :]
    dx, dt = tangents[:n], tangents[n : 2 * n]
    y = push_p.bind(*primals, bridge=bridge, n=n)
    # Linear in t; by x, the next order: the pushforward of the pushforward.
    along = _pushed(x, dt, contexts, bridge, y)
    if all(type(leaf) is ad.Zero for leaf in dx):
        return y, along
    zeros = [ad.Zero(jax.typeof(leaf).to_tangent_aval()) for leaf in t]
    across = _pushed((*x, *t), (*dx, *zeros), contexts, bridge.pushforward, y)
    return y, [ad.add_tangents(a, b) for a, b in zip(along, across, strict=True)]


def _pushed(x: Any, t: Any, contexts: Any, bridge: Bridge, y: Any) -> Any:
    if all(type(leaf) is ad.Zero for leaf in t):
        return [ad.Zero(jax.typeof(leaf).to_tangent_aval()) for leaf in y]
    t = [ad.instantiate_zeros(leaf) for leaf in t]
    return push_p.bind(*x, *t, *contexts, bridge=bridge, n=len(x))


def _push_transpose(cotangents: Any, *args: Any, bridge: Bridge, n: int) -> Any:
    x, t, contexts = args[:n], args[n : 2 * n], args[2 * n :]
    c = [ad.instantiate_zeros(leaf) for leaf in cotangents]
    # JAX transposes without the conjugate that an adjoint has.
    pulled = call_p.bind(*x, *map(_conj, c), *contexts, bridge=bridge.pullback(n), n=n + len(c))
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


def _push_batch(args: Any, dims: Any, *, bridge: Bridge, n: int) -> Any:
    every, batched = _fronted(args, dims)
    size = next(leaf.shape[0] for leaf, has in zip(every, batched, strict=True) if has)
    # x and its tangent are batched together, so that the result is a pushforward again.
    for i in range(n):
        pair = (i, n + i)
        if batched[i] != batched[n + i]:
            for k in pair:
                if not batched[k]:
                    every[k] = jnp.broadcast_to(every[k], (size, *every[k].shape))
                    batched[k] = True
    together = bridge.batched(batched[:n], batched[2 * n :])
    y = push_p.bind(*every, bridge=together, n=n)
    return y, [0] * len(y)


def _fronted(args: Any, dims: Any) -> tuple[list[Any], list[bool]]:
    mapped = [dim is not None for dim in dims]
    moved = [
        jnp.moveaxis(arg, dim, 0) if has else arg
        for arg, dim, has in zip(args, dims, mapped, strict=True)
    ]
    return moved, mapped


def _register(
    primitive: Any, now: Any, run: Callable[..., Any], abstract: Any, jvp: Any, batch: Any
) -> None:
    primitive.def_impl(now)
    primitive.def_abstract_eval(abstract)
    mlir.register_lowering(primitive, mlir.lower_fun(run, multiple_results=True))
    ad.primitive_jvps[primitive] = jvp
    batching.primitive_batchers[primitive] = batch


_register(call_p, _call_now, _call, _call_abstract, _call_jvp, _call_batch)
_register(push_p, _push, _push, _push_abstract, _push_jvp, _push_batch)
ad.primitive_transposes[push_p] = _push_transpose
