"""Every backend that the suite runs, and how close to the truth it must come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

import diffinterface as di

SECOND_ORDER = ("second_derivative", "hvp", "hessian")
ENGINES = ("forwarddiff", "finitediff", "complexstep", "jax", "torch", "autograd")

Tolerances = tuple[float, float]


@dataclass(frozen=True)
class Entry:
    """A backend under test.

    Attributes
    ----------
    first, second : pair of float
        Tolerance in float64 and float32 of first-order and of second-order operators, relative to
        the largest entry of what is expected. Exact engines have a few units in the last place;
        finite differences what their documentation says, with a margin of ten.
    everything : bool
        Whether all scenarios run, or only those that represent the rest: a variant of an engine
        that is slow to compile differs from it in few places.
    """

    id: str
    adtype: di.ADType
    first: Tolerances = (1e-12, 1e-5)
    second: Tolerances = (1e-12, 1e-5)
    everything: bool = True

    def tolerance(self, operator: str, dtype: str) -> float:
        """For one operator in ``"float64"`` or ``"float32"``."""
        pair = self.second if operator in SECOND_ORDER else self.first
        return pair[dtype == "float32"]

    @property
    def engine(self) -> str:
        """The name before the brackets: "jax" of "jax[reverse]"."""
        return self.id.partition("[")[0]


BACKENDS: tuple[Entry, ...] = (
    Entry("forwarddiff", di.AutoForwardDiff()),
    Entry("forwarddiff[chunk]", di.AutoForwardDiff(chunk_size=2)),
    Entry("finitediff", di.AutoFiniteDiff(), (1e-9, 1e-3), (1e-6, 1e-1)),
    Entry("finitediff[forward]", di.AutoFiniteDiff("forward"), (1e-7, 1e-2), (1e-4, 1.0)),
    Entry("finitediff[richardson]", di.AutoFiniteDiff("richardson"), (1e-11, 1e-4), (1e-8, 1e-2)),
    Entry("complexstep", di.AutoComplexStep(), second=(1e-9, 1e-3)),
    Entry("jax", di.AutoJax()),
    Entry("jax[forward]", di.AutoJax("forward"), everything=False),
    Entry("jax[reverse]", di.AutoJax("reverse"), everything=False),
    Entry("jax[eager]", di.AutoJax(jit=False), everything=False),
    Entry("torch", di.AutoTorch()),
    Entry("torch[forward]", di.AutoTorch("forward")),
    Entry("torch[reverse]", di.AutoTorch("reverse")),
    Entry("autograd", di.AutoAutograd()),
    Entry("autograd[forward]", di.AutoAutograd("forward")),
    Entry("autograd[reverse]", di.AutoAutograd("reverse")),
    Entry("mixed[forwarddiff,autograd]", di.MixedMode(di.AutoForwardDiff(), di.AutoAutograd())),
    Entry(
        "mixed[jax,torch]",
        di.MixedMode(di.AutoJax("forward"), di.AutoTorch("reverse")),
        everything=False,
    ),
    Entry("second[forwarddiff]", di.SecondOrder(di.AutoForwardDiff(), di.AutoForwardDiff())),
    Entry("second[forwarddiff,autograd]", di.SecondOrder(di.AutoForwardDiff(), di.AutoAutograd())),
    Entry(
        "second[finitediff,jax]",
        di.SecondOrder(di.AutoFiniteDiff(), di.AutoJax()),
        second=(1e-9, 1e-3),
        everything=False,
    ),
    Entry(
        "second[finitediff,torch]",
        di.SecondOrder(di.AutoFiniteDiff(), di.AutoTorch()),
        second=(1e-9, 1e-3),
    ),
)
BY_ID = {entry.id: entry for entry in BACKENDS}


def skip_if_missing(adtype: Any) -> None:
    """Skip the test that asks, where an engine is not installed."""
    if not di.check_available(adtype):
        pytest.skip(f"{adtype} is not installed")
