"""The page "What nests in what" of the documentation: the outcome of every cell of the matrix.

Run ``python -m tests.nesting.table`` to run all cells and print the page, with ``--write`` to replace
it. A cell that is wrong, or raises without being declared as refused, stops both.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import re
import warnings
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # as in the suite; read by JAX when it is imported
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import numpy as np

from diffinterface import NestedDifferentiationError

from ..outers import scope
from .around import AROUND, Around, Loss
from .matrix import FORMS, INNERS, OPERATORS, REFUSED, Inner, Refusal, X, loss, truth, why_not

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "nesting-matrix.md"
MEASURED = re.compile(r"^(?:Versions: .*|\| largest error .*)\n", re.M)
_PACKAGES = ("numpy", "jax", "torch", "autograd")
Cell = tuple[str, str, str, str]  # the names of Around and Inner, form, operator
Cells = Mapping[Cell, Refusal | None]
Errors = Mapping[Cell, float | None]

_HEAD = """# What nests in what

The row takes the gradient of a loss; the loss holds a derivative that the column takes. Each entry
stands for {cells} cells: {operators}
of $f(x) = \\sin(x) \\sum_i x_i^2$ or of its sum, with f once in the functions of the column's own
framework and once in those of `di.array_namespace(x)`. For the Jacobian, the loss is
$\\sum f(x) + 0.01 \\lVert J_f(x) \\rVert^2$; for the others likewise.

- *yes*: all {cells} gradients equal those by hand, to {tolerance} of their largest entry, but where
  differences are taken:
  {rough} derivatives.
- *no*: the call raises `NestedDifferentiationError`, for the reason given below the table.

No cell is wrong.

{versions}
"""
_TAIL = """
The largest errors of {count} cells, relative to the largest entry of the gradient, are those of the run
that wrote this page: `python -m tests.nesting.table --write`. The suite runs the same cells, and those
of third order: the Hessian of the loss that holds a gradient, by each framework's own transforms and by
`di.hessian`, and three engines inside each other in all orders. What a call does in each case, and why,
is told in [What happens when derivatives nest](../explanation/nesting.md).
"""


def errors_of(around: Around, inner: Inner) -> Errors:
    """The errors of one pair, over the largest entry of the gradient; None of what is refused."""
    cells = [(around.name, inner.name, form, operator) for form in FORMS for operator in OPERATORS]
    losses = [loss(around.framework, inner, *cell[2:]) for cell in cells]
    with scope(around.framework):
        if around.together is None or any(why_not(*cell) for cell in cells):
            found = [_gradient(around, f) for f in losses]
        else:
            found = around.together(losses, X)
    return {cell: _error(got, truth(cell[3])) for cell, got in zip(cells, found, strict=True)}


def _gradient(around: Around, f: Loss) -> Any:
    try:
        return around.of(f, X)
    except NestedDifferentiationError:
        return None


def _error(got: Any, want: Any) -> float | None:
    if got is None:
        return None
    return float(np.max(np.abs(np.asarray(got) - want)) / np.max(np.abs(want)))


def unexpected(errors: Errors) -> dict[Cell, float | None]:
    """What is wrong, or raises without being declared as refused, or is right in spite of it."""
    tolerances = {inner.name: inner.tolerance for inner in INNERS}

    def right(cell: Cell, error: float | None) -> bool:
        return error is not None and error <= tolerances[cell[1]](cell[3])

    return {c: e for c, e in errors.items() if right(c, e) == (why_not(*c) is not None)}


def declared() -> Cells:
    """What the suite expects of every cell."""
    every = itertools.product(AROUND, INNERS, FORMS, OPERATORS)
    cells = [(around.name, inner.name, form, operator) for around, inner, form, operator in every]
    return {cell: why_not(*cell) for cell in cells}


def run() -> Errors:
    """The error of every cell."""
    errors: dict[Cell, float | None] = {}
    for around, inner in itertools.product(AROUND, INNERS):
        found = errors_of(around, inner)
        if unexpected(found):
            raise SystemExit(f"not as declared: {unexpected(found)}")
        errors.update(found)
    return errors


def page(cells: Cells, errors: Errors | None = None) -> str:
    """The page, in Markdown; without figures where no errors are given."""
    operators = ", ".join(f"`{name}`" for name in OPERATORS)
    rough = "; ".join(
        f"`{inner.name}` to {_power(inner.first)} in first and {_power(inner.second)} in second"
        for inner in INNERS
        if max(inner.first, inner.second) > 1e-8
    )
    count = len(FORMS) * len(OPERATORS)
    text = _HEAD.format(
        cells=count, operators=operators, tolerance="1e-8", rough=rough, versions=_versions()
    )
    notes = [row.reason for row in REFUSED]
    lines = [
        "| | " + " | ".join(f"`{inner.name}`" for inner in INNERS) + " |",
        "|---|" + ":-:|" * len(INNERS),
    ]
    for around in AROUND:
        row = (_entry(cells, around.name, inner.name, notes) for inner in INNERS)
        lines.append(f"| `{around.name}` | " + " | ".join(row) + " |")
    if errors:
        lines.append("| largest error | " + " | ".join(_worst(errors)) + " |")
    footnotes = [f"{number}. {note}" for number, note in enumerate(dict.fromkeys(notes), 1)]
    return (
        text + "\n".join([*lines, "", *footnotes]).rstrip() + "\n" + _TAIL.format(count=len(cells))
    )


def _entry(cells: Cells, around: str, inner: str, notes: list[str]) -> str:
    found = [row for key, row in cells.items() if key[:2] == (around, inner)]
    rows = [row for row in found if row is not None]
    if not rows:
        return "yes"
    numbers = sorted({[*dict.fromkeys(notes)].index(row.reason) + 1 for row in rows})
    word = "no" if len(rows) == len(found) else f"{len(found) - len(rows)} of {len(found)}"
    return f"{word} ({', '.join(map(str, numbers))})"


def _worst(errors: Errors) -> Iterator[str]:
    for inner in INNERS:
        found = [error for key, error in errors.items() if key[1] == inner.name]
        yield _power(max(error for error in found if error is not None))


def _power(error: float) -> str:
    return f"{error:.0e}".replace("e-0", "e-")


def _versions() -> str:
    """One line, which is not compared: it is that of the machine that wrote the page."""
    found = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"Versions: Python {platform.python_version()}, {found}.\n"


def comparable(text: str) -> str:
    """A page without what differs from machine to machine."""
    return MEASURED.sub("", text)


def main() -> None:
    """Run the cells; print the page, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    with warnings.catch_warnings():
        # torch's own, from its first use of forward mode, and from operations under vmap
        warnings.filterwarnings("ignore", module="torch")
        text = page(declared(), run())
    if write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
