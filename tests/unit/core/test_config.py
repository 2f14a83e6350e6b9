"""The configured backend: precedence, and how far a block's configuration reaches."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from threading import Thread
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .zero import AutoZero

FORWARD = di.AutoForwardDiff()


@pytest.fixture(autouse=True)
def _default(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("DIFFINTERFACE_BACKEND", raising=False)
    yield
    di.set_config(backend=None)


def configured() -> di.ADType:
    return di.get_config().backend


def test_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert configured() == FORWARD
    monkeypatch.setenv("DIFFINTERFACE_BACKEND", "finitediff(scheme='forward')")
    assert configured() == di.AutoFiniteDiff("forward")
    di.set_config(backend="complexstep")
    assert configured() == di.AutoComplexStep()
    with di.config_context(backend=di.AutoForwardDiff(2)):
        assert configured() == di.AutoForwardDiff(2)
        with di.config_context(backend="zero"):
            assert configured() == AutoZero()
            assert np.all(di.gradient(np.sum, None, np.ones(2)) == 0)
            assert np.all(di.gradient(np.sum, FORWARD, np.ones(2)) == 1)
        assert configured() == di.AutoForwardDiff(2)
    assert configured() == di.AutoComplexStep()
    di.set_config(backend=None)
    assert configured() == di.AutoFiniteDiff("forward")
    monkeypatch.setenv("DIFFINTERFACE_BACKEND", "")
    assert configured() == FORWARD


OPERATORS: dict[str, Any] = {
    "gradient": lambda: di.gradient(np.sum, None, np.ones(2)),
    "prepared": lambda: di.prepare_gradient(np.sum, None, np.ones(2))(np.ones(2)),
    "jacobian": lambda: di.jacobian(lambda x: x**2, None, np.ones(2)),
    "derivative": lambda: di.derivative(lambda x: x**2, None, 1.0),
    "second_derivative": lambda: di.second_derivative(lambda x: x**2, None, 1.0),
    "pushforward": lambda: di.pushforward(lambda x: x**2, None, np.ones(2), np.ones(2)),
    "pullback": lambda: di.pullback(lambda x: x**2, None, np.ones(2), np.ones(2)),
    "hvp": lambda: di.hvp(lambda x: np.sum(x**2), None, np.ones(2), np.ones(2)),
    "hessian": lambda: di.hessian(lambda x: np.sum(x**2), None, np.ones(2)),
    "batched_jacobian": lambda: di.batched_jacobian(lambda x: x**2, None, np.ones((2, 2))),
    "linear_operator": lambda: di.linear_operator(lambda x: x**2, None, np.ones(2)) @ np.ones(2),
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_none_means_the_configured_backend(operator: str) -> None:
    if operator == "linear_operator":
        pytest.importorskip("scipy")
    assert np.any(OPERATORS[operator]())
    with di.config_context(backend="zero"):
        assert not np.any(OPERATORS[operator]())


def test_a_prepared_operator_keeps_the_backend_it_was_prepared_with() -> None:
    with di.config_context(backend="zero"):
        prep = di.prepare_gradient(np.sum, None, np.ones(2), on_mismatch="reprepare")
    assert not prep(np.ones(2)).any()
    assert not prep(np.ones(3)).any()


def test_an_error_leaves_the_block() -> None:
    with pytest.raises(ZeroDivisionError), di.config_context(backend="zero"):
        _ = 1 / 0
    assert configured() == FORWARD


def test_as_a_decorator() -> None:
    @di.config_context(backend="zero")
    def inside() -> di.ADType:
        return configured()

    assert (inside(), inside(), configured()) == (AutoZero(), AutoZero(), FORWARD)


def test_none_in_a_block_changes_nothing() -> None:
    with di.config_context(backend="zero"), di.config_context(backend=None):
        assert configured() == AutoZero()


def test_another_thread_sees_the_process_only() -> None:
    seen: list[di.ADType] = []

    def look() -> None:
        seen.append(configured())

    di.set_config(backend="complexstep")
    with di.config_context(backend="zero"):
        thread = Thread(target=look)
        thread.start()
        thread.join()
    assert seen == [di.AutoComplexStep()]


def test_set_config_reaches_other_threads_but_not_their_blocks() -> None:
    def change() -> None:
        di.set_config(backend="complexstep")

    with di.config_context(backend="zero"):
        thread = Thread(target=change)
        thread.start()
        thread.join()
        assert configured() == AutoZero()
    assert configured() == di.AutoComplexStep()


def test_tasks_that_take_turns() -> None:
    names = ["forwarddiff", "finitediff", "complexstep", "zero"]

    async def work(name: str) -> list[str]:
        seen = []
        with di.config_context(backend=name):
            for _ in range(5):
                await asyncio.sleep(0)
                seen.append(configured().name)
        return [*seen, configured().name]

    async def main() -> list[list[str]]:
        with di.config_context(backend="none"):
            return await asyncio.gather(*map(work, names))

    # A task starts from what its creator had in force.
    assert asyncio.run(main()) == [[name] * 5 + ["none"] for name in names]


@pytest.mark.parametrize("change", [di.set_config, di.config_context])
def test_settings_are_checked_where_they_are_made(change: Any) -> None:
    def enter(**settings: Any) -> None:
        block = change(**settings)
        if block is not None:
            with block:
                pass

    with pytest.raises(di.InputError, match="Unknown setting 'backends'; known are backend"):
        enter(backends="jax")
    with pytest.raises(di.UnknownBackendError, match="'jaxx'"):
        enter(backend="jaxx")
    with pytest.raises(di.UnknownBackendError, match="with parentheses"):
        enter(backend=di.AutoJax)
    assert configured() == FORWARD


def in_environment(value: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import numpy as np, diffinterface as di\n"
        "print(di.get_config().backend)\n"
        "print(di.gradient(lambda x: (x**2).sum(), None, np.array([1.5])))"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DIFFINTERFACE_BACKEND": value},
        capture_output=True,
        text=True,
    )


def test_environment_of_a_process() -> None:
    run = in_environment("complexstep")
    assert run.stdout.splitlines() == ["AutoComplexStep()", "[3.]"], run.stderr


def test_a_misspelt_environment_is_named() -> None:
    run = in_environment("complex-step")
    assert run.returncode == 1
    last = run.stderr.strip().splitlines()[-1]
    assert "UnknownBackendError" in last
    assert "DIFFINTERFACE_BACKEND" in last
