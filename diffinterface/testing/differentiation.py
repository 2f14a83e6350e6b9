"""Every backend on every scenario: what a test suite calls."""

# ruff: noqa: PT028 - pytest does not collect `test_differentiation`
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..declare.expected import Unsupported
from ..errors import DiffInterfaceError, InputError
from .backends import Entry, entries, why_not
from .callers import NUMPY, Caller
from .cell import Cell, DerivativeError, Failure
from .checks import CHECKS, ONCE_AN_OPERATOR
from .defaults import default_scenarios
from .limits import TimeLimitError, limited
from .reference import with_reference
from .scenario import Scenario, check_known

Progress = Callable[[str], None]


@dataclass
class Report:
    """What `test_differentiation` did.

    Attributes
    ----------
    passed : list of str
        The cells in which everything is right: "jax gradient-cubes".
    unsupported : dict of str to str
        The cells that raise as expected, and why.
    failures : list of Failure
        What is wrong.
    """

    passed: list[str] = field(default_factory=list)
    unsupported: dict[str, str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    def __str__(self) -> str:
        failed = len({(f.backend, f.scenario) for f in self.failures})
        total = len(self.passed) + len(self.unsupported) + failed
        lines = [f"{len(self.passed)} of {total} cells passed"]
        lines += [f"not supported: {name} ({why})" for name, why in self.unsupported.items()]
        return "\n".join([*lines, *map(str, self.failures)])


def check_scenario(
    backend: Any,
    scenario: Scenario,
    *checks: str,
    caller: Caller = NUMPY,
    limit: float | None = None,
) -> None:
    """One scenario on one backend.

    Parameters
    ----------
    backend : ADType or str or Entry
        The engine.
    scenario : Scenario
        What must come out. Where it has no result, extrapolated finite differences give it.
    *checks : str
        Among "correct", "reuse", "mismatch", "dtype", "layout", "nested", "threads", "calls" and
        "memory"; by default "correct" alone.
    caller : Caller
        The arrays to call with.
    limit : float, optional
        Seconds for each check, which is stopped then, and fails; see `test_differentiation`.

    Raises
    ------
    DerivativeError
        If a check fails. It is an `AssertionError`.
    DiffInterfaceError
        If every way to call the operator raises it: the backend does not support the scenario.
    """
    (under_test,) = entries([backend])
    cell = Cell(_referred(scenario, under_test, limit), under_test, caller)
    for check in _known(checks or ("correct",)):
        _check(cell.named(check), limit)


def test_differentiation(
    backends: Any = "installed",
    scenarios: Iterable[Scenario] | None = None,
    *,
    checks: Sequence[str] = tuple(CHECKS),
    callers: Sequence[Caller] = (NUMPY,),
    expected_failures: Iterable[Unsupported] | None = None,
    progress: Progress | None = None,
    limit: float | None = None,
) -> Report:
    """Test backends on scenarios.

    Parameters
    ----------
    backends : str, ADType, Entry, or iterable of these
        See `entries`; "installed" by default.
    scenarios : iterable of Scenario, optional
        By default all of `default_scenarios`.
    checks : sequence of str
        "correct" (every way to call the operator, results of x's own kind), "reuse" (no stale cache,
        no array of the caller's overwritten or remembered), "mismatch" (arguments of another kind are
        refused), "dtype" (single precision), "layout" (strides, read-only arrays), and, for the first
        scenario of each operator, "nested" (derivatives around the call), "threads", "calls"
        (evaluations of f) and "memory" (leaks). All of them by default.
    callers : sequence of Caller
        The arrays to call with; with others than NumPy's, only "correct" is checked.
    expected_failures : iterable of Unsupported, optional
        Cells that must raise; by default those that the declarations name, `ADType.expected_failures`.
        A cell that is listed and works, or is not listed and raises, fails.
    progress : callable, optional
        Called with the name of each cell before it runs. The logger ``diffinterface.testing`` names each
        check of each cell as it begins, at the level INFO.
    limit : float, optional
        Seconds for each check, which is stopped then, and fails: by default 600, or what pytest's
        ``--ad-limit`` says; ``math.inf`` for none. It is stopped in the main thread of systems with
        POSIX signals, between two bytecodes; what cannot be stopped is told on standard error.

    Returns
    -------
    Report
        What passed, and what raised as expected.

    Raises
    ------
    DerivativeError
        With every failure, after all cells have run. Each names backend, operator, entry, what was
        got and expected, and the likely cause.
    InputError
        If a check is unknown, or there is no scenario.

    Examples
    --------
    >>> from diffinterface.testing import default_scenarios, test_differentiation
    >>> scenarios = default_scenarios("scalars")[:4]
    >>> print(test_differentiation("forwarddiff", scenarios, checks=["correct"]))
    4 of 4 cells passed
    """
    rows = tuple(default_scenarios() if scenarios is None else scenarios)
    if not rows:
        raise InputError("test_differentiation was given no scenario.")
    _known(checks)
    report = Report()
    table = None if expected_failures is None else tuple(expected_failures)
    for backend in entries(backends):
        seen: set[str] = set()
        for row in rows:
            first = row.operator not in seen
            seen.add(row.operator)
            try:
                scenario = _referred(row, backend, limit)
            except DerivativeError as error:
                report.failures += error.failures
                continue
            for caller in callers:
                wanted = checks if caller == NUMPY else [c for c in checks if c == "correct"]
                wanted = [c for c in wanted if first or c not in ONCE_AN_OPERATOR]
                cell = Cell(scenario, backend, caller)
                if progress is not None:
                    progress(_title(cell))
                _run(cell, wanted, why_not(backend, row, table), report, limit)
    if report.failures:
        heading = f"{len(report.failures)} failures; {str(report).splitlines()[0]}"
        raise DerivativeError(*report.failures, heading=heading)
    return report


test_differentiation.__test__ = False  # type: ignore[attr-defined]  # no test of pytest's


def _known(checks: Sequence[str]) -> Sequence[str]:
    for check in checks:
        check_known("check", check, CHECKS)
    return checks


def _title(cell: Cell) -> str:
    where = "" if cell.caller == NUMPY else f" {cell.caller.id}"
    return f"{cell.entry.id} {cell.scenario.name}{where}"


def _check(cell: Cell, limit: float | None) -> None:
    try:
        with limited(f"{_title(cell)}: {cell.check}", limit), cell.scope():
            CHECKS[cell.check](cell)
    except TimeLimitError as error:
        raise DerivativeError(cell.failure("all", str(error), _ENDLESS)) from None


_ENDLESS = "a loop without end, a lock, or an evaluation far slower than its neighbors"


def _referred(scenario: Scenario, backend: Entry, limit: float | None) -> Scenario:
    """The scenario with what is right, for which f is evaluated."""
    cell = Cell(scenario, backend, check="reference")
    try:
        with limited(f"{_title(cell)}: reference", limit):
            return with_reference(scenario, backend)
    except TimeLimitError as error:
        raise DerivativeError(cell.failure("all", str(error), _ENDLESS)) from None


def _run(
    cell: Cell,
    checks: Sequence[str],
    row: Unsupported | None,
    report: Report,
    limit: float | None,
) -> None:
    found: list[Failure] = []
    for check in checks:
        here = cell.named(check)
        try:
            _check(here, limit)
        except DerivativeError as error:
            found += error.failures
            if check == "correct":
                break  # the rest would say the same once more
        except Exception as error:
            if row is not None and isinstance(error, row.error):
                report.unsupported[_title(cell)] = row.reason
                return
            found.append(_raised(here, error))
            break
    if row is not None and not found and "correct" in checks:
        told = f"it works, but was expected to raise {row.error.__name__}"
        found.append(cell.failure("all", told))
    report.failures += found
    if not found:
        report.passed.append(_title(cell))


def _raised(cell: Cell, error: Exception) -> Failure:
    text = str(error).strip() or "no message"
    kind = "does not support this" if isinstance(error, DiffInterfaceError) else "an engine's error"
    return cell.failure("all", f"{type(error).__name__}: {text}", kind)


def scenario_marks(
    backend: Entry, scenario: Scenario, table: Iterable[Unsupported] | None = None
) -> dict[str, Any] | None:
    """The keywords of `pytest.mark.xfail` for a cell that must raise, or None."""
    row = why_not(backend, scenario, table)
    return None if row is None else {"strict": True, "raises": row.error, "reason": row.reason}
