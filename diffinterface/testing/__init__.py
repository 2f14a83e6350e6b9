"""Derivatives tested and timed across backends; see docs/how-to/test-your-library.md.

Nothing here needs pytest but `diffinterface.testing.plugin`, which pytest loads itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import later

if TYPE_CHECKING:
    from ..declare.expected import Unsupported
    from .backends import EXPECTED_FAILURES, Entry, entries, entry, why_not
    from .benchmark import Benchmark, benchmark_differentiation
    from .callers import CALLERS, Caller
    from .causes import likely_cause
    from .cell import DerivativeError, Failure
    from .checks import CHECKS
    from .defaults import GROUPS, default_scenarios, make, nested_scenarios
    from .differentiation import Report, check_scenario, scenario_marks, test_differentiation
    from .framework_contract import ContractError, check_framework
    from .host_contract import check_host
    from .oneliners import assert_backends_agree, check_derivatives
    from .primitives import AutoForwardFromPrimitive, AutoReverseFromPrimitive
    from .problems import Problem
    from .reference import NoReferenceError
    from .rows import Change, Row
    from .scenario import Arguments, Scenario

__all__ = [
    "CALLERS",
    "CHECKS",
    "EXPECTED_FAILURES",
    "GROUPS",
    "Arguments",
    "AutoForwardFromPrimitive",
    "AutoReverseFromPrimitive",
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

# Pytest loads the plugin in every session, used or not: nothing else comes with it.
__getattr__ = later(
    __name__,
    {
        "benchmark": ["Benchmark", "benchmark_differentiation"],
        "callers": ["CALLERS", "Caller"],
        "causes": ["likely_cause"],
        "cell": ["DerivativeError", "Failure"],
        "checks": ["CHECKS"],
        "defaults": ["GROUPS", "default_scenarios", "make", "nested_scenarios"],
        "differentiation": ["Report", "check_scenario", "scenario_marks", "test_differentiation"],
        "backends": ["EXPECTED_FAILURES", "Entry", "Unsupported", "entries", "entry", "why_not"],
        "framework_contract": ["ContractError", "check_framework"],
        "host_contract": ["check_host"],
        "oneliners": ["assert_backends_agree", "check_derivatives"],
        "primitives": ["AutoForwardFromPrimitive", "AutoReverseFromPrimitive"],
        "problems": ["Problem"],
        "reference": ["NoReferenceError"],
        "rows": ["Change", "Row"],
        "scenario": ["Arguments", "Scenario"],
    },
)


def __dir__() -> list[str]:
    """The public names; the modules that they come from are nobody's but the library's."""
    return __all__
