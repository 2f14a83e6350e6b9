"""The API for authors of engines: the adapters live on it, and all of it is documented."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import diffinterface as di
from diffinterface import extend

from ...docs.pages import ROOT, blocks

EXTEND = extend.__name__
MODULES = {name: import_module(name) for name in (EXTEND, *(f"{EXTEND}.{r}" for r in extend.ROOMS))}
ADAPTERS = sorted((ROOT / "backends").rglob("*.py"))
PAGES = [*(ROOT / "docs").rglob("*.md"), ROOT / "CONTRIBUTING.md"]
EXPORTS = [(name, export) for name, module in MODULES.items() for export in module.__all__]


def faults(source: str) -> Iterator[str]:
    """What is imported of the library but is no part of the API for authors; `di` itself is."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from (
                name for name in names if name.startswith(("diffinterface.", "diffinterface_"))
            )
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = str(node.module)
            if module.partition(".")[0] == "diffinterface":
                known = getattr(MODULES.get(module), "__all__", ())
                yield from (f"{module}.{a.name}" for a in node.names if a.name not in known)


@pytest.mark.skipif(not ADAPTERS, reason="the adapters lie elsewhere in an installed wheel")
def test_an_adapter_imports_the_api_for_authors_alone() -> None:
    assert len(ADAPTERS) > 50
    assert not [
        (str(path), fault) for path in ADAPTERS for fault in faults(path.read_text("utf-8"))
    ]


@pytest.mark.parametrize(
    "line",
    [
        "from diffinterface.engine.backend import Backend",
        "from diffinterface.extend import Nobody",
        "from diffinterface.extend.arrays import METHODS",
        "from diffinterface import extend",
        "import diffinterface.arrays.trees",
        "def late():\n    from diffinterface.engine import derived",
    ],
)
def test_the_lint_sees(line: str) -> None:
    assert [*faults(line)]


def plugins() -> Iterator[tuple[str, str]]:
    """The plugins that pages show: what imports from `extend`."""
    for page in PAGES:
        for block in blocks(page.read_text("utf-8")):
            if "python" in block.kind and f"from {EXTEND}" in block.body:
                yield page.name, block.body


@pytest.mark.skipif(
    not (ROOT / "docs").is_dir(), reason="the pages are not part of this distribution"
)
def test_plugins_of_the_pages_too() -> None:
    found = [*plugins()]
    assert {page for page, _ in found} >= {"CONTRIBUTING.md", "write-a-backend.md"}
    assert not [(page, fault) for page, body in found for fault in faults(body)]


def sources(name: str) -> dict[str, tuple[str, str]]:
    """Where a module of the API has each name from: the module, and the name there."""
    package = EXTEND.split(".")[0]
    return {
        alias.asname or alias.name: (f"{package}.{node.module}", alias.name)
        for node in ast.parse(Path(str(MODULES[name].__file__)).read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.level == 2
        for alias in node.names
    }


def comment(module: str, name: str) -> str:
    """What stands above the assignment of a module's name, for Sphinx."""
    lines = Path(str(import_module(module).__file__)).read_text("utf-8").splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith((f"{name} =", f"{name}:")))
    return lines[at - 1]


@pytest.mark.parametrize(("module", "name"), EXPORTS)
def test_what_is_exported_is_defined_elsewhere_and_documented(module: str, name: str) -> None:
    home, original = sources(module)[name]
    value: Any = getattr(import_module(home), original)
    assert getattr(MODULES[module], name) is value
    if inspect.isclass(value) or inspect.isroutine(value) or hasattr(value, "__wrapped__"):
        assert inspect.getdoc(value)
    else:
        assert comment(home, original).startswith("#:")


def test_a_name_has_one_place() -> None:
    names = [name for _, name in EXPORTS]
    assert len(names) == len(set(names))


def test_rooms_load_when_they_are_asked_for() -> None:
    code = f"""import sys, diffinterface as di
di.extend.Backend
assert not any(name.startswith("{EXTEND}.") for name in sys.modules)
assert di.extend.arrays.Leveled and di.extend.bridges.Bridge
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert {*extend.__all__, *extend.ROOMS} <= {*dir(extend)}
    assert not hasattr(extend, "nobody")
    assert {path.stem for path in Path(extend.__file__).parent.glob("*.py")} == {
        "__init__",
        *extend.ROOMS,
    }


def test_declarations_and_errors_are_there() -> None:
    """So that one import line suffices."""
    shared = {
        name
        for name in di.__all__
        if isinstance(value := getattr(di, name), type) and issubclass(value, di.ADType | Exception)
    }
    assert len(shared) > 20
    assert shared - {*extend.__all__} == {"AutotuneError"}  # which is the tool's
