"""Crossings of the bridge: what a call of another engine's function takes beyond that engine's own work.

Each row compares a pass through the bridge with what the inner engine does in it, on NumPy arrays: f
where torch or JAX asks for a value, the prepared operator where it asks for a derivative, both at once
where one call gives both. A pass on torch's tape is charged with a pass of an `autograd.Function` that
does nothing, which every function that torch did not write costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import diffinterface as di

from .timing import Call, Row, medians

TORCH, JIT = 60e-6, 150e-6
N = 1000


def rows() -> Iterator[Row]:
    yield from torch_rows()
    yield from jax_rows()


def _crossing(name: str, ours: Call, theirs: Call, seconds: float) -> Row:
    """Ours takes at most `seconds` more, in the best of some runs: other processes only add."""
    a, b = min((medians(ours, theirs, budget=1.0) for _ in range(4)), key=lambda pair: pair[0])
    return Row(name, a, b, f"<= +{seconds * 1e6:g} us", a <= b + seconds)


def scalar(x: Any) -> Any:
    xp = di.array_namespace(x)
    return xp.sum(xp.sin(x) * x)


def vector(x: Any) -> Any:
    return di.array_namespace(x).sin(x) * x


def torch_rows() -> Iterator[Row]:
    import torch

    class Nothing(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:  # type: ignore[override]
            ctx.save_for_backward(x)
            return x[0].clone()

        @staticmethod
        def backward(ctx: Any, c: Any) -> Any:  # type: ignore[override]
            return ctx.saved_tensors[0]

    a = np.random.default_rng(0).standard_normal(N)
    x, one = torch.tensor(a, requires_grad=True), torch.ones(N, dtype=torch.float64)
    for engine in ("autograd", "jax"):
        bridged = di.DifferentiateWith(scalar, engine)
        prep = di.prepare_gradient(scalar, engine, a)

        def own(prep: Any = prep) -> Any:
            return prep.value_and(a), torch.autograd.grad(Nothing.apply(x), x)

        yield _crossing(
            f"bridge, torch over {engine}: value and gradient of a scalar, n = {N}",
            lambda f=bridged: torch.autograd.grad(f(x), x),
            own,
            TORCH,
        )
        inside = di.DifferentiateWith(vector, engine)
        own_vector, pull = _own(vector, engine), di.prepare_pullback(vector, engine, a, a)

        def pulled(f: Any = own_vector, pull: Any = pull) -> Any:
            return f(a), pull(a, a), torch.autograd.grad(Nothing.apply(x), x)

        yield _crossing(
            f"bridge, torch over {engine}: there and back with a vector, n = {N}",
            lambda f=inside: torch.autograd.grad(f(x), x, one),
            pulled,
            2 * TORCH,
        )


def _own(f: Any, engine: str) -> Any:
    """F at a NumPy array, as the engine's users call it."""
    if engine == "autograd":
        return f
    import jax

    compiled = jax.jit(f)

    def call(a: Any) -> Any:
        with jax.enable_x64(True):
            return np.array(compiled(a))

    return call


def jax_rows() -> Iterator[Row]:
    import jax

    a = np.random.default_rng(0).standard_normal(N)
    with jax.enable_x64(True):
        x, wait = jax.numpy.asarray(a), jax.block_until_ready
        for engine in ("autograd", "torch"):
            bridged = di.DifferentiateWith(scalar, engine)
            call, both = jax.jit(bridged), jax.jit(jax.value_and_grad(bridged))
            own = di.DifferentiateWith(scalar, engine)
            prep = di.prepare_gradient(scalar, engine, a)
            like = a if engine == "autograd" else _tensor(a)
            yield _crossing(
                f"bridge, jax.jit over {engine}: one crossing, n = {N}",
                lambda f=call: wait(f(x)),
                lambda f=own, like=like: f(like),
                JIT,
            )
            yield _crossing(
                f"bridge, jax.jit over {engine}: value and gradient, n = {N}",
                lambda f=both: wait(f(x)),
                lambda f=own, like=like, prep=prep: (f(like), prep.value_and(a)),
                2 * JIT,
            )


def _tensor(a: Any) -> Any:
    import torch

    return torch.tensor(a)
