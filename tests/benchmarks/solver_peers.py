"""Gradients of ODE solutions beside torchdiffeq's and diffrax's: equal, and how fast.

On both sides the classical method takes the same steps, in the framework, and the engine follows them;
torchdiffeq also by its adjoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from diffinterface.sensitivity import odeint

from .timing import Call, Row, markdown, medians

STEPS, SPAN = 80, 2.0
MOST = 1.5
HIDDEN, BATCH = 32, 64


def peers() -> str:
    return markdown(list(rows())).replace("engine's own", "the peer")


def rows() -> Iterator[Row]:
    yield from torch_rows()
    yield from jax_rows()


def weights() -> dict[str, Any]:
    """Of a network 2-32-2, and of the equations of Lotka and Volterra."""
    rng = np.random.default_rng(0)
    shapes = {"w": (2, HIDDEN), "b": (HIDDEN,), "v": (HIDDEN, 2)}
    return {name: rng.normal(size=shape) / 4 for name, shape in shapes.items()}


def starts() -> dict[str, tuple[Any, Any]]:
    """The initial states and the parameters of both problems."""
    rng = np.random.default_rng(1)
    volterra = np.ones(2), {"p": np.array([1.5, 1.0, 3.0, 1.0])}
    return {"Lotka-Volterra": volterra, "neural ODE": (rng.normal(size=(BATCH, 2)), weights())}


def slopes(xp: Any, name: str) -> Any:
    """The same right-hand sides for all sides."""

    def volterra(t: Any, u: Any, p: Any) -> Any:
        a, x, y = p["p"], u[0], u[1]
        return xp.stack([a[0] * x - a[1] * x * y, -a[2] * y + a[3] * x * y])

    def network(t: Any, u: Any, p: Any) -> Any:
        return xp.tanh(u @ p["w"] + p["b"]) @ p["v"]

    return volterra if name == "Lotka-Volterra" else network


def compared(name: str, ours: Call, theirs: Call, most: float | None) -> Row:
    """The ratio of times, where both give the same gradient.

    Raises
    ------
    AssertionError
        If they do not, to the error of the steps: 1e-5 of the largest entry.
    """
    for a, b in zip(ours(), theirs(), strict=True):
        largest = float(np.abs(np.asarray(b)).max())
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=0, atol=1e-5 * largest)
    a, b = medians(ours, theirs, budget=1.0)
    return Row(
        name, a, b, "shown" if most is None else f"<= {most:g}x", most is None or a <= most * b
    )


def torch_rows() -> Iterator[Row]:
    import torch
    import torchdiffeq

    ts = torch.linspace(0.0, SPAN, 2, dtype=torch.float64)
    for name, (start, given) in starts().items():
        f, u0 = slopes(torch, name), torch.tensor(start)
        p = {k: torch.tensor(v, requires_grad=True) for k, v in given.items()}
        parameters = list(p.values())

        class Field(torch.nn.Module):
            def __init__(self, f: Any = f, p: Any = p) -> None:
                super().__init__()
                self.f, self.p = f, p

            def forward(self, t: Any, u: Any) -> Any:
                return self.f(t, u, self.p)

        field = Field()

        def ours(f: Any = f, u0: Any = u0, p: Any = p, of: Any = parameters, **o: Any) -> Any:
            u = odeint(f, u0, ts, p, backend="torch", **o)
            return torch.autograd.grad((u[-1] ** 2).sum(), of)

        def theirs(
            solver: Any, field: Any = field, u0: Any = u0, of: Any = parameters, **o: Any
        ) -> Any:
            fixed: dict[str, Any] = {"method": "rk4", "options": {"step_size": SPAN / STEPS}}
            u = solver(field, u0, ts, **(o or fixed))
            return torch.autograd.grad((u[-1] ** 2).sum(), of)

        def adjoint(field: Any = field, of: Any = parameters, **o: Any) -> Any:
            return theirs(
                lambda *a, **k: torchdiffeq.odeint_adjoint(*a, adjoint_params=tuple(of), **k),
                field,
                **o,
            )

        discrete: dict[str, Any] = {"sensitivity": "discrete", "method": "rk4", "steps": STEPS}
        yield compared(
            f"torch, {name}: rk4, {STEPS} steps, against torchdiffeq's odeint",
            lambda ours=ours: ours(**discrete),
            lambda theirs=theirs: theirs(torchdiffeq.odeint),
            MOST,
        )
        yield compared(
            f"torch, {name}: the same against torchdiffeq's odeint_adjoint",
            lambda ours=ours: ours(**discrete),
            adjoint,
            MOST,
        )
        yield compared(
            f"torch, {name}: SciPy and our adjoint against torchdiffeq's dopri5 and adjoint",
            lambda ours=ours: ours(sensitivity="interpolating", rtol=1e-8, atol=1e-10),
            lambda adjoint=adjoint: adjoint(method="dopri5", rtol=1e-8, atol=1e-10),
            None,
        )


def jax_rows() -> Iterator[Row]:
    import diffrax
    import jax
    import jax.numpy as jnp

    class Classical(diffrax.AbstractERK):  # diffrax has no method without an error estimate
        tableau: ClassVar[Any] = diffrax.ButcherTableau(
            c=np.array([0.5, 0.5, 1.0]),
            a_lower=(np.array([0.5]), np.array([0.0, 0.5]), np.array([0.0, 0.0, 1.0])),
            b_sol=np.array([1 / 6, 1 / 3, 1 / 3, 1 / 6]),
            b_error=np.zeros(4),
        )
        interpolation_cls: ClassVar[Any] = diffrax.ThirdOrderHermitePolynomialInterpolation.from_k

        def order(self, terms: Any) -> int:
            return 4

    with jax.enable_x64(True):
        ts = jnp.asarray([0.0, SPAN])
        for name, (start, given) in starts().items():
            f, u0 = slopes(jnp, name), jnp.asarray(start)
            p = {k: jnp.asarray(v) for k, v in given.items()}
            term = diffrax.ODETerm(f)

            def ours(p: Any, f: Any = f, u0: Any = u0) -> Any:
                u = odeint(
                    f, u0, ts, p, backend="jax", sensitivity="discrete", method="rk4", steps=STEPS
                )
                return jnp.sum(u[-1] ** 2)

            def theirs(p: Any, adjoint: Any, term: Any = term, u0: Any = u0) -> Any:
                found = diffrax.diffeqsolve(
                    term,
                    Classical(),
                    0.0,
                    SPAN,
                    SPAN / STEPS,
                    u0,
                    args=p,
                    adjoint=adjoint,
                    stepsize_controller=diffrax.ConstantStepSize(),
                    max_steps=STEPS + 1,
                )
                assert found.ys is not None
                return jnp.sum(found.ys[-1] ** 2)

            own = jax.jit(jax.grad(ours))
            for label, adjoint in (
                ("diffrax through its steps", diffrax.RecursiveCheckpointAdjoint()),
                ("diffrax's BacksolveAdjoint", diffrax.BacksolveAdjoint()),
            ):
                other = jax.jit(jax.grad(lambda p, a=adjoint, theirs=theirs: theirs(p, a)))
                yield compared(
                    f"jax, {name}: rk4, {STEPS} steps, against {label}",
                    lambda own=own, p=p: leaves(own(p)),
                    lambda other=other, p=p: leaves(other(p)),
                    MOST,
                )


def leaves(tree: dict[str, Any]) -> list[Any]:
    return [leaf.block_until_ready() for leaf in tree.values()]
