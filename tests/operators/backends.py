"""The backends under test, how exact each is, and what each cannot do."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import diffinterface as di


@dataclass(frozen=True)
class Case:
    """One backend under test.

    Attributes
    ----------
    first, second : float
        Relative accuracy of first and second derivatives in float64.
    """

    adtype: di.ADType
    first: float = 1e-12
    second: float = 1e-11

    @property
    def engine(self) -> str:
        return self.adtype.name


CASES = {
    "forwarddiff": Case(di.AutoForwardDiff()),
    "forwarddiff[chunk=2]": Case(di.AutoForwardDiff(chunk_size=2)),
    "finitediff": Case(di.AutoFiniteDiff(), 1e-7, 1e-4),
    "finitediff[forward]": Case(di.AutoFiniteDiff(scheme="forward"), 1e-5, 1e-2),
    "finitediff[richardson]": Case(di.AutoFiniteDiff(scheme="richardson"), 1e-9, 1e-6),
    "complexstep": Case(di.AutoComplexStep(), 1e-12, 1e-7),
    "jax": Case(di.AutoJax()),
    "jax[forward]": Case(di.AutoJax(mode="forward")),
    "jax[reverse]": Case(di.AutoJax(mode="reverse")),
    "jax[eager]": Case(di.AutoJax(jit=False)),
    "torch": Case(di.AutoTorch()),
    "torch[forward]": Case(di.AutoTorch(mode="forward")),
    "torch[reverse]": Case(di.AutoTorch(mode="reverse")),
    "autograd": Case(di.AutoAutograd()),
    "autograd[forward]": Case(di.AutoAutograd(mode="forward")),
    "autograd[reverse]": Case(di.AutoAutograd(mode="reverse")),
    "mixed[forwarddiff,autograd]": Case(di.MixedMode(di.AutoForwardDiff(), di.AutoAutograd())),
    "second[forwarddiff,forwarddiff]": Case(
        di.SecondOrder(di.AutoForwardDiff(), di.AutoForwardDiff(chunk_size=3))
    ),
    "second[finitediff,jax]": Case(di.SecondOrder(di.AutoFiniteDiff(), di.AutoJax()), 1e-12, 1e-6),
}

# (fragment of the backend's id, scenario) -> why it must raise a documented error.
EXPECTED_FAILURES = {
    ("complexstep", "complex"): "the imaginary axis is where the complex step keeps derivatives",
    ("autograd", "cache"): "boxes of autograd cannot be written into an array",
    ("autograd", "inplace"): "boxes of autograd cannot be written into an array",
    ("jax", "inplace"): "JAX arrays are immutable",
}


def expected_failure(name: str, scenario: str) -> str | None:
    """Why this cell must raise, or None if it must work."""
    for (backend, what), reason in EXPECTED_FAILURES.items():
        if what == scenario and backend in name:
            return reason
    return None


def available(name: str) -> Case:
    """The case, or a skip where its engine is not installed."""
    case = CASES[name]
    if not di.check_available(case.adtype):
        pytest.skip(f"{name} is not installed")
    return case
