"""A short clock, a folder with functions, and the command line in this process."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import diffinterface.tools.compare
from diffinterface.tools.cli import main

FUNCTIONS = """
import math
import warnings
import numpy as np
import diffinterface as di

number = 3.0

def energy(x):
    return di.array_namespace(x).sum(x**3)

def wave(x):
    xp = di.array_namespace(x)
    return xp.sum(xp.sin(3 * x) * x**2)

def products(x):
    return x[1:] * x[:-1]

def powers(x):
    return di.array_namespace(x).stack([x**2, x**3])

def weighted(p):
    return p["weight"] * di.array_namespace(p["data"]).sum(p["data"] ** 2)

def staircase(x):
    return np.sum(x + np.floor(1e9 * x))

def libm(x):
    return math.exp(x)

def broken(x):
    raise RuntimeError("the sensor is off")

def pole(x):
    return di.array_namespace(x).sum(1 / (x - 0.5) ** 2)

def grumpy(x):
    warnings.warn("this model is uncalibrated. See the manual", UserWarning)
    return di.array_namespace(x).sum(x**2)

def optional(x, scale=2.0):
    return di.array_namespace(x).sum(scale * x)

def two(x, y):
    return x * y

def recorded(x):
    with open("calls", "a") as file:
        file.write("x")
    return di.array_namespace(x).sum(x**2)
"""


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sample of the time for each engine: these tests are about the rest."""
    short = partial(diffinterface.tools.compare.compare, budget=0.0)
    monkeypatch.setattr(diffinterface.tools.compare, "compare", short)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a file of functions in it."""
    (tmp_path / "functions.py").write_text(FUNCTIONS, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What ``compare ARGUMENTS`` prints; its status must be `status`."""

    def run(*arguments: str, status: int = 0) -> str:
        assert main(["compare", *arguments]) == status
        return capsys.readouterr().out

    return run


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The one line on standard error of unusable arguments."""

    def run(*arguments: str) -> str:
        status = main(["compare", *arguments])
        printed = capsys.readouterr()
        assert printed.out == ""
        (line,) = printed.err.splitlines()
        assert line.startswith("error: ")
        assert status != 0
        return line.removeprefix("error: ")

    return run
