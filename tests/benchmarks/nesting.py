"""Derivatives inside losses: what "auto" picks, nested calls against hand-written ones.

Each row takes the gradient, by the parameters, of a loss that holds a derivative by x or by them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import diffinterface as di

from .timing import Row, medians

OUTER, HAND = 1.15, 1.10


@dataclass(frozen=True)
class Case:
    """A network ``V tanh(W x)``, and the derivative that the loss takes of it.

    Attributes
    ----------
    operator : str
        The inner operator.
    sizes : tuple of int
        Inputs, hidden units and outputs of the network.
    batch : int
        Samples; 0 for one without a batch axis.
    by_parameters : bool
        Whether the inner derivative is by W, at a fixed batch, instead of by x.
    """

    name: str
    operator: str
    sizes: tuple[int, int, int]
    batch: int = 0
    by_parameters: bool = False

    def arrays(self) -> tuple[Any, Any, Any]:
        """X, W and V."""
        n, hidden, m = self.sizes
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.batch, n) if self.batch else n)
        w, v = rng.standard_normal((n, hidden)) / n**0.5, rng.standard_normal((hidden, m))
        return tuple(a.astype(np.float32) for a in (x, w, v / hidden**0.5))

    def inner(self, xp: Any, x: Any, w: Any, v: Any) -> tuple[Callable[[Any], Any], Any]:
        """The function that the inner operator differentiates, and its point."""
        if self.by_parameters:
            return lambda w: xp.tanh(x @ w) @ v, w
        if self.operator == "gradient":
            return lambda x: xp.sum((xp.tanh(x @ w) @ v) ** 2), x
        return lambda x: xp.tanh(x @ w) @ v, x


CASES = (
    Case("Jacobian 128x2", "jacobian", (2, 32, 128)),
    Case("Jacobian 20x20", "jacobian", (20, 32, 20)),
    Case("Jacobian 256x256", "jacobian", (256, 64, 256)),
    Case("Jacobian 2x128", "jacobian", (128, 32, 2)),
    Case("parameter Jacobian 512x200", "jacobian", (10, 20, 8), 64, True),
    Case("parameter Jacobian 32x484", "jacobian", (22, 22, 2), 16, True),
    Case("batched Jacobian 64 of 4x4", "batched_jacobian", (4, 32, 4), 64),
    Case("gradient, n = 64", "gradient", (64, 32, 8)),
)


def rows() -> Iterator[Row]:
    yield from jax_rows()
    yield from torch_rows()


def _best(name: str, ours: Any, others: list[Any], ratio: float) -> Row:
    """Ours takes at most `ratio` times the best of the others."""
    a, *rest = medians(ours, *others)
    return Row(name, a, min(rest), f"<= {ratio:g}x", a <= ratio * min(rest))


def _asked(case: Case, mode: Any, adtype: type[di.ADType]) -> Callable[[Any, Any], Any]:
    backend = adtype(mode=mode)  # type: ignore[call-arg]
    return lambda f, x: getattr(di, case.operator)(f, backend, x)


def jax_rows() -> Iterator[Row]:
    import jax
    import jax.numpy as jnp

    def per_sample(jacobian: Any) -> Any:
        return lambda f: jax.vmap(jacobian(f))

    by_hand = {
        "jacobian": (jax.jacfwd, jax.jacrev),
        "batched_jacobian": (per_sample(jax.jacfwd), per_sample(jax.jacrev)),
        "gradient": (jax.grad,),
    }
    for case in CASES:
        x, w, v = map(jnp.asarray, case.arrays())

        def outer(derivative: Callable[[Any, Any], Any], case: Case = case) -> Any:
            def loss(w: Any, v: Any, x: Any) -> Any:
                return jnp.sum(derivative(*case.inner(jnp, x, w, v)) ** 2)

            step = jax.jit(jax.grad(loss, argnums=(0, 1)))
            return lambda: jax.block_until_ready(step(w, v, x))

        auto, forward, reverse = (
            outer(_asked(case, mode, di.AutoJax)) for mode in ("auto", "forward", "reverse")
        )
        yield _best(f"JAX, auto over the better mode, {case.name}", auto, [forward, reverse], OUTER)
        hands = [outer(lambda f, x, t=t: t(f)(x)) for t in by_hand[case.operator]]
        yield _best(f"JAX, nested call over by hand, {case.name}", auto, hands, HAND)


def torch_rows() -> Iterator[Row]:
    import torch

    def tape(f: Any, x: Any) -> Any:
        own = x.detach().requires_grad_() if not x.requires_grad else x
        return torch.autograd.grad(f(own), own, create_graph=True)[0]

    def tape_rows(f: Any, x: Any) -> Any:
        own = x.detach().requires_grad_() if not x.requires_grad else x
        y = f(own)
        seeds = torch.eye(y.numel()).reshape(-1, *y.shape)
        pulled = torch.autograd.grad(y, own, seeds, create_graph=True, is_grads_batched=True)
        return pulled[0].reshape(*y.shape, *own.shape)

    def tape_samples(f: Any, x: Any) -> Any:
        own = x.detach().requires_grad_()
        y = f(own)
        seeds = torch.eye(y.shape[1])[:, None].expand(-1, *y.shape)
        pulled = torch.autograd.grad(y, own, seeds, create_graph=True, is_grads_batched=True)
        return pulled[0].movedim(0, 1)

    by_hand = {
        "jacobian": (lambda f, x: torch.func.jacfwd(f)(x), tape_rows),
        "batched_jacobian": (
            lambda f, x: torch.func.vmap(torch.func.jacfwd(f))(x),
            lambda f, x: torch.func.vmap(torch.func.jacrev(f))(x),
            tape_samples,
        ),
        "gradient": (tape,),
    }
    for case in CASES:
        x, w, v = map(torch.tensor, case.arrays())
        w.requires_grad_(), v.requires_grad_()

        def outer(derivative: Callable[[Any, Any], Any], case: Case = case) -> Any:
            def step() -> Any:
                loss = (derivative(*case.inner(torch, x, w, v)) ** 2).sum()
                return torch.autograd.grad(loss, (w, v))

            return step

        auto, forward, reverse = (
            outer(_asked(case, mode, di.AutoTorch)) for mode in ("auto", "forward", "reverse")
        )
        name = f"torch, auto over the better mode, {case.name}"
        yield _best(name, auto, [forward, reverse], OUTER)
        hands = [outer(derivative) for derivative in by_hand[case.operator]]
        yield _best(f"torch, nested call over by hand, {case.name}", auto, hands, HAND)
