"""The tables of engines in the README and the documentation: what the suite finds, and what they say.

Run ``python -m tests.contract.conformance.capability_table`` to print it, with ``--write FILE ...`` to
replace what stands between the markers of each file.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import diffinterface as di
from diffinterface.testing import Entry, Scenario, Unsupported, why_not
from diffinterface.testing.scenario import OPERATORS
from diffinterface.tools.capabilities import CapabilityTable

from ...backends import BY_ID, ENGINES
from .scenarios import SCENARIOS

BEGIN = "<!-- capability-table:begin -->"


def block(name: str) -> re.Pattern[str]:
    """What stands between the markers of a table."""
    return re.compile(f"(<!-- {name}-table:begin -->\n).*?(<!-- {name}-table:end -->)", re.DOTALL)


COLUMNS = {engine: type(BY_ID[engine].adtype).__name__ for engine in ENGINES}
FEATURES = (
    "trees",
    "contexts",
    "Cache",
    "inplace",
    "has_aux",
    "argnums",
    "batched",
    "empty arrays",
    "complex x",
    "complex f(x)",
)


def table() -> str:
    """The table in Markdown, with a footnote for each reason."""
    notes: list[str] = []
    lines = [
        "| | " + " | ".join(f"`{name}`" for name in COLUMNS.values()) + " |",
        "|---|" + ":-:|" * len(COLUMNS),
    ]
    for label, scenarios in _rows():
        cells = (_cell(BY_ID[engine], scenarios, notes) for engine in ENGINES)
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    lines += [
        "",
        *(f"{number}. {note[0].upper()}{note[1:]}." for number, note in enumerate(notes, 1)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _rows() -> Iterator[tuple[str, list[Scenario]]]:
    for operator in OPERATORS:
        plain = [s for s in SCENARIOS if s.operator == operator and not s.features]
        yield f"`{operator}`", plain
    for feature in FEATURES:
        label = feature if " " in feature or feature in ("trees", "contexts") else f"`{feature}`"
        yield label, [s for s in SCENARIOS if feature in s.features]


def _cell(backend: Entry, scenarios: list[Scenario], notes: list[str]) -> str:
    """Yes, or no with the numbers of the reasons; "partly" where only some scenarios fail."""
    reasons: list[Unsupported] = []
    for scenario in scenarios:
        found = why_not(backend, scenario)
        if found is not None:
            reasons.append(found)
    if not reasons:
        return "yes"
    numbers = []
    for reason in dict.fromkeys(found.reason for found in reasons):
        if reason not in notes:
            notes.append(reason)
        numbers.append(str(notes.index(reason) + 1))
    word = "no" if len(reasons) == len(scenarios) else "partly"
    return f"{word} ({', '.join(numbers)})"


def declared() -> str:
    """What the engines declare, in the order of the other table."""
    return CapabilityTable(di.capabilities(engine) for engine in ENGINES).markdown()


def replaced(text: str) -> str:
    """`text` with the tables of today between their markers."""
    text = block("capability").sub(lambda match: match[1] + table() + match[2], text)
    return block("declared").sub(lambda match: match[1] + declared() + match[2], text)


def main() -> None:
    """Print the table, or write it into files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", nargs="+", type=Path, default=[], metavar="FILE")
    files = parser.parse_args().write
    for path in files:
        text = path.read_text(encoding="utf-8")
        if BEGIN not in text:
            raise SystemExit(f"{path} has no {BEGIN}")
        path.write_text(replaced(text), encoding="utf-8")
    if not files:
        print(table(), end="")


if __name__ == "__main__":
    main()
