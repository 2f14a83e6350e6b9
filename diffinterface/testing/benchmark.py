"""How long every backend takes, how often it evaluates f, and what memory it needs."""

from __future__ import annotations

import csv
import io
import json
import math
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from ..arrays.facts import size_of
from ..arrays.trees import flatten
from ..errors import InputError
from .backends import Entry, entries
from .cell import Cell, DerivativeError, counted
from .defaults import default_scenarios
from .display import plotted, rich_table
from .rows import Change, Row
from .scenario import Scenario
from .timing import interleaved, peak_memory


class Benchmark(list[Row]):
    """Rows of a benchmark: a list, with the ways to keep and to show it."""

    def to_csv(self, path: str | Path | None = None) -> str:
        """The rows as CSV; written to `path`, if one is given."""
        text = io.StringIO()
        writer = csv.DictWriter(text, [f.name for f in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in self)
        return _written(text.getvalue(), path)

    def to_json(self, path: str | Path | None = None) -> str:
        """The rows as JSON, with null where there is no figure; written to `path`, if one is given."""
        rows = [
            {
                k: None if isinstance(v, float) and math.isnan(v) else v
                for k, v in asdict(row).items()
            }
            for row in self
        ]
        return _written(json.dumps(rows, indent=1), path)

    @classmethod
    def from_json(cls, source: str | Path) -> Benchmark:
        """The rows of a JSON text, or of the file at a path.

        Raises
        ------
        InputError
            If it is not what `to_json` writes.
        """
        given_text = isinstance(source, str) and source.lstrip().startswith("[")
        try:
            text = str(source) if given_text else Path(source).read_text("utf-8")
            return cls(_row(facts) for facts in json.loads(text))
        except OSError as error:
            raise InputError(f"{source} cannot be read: {error.strerror}.", got=source) from error
        except (TypeError, AttributeError, ValueError) as error:  # no text, no JSON, no rows
            raise InputError(f"{source} is no JSON of a benchmark: {error}.", got=source) from error

    def table(self, old: Benchmark | None = None) -> Any:
        """A `rich.table.Table`; with `old`, each time as a multiple of the old one too.

        Raises
        ------
        DiffInterfaceError
            If rich is not installed.
        """
        return rich_table(self, None if old is None else self.compare(old))

    def compare(self, old: Benchmark | str | Path) -> list[Change]:
        """How each time has changed since an old benchmark, the greatest slowdown first.

        Rows that one of the two lacks, or that failed in one, are left out.
        """
        old = old if isinstance(old, Benchmark) else Benchmark.from_json(old)
        before = {row.key: row for row in old}
        changes = [Change(before[row.key], row) for row in self if row.key in before]
        changes = [change for change in changes if not math.isnan(change.ratio)]
        return sorted(changes, key=lambda change: -change.ratio)

    def plot(self, path: str | Path | None = None, operator: str | None = None) -> Any:
        """Time against the size of x, log-log, a line for each backend: a matplotlib figure.

        Parameters
        ----------
        path : str or Path, optional
            Where to write the picture.
        operator : str, optional
            Which operator to draw; by default each in a panel of its own.

        Raises
        ------
        DiffInterfaceError
            If matplotlib is not installed.
        InputError
            If there is nothing to draw.
        """
        return plotted(self, path, operator)


def _row(facts: dict[str, Any]) -> Row:
    known: Any = {name: math.nan if fact is None else fact for name, fact in facts.items()}
    return Row(**known)


def _written(text: str, path: str | Path | None) -> str:
    if path is not None:
        Path(path).write_text(text, "utf-8")
    return text


def benchmark_differentiation(
    backends: Any = "installed",
    scenarios: Iterable[Scenario] | None = None,
    *,
    budget: float = 0.1,
    memory: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Benchmark:
    """Time backends on scenarios.

    Parameters
    ----------
    backends : str, ADType, Entry, or iterable of these
        See `entries`; "installed" by default.
    scenarios : iterable of Scenario, optional
        By default those of scalars and arrays. Where a scenario has a result, a backend that gives
        another is not timed.
    budget : float
        Seconds of timing for each backend at each scenario. The backends take turns.
    memory : bool
        Whether to measure the peak memory too; it takes two calls more.
    progress : callable, optional
        Called with a line before each scenario.

    Returns
    -------
    Benchmark
        A list of `Row`, with `to_csv`, `to_json`, `table`, `compare` and `plot`.

    Examples
    --------
    >>> import numpy as np
    >>> from diffinterface.testing import Scenario, benchmark_differentiation
    >>> def squares(x):
    ...     return (x**2).sum()
    >>> scenarios = [Scenario("gradient", squares, np.ones(n)) for n in (2, 20)]
    >>> rows = benchmark_differentiation("forwarddiff", scenarios, budget=0.0)
    >>> [(row.backend, row.size, row.calls, row.seconds > 0) for row in rows]
    [('forwarddiff', 2, 1, True), ('forwarddiff', 20, 1, True)]
    """
    under_test = entries(backends)
    if scenarios is None:
        scenarios = (*default_scenarios("scalars"), *default_scenarios("arrays"))
    rows = Benchmark()
    for scenario in scenarios:
        if progress is not None:
            progress(f"timing {scenario.name}")
        rows += timed(scenario, under_test, budget, memory)
    return rows


def timed(
    scenario: Scenario, backends: Sequence[Entry], budget: float, memory: bool = True
) -> list[Row]:
    """The rows of one scenario; the backends that work are timed in turn.

    Parameters
    ----------
    budget : float
        Seconds for each backend.
    """
    rows: dict[str, Row] = {}
    calls: dict[str, Callable[[], Any]] = {}
    for backend in backends:
        cell = Cell(scenario, backend)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            row, call, result = first(cell, memory)
        if call is not None:
            try:
                cell.expect("prepared", result, scenario.here)
                calls[backend.id] = call
            except DerivativeError as error:
                row = replace(failed(cell), error=f"wrong: {error.failures[0].detail}")
        rows[backend.id] = row
    for name, times in interleaved(calls, budget * len(calls)).items():
        rows[name] = replace(rows[name], seconds=times.median, spread=times.spread)
    return [*rows.values()]


def first(
    cell: Cell, memory: bool = True, evaluations: bool = True
) -> tuple[Row, Callable[[], Any] | None, Any]:
    """A row without the times of a call; the prepared call to take them of, and what it gives.

    There is no call where the backend raises, and its error stands in the row. The result is not
    judged.
    """
    scenario, row = cell.scenario, failed(cell)
    with cell.scope():
        try:
            given = cell.given(scenario.here)
            calls = _evaluations(cell, given) if evaluations else -1
            start = time.perf_counter()
            prepared = cell.prepare(scenario.there)
            result = prepared(*given)
            elapsed = time.perf_counter() - start
            peak = peak_memory(lambda: prepared(*given)) if memory else -1
        except Exception as error:  # whatever the engine, or f under it, raises
            text = str(error).strip().splitlines()
            told = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
            return replace(row, error=told), None, None

    def call() -> Any:
        return prepared(*given)

    return replace(row, prepare_seconds=elapsed, calls=calls, peak_bytes=peak), call, result


def _evaluations(cell: Cell, given: tuple[Any, ...]) -> int:
    """Those of f in one prepared call, counted in a preparation of their own: it must not be timed."""
    f, count = counted(cell.scenario.f)
    counting = replace(cell, scenario=replace(cell.scenario, f=f)).prepare(cell.scenario.there)
    counting(*given)
    before = count()
    counting(*given)
    return count() - before


def failed(cell: Cell) -> Row:
    """A row without any figure."""
    scenario = cell.scenario
    return Row(cell.entry.id, scenario.operator, scenario.name, size(scenario.x))


def size(x: Any) -> int:
    """Entries of a tree."""
    return sum(map(size_of, flatten(x)[0]))
