"""Nested calls against the best hand-written ones, and what it takes to ask whether a call is nested.

Each case takes the gradient, by the parameters of a network, of a loss that holds a derivative of it: by
``jax.jit(jax.grad(...))``, and on torch's tape, where the inner call is prepared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import diffinterface as di

from .timing import Row, at_most_more, medians

HAND, DETECTION = 1.10, 0.3e-6
BUDGET = 0.8  # seconds a case

Inner = Callable[[Any, Any, Any], Any]  # the derivative of f at x, for a seed
Step = Callable[[], Any]


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

    def arrays(self) -> tuple[Any, ...]:
        """X, W, V, and a seed like x or like f(x)."""
        n, hidden, m = self.sizes
        rng = np.random.default_rng(0)
        batch = (self.batch,) if self.batch else ()
        x, t = rng.standard_normal((*batch, n)), rng.standard_normal((*batch, n))
        w, v = rng.standard_normal((n, hidden)) / n**0.5, rng.standard_normal((hidden, m))
        return tuple(a.astype(np.float32) for a in (x, w, v / hidden**0.5, t))

    def inner(self, xp: Any, x: Any, w: Any, v: Any) -> tuple[Callable[[Any], Any], Any]:
        """The function that the inner operator differentiates, and its point."""
        if self.by_parameters:
            return lambda w: xp.tanh(x @ w) @ v, w
        if self.operator == "gradient":
            return lambda x: xp.sum((xp.tanh(x @ w) @ v) ** 2), x
        return lambda x: xp.tanh(x @ w) @ v, x

    def ask(self, backend: di.ADType, f: Any, x: Any, t: Any) -> Any:
        """The derivative by us."""
        return getattr(di, self.operator)(f, backend, x, *self.seeds(t))

    def prepare(self, backend: di.ADType, f: Any, x: Any, t: Any) -> Any:
        """The same, prepared."""
        return getattr(di, f"prepare_{self.operator}")(f, backend, x, *self.seeds(t))

    def seeds(self, t: Any) -> tuple[Any, ...]:
        """What the operator takes besides the point."""
        return (t,) if self.operator == "pushforward" else ()


CASES = (
    Case("Jacobian 128x2", "jacobian", (2, 32, 128)),
    Case("Jacobian 256x256", "jacobian", (256, 64, 256)),
    Case("Jacobian 20x20", "jacobian", (20, 32, 20)),
    Case("Jacobian 2x128", "jacobian", (128, 32, 2)),
    Case("parameter Jacobian 512x200", "jacobian", (10, 20, 8), 64, True),
    Case("parameter Jacobian 32x484", "jacobian", (22, 22, 2), 16, True),
    Case("batched Jacobian 64 of 4x4", "batched_jacobian", (4, 32, 4), 64),
    Case("gradient, n = 64", "gradient", (64, 32, 8)),
    Case("gradient, 128 samples of 100", "gradient", (100, 256, 8), 128),
    Case("pushforward, n = 100", "pushforward", (100, 64, 100)),
    Case("pushforward, 64 samples of 100", "pushforward", (100, 256, 100), 64),
)


@dataclass(frozen=True)
class Steps:
    """The outer gradient of a case, with the inner derivative taken in several ways."""

    name: str
    auto: Step
    modes: list[Step]
    hands: list[Step]


def steps() -> Iterator[Steps]:
    """All cases, in both frameworks."""
    yield from jax_steps()
    yield from torch_steps()


def rows() -> Iterator[Row]:
    for case in steps():
        yield best(f"{case.name}, over by hand", case.auto, case.hands, HAND)
    yield from detection_rows()


def best(name: str, ours: Step, others: list[Step], ratio: float) -> Row:
    """Ours takes at most `ratio` times the best of the others."""
    a, *rest = medians(ours, *others, budget=BUDGET)
    return Row(name, a, min(rest), f"<= {ratio:g}x", a <= ratio * min(rest))


def _modes(case: Case) -> tuple[Any, ...]:
    """The modes that a case is asked in; a gradient by forward mode is nobody's choice."""
    return ("auto", "reverse") if case.operator == "gradient" else ("auto", "forward", "reverse")


