"""The page "Support" of the documentation: operator x engine x kind of array, and what nests.

Run ``python -m tests.contract.conformance.support`` to print it, with ``--write`` to replace the page.
Each cell stands for tests of this suite: "no" is what they expect to raise, "yes" is everything else.
"""

from __future__ import annotations

import argparse
import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from diffinterface.testing import Scenario, why_not
from diffinterface.testing.scenario import OPERATORS

from ...backends import BY_ID, ENGINES
from . import nested
from .scenarios import FOR_CALLERS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "support.md"
VERSIONS = re.compile(r"^Versions: .*\n", re.M)
ARRAYS = {"numpy": "NumPy", "jax": "JAX", "torch": "torch"}
_REAL = [scenario for scenario in FOR_CALLERS if "complex x" not in scenario.features]
_PACKAGES = ("numpy", "jax", "torch", "autograd", "scipy")

_HEAD = """# Support

Which operator works on which engine, for which arrays, and inside which other derivative. Generated
from the test suite by `python -m tests.contract.conformance.support --write`: each cell is tested
against derivatives by hand, and what is not supported raises the documented error. Features beyond the
operators (trees, contexts, complex numbers) stand under [engines](engines.md#capabilities).

{versions}
`python -m diffinterface doctor` tells the same of your own machine.

## Operators and arrays

A cell names the arrays that x may hold, each in 64 and 32 bits; the results are of the same kind.
Any engine takes any of them: what it cannot compute with is converted on the way in and out.

"""
_NESTED = """
## Nesting

The row's engine takes a derivative inside a function, and the column's engine takes the gradient of
that function. "yes" stands for each of the {count} operators inside.

"""


def page() -> str:
    """The page, in Markdown."""
    notes: list[str] = []
    return "\n".join(
        [
            _HEAD.format(versions=versions()) + "\n".join(_operators(notes)),
            _NESTED.format(count=len(OPERATORS)) + "\n".join(_pairs(notes)),
            "",
            *(f"{number}. {note[0].upper()}{note[1:]}." for number, note in enumerate(notes, 1)),
            "",
        ]
    )


def versions() -> str:
    """One line, which is not compared: it is that of the machine that wrote the page."""
    found = [f"Python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return f"Versions: {', '.join(found)}.\n"


def _name(engine: str) -> str:
    return f"`{type(BY_ID[engine].adtype).__name__}`"


def _header(corner: str) -> Iterator[str]:
    yield f"| {corner} | " + " | ".join(map(_name, ENGINES)) + " |"
    yield "|---|" + ":-:|" * len(ENGINES)


def _operators(notes: list[str]) -> Iterator[str]:
    """A row for each operator. What an engine refuses, it refuses for every kind of array."""
    yield from _header("operator")
    for operator in OPERATORS:
        yield _row(f"`{operator}`", [s for s in _REAL if s.operator == operator], notes)
    yield _row("complex x", [s for s in FOR_CALLERS if s not in _REAL], notes)


def _row(label: str, scenarios: list[Scenario], notes: list[str]) -> str:
    assert scenarios, f"no scenario of {label} is run with each kind of array"
    found = [[why_not(BY_ID[engine], s) for s in scenarios] for engine in ENGINES]
    reasons = [next((row.reason for row in rows if row is not None), None) for rows in found]
    cells = (_cell(reason, ", ".join(ARRAYS.values()), notes) for reason in reasons)
    return f"| {label} | " + " | ".join(cells) + " |"


def _pairs(notes: list[str]) -> Iterator[str]:
    yield from _header("inside")
    for inner in ENGINES:
        rows = [nested.why_not(inner, outer) for outer in ENGINES]
        cells = (_cell(None if row is None else row.reason, "yes", notes) for row in rows)
        yield f"| {_name(inner)} | " + " | ".join(cells) + " |"


def _cell(reason: str | None, supported: str, notes: list[str]) -> str:
    if reason is None:
        return supported
    if reason not in notes:
        notes.append(reason)
    return f"no ({notes.index(reason) + 1})"


def comparable(text: str) -> str:
    """A page without what differs from machine to machine."""
    return VERSIONS.sub("", text)


def main() -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page(), end="")


if __name__ == "__main__":
    main()
