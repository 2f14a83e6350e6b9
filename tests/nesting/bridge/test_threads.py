"""One bridged function in eight threads at once: every thread gets its own numbers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .common import EXACT, DifferentiateWith, Inner, close

THREADS, ROUNDS = 8, 3


def cubic(x: Any, scale: Any) -> Any:
    return scale * x**3


def everywhere(work: Callable[[int], None]) -> None:
    """Run ``work(k)`` in all threads, started together."""
    barrier = Barrier(THREADS)

    def run(k: int) -> None:
        barrier.wait()
        for _ in range(ROUNDS):
            work(k)

    with ThreadPoolExecutor(THREADS) as pool:
        for future in [pool.submit(run, k) for k in range(THREADS)]:
            future.result()


def point(k: int) -> Any:
    """Of a size and at a place of the thread's own."""
    return np.linspace(0.1, 1.0, 2 + k % 3) + k


@pytest.fixture(params=EXACT.values(), ids=EXACT)
def bridged(request: Any) -> DifferentiateWith:
    inner: Inner = request.param
    return inner.bridged(cubic)


def test_in_torch(bridged: DifferentiateWith) -> None:
    torch = pytest.importorskip("torch")

    def work(k: int) -> None:
        x = torch.tensor(point(k), requires_grad=True)
        g = torch.autograd.grad(bridged(x, k + 1).sum(), x, create_graph=True)[0]
        close(g, 3 * (k + 1) * point(k) ** 2)
        g.sum().backward()
        close(x.grad, 6 * (k + 1) * point(k))
        close(torch.func.grad(lambda x: bridged(x, k + 1).sum())(x.detach()), g)

    everywhere(work)


def test_in_jax(bridged: DifferentiateWith) -> None:
    jax = pytest.importorskip("jax")

    def work(k: int) -> None:
        with jax.enable_x64(True):
            x = jax.numpy.asarray(point(k))
            got = jax.grad(lambda x: bridged(x, k + 1).sum())(x)
            close(got, 3 * (k + 1) * point(k) ** 2)

    everywhere(work)


def test_in_one_compiled_program_of_jax() -> None:
    jax = pytest.importorskip("jax")
    f = DifferentiateWith(cubic, "forwarddiff")
    run = jax.jit(jax.grad(lambda x, scale: f(x, scale).sum()))

    def work(k: int) -> None:
        with jax.enable_x64(True):
            got = run(jax.numpy.asarray(point(k)), jax.numpy.asarray(k + 1.0))
            close(got, 3 * (k + 1) * point(k) ** 2)

    everywhere(work)


def test_in_autograd(bridged: DifferentiateWith) -> None:
    autograd = pytest.importorskip("autograd")

    def work(k: int) -> None:
        got = autograd.grad(lambda x: autograd.numpy.sum(bridged(x, k + 1)))(point(k))
        close(got, 3 * (k + 1) * point(k) ** 2)

    everywhere(work)


def test_in_duals(bridged: DifferentiateWith) -> None:
    def work(k: int) -> None:
        hessian = di.hessian(lambda x: np.sum(bridged(x, k + 1)), "forwarddiff", point(k))
        close(hessian, np.diag(6 * (k + 1) * point(k)))

    everywhere(work)
