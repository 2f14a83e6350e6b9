"""Derivatives tested and timed across backends; see docs/how-to/test-your-library.md.

Nothing here needs pytest but `diffinterface.testing.plugin`, which pytest loads itself.
"""

from typing import TYPE_CHECKING, Any

from .benchmark import Benchmark, benchmark_differentiation
from .callers import CALLERS, Caller
from .causes import likely_cause
from .cell import DerivativeError, Failure
from .checks import CHECKS
from .defaults import GROUPS, default_scenarios, make, nested_scenarios
from .differentiation import Report, check_scenario, scenario_marks, test_differentiation
from .entries import EXPECTED_FAILURES, Entry, Unsupported, entries, entry, why_not
from .oneliners import assert_backends_agree, check_derivatives
from .problems import Problem
from .reference import NoReferenceError
from .rows import Change, Row
from .scenario import Arguments, Scenario

if TYPE_CHECKING:
    from .framework_contract import ContractError, check_framework
    from .host_contract import check_host

#: For authors of plugins: loaded when asked for.
_LATE = {
    "ContractError": "framework_contract",
    "check_framework": "framework_contract",
    "check_host": "host_contract",
}

__all__ = [
    "CALLERS",
    "CHECKS",
    "EXPECTED_FAILURES",
    "GROUPS",
    "Arguments",
    "Benchmark",
    "Caller",
    "Change",
    "ContractError",
    "DerivativeError",
    "Entry",
    "Failure",
    "NoReferenceError",
    "Problem",
    "Report",
    "Row",
    "Scenario",
    "Unsupported",
    "assert_backends_agree",
    "benchmark_differentiation",
    "check_derivatives",
    "check_framework",
    "check_host",
    "check_scenario",
    "default_scenarios",
    "entries",
    "entry",
    "likely_cause",
    "make",
    "nested_scenarios",
    "scenario_marks",
    "test_differentiation",
    "why_not",
]


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)


def __dir__() -> list[str]:
    """The public names; the modules that they come from are nobody's but the library's."""
    return __all__
