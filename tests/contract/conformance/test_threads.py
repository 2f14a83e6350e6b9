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
from diffinterface.testing import Scenario, check_scenario, entry

from ...backends import BY_ID, ENGINES
from .scenarios import BY_NAME

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


on_shared = pytest.mark.ad_backends(*SHARED)


@on_shared
@pytest.mark.ad_scenarios(
    *map(
        BY_NAME.__getitem__,
        ("derivative-scalar_to_tree", "pullback-contexts", "hessian-nested_squared"),
    )
)
def test_two_questions(ad_backend: Any, ad_scenario: Scenario) -> None:
    check_scenario(ad_backend, ad_scenario, "threads")


def _energy(x: Any) -> Any:
    return di.array_namespace(x).sum(x**3) + x[0] * x[1] * x[2]


def _waves(x: Any) -> Any:
    return di.array_namespace(x).sin(x[:2]) * x[2]


@on_shared
def test_prepared_operators(ad_backend: Any) -> None:
    x, backend = np.ones(3), entry(ad_backend)
    tolerance, second = backend.tolerance("gradient"), backend.tolerance("hvp")
    gradient = di.prepare_gradient(_energy, ad_backend, x)
    jacobian = di.prepare_jacobian(_waves, ad_backend, x)
    hvp = di.prepare_hvp(_energy, ad_backend, x, x)

    def ask(x: np.ndarray, t: np.ndarray) -> None:
        a, b, c = x
        close(gradient(x), 3 * x**2 + np.array([b * c, a * c, a * b]), tolerance)
        waves = [[np.cos(a) * c, 0, np.sin(a)], [0, np.cos(b) * c, np.sin(b)]]
        close(jacobian.value_and(x)[1], waves, tolerance)
        curvature = np.array([[6 * a, c, b], [c, 6 * b, a], [b, a, 6 * c]])
        close(hvp(x, t), curvature @ t, second)

    in_threads(ask)


@on_shared
def test_one_linearisation_and_changing_contexts(ad_backend: Any) -> None:
    def f(x: Any, a: Any) -> Any:
        return di.array_namespace(x).sin(x) * a

    x0 = np.array([0.5, 0.75, 1.25])
    tolerance = entry(ad_backend).tolerance("gradient")
    push = di.prepare_pushforward_same_point(f, ad_backend, x0, x0, 2.0)
    pull = di.prepare_pullback(f, ad_backend, x0, x0, x0)
    again = di.prepare_gradient(
        lambda x: di.array_namespace(x).sum(f(x, 3.0)), ad_backend, x0, on_mismatch="reprepare"
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
