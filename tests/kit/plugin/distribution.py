"""Third-party distributions made for a test, and fresh interpreters that have them installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest

GUIDE = Path(__file__).parents[3] / "CONTRIBUTING.md"


def guide() -> tuple[str, str, str]:
    """The guide's plugin as documented: its module, its entry points in TOML, its test."""
    if not GUIDE.is_file():
        pytest.skip("the guide for writers of plugins is not part of this distribution")
    text = GUIDE.read_text("utf-8").partition("write-a-backend:begin")[2]
    blocks = re.findall(r"```(python|toml)\n(.*?)```", text, re.DOTALL)
    (module, test), (toml,) = (
        [body for kind, body in blocks if kind == want] for want in ("python", "toml")
    )
    return module, toml, test


def install(target: Path, name: str, modules: dict[str, str], toml: str) -> None:
    """Lay a distribution into `target` as an installer does: modules, and metadata beside them."""
    for module, source in modules.items():
        (target / f"{module}.py").write_text(textwrap.dedent(source), "utf-8")
    info = target / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    groups = tomllib.loads(toml)["project"]["entry-points"]
    lines = []
    for group, entries in groups.items():
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")


def entry(name: str, value: str, group: str = "backends") -> str:
    """The TOML of one entry point."""
    return f'[project.entry-points."diffinterface.{group}"]\n{name} = "{value}"\n'


def python(
    target: Path, *arguments: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that finds what is installed in `target`."""
    path = os.pathsep.join(filter(None, [str(target), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        cwd=cwd or target,
        capture_output=True,
        text=True,
    )


def answer(target: Path, code: str) -> Any:
    """What `code` leaves in its variable `result`, by way of JSON."""
    code = textwrap.dedent(code) + "\nimport json; print(json.dumps(result))"
    run = python(target, "-W", "error", "-c", code)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])
