"""The packages under docs/examples: their own test suites, as their own authors would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import diffinterface as di

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.mark.parametrize("name", ["valley", "clients"])
def test_the_suite_of_a_package(name: str) -> None:
    folder = EXAMPLES / name
    if not folder.is_dir():
        pytest.skip("the examples are not part of this distribution")
    pytest.importorskip("scipy")
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DIFFINTERFACE"))}
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider"),
            # Whether or not the entry point is installed, the plugin is loaded once.
            *("-p", "no:diffinterface", "-p", "diffinterface.testing.plugin"),
            "--ad-backends=installed",
        ],
        cwd=folder,
        env={**plain, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    passed = re.findall(r"^PASSED .*\[(\w+)", run.stdout, re.M)
    assert set(di.known_backends()) >= set(passed)
    assert {engine for engine in di.known_backends() if di.check_available(engine)} <= set(passed)


def test_the_matrix_names_every_engine() -> None:
    """What the workflow beside the package runs is what there is."""
    workflow = EXAMPLES / "valley" / ".github" / "workflows" / "tests.yml"
    if not workflow.is_file():
        pytest.skip("the examples are not part of this distribution")
    named = re.findall(r'backends: "([^"]*)"', workflow.read_text("utf-8"))
    found = {re.split("[:(]", name)[0] for text in named for name in text.split(",")}
    assert found == {"forwarddiff", "finitediff", "complexstep", "jax", "torch", "autograd"}
