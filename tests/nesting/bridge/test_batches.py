"""A batch crosses once: one batched call for engines that take one, and no evaluation of f in vain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .common import EXACT, Inner, close

N, BATCH = 10, 7
POINT = np.linspace(0.1, 1.0, N)
POINTS = np.stack([POINT + k for k in range(BATCH)])


def coupled(x: Any) -> Any:
    xp = di.array_namespace(x)
    return xp.sin(x) * xp.sum(x)


def _torch(op: Any) -> Any:
    torch = pytest.importorskip("torch")
    return lambda f, x: op(torch.func, f, torch.tensor(x))


def _jax(op: Any) -> Any:
    jax = pytest.importorskip("jax")

    def run(f: Any, x: Any) -> Any:
        with jax.enable_x64(True):
            return op(jax, f, jax.numpy.asarray(x))

    return run


OUTERS: dict[str, Callable[[Any], Any]] = {"torch.func": _torch, "jax": _jax}
#: From the outer library, a function and a point: what seeds one batch, and the calls of f it may take.
SEEDS: dict[str, tuple[Any, int]] = {
    "jacfwd": (lambda lib, f, x: lib.jacfwd(f)(x), 2),
    "jacrev": (lambda lib, f, x: lib.jacrev(f)(x), 2),
    "hessian": (lambda lib, f, x: lib.hessian(lambda x: f(x).sum())(x), 4),
}
POINTWISE: dict[str, tuple[Any, int]] = {
    "vmap": (lambda lib, f, x: lib.vmap(f)(x), 1),
    "vmap of jacrev": (lambda lib, f, x: lib.vmap(lib.jacrev(f))(x), 2),
}
every_outer = pytest.mark.parametrize("outer", OUTERS.values(), ids=OUTERS)


def _calls(inner: Inner, run: Any, x: Any) -> int:
    """How often f is evaluated, or traced, by the second of two runs; both are right."""
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        return coupled(x)

    bridged, want = inner.bridged(f), run(coupled, x)
    for _ in range(2):
        calls.clear()
        close(run(bridged, x), want, 1e-10)
    return len(calls)


@every_outer
@pytest.mark.parametrize("engine", EXACT)
@pytest.mark.parametrize(("op", "most"), SEEDS.values(), ids=SEEDS)
def test_a_batch_of_seeds(outer: Any, engine: str, op: Any, most: int) -> None:
    assert _calls(EXACT[engine], outer(op), POINT) <= most


@every_outer
@pytest.mark.parametrize("engine", ["torch", "jax"])
@pytest.mark.parametrize(("op", "most"), POINTWISE.values(), ids=POINTWISE)
def test_a_batch_of_points(outer: Any, engine: str, op: Any, most: int) -> None:
    """Of engines that vectorise f."""
    assert _calls(EXACT[engine], outer(op), POINTS) <= most


@pytest.mark.parametrize("engine", EXACT)
def test_duals_push_all_tangents_at_once(engine: str) -> None:
    def jacobian(f: Any, x: Any) -> Any:
        return di.jacobian(f, "forwarddiff", x)

    assert _calls(EXACT[engine], jacobian, POINT) <= 2


@pytest.mark.parametrize("engine", EXACT)
def test_batches_of_some_inputs(engine: str) -> None:
    """Points, tangents and cotangents of which only some carry the axis, and a batch of none."""
    torch = pytest.importorskip("torch")
    func = torch.func
    f = EXACT[engine].bridged(lambda a, b: (a * b, a.sum() * b))

    def native(a: Any, b: Any) -> Any:
        return a * b, a.sum() * b

    a, b = torch.tensor(POINT), torch.tensor(POINT[::-1].copy())
    rows = torch.tensor(POINTS)

    def push(f: Any) -> Any:
        return lambda s, t: func.jvp(f, (a, b), (s, t))[1][1]

    def pull(f: Any) -> Any:
        return lambda s, t: func.vjp(f, a, b)[1]((s, t))[0]

    for build in (push, pull):
        for axes in ((0, None), (None, 0), (0, 0)):
            given = [rows if axis == 0 else a for axis in axes]
            got, want = (func.vmap(build(g), axes)(*given) for g in (f, native))
            close(got, want)
    got, want = (func.vmap(g, (0, None))(rows, b)[0] for g in (f, native))
    close(got, want)
    empty = func.vmap(pull(f))(rows[:0], rows[:0])
    assert empty.shape == (0, N)


@pytest.mark.parametrize("engine", EXACT)
def test_linear_maps_of_jax_in_batches(engine: str) -> None:
    """A pushforward that is batched and then transposed, where the seeds or the point are batched."""
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    bridged = EXACT[engine].bridged(coupled)
    with jax.enable_x64(True):
        x, xs = jnp.asarray(POINT), jnp.asarray(POINTS)

        def seeds(f: Any) -> Any:
            _, push = jax.linearize(f, x)
            return jax.linear_transpose(jax.vmap(push), xs)(xs)[0]

        def points(f: Any) -> Any:
            def push(t: Any) -> Any:
                return jax.vmap(lambda x: jax.jvp(f, (x,), (t,))[1])(xs)

            return jax.linear_transpose(push, x)(xs)[0]

        def twice(f: Any) -> Any:
            push = jax.vmap(jax.vmap(jax.linearize(f, x)[1]))
            return jax.linear_transpose(push, xs[None])(xs[None])[0]

        for op in (seeds, points, twice):
            close(op(bridged), op(coupled), 1e-11)
