"""One prepared object, many threads: each gets the answer to its own question."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .backends import BY_ID, ENGINES, Entry
from .problems import vector_to_longer, vector_to_scalar, xp_of

THREADS, ROUNDS = 8, 6


@pytest.fixture(autouse=True)
def _switch_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(ask: Callable[[np.ndarray, np.ndarray], None]) -> None:
    """Ask in all threads at once, each with its own inputs; the first failure is raised."""
    barrier = Barrier(THREADS)

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        barrier.wait()
        for _ in range(ROUNDS):
            ask(rng.uniform(0.5, 1.5, 3), rng.normal(size=3))

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work, seed) for seed in range(THREADS)]:
            done.result()


SHARED = [
    BY_ID[name]
    for name in (
        *ENGINES,
        "jax[forward]",
        "torch[forward]",
        "autograd[forward]",
        "mixed[forwarddiff,autograd]",
        "second[forwarddiff]",
        "second[finitediff,jax]",
    )
]


@pytest.mark.parametrize("backend", SHARED, indirect=True, ids=lambda entry: entry.id)
def test_prepared_operators(backend: Entry) -> None:
    x, first, second = np.ones(3), vector_to_scalar, backend.tolerance("hvp", "float64")
    tolerance = backend.tolerance("", "float64")
    gradient = di.prepare_gradient(first.f, backend.adtype, x)
    jacobian = di.prepare_jacobian(vector_to_longer.f, backend.adtype, x)
    hvp = di.prepare_hvp(first.f, backend.adtype, x, x)

    def ask(x: np.ndarray, t: np.ndarray) -> None:
        assert first.second is not None
        close(gradient(x), first.jacobian(x)[0][0], tolerance)
        close(jacobian.value_and(x)[1], vector_to_longer.jacobian(x)[0][0], tolerance)
        close(hvp(x, t), first.second(x)[0][0] @ t, second)

    in_threads(ask)


@pytest.mark.parametrize("backend", SHARED, indirect=True, ids=lambda entry: entry.id)
def test_one_linearisation_and_changing_contexts(backend: Entry) -> None:
    def f(x: Any, a: Any) -> Any:
        return xp_of(x).sin(x) * a

    x0 = np.array([0.5, 0.75, 1.25])
    tolerance = backend.tolerance("", "float64")
    push = di.prepare_pushforward_same_point(f, backend.adtype, x0, x0, 2.0)
    pull = di.prepare_pullback(f, backend.adtype, x0, x0, x0)
    again = di.prepare_gradient(
        lambda x: xp_of(x).sum(f(x, 3.0)), backend.adtype, x0, on_mismatch="reprepare"
    )

    def ask(x: np.ndarray, t: np.ndarray) -> None:
        close(push(t), 2 * np.cos(x0) * t, tolerance)
        close(pull(x, t, t), np.cos(x) * t**2, tolerance)
        size = 2 + int(1000 * x[0]) % 2
        close(again(x[:size].copy()), 3 * np.cos(x[:size]), tolerance)

    in_threads(ask)


def test_configuration_of_one_thread_is_not_that_of_another() -> None:
    names = ["forwarddiff", "finitediff", "complexstep"] * 4
    barrier = Barrier(len(names))

    def work(name: str) -> str:
        with di.config_context(backend=name):
            barrier.wait()
            found = {di.get_config().backend.name for _ in range(200)}
            barrier.wait()
        assert di.get_config().backend.name == "forwarddiff"
        return ",".join(found)

    with ThreadPoolExecutor(len(names)) as pool:
        assert list(pool.map(work, names)) == names


def close(got: Any, want: Any, tolerance: float) -> None:
    np.testing.assert_allclose(
        got, want, rtol=tolerance, atol=tolerance * np.max(np.abs(want), initial=1.0)
    )
