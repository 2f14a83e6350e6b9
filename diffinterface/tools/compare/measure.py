"""Running one problem on every engine: results, deviations, and interleaved times."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...errors import DiffInterfaceError
from ...testing.backends import SINGLE_DTYPES, Entry
from ...testing.benchmark import Benchmark, first, size
from ...testing.cell import Cell
from ...testing.deviation import numpy_leaves
from ...testing.limits import TimeLimitError, limited
from ...testing.oneliners import operators_for, seeded, tolerant
from ...testing.rows import Row
from ...testing.scenario import Scenario
from ...testing.timing import interleaved
from .engines import Engine, engines
from .problem import Problem

Progress = Callable[[str], None]

# How much further from the truth than a method's own error a user's function may bring it.
_MARGIN, _MOST = 100.0, 0.1


@dataclass
class Outcome:
    """What one engine made of the problem."""

    row: Row
    tolerance: float = 0.0
    result: Any = None
    notes: list[str] = field(default_factory=list)
    call: Callable[[], Any] | None = None

    @property
    def name(self) -> str:
        """The engine."""
        return self.row.backend

    @property
    def agrees(self) -> bool:
        """Whether the deviation is within what the engine is exact to."""
        return self.row.deviation <= self.tolerance


@dataclass(frozen=True)
class Comparison:
    """All outcomes of one operator, and where the reference comes from."""

    problem: Problem
    operator: str
    outcomes: list[Outcome]
    missing: dict[str, str]
    reference: str

    @property
    def rows(self) -> Benchmark:
        """The figures, in the form in which they are kept."""
        return Benchmark(outcome.row for outcome in self.outcomes)


def compare(
    problem: Problem,
    progress: Progress,
    operator: str | None = None,
    budget: float = 0.3,
    *,
    everything: bool = False,
    limit: float | None = None,
) -> Comparison:
    """Run `problem` on every known engine.

    Parameters
    ----------
    problem : Problem
        What to differentiate.
    progress : callable
        Called with a line before each step that may take long.
    operator : str, optional
        By default what the shapes of x and f(x) ask for.
    budget : float
        Seconds of timing for each engine.
    everything : bool
        Whether to count evaluations of f and to measure memory too, which takes a second preparation.
    limit : float, optional
        Seconds in which an engine, and f itself, must give a result.
    """
    known = engines()
    installed = [engine.entry for engine in known if engine.entry is not None]
    progress(f"{problem.name}: evaluating f")
    operator, scenario, told = _asked(problem, operator, installed, limit)
    outcomes = []
    for engine in known:
        progress(f"{operator}, {engine.name}: preparing")
        if not engine.command:
            error = engine.error or told.get(engine.name, "")
            row = Row(engine.name, operator, problem.name, size(problem.x), error=error)
            try:
                with limited(f"{operator}, {engine.name}", limit):
                    outcomes.append(_run(engine, row, scenario, everything))
            except TimeLimitError as late:
                outcomes.append(Outcome(replace(row, error=str(late).splitlines()[0])))
    working = [outcome for outcome in outcomes if outcome.call is not None]
    reference = _refer(problem, operator, working)
    progress(f"{operator}: timing {len(working)} engines")
    _time(working, budget)
    missing = {engine.name: engine.command for engine in known if engine.command}
    return Comparison(problem, operator, outcomes, missing, reference)


def _asked(
    problem: Problem, operator: str | None, installed: list[Entry], limit: float | None
) -> tuple[str, Scenario | None, dict[str, str]]:
    """What is to be differentiated how; engines on which f does not end are passed over."""
    late: TimeLimitError | None = None
    for k in range(max(len(installed), 1)):
        try:
            with limited(f"{problem.name}: f(x)", limit):
                name = operator or problem.operator or _operator_for(problem, installed[k:])
                return name, *_scenario(problem, name, installed[k:])
        except TimeLimitError as error:
            late = error
    assert late is not None
    raise late


def _operator_for(problem: Problem, backends: Sequence[Entry]) -> str:
    """Derivative at a scalar x, gradient of a scalar output, else the Jacobian."""
    with warnings.catch_warnings(action="ignore"):  # the engines will show them
        try:
            (name,) = operators_for(problem.f, problem.x, problem.contexts, {}, 1, backends)
        except DiffInterfaceError:
            return "jacobian"  # nothing can run f, as each engine will say
    return name


def _scenario(
    problem: Problem, operator: str, backends: Sequence[Entry]
) -> tuple[Scenario | None, dict[str, str]]:
    """None where the seed of a pullback is not known, since nothing can run f; and why not."""
    with warnings.catch_warnings(action="ignore"):
        try:
            seed = seeded(operator, problem.f, problem.x, problem.contexts, {}, backends, None)
        except DiffInterfaceError as error:
            told: dict[str, str] = error.told
            return None, {name: why.splitlines()[0] for name, why in told.items()}
    f, x, contexts = problem.f, problem.x, problem.contexts
    return Scenario(operator, f, x, seed, contexts, name=problem.name), {}


def _run(engine: Engine, row: Row, scenario: Scenario | None, everything: bool) -> Outcome:
    if engine.entry is None or scenario is None:
        return Outcome(row)
    (allowed,) = tolerant([engine.entry], None)
    cell = Cell(scenario, engine.entry)
    with warnings.catch_warnings(record=True, action="always") as caught:
        row, call, result = first(cell, memory=everything, evaluations=everything)
    outcome = Outcome(row, _tolerance(allowed, engine.entry, scenario), result, call=call)
    for warning in caught:
        text = str(warning.message).split(". ")[0]
        if text not in outcome.notes and not issubclass(warning.category, DeprecationWarning):
            outcome.notes.append(text)
    if call is not None and not all(np.all(np.isfinite(leaf)) for leaf in numpy_leaves(result)):
        outcome.call, outcome.row = None, replace(row, error="the result is not finite")
    return outcome


def _tolerance(allowed: Entry, own: Entry, scenario: Scenario) -> float:
    """Relative to the reference's largest entry: wide for methods that are not exact themselves."""
    names = {leaf.dtype.name for leaf in numpy_leaves(scenario.x) if hasattr(leaf, "dtype")}
    dtype = "float32" if names & {*SINGLE_DTYPES} else "float64"
    exact = own.tolerance(scenario.operator) <= Entry.first[0]
    margin = 1.0 if exact else _MARGIN
    return min(margin * allowed.tolerance(scenario.operator, dtype), _MOST)


