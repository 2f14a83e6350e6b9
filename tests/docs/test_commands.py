"""The command lines of the pages: each runs, or is one of those that `.ci/run` runs."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from diffinterface import check_available
from diffinterface.tools.cli import main

from .pages import PAGES, ROOT, blocks

# Installing is the business of `.ci/run`, as is the whole suite.
ELSEWHERE = ("pip install ", "ruff check . && ruff format --check . && mypy")
MODEL = """
import diffinterface as di


def energy(x):
    return di.array_namespace(x).sum(x**4)


f = FUNCTION = energy
"""
NEWTON = """
import diffinterface as di


def newton(f, x, backend=None):
    for _ in range(8):
        x = x - f(x) / di.derivative(f, backend, x)
    return x
"""


def lines() -> Iterator[str]:
    """Each command once, without its comment."""
    found = (b.body for page in PAGES for b in blocks(page.read_text("utf-8")) if b.kind == "bash")
    stripped = (line.partition("  #")[0].strip() for body in found for line in body.splitlines())
    return iter(dict.fromkeys(filter(None, stripped)))


def of(program: str) -> list[str]:
    return [line for line in lines() if program in line.split(" pip ")[0] and "pip " not in line]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the files that the commands name."""
    for name in ("PATH", "MODULE", "model", "your_file"):
        (tmp_path / f"{name}.py").write_text(MODEL, "utf-8")
    np.save(tmp_path / "x.npy", np.array([1.0, 2.0]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_every_command_is_known() -> None:
    if not PAGES:
        pytest.skip("the pages are not part of this distribution")
    tested = {*of("python -m diffinterface"), *of("pytest")}
    assert {line for line in lines() if not line.startswith(ELSEWHERE)} == tested
    assert len(tested) > 6


def test_the_command_line(here: Path) -> None:
    for line in of("python -m diffinterface"):
        _, _, _, *arguments = shlex.split(line.replace("10,100,1000", "2,4"))
        into = None
        if ">" in arguments:
            *arguments, _, into = arguments
        with open(into or os.devnull, "w", encoding="utf-8") as stream, redirect_stdout(stream):
            try:
                status = main(arguments)
            except SystemExit as leaving:  # --version
                status = int(leaving.code or 0)
        assert status == 0, line


def test_the_pytest_plugin(here: Path) -> None:
    """The lines of "Test your library", on its own test file."""
    if not (check_available("jax") and check_available("torch")):
        pytest.skip("the lines name JAX and torch")
    page = (ROOT / "docs" / "how-to" / "test-your-library.md").read_text("utf-8")
    (source,) = (b.body for b in blocks(page) if b.kind == "{code-block} python")
    (here / "my_library.py").write_text(NEWTON, "utf-8")
    (here / "test_newton.py").write_text(source, "utf-8")
    for line in of("pytest"):
        words = shlex.split(line)
        settings = dict(word.split("=") for word in words if word[0].isupper())
        arguments = [word for word in words if word.startswith("-")]
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, f"{line}\n{run.stdout[-2000:]}"
