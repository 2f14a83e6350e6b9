"""Which function is compared, and what is said where there is none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import diffinterface as di
from diffinterface.tools.cli import main

from .rows import rows

Refusal = Callable[..., str]
Report = Callable[..., str]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("functions.py", "'functions.py' names no function; write PATH.py:FUNCTION"),
        ("functions.py:", "names no function"),
        (":energy", "names no function"),
        ("nowhere.py:f", "No such file: nowhere.py."),
        ("functions.py:enthalpy", "functions.py has no function 'enthalpy'."),
        ("functions.py:number", "'number' in functions.py is a float, expected a function."),
        ("functions.py:two", "'two' must take one argument x (others need defaults)."),
        ("no_such_module:f", "Module 'no_such_module' cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_functions_that_are_not_there(
    folder: Path, refusal: Refusal, target: str, said: str
) -> None:
    assert said in refusal(target, "--at", "1.0")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param("def f(x:\n", "SyntaxError: '(' was never closed", id="syntax"),
        pytest.param("import no_such_module", "No module named 'no_such_module'", id="import"),
        pytest.param("1 / 0", "ZeroDivisionError: division by zero", id="raises"),
        pytest.param("import sys\nsys.exit(0)", "SystemExit", id="exits"),
        pytest.param("x = '\x00'", "null bytes", id="binary"),
    ],
)
def test_files_that_cannot_be_loaded(
    folder: Path, refusal: Refusal, source: str, said: str
) -> None:
    (folder / "bad.py").write_text(source, "utf-8")
    line = refusal("bad.py:f", "--at", "1.0")
    assert line.startswith("bad.py cannot be loaded: ")
    assert said in line


def test_a_point_needs_a_function(folder: Path, refusal: Refusal) -> None:
    assert "--at needs a function" in refusal("--at", "1.0")


def test_a_function_needs_a_point(folder: Path, refusal: Refusal) -> None:
    assert "Give the point" in refusal("functions.py:energy")


def test_a_function_of_a_module(folder: Path, report: Report) -> None:
    found = rows(report("numpy:sin", "--at", "[0.0]"))
    assert found["forwarddiff"].result == "[[1.]]"


def test_a_file_elsewhere_imports_its_neighbours(folder: Path, report: Report) -> None:
    there = folder / "models"
    there.mkdir()
    (there / "constants_of_mine.py").write_text("SCALE = 4.0", "utf-8")
    source = "from constants_of_mine import SCALE\ndef f(x):\n    return SCALE * x\n"
    (there / "model.py").write_text(source, "utf-8")
    before = list(sys.path)
    out = report(f"{there / 'model.py'}:f", "--at", "1.0")
    assert rows(out)["forwarddiff"].result == "4."
    assert sys.path == before


def test_a_file_may_define_dataclasses(folder: Path, report: Report) -> None:
    """Dataclasses with annotations as strings look their module up by its name."""
    source = """
from __future__ import annotations
from dataclasses import dataclass
from typing import ClassVar

@dataclass
class Spring:
    count: ClassVar[int] = 2
    stiffness: float = 3.0

def f(x):
    return Spring().stiffness * x**2
"""
    (folder / "springs.py").write_text(source, "utf-8")
    assert rows(report("springs.py:f", "--at", "1.0"))["forwarddiff"].result == "6."


def test_a_file_does_not_shadow_a_module_of_its_name(folder: Path, report: Report) -> None:
    (folder / "numpy.py").write_text("def f(x):\n    return x**2\n", "utf-8")
    assert rows(report("numpy.py:f", "--at", "3.0"))["forwarddiff"].result == "6."
    assert sys.modules["numpy"].__file__ != str(folder / "numpy.py")


@pytest.mark.parametrize(
    "arguments", [[], ["contrast"], ["compare", "--at"], ["compare", "--where"]]
)
def test_unknown_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: python -m diffinterface" in capsys.readouterr().err


def test_unusable_arguments_are_told_from_engines_that_fail(folder: Path) -> None:
    """By the status that argparse gives for an unknown option too."""
    assert main(["compare", "functions.py:enthalpy", "--at", "1.0"]) == 2
    assert main(["compare", "functions.py:energy", "--at", "[1, 2]"]) == 2
    assert main(["compare", "functions.py:broken", "--at", "1.0"]) == 1


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"diffinterface {di.__version__}\n"


def test_as_a_program(folder: Path) -> None:
    """The only test in a process of its own: the module runs, and its status is that of `main`."""
    command = [sys.executable, "-m", "diffinterface", "compare", "functions.py:energy", "--at"]
    good = subprocess.run([*command, "[1.0, 2.0]"], capture_output=True, text=True)
    assert good.returncode == 0, good.stderr
    assert rows(good.stdout)["forwarddiff"].result == "[ 3. 12.]"
    assert all(line.startswith("... ") for line in good.stderr.splitlines())
    bad = subprocess.run([*command, "[1, 2]"], capture_output=True, text=True)
    assert bad.returncode != 0
    assert bad.stdout == ""
    assert bad.stderr.startswith("error: --at has dtype int64")