def _refer(problem: Problem, operator: str, working: list[Outcome]) -> str:
    """Fill the deviations; returns where the reference comes from."""
    if problem.reference is not None and problem.operator == operator:
        reference, source = problem.reference
    elif working:
        trusted = max(working, key=lambda o: _votes(o, working))
        reference, source = trusted.result, f"the result of {trusted.name}"
    else:
        return ""
    for outcome in working:
        outcome.row = replace(outcome.row, deviation=_gap(outcome.result, reference))
    return source


def _votes(candidate: Outcome, working: list[Outcome]) -> tuple[int, float]:
    """With how many it agrees, then how exact it is; of equals, the first is taken."""
    agreeing = sum(
        _gap(other.result, candidate.result) <= max(candidate.tolerance, other.tolerance)
        for other in working
    )
    return agreeing, -candidate.tolerance


def _gap(result: Any, reference: Any) -> float:
    """The largest difference, relative to the largest entry of the reference; of other shapes, inf."""
    got, right = numpy_leaves(result), numpy_leaves(reference)
    if [np.shape(a) for a in got] != [np.shape(b) for b in right]:
        return np.inf
    scale = max((float(np.max(np.abs(b), initial=0)) for b in right), default=0) or 1.0
    gaps = [float(np.max(np.abs(a - b), initial=0)) for a, b in zip(got, right, strict=True)]
    return max(gaps, default=0.0) / scale


def _time(outcomes: list[Outcome], budget: float) -> None:
    """Median seconds per call; what f warns of was noted before."""
    calls = {o.name: o.call for o in outcomes if o.call is not None}
    times = interleaved(calls, budget * len(calls))
    for o in outcomes:
        o.row = replace(o.row, seconds=times[o.name].median, spread=times[o.name].spread)
