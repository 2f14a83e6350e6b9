"""Every operator, on every backend, for every kind of function and caller."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .backends import BACKENDS, BY_ID, ENGINES, Entry
from .callers import CALLERS, NUMPY, Caller, skip_if_missing
from .checks import check
from .expected_failures import marks
from .scenarios import FOR_CALLERS, REPRESENTATIVE, SCENARIOS, Scenario

# Torch tells that some of its operations are slower under vmap.
pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")

FOR_OTHER_CALLERS = (*ENGINES, "torch[forward]", "mixed[jax,torch]", "second[finitediff,torch]")


def _cells() -> Iterator[Any]:
    for backend in BACKENDS:
        for scenario in SCENARIOS if backend.everything else REPRESENTATIVE:
            yield _cell(backend, scenario)


def _callers_cells() -> Iterator[Any]:
    for backend in map(BY_ID.__getitem__, FOR_OTHER_CALLERS):
        for scenario in FOR_CALLERS:
            for caller in CALLERS:
                yield _cell(backend, scenario, caller)


def _cell(backend: Entry, scenario: Scenario, *caller: Caller) -> Any:
    name = "-".join([backend.id, scenario.name, *(c.id for c in caller)])
    return pytest.param(backend, scenario, *caller, id=name, marks=marks(backend, scenario))


@pytest.mark.parametrize(("backend", "scenario"), [*_cells()], indirect=["backend"])
def test_scenario(backend: Entry, scenario: Scenario) -> None:
    check(scenario, backend, NUMPY)


@pytest.mark.parametrize(
    ("backend", "scenario", "caller"), [*_callers_cells()], indirect=["backend"]
)
def test_caller(backend: Entry, scenario: Scenario, caller: Caller) -> None:
    skip_if_missing(caller)
    check(scenario, backend, caller)
