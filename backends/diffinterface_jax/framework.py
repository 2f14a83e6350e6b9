"""JAX arrays, as the core meets them."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax._src.array import ArrayImpl  # asking an array for its class would start the devices

from diffinterface.extend import Framework, NestedDifferentiationError, dtype_of

from .layers import parts_of
from .tracing import WIDE, elsewhere


class JaxFramework(Framework):
    """Arrays and tracers of JAX."""

    name = "jax"
    mutable = False
    concrete = ArrayImpl
    scan = staticmethod(jax.lax.scan)

    def owns(self, kind: type) -> bool:
        return issubclass(kind, jax.Array | jax.core.Tracer)

    def has_dtype(self, name: str) -> bool:
        return hasattr(jnp, name)

    def recomputed(self, f: Any) -> Any:
        chosen: Any = None

        def call(*args: Any) -> Any:
            nonlocal chosen
            if chosen is None:  # f is traced for this once, and not at each of its calls
                # What has effects is to happen once, and JAX refuses to do some of them again.
                effects = jax.make_jaxpr(f)(*args).effects
                # The loop itself prevents that common subexpressions are merged.
                chosen = f if effects else jax.checkpoint(f, prevent_cse=False)
            return chosen(*args)

        return call

    def to_numpy(self, x: Any) -> Any:
        if type(x) is not self.concrete and isinstance(x, jax.core.Tracer):
            raise NestedDifferentiationError(
                "A JAX tracer cannot become a NumPy array: the derivative that JAX is taking would be "
                "lost. Use a backend that runs on JAX arrays here.",
                outer="jax",
            )
        return np.array(x)

    def from_numpy(self, a: Any, like: Any) -> Any:
        device = None if like is None or isinstance(like, jax.core.Tracer) else like.sharding
        with jax.enable_x64(True):
            x = jnp.array(a, copy=True)
        # Where x is there already, as it is outside of traces, to put it there would take as long again.
        there = device is None or (type(x) is ArrayImpl and x.sharding == device)
        return x if there else jax.device_put(x, device)

    def take(self, x: Any, indices: Any) -> Any:
        return jnp.take(x, indices, axis=0, mode="clip")  # with no mask for indices outside

    def scratch(self, buffer: Any, like: Any) -> Any:
        # Immutable: f reads it, and builds new arrays with `.at[...]` instead of writing.
        return jnp.asarray(buffer)

    def own(self, x: Any) -> Any:
        return x

    def stop_gradient(self, x: Any) -> Any:
        return jax.lax.stop_gradient(x)

    def values(self, x: Any) -> Any:
        return None if isinstance(x, jax.core.Tracer) else np.array(x)

    elsewhere = staticmethod(elsewhere)
    layer = staticmethod(parts_of)

    def sparse(self, data: Any, layout: Any) -> Any:
        from jax.experimental.sparse import BCOO

        def empty() -> tuple[Any, Any]:
            with jax.core.eval_context():  # kept, so that no trace may own it
                where = jnp.asarray(np.stack([layout.rows, layout.indices], 1).astype(np.int32))
                zeros = jnp.zeros(len(where))
            matrix = BCOO(
                (zeros, where), shape=layout.shape, indices_sorted=True, unique_indices=True
            )
            return where, jax.tree_util.tree_structure(matrix)

        # The constructor looks through data and indices each time, at the price of a small product.
        where, structure = layout.kept("jax", empty)
        return jax.tree_util.tree_unflatten(structure, (data, where))

    def shard(self, x: Any, sharding: Any) -> Any:
        return jax.device_put(x, sharding)

    def scope(self, x: Any) -> Any:
        return jax.enable_x64(True) if dtype_of(x) in WIDE else nullcontext()

    def is_traced(self, x: Any) -> bool:
        return type(x) is not ArrayImpl and isinstance(x, jax.core.Tracer)

    def recorders(self, x: Any) -> tuple[str, ...]:
        found: list[str] = []
        while isinstance(x, jax.core.Tracer):
            name = type(x).__name__
            found.insert(0, _RECORDERS.get(name, name))
            # The tangent of a linearization is a tracer of its own program.
            parts = ("primal",) if name == "LinearizeTracer" else ("primal", "tangent", "val")
            inside = [getattr(x, part, None) for part in parts]
            x = next((part for part in inside if isinstance(part, jax.core.Tracer)), None)
        return tuple(found)


# JAX names its transforms nowhere but in the classes of their tracers.
_RECORDERS = {
    "LinearizeTracer": "jax.grad or vjp",
    "JVPTracer": "jax.jvp",
    "BatchTracer": "jax.vmap",
    "DynamicJaxprTracer": "jax.jit",
}

framework = JaxFramework()
