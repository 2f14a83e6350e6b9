"""The house: each module imports only what stands on its own floor or below, and nothing in a circle.

Every import is read, those inside functions and those for the type checker too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
#: From the ground up. A name stands for a module, or for a folder and all that is in it.
FLOORS = [
    ["diffinterface.errors", "diffinterface.evaluations", "diffinterface.lazy"],
    ["diffinterface.declare"],
    ["diffinterface.arrays"],
    ["diffinterface.engine", "diffinterface.neutral"],
    ["diffinterface.nest"],
    ["diffinterface.extend", "diffinterface.compose"],
    ["diffinterface_*"],
    ["diffinterface.prepare"],
    ["diffinterface.operators", "diffinterface.sparse"],
    ["diffinterface.implicit", "diffinterface.testing"],
    ["diffinterface.sensitivity", "diffinterface.tools"],
    ["diffinterface", "diffinterface.__main__"],
]


def sources() -> dict[str, Path]:
    """Every module of the library and of its adapters."""
    found = {}
    for top in (ROOT / "diffinterface", *(ROOT / "backends").glob("diffinterface_*")):
        for path in top.rglob("*.py"):
            parts = path.relative_to(top.parent).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


SOURCES = sources()


def imports(module: str) -> Iterator[str]:
    """The modules of ours that one imports, wherever it says so."""
    path = SOURCES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in SOURCES)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            above = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            base = ".".join(filter(None, (above, node.module)))
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                if inner in SOURCES:
                    yield inner
                elif base in SOURCES:
                    yield base


def floor(module: str) -> int:
    """The number of the floor on which a module stands; the longest name that fits decides."""
    fitting = [
        (len(name), number)
        for number, names in enumerate(FLOORS)
        for name in names
        if module == name
        or module.startswith(f"{name}.")
        or (name.endswith("*") and module.startswith(name[:-1]))
    ]
    return max(fitting)[1]


ARROWS = {module: sorted(set(imports(module)) - {module}) for module in SOURCES}


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_no_arrow_climbs(module: str) -> None:
    climbing = [other for other in ARROWS[module] if floor(other) > floor(module)]
    assert not climbing


def test_no_circle() -> None:
    try:
        TopologicalSorter(ARROWS).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_what_is_read_is_the_house() -> None:
    assert len(SOURCES) > 200
    assert "diffinterface.engine.contract" in ARROWS["diffinterface.engine.backend"]
    assert max(map(len, ARROWS.values())) > 10


def test_no_file_holds_two_ideas() -> None:
    long = {name for name, path in SOURCES.items() if len(path.read_text().splitlines()) > 400}
    assert not long
