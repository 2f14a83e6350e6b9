"""A comparison as plain text, within 100 columns."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from ...testing.benchmark import Benchmark
from ...testing.display import seconds
from .measure import Comparison, Outcome

WIDTH = 100


def report(comparison: Comparison) -> str:
    """The table of engines, the missing ones, and what follows from it."""
    lines = [f"{comparison.operator} of {comparison.problem.name}"]
    if comparison.reference:
        lines.append(f"reference: {comparison.reference}")
    lines += ["", f"{'engine':<12} {'deviation':>10} {'prepare':>10} {'call':>10}  result"]
    ranked = sorted(comparison.outcomes, key=lambda o: (o.call is None, o.row.seconds))
    lines += [_row(outcome) for outcome in ranked]
    for outcome in ranked:
        error = outcome.row.error
        for note in [error, *outcome.notes]:
            if note and (note != error or _row(outcome).endswith("...")):
                text = f"note on {outcome.name}: {note}"
                lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")
    if comparison.missing:
        lines += ["", "not installed:"]
        lines += [f"  {name:<12} {command}" for name, command in comparison.missing.items()]
    return "\n".join([*lines, "", _summary(ranked)])


def _row(outcome: Outcome) -> str:
    row = outcome.row
    if outcome.call is None:
        line = f"{row.backend:<12} {'failed:':>10} {row.error}"
        return line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."
    flag = "" if outcome.agrees else "DISAGREES "
    line = (
        f"{row.backend:<12} {row.deviation:>10.1e} {seconds(row.prepare_seconds):>10} "
        f"{seconds(row.seconds):>10}  {flag}"
    )
    return line + shorten(outcome.result, WIDTH - len(line))


def _summary(ranked: list[Outcome]) -> str:
    working = [o for o in ranked if o.call is not None]
    if not working:
        return "No engine could differentiate this function here."
    if len(working) == 1 and len(ranked) > 1 and working[0].row.deviation == 0:
        return f"only {working[0].name} ran: nothing to compare it with"
    wrong = [o.name for o in working if not o.agrees]
    verdict = (
        f"{', '.join(wrong)} DISAGREE with the reference"
        if wrong
        else f"all {len(working)} engines that ran agree"
    )
    return f"{verdict}; fastest per call: {working[0].name}"


def changes(new: Benchmark, old: Benchmark, source: str) -> str:
    """How the times have changed since those of a file that ``--json`` wrote."""
    found = new.compare(old)
    if not found:
        return f"nothing here stands in {source} too"
    lines = [f"since {source}:"]
    for change in found:
        row, note = change.new, "" if change.significant else "  (within the spread)"
        size = f"{row.size} {'entry' if row.size == 1 else 'entries'}"
        lines.append(
            f"  {row.backend:<12} {row.operator:<18} {size:>12} {change.ratio:>8.2f}x{note}"
        )
    return "\n".join(lines)


def shorten(result: Any, width: int) -> str:
    """A result on one line of at most `width` characters."""
    if isinstance(result, dict):
        text = ", ".join(f"{key} {shorten(value, width)}" for key, value in result.items())
    elif isinstance(result, tuple | list):
        text = ", ".join(shorten(value, width) for value in result)
    else:
        array = np.asarray(result)
        text = np.array2string(array, precision=5, threshold=6, edgeitems=2, separator=" ")
        text = " ".join(text.split())
    return text if len(text) <= width else text[: max(width - 3, 0)] + "..."


def describe_fit(mode: dict[str, float], norm: float, steps: int) -> str:
    """One line on the fitted example."""
    values = ", ".join(f"{name} {value:.4f}" for name, value in mode.items())
    return f"fitted in {steps} Newton steps: {values} (largest entry of the gradient {norm:.0e})"
