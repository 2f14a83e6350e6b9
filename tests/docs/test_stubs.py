"""The types of the operators are those of their signatures, and right for a user's script."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from .pages import ROOT

SCRIPT = ROOT / "docs" / "stubs.py"

USER = """
from typing import Any, assert_type
import numpy as np
import diffinterface as di

Vector = np.ndarray[tuple[int], np.dtype[np.float64]]

def f(x: Any) -> Any:
    return (x**2).sum()

def script(x: Vector, flag: bool) -> None:
    assert_type(di.gradient(f, "jax", x), Vector)
    assert_type(di.gradient(f)(x), Vector)
    assert_type(di.gradient(f, has_aux=True)(x, 1.0), tuple[Vector, Any])
    assert_type(di.value_and_gradient(f, "jax", x), tuple[Any, Vector])
    assert_type(di.value_and_gradient(f, "jax", x, has_aux=True), tuple[Any, Vector, Any])
    assert_type(di.value_and_gradient(f, "jax")(x, out=x), tuple[Any, Vector])
    assert_type(di.value_gradient_and_hessian(f)(x), tuple[Any, Vector, Any])
    assert_type(di.hvp(f, "jax")(x, x), Vector)
    assert_type(di.gradient_and_hvp(f, "jax", x, x), tuple[Vector, Vector])
    assert_type(di.pullback(f, "jax", x, 1.0), Vector)
    assert_type(di.jacobian(f, "jax")(x), Any)
    assert_type(di.derivative(di.derivative(f))(3.0), Any)
    assert_type(di.gradient(f, "jax", x, has_aux=flag), Any)
    di.hvp(f, "jax")(x)  # WRONG
    di.gradient(f, x)  # WRONG
    di.gradient(f, "jax")(x, accumulat=True)  # WRONG
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    if not SCRIPT.is_file():
        pytest.skip("the script is not part of this distribution")
    spec = importlib.util.spec_from_file_location("stubs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_file_is_what_the_signatures_say(script: ModuleType) -> None:
    assert script.TARGET.read_text("utf-8") == script.text(), "run python docs/stubs.py"


def test_a_script_by_mypy(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    path = tmp_path / "script.py"
    path.write_text(USER, "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    wrong = [i for i, line in enumerate(USER.splitlines(), 1) if line.endswith("# WRONG")]
    told = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    assert told == set(wrong), done.stdout
