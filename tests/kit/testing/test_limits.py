"""A check that does not end is named, stopped where it can be, and told where it cannot."""

from __future__ import annotations

import logging
import math
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from diffinterface.testing import DerivativeError, Scenario, check_scenario
from diffinterface.testing import test_differentiation as differentiation
from diffinterface.testing.limits import TimeLimitError, limited
from diffinterface.tools.cli import main

alarms = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX signals")


def _endless(x: Any) -> Any:
    while type(x).__name__ == "Dual":
        try:
            time.sleep(0.01)
        except Exception:  # as engines and functions have it: no plain exception gets out
            continue
    return x[0]


def _endless_everywhere(x: Any) -> Any:
    while True:
        time.sleep(0.01)


def _square(x: Any) -> Any:
    return x[0] ** 2


HANGS = Scenario("gradient", _endless, np.ones(1), result=np.ones(1), name="hangs")
ENDS = Scenario("gradient", _square, np.ones(1), result=np.array([2.0]), name="ends")


def test_each_check_is_named_as_it_begins(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "diffinterface.testing")
    differentiation("forwarddiff", [ENDS], checks=["correct", "reuse"])
    check_scenario("forwarddiff", ENDS, "dtype")
    wanted = ["reference", "correct", "reuse", "reference", "dtype"]
    assert caplog.messages == [f"forwarddiff ends: {check}" for check in wanted]


@alarms
def test_a_cell_that_hangs_fails_and_the_others_run() -> None:
    start = time.monotonic()
    with pytest.raises(DerivativeError) as caught:
        differentiation("forwarddiff", [HANGS, ENDS], checks=["correct", "reuse"], limit=0.2)
    (failure,) = caught.value.failures
    assert (failure.backend, failure.check) == ("forwarddiff", "correct")
    assert "hangs: correct: stopped after 0.2 seconds" in failure.detail
    assert "_endless" in failure.detail  # where it was
    assert "1 of 2 cells passed" in str(caught.value)
    assert time.monotonic() - start < 10
    with pytest.raises(DerivativeError, match=r"stopped after 0\.1 seconds"):
        check_scenario("forwarddiff", HANGS, limit=0.1)
    never = Scenario("gradient", _endless_everywhere, np.ones(1), name="never")
    with pytest.raises(DerivativeError, match=r"never: reference: stopped after 0\.1 seconds"):
        differentiation("forwarddiff", [never], limit=0.1)


@alarms
def test_waiting_for_a_lock_is_stopped_and_threads_are_named() -> None:
    free = threading.Event()
    thread = threading.Thread(target=free.wait, name="a-worker", daemon=True)

    def waits() -> None:
        thread.start()
        thread.join()

    with pytest.raises(TimeLimitError, match="it left running: a-worker"), limited("waits", 0.1):
        waits()
    free.set()
    thread.join(10)


@alarms
def test_nothing_is_left_behind() -> None:
    before = signal.getsignal(signal.SIGALRM), threading.active_count()
    for seconds in (0.05, 5.0):
        try:
            with limited("a check", seconds):
                time.sleep(0.1)
        except TimeLimitError:
            assert seconds < 0.1
        deadline = time.monotonic() + 5
        while threading.active_count() > before[1] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (signal.getsignal(signal.SIGALRM), threading.active_count()) == before
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@alarms
def test_an_outer_alarm_is_kept() -> None:
    rung = []
    old = signal.signal(signal.SIGALRM, lambda *_: rung.append(time.monotonic()))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with limited("a check", 0.1):
            time.sleep(0.2)
    except TimeLimitError:
        pass
    finally:
        time.sleep(0.3)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert len(rung) == 1


def test_errors_pass_through_and_infinity_is_no_limit() -> None:
    for seconds in (5.0, math.inf):
        with pytest.raises(KeyError, match="mine"), limited("a check", seconds):
            raise KeyError("mine")


def test_what_cannot_be_stopped_is_told() -> None:
    code = """
import threading, time
from diffinterface.testing.limits import limited
def endless():
    with limited("cell so-and-so: correct", 0.2):
        time.sleep(1.0)
thread = threading.Thread(target=endless)
thread.start(); thread.join()
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "cell so-and-so: correct has not ended after 0.2 seconds" in run.stderr
    assert "in endless" in run.stderr


@alarms
def test_the_command_line_names_and_stops(tmp_path: Any, capsys: Any) -> None:
    (tmp_path / "mine.py").write_text(
        "import diffinterface as di\n"
        "def f(x):\n"
        "    while 'Dual' in type(x).__name__: pass\n"
        "    return di.array_namespace(x).sum(x**2)\n",
        "utf-8",
    )
    where = f"{tmp_path / 'mine.py'}:f"
    status = main(["compare", where, "--at", "[1.0, 2.0]", "--limit", "2", "--verbose"])
    out, err = capsys.readouterr()
    assert status == 0
    (line,) = (line for line in out.splitlines() if line.startswith("forwarddiff"))
    assert "stopped after 2 seconds" in line
    assert "finitediff: preparing" in err
