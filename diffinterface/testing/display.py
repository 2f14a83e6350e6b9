"""A benchmark as a table and as a picture; rich and matplotlib are imported here, where used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import InputError
from .rows import Change, Row, missing

COLUMNS = ("backend", "operator", "scenario", "size", "prepare", "call", "spread", "f", "memory")


def seconds(value: float) -> str:
    """A time with three digits and its unit."""
    if math.isnan(value):
        return ""
    for unit, factor in (("us", 1e6), ("ms", 1e3)):
        if value * factor < 1000:
            return f"{value * factor:.3g} {unit}"
    return f"{value:.3g} s"


def memory(value: int) -> str:
    """Bytes with their unit; "" where they were not measured."""
    if value < 0:
        return ""
    for unit, factor in (("B", 1), ("KiB", 2**10), ("MiB", 2**20)):
        if value < 1024 * factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value / 2**30:.3g} GiB"


def cells(row: Row) -> tuple[str, ...]:
    """The columns of a row, as text."""
    head = (row.backend, row.operator, row.scenario, str(row.size))
    if row.error:
        return (*head, row.error, "", "", "", "")
    times = (seconds(row.prepare_seconds), seconds(row.seconds), seconds(row.spread))
    return (*head, *times, str(row.calls), memory(row.peak_bytes))


def rich_table(rows: Sequence[Row], changes: Sequence[Change] | None) -> Any:
    """See `Benchmark.table`; with changes, each row has its own in a column more."""
    try:
        table = import_module("rich.table").Table()
    except ImportError:
        raise missing("rich", "benchmark") from None
    ratios = {change.new.key: change for change in changes or ()}
    for name in (*COLUMNS, *(("change",) if changes is not None else ())):
        table.add_column(name, justify="left" if name in COLUMNS[:3] else "right")
    for row in rows:
        change = ratios.get(row.key)
        extra = () if changes is None else (f"{change.ratio:.2f}x" if change else "new",)
        # Backend ids hold brackets, which rich would read as markup.
        table.add_row(*map(import_module("rich.markup").escape, (*cells(row), *extra)))
    return table


def plotted(rows: Sequence[Row], path: str | Path | None, operator: str | None) -> Any:
    """See `Benchmark.plot`."""
    drawn = [r for r in rows if not math.isnan(r.seconds) and operator in (None, r.operator)]
    if not drawn:
        raise InputError("There is no time to plot.", got=rows, operator=operator)
    try:
        figures = import_module("matplotlib.figure")
    except ImportError:
        raise missing("matplotlib", "benchmark") from None
    operators = list(dict.fromkeys(row.operator for row in drawn))
    figure = figures.Figure(figsize=(5 * len(operators), 4), layout="constrained")
    panels = figure.subplots(1, len(operators), squeeze=False)[0]
    for name, axes in zip(operators, panels, strict=True):
        for backend in dict.fromkeys(row.backend for row in drawn if row.operator == name):
            points = sorted(
                (row.size, row.seconds, row.spread)
                for row in drawn
                if (row.backend, row.operator) == (backend, name)
            )
            x, y, spread = zip(*points, strict=True)
            low = [min(s / 2, 0.9 * v) for s, v in zip(spread, y, strict=True)]
            high = [s / 2 for s in spread]
            axes.errorbar(x, y, yerr=(low, high), marker="o", capsize=2, label=backend)
        axes.set(xscale="log", yscale="log", title=name)
        axes.set(xlabel="entries of x", ylabel="seconds a prepared call")
        axes.legend()
    if path is not None:
        figure.savefig(path)
    return figure
