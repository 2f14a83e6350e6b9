"""The kit on the engines that are shipped: what a conformance suite over it looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

import diffinterface as di
from diffinterface.testing import (
    CALLERS,
    CHECKS,
    GROUPS,
    Caller,
    DerivativeError,
    Scenario,
    Unsupported,
    check_scenario,
    default_scenarios,
    entry,
    nested_scenarios,
    test_differentiation,
    why_not,
)
from diffinterface.testing.cell import Cell
from diffinterface.testing.rules import RULES, wrong_rules
from diffinterface.tools.compare.engines import engines

# What torch says of operations that are slower under vmap.
pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")

ENGINES = ("forwarddiff", "finitediff", "complexstep", "jax", "torch", "autograd")


def available(name: str) -> str:
    if not di.check_available(name):
        pytest.skip(f"{name} is not installed")
    return name


@pytest.mark.parametrize("engine", ["complexstep", "autograd"])
def test_all_checks_on_all_scenarios(engine: str) -> None:
    """One that can do all, and one that cannot; the conformance suite asks every engine."""
    report = test_differentiation(available(engine))
    total = len(report.passed) + len(report.unsupported)
    assert total == len(default_scenarios())
    assert bool(report.unsupported) == (engine == "complexstep")


@pytest.mark.parametrize("engine", ENGINES)
def test_elementary_rules(engine: str) -> None:
    """The diagnosis accuses no engine that is right; each rule's own derivative is right."""
    assert wrong_rules(entry(available(engine)).adtype) == ()
    assert len({name for name, _, _ in RULES}) == len(RULES)


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.id)
def test_callers(caller: Caller) -> None:
    if caller.framework != "numpy":
        pytest.importorskip(caller.framework)
    (scenario,) = [s for s in default_scenarios("trees") if s.name == "gradient-tree_to_scalar"]
    check_scenario("forwarddiff", scenario, caller=caller)


@dataclass(frozen=True)
class AutoThird(di.ADType):
    name: ClassVar[str] = "third"
    tolerances = (1e-3, 1e-2), (1e-1, 1.0)
    expected_failures = (
        Unsupported(("third", "second?third,*"), di.ShapeError, "no trees", features=("trees",)),
    )


def test_a_declaration_tells_what_to_expect() -> None:
    third, scenario = entry(AutoThird()), default_scenarios("trees")[0]
    assert (third.first, third.second) == AutoThird.tolerances
    assert entry(di.MixedMode(AutoThird(), di.AutoJax())).first == AutoThird.tolerances[0]
    assert entry("finitediff:forward").first == (1e-7, 1e-2)
    row = why_not(third, scenario)
    assert row is not None
    assert row.reason == "no trees"
    assert why_not(entry(di.SecondOrder(AutoThird(), di.AutoJax())), scenario) is row
    assert why_not(entry(di.SecondOrder(di.AutoJax(), AutoThird())), scenario) is None
    assert why_not(third, scenario, ()) is None
    assert why_not(third, default_scenarios("arrays")[0]) is None


def test_engines_that_are_less_exact_come_last() -> None:
    names = [engine.name for engine in engines() if engine.name in ENGINES]
    assert names[0] == "forwarddiff"
    assert names[-2:] == ["complexstep", "finitediff"]


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_has_scenarios_with_two_points(group: str) -> None:
    for scenario in default_scenarios(group):
        assert scenario.result is not None
        assert scenario.there.result is not None
        assert scenario.source == "derivatives by hand"


def test_names_are_unique() -> None:
    names = [scenario.name for scenario in default_scenarios()]
    assert len(set(names)) == len(names)


def test_derivatives_by_hand_are_right() -> None:
    """Against extrapolated differences, which know nothing of them."""
    differences = entry("finitediff:richardson")
    for scenario in default_scenarios():
        if "empty arrays" not in scenario.features and "trees" not in scenario.features:
            cell = Cell(scenario, differences)
            cell.expect("without preparation", cell.once(scenario.here), scenario.here)


@pytest.mark.parametrize("inner", ["finitediff:forward", "torch"])
def test_nested_scenarios_with_another_engine_inside(inner: str) -> None:
    if inner == "torch":
        available(inner)
        scenarios = nested_scenarios("torch")
        check_scenario("forwarddiff", scenarios[5])
    else:
        with pytest.raises(DerivativeError):  # forward differences inside: visibly coarse
            check_scenario("forwarddiff", nested_scenarios(di.AutoFiniteDiff("forward"))[5])


# --- what must not work --------------------------------------------------------------------------

MINE = Scenario("gradient", lambda x: (x**2).sum(), np.ones(2), result=np.full(2, 2.0))


def test_a_cell_that_is_expected_to_raise_and_works_fails() -> None:
    row = Unsupported(("forwarddiff",), di.UnsupportedOperatorError, "none")
    with pytest.raises(DerivativeError, match="was expected to raise UnsupportedOperatorError"):
        test_differentiation("forwarddiff", [MINE], expected_failures=[row])


def test_a_cell_that_raises_and_is_not_expected_to_fails() -> None:
    complex_ones = default_scenarios("complex")
    with pytest.raises(DerivativeError, match="does not support this"):
        test_differentiation("complexstep", complex_ones, expected_failures=())
    report = test_differentiation("complexstep", complex_ones)
    assert not report.passed
    assert "so x must be real" in str(report)


def test_only_some_ways_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> Any:
        raise di.UnsupportedOperatorError("not prepared")

    monkeypatch.setattr("diffinterface.operators.prepare_gradient", refuse)
    with pytest.raises(DerivativeError, match="only some ways to call it raise: prepared"):
        check_scenario("forwarddiff", MINE)


@pytest.mark.parametrize(
    "call",
    [
        lambda: Scenario("slope", np.sum, np.ones(2)),
        lambda: Scenario("pullback", np.sum, np.ones(2)),
        lambda: Scenario("gradient", np.sum, np.ones(2), np.ones(2)),
        lambda: default_scenarios("sparse matrices"),
        lambda: test_differentiation("forwarddiff", []),
        lambda: test_differentiation("forwarddiff", [MINE], checks=["speed"]),
        lambda: check_scenario("forwarddiff", MINE, "speed"),
    ],
)
def test_mistakes_are_refused(call: Any) -> None:
    with pytest.raises(di.InputError):
        call()


def test_pytest_does_not_collect_the_kit() -> None:
    assert test_differentiation.__test__ is False
    assert len(CHECKS) == 9