def jax_steps() -> Iterator[Steps]:
    import jax
    import jax.numpy as jnp

    def transposed(f: Any, x: Any, t: Any) -> Any:
        y, vjp = jax.vjp(f, x)
        return jax.vjp(lambda t: vjp(t)[0], jnp.zeros_like(y))[1](t)[0]

    by_hand: dict[str, tuple[Inner, ...]] = {
        "jacobian": (lambda f, x, t: jax.jacfwd(f)(x), lambda f, x, t: jax.jacrev(f)(x)),
        "batched_jacobian": (
            lambda f, x, t: jax.vmap(jax.jacfwd(f))(x),
            lambda f, x, t: jax.vmap(jax.jacrev(f))(x),
        ),
        "gradient": (lambda f, x, t: jax.grad(f)(x),),
        "pushforward": (lambda f, x, t: jax.jvp(f, (x,), (t,))[1], transposed),
    }
    for case in CASES:
        x, w, v, t = map(jnp.asarray, case.arrays())

        def outer(
            inner: Inner, case: Case = case, x: Any = x, w: Any = w, v: Any = v, t: Any = t
        ) -> Any:
            def loss(w: Any, v: Any, x: Any) -> Any:
                return jnp.sum(inner(*case.inner(jnp, x, w, v), t) ** 2)

            step = jax.jit(jax.grad(loss, argnums=(0, 1)))
            return lambda: jax.block_until_ready(step(w, v, x))

        asked = [partial(case.ask, di.AutoJax(mode=mode)) for mode in _modes(case)]
        auto, *modes = map(outer, asked)
        hands = list(map(outer, by_hand[case.operator]))
        yield Steps(f"JAX, {case.name}", auto, modes, hands)


def torch_steps() -> Iterator[Steps]:
    import torch

    def taped(f: Any, x: Any) -> tuple[Any, Any]:
        x = x if x.requires_grad else x.detach().requires_grad_()
        return x, f(x)

    def pulled(y: Any, x: Any, seeds: Any) -> Any:
        def one(seed: Any) -> Any:
            return torch.autograd.grad(y, x, seed, create_graph=True)[0]

        return torch.func.vmap(one)(seeds)

    def by_rows(f: Any, x: Any, t: Any) -> Any:
        x, y = taped(f, x)
        rows = pulled(y, x, torch.eye(y.numel()).reshape(-1, *y.shape))
        return rows.reshape(*y.shape, *x.shape)

    def by_sample(f: Any, x: Any, t: Any) -> Any:
        x, y = taped(f, x)
        seeds = torch.eye(y.shape[1])[:, None].expand(-1, *y.shape)
        return pulled(y, x, seeds).movedim(0, 1)

    def slope(f: Any, x: Any, t: Any) -> Any:
        x, y = taped(f, x)
        return torch.autograd.grad(y, x, create_graph=True)[0]

    def twice(f: Any, x: Any, t: Any) -> Any:
        x, y = taped(f, x)
        seed = torch.zeros_like(y, requires_grad=True)
        back = torch.autograd.grad(y, x, seed, create_graph=True)[0]
        return torch.autograd.grad(back, seed, t, create_graph=True)[0]

    by_hand: dict[str, tuple[Inner, ...]] = {
        "jacobian": (lambda f, x, t: torch.func.jacfwd(f)(x), by_rows),
        "batched_jacobian": (
            lambda f, x, t: torch.func.vmap(torch.func.jacfwd(f))(x),
            lambda f, x, t: torch.func.vmap(torch.func.jacrev(f))(x),
            by_sample,
        ),
        "gradient": (slope,),
        "pushforward": (lambda f, x, t: torch.func.jvp(f, (x,), (t,))[1], twice),
    }
    for case in CASES:
        x, w, v, t = map(torch.tensor, case.arrays())
        w.requires_grad_(), v.requires_grad_()

        f, point = case.inner(torch, x, w, v)

        def outer(inner: Callable[[], Any], w: Any = w, v: Any = v) -> Any:
            return lambda: torch.autograd.grad((inner() ** 2).sum(), (w, v))

        prepared = [case.prepare(di.AutoTorch(mode=mode), f, point, t) for mode in _modes(case)]
        auto, *modes = (outer(partial(prep, point, *case.seeds(t))) for prep in prepared)
        hands = [outer(partial(inner, f, point, t)) for inner in by_hand[case.operator]]
        yield Steps(f"torch, {case.name}", auto, modes, hands)


def detection_rows() -> Iterator[Row]:
    """What it takes to ask a plain array whether anything records it."""
    import jax.numpy as jnp
    import torch

    from diffinterface_jax.framework import framework as jax_arrays
    from diffinterface_torch.framework import framework as torch_arrays

    plain = {"JAX": (jax_arrays, jnp.ones(3)), "torch": (torch_arrays, torch.ones(3))}
    for name, (framework, x) in plain.items():
        yield at_most_more(
            f"{name}, is a plain array being traced?",
            lambda framework=framework, x=x: framework.is_traced(x),  # type: ignore[misc]
            lambda: None,
            DETECTION,
        )
