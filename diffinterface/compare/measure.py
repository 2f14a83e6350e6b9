"""Running one problem on every engine: results, deviations, and interleaved times."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import operators
from ..adtypes import ADType
from ..arrays import framework_of, shape_of
from ..registry import check_available, install_command, known_backends, parse
from ..signature import flatten_any
from ..trees import flatten
from .problem import Problem, _line

Progress = Callable[[str], None]

# What an engine is exact to at a point of 64 and of 32 bits, relative to the reference's largest entry.
_TOLERANCES = {"finitediff": (1e-5, 2e-2)}
_DEFAULT_TOLERANCES = (1e-8, 1e-5)
# From whom a reference is taken, where none is known.
_TRUST = ("forwarddiff", "jax", "autograd", "torch", "complexstep")


@dataclass
class Outcome:
    """What one engine made of the problem."""

    backend: ADType
    name: str
    result: Any = None
    error: str = ""
    notes: list[str] = field(default_factory=list)
    prepare_seconds: float = float("nan")
    seconds: float = float("nan")
    deviation: float = float("nan")
    tolerance: float = _DEFAULT_TOLERANCES[0]
    call: Callable[[], Any] | None = None

    @property
    def agrees(self) -> bool:
        """Whether the deviation is within what the engine is exact to."""
        return self.deviation <= self.tolerance


@dataclass(frozen=True)
class Comparison:
    """All outcomes, and where the reference comes from."""

    problem: Problem
    operator: str
    outcomes: list[Outcome]
    missing: dict[str, str]
    reference: str


def compare(problem: Problem, progress: Progress, budget: float = 0.3) -> Comparison:
    """Run `problem` on every known engine.

    Parameters
    ----------
    problem : Problem
        What to differentiate.
    progress : callable
        Called with a line before each step that may take long.
    budget : float
        Seconds of timing for each engine.
    """
    missing, outcomes = {}, []
    operator = problem.operator
    names = sorted(known_backends(), key=lambda n: (_TRUST + (n,)).index(n))
    for name in names:
        progress(f"{name}: preparing")
        try:
            adtype = parse(name)
            available = check_available(adtype)
        except Exception as error:
            outcomes.append(Outcome(parse("forwarddiff"), name, error=_line(error)))
            continue
        if not available:
            missing[name] = install_command(name)
            continue
        outcome = Outcome(adtype, name)
        outcomes.append(outcome)
        operator = _run(problem, operator, outcome)
    reference = _refer(problem, outcomes)
    working = [o for o in outcomes if o.call is not None]
    if working:
        progress(f"timing {len(working)} engines")
        _time(working, budget)
    return Comparison(problem, operator or "derivative", outcomes, missing, reference)


def _run(problem: Problem, operator: str | None, outcome: Outcome) -> str | None:
    """Fill `outcome`; returns the operator, which the first engine that runs decides."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            if operator is None:
                operator = _operator_for(problem, outcome.backend)
            start = time.perf_counter()
            prepared = getattr(operators, f"prepare_{operator}")(
                problem.f, outcome.backend, problem.x, *problem.contexts
            )
            outcome.result = prepared(problem.x, *problem.contexts)
            outcome.prepare_seconds = time.perf_counter() - start
            if not all(np.all(np.isfinite(leaf)) for leaf in _leaves(outcome.result)):
                outcome.error = "the result is not finite"
            else:
                outcome.call = lambda: prepared(problem.x, *problem.contexts)
        except Exception as error:
            outcome.error = _line(error)
    for warning in caught:
        text = str(warning.message).split(". ")[0]
        if text not in outcome.notes and not issubclass(warning.category, DeprecationWarning):
            outcome.notes.append(text)
    return operator


def _operator_for(problem: Problem, backend: ADType) -> str:
    """Derivative at a scalar x, gradient of a scalar output, else the Jacobian."""
    x, _ = flatten_any(problem.x, flatten)
    if len(x) == 1 and shape_of(x[0]) == ():
        return "derivative"
    value, _ = operators.value_and_pushforward(
        problem.f, backend, problem.x, problem.x, *problem.contexts
    )
    y, _ = flatten_any(value, flatten)
    return "gradient" if len(y) == 1 and shape_of(y[0]) == () else "jacobian"


def _leaves(result: Any) -> list[Any]:
    leaves = [result] if framework_of(result) is not None else flatten(result)[0]
    return [np.asarray(leaf) for leaf in leaves]


def _refer(problem: Problem, outcomes: list[Outcome]) -> str:
    """Fill the deviations; returns where the reference comes from."""
    working = [o for o in outcomes if o.call is not None]
    if problem.reference is not None:
        reference, source = problem.reference
    elif working:
        reference, source = working[0].result, f"the result of {working[0].name}"
    else:
        return ""
    truth = _leaves(reference)
    single = any(leaf.dtype in (np.float32, np.complex64) for leaf in _leaves(problem.x))
    scale = max((float(np.max(np.abs(t), initial=0)) for t in truth), default=0) or 1.0
    for outcome in working:
        gaps = [
            float(np.max(np.abs(a - t), initial=0))
            for a, t in zip(_leaves(outcome.result), truth, strict=True)
        ]
        outcome.deviation = max(gaps, default=0.0) / scale
        outcome.tolerance = _TOLERANCES.get(outcome.name, _DEFAULT_TOLERANCES)[single]
    return source


def _time(outcomes: list[Outcome], budget: float) -> None:
    """Median seconds per call, the engines in turn so that a drifting machine drifts for all."""
    samples: dict[str, list[float]] = {o.name: [] for o in outcomes}
    repeats = {o.name: max(1, int(1e-3 / max(_once(o, 1), 1e-7))) for o in outcomes}
    deadline = time.perf_counter() + budget * len(outcomes)
    while True:
        for o in outcomes:
            samples[o.name].append(_once(o, repeats[o.name]))
        if time.perf_counter() > deadline or len(samples[outcomes[0].name]) >= 200:
            break
    for o in outcomes:
        o.seconds = statistics.median(samples[o.name])


def _once(outcome: Outcome, repeats: int) -> float:
    """Seconds per call; what f warns of was noted before."""
    assert outcome.call is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        for _ in range(repeats):
            outcome.call()
        return (time.perf_counter() - start) / repeats
