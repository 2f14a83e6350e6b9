"""Every operator, on every backend, for every kind of function and caller.

The suite is the kit, used as another library would use it: markers choose backends and scenarios, the
fixtures of the plugin make the cells, and those that a backend does not support are expected to raise.
"""

from __future__ import annotations

from typing import Any

import pytest

from diffinterface.testing import CALLERS, Caller, Scenario, check_scenario

from ...backends import BY_ID, ENGINES, FULL, REPRESENTED
from .scenarios import FOR_CALLERS, FOR_CHECKS, REPRESENTATIVE

# Torch tells that some of its operations are slower under vmap.
pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")

# Threads have a module of their own.
CHECKED = ("reuse", "mismatch", "dtype", "layout", "nested", "calls", "memory")
FOR_OTHER_CALLERS = (*ENGINES, "torch[forward]", "mixed[jax,torch]", "second[finitediff,torch]")


@pytest.mark.ad_backends(*FULL)
def test_scenario(ad_backend: Any, ad_scenario: Scenario) -> None:
    check_scenario(ad_backend, ad_scenario)


@pytest.mark.ad_backends(*REPRESENTED)
@pytest.mark.ad_scenarios(*REPRESENTATIVE)
def test_variant(ad_backend: Any, ad_scenario: Scenario) -> None:
    check_scenario(ad_backend, ad_scenario)


@pytest.mark.ad_backends(*map(BY_ID.__getitem__, ENGINES))
@pytest.mark.ad_scenarios(*FOR_CHECKS)
def test_checks(ad_backend: Any, ad_scenario: Scenario) -> None:
    check_scenario(ad_backend, ad_scenario, *CHECKED)


@pytest.mark.ad_backends(*map(BY_ID.__getitem__, FOR_OTHER_CALLERS))
@pytest.mark.ad_scenarios(*FOR_CALLERS)
@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.id)
def test_caller(ad_backend: Any, ad_scenario: Scenario, caller: Caller) -> None:
    if caller.framework != "numpy":
        pytest.importorskip(caller.framework)
    check_scenario(ad_backend, ad_scenario, caller=caller)
