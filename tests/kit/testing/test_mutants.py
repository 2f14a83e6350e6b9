"""Backends that are wrong in one situation only: none gets through the kit.

A mutant that survives is a fault that a plugin could have, and nobody would see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.declare import plugins
from diffinterface.testing import (
    Failure,
    Scenario,
    check_derivatives,
    default_scenarios,
    test_differentiation,
)

from . import mutants
from .mutants import AutoMutant

Failures = Callable[..., tuple[Failure, ...]]
BY_NAME = {scenario.name: scenario for scenario in default_scenarios()}

# mutant: the default scenario and the check by which it is caught
CAUGHT = {
    "single_only": ("gradient-vector_to_scalar", "dtype"),
    "hvp_without_cross_terms": ("hvp-vector_to_scalar", "correct"),
    "hessian_without_cross_blocks": ("hessian-tree_to_scalar", "correct"),
    "hessian_upper_triangle": ("hessian-vector_to_scalar", "correct"),
    "batched_first_seed": ("hvp-vector_to_scalar-batch2", "correct"),
    "unconjugated": ("pullback-holomorphic", "correct"),
    "unconjugated_batches": ("pullback-holomorphic-batch2", "correct"),
    "beyond_one_chunk": ("jacobian-banded", "correct"),
    "square_matrices_turned": ("gradient-square_to_scalar", "correct"),
    "in_order_of_memory": ("gradient-square_to_scalar", "layout"),
    "as_if_contiguous": ("gradient-vector_to_scalar", "layout"),
    "one_dtype_for_all": ("gradient-two_precisions", "correct"),
    "small_results": ("gradient-tiny", "correct"),
    "second_call": ("gradient-vector_to_scalar", "correct"),
    "from_third_call_on": ("gradient-vector_to_scalar", "correct"),
    "contexts_of_the_first_call": ("jacobian-contexts", "correct"),
    "aux_of_the_first_call": ("gradient-vector_to_scalar-aux", "correct"),
    "value_of_the_first_call": ("gradient-vector_to_scalar", "correct"),
    "seed_of_the_first_call": ("pushforward-vector_to_longer", "correct"),
    "known_by_code": ("gradient-vector_to_scalar", "reuse"),
    "after_an_error": ("gradient-vector_to_scalar", "reuse"),
    "values_race": ("gradient-vector_to_scalar", "threads"),
    "constant_to_others": ("gradient-vector_to_scalar", "nested"),
}


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As an installed distribution would declare it."""
    others = plugins.entries
    ours = EntryPoint("mutant", f"{mutants.__name__}:MutantBackend", "diffinterface.backends")

    def with_ours(group: str) -> dict[str, Any]:
        return {**others(group), **({"mutant": ours} if group == "backends" else {})}

    monkeypatch.setattr(plugins, "entries", with_ours)
    yield
    mutants.FOREVER.clear()


def test_every_mutant_is_looked_for() -> None:
    assert {*mutants.KINDS, *mutants.BEFORE} == {"right", *CAUGHT}


def test_without_a_fault_nothing_is_found() -> None:
    """On every scenario and by every check that catches one."""
    scenarios = [BY_NAME[name] for name in {name: None for name, _ in CAUGHT.values()}]
    report = test_differentiation(AutoMutant(), scenarios)
    assert len(report.passed) == len(scenarios)


@pytest.mark.parametrize("name", CAUGHT)
def test_a_mutant_is_caught(failures: Failures, name: str) -> None:
    scenario, check = CAUGHT[name]
    checks = [check] if check in ("correct", "threads", "nested") else ["correct", check]
    found = failures(test_differentiation, AutoMutant(name), [BY_NAME[scenario]], checks=checks)
    assert {(f.check, f.backend) for f in found} == {(check, f"mutant:{name}")}


def _energy(x: Any) -> Any:
    return di.array_namespace(x).sum(x**3)


def test_a_wrong_value_of_ones_own_function(failures: Failures) -> None:
    """F itself tells it, where the scenario does not."""
    mine = Scenario("gradient", _energy, np.array([1.0, 2.0]), name="mine")
    stale = AutoMutant("value_of_the_first_call")
    test_differentiation(stale, [mine], checks=["correct"])  # one point only: nothing to confuse
    (found,) = failures(check_derivatives, _energy, np.array([1.0, 2.0]), backends=[stale])
    assert found.way == "prepared, with the value, second call, value"


def test_a_small_derivative_is_no_rounding(failures: Failures) -> None:
    """In SI units, say. Tolerances are relative to the size of f over that of x."""
    x, size = np.array([0.5, 0.75]), 1e-18

    def f(x: Any) -> Any:
        return _energy(x) * size

    check_derivatives(f, x, backends="forwarddiff,finitediff,complexstep", order=2)
    found = failures(check_derivatives, f, x, backends=[AutoMutant("small_results")], order=2)
    assert found[0].cause == "a constant factor: the result is 2 times what is expected"


def test_rounding_at_a_minimum_is_no_fault() -> None:
    """There f and its gradient are of the size of rounding, and engines round differently."""
    x = np.full(3, 0.1) * 3

    def f(x: Any) -> Any:
        return di.array_namespace(x).sum((x - 0.3) ** 2)

    assert 0 < f(x) < 1e-30
    check_derivatives(f, x, backends="forwarddiff,finitediff,complexstep", order=2)
