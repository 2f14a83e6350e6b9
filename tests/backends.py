"""Every backend that the suite runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import diffinterface as di
from diffinterface.testing import Entry, entry

ENGINES = ("forwarddiff", "finitediff", "complexstep", "jax", "torch", "autograd")

_ADTYPES: dict[str, di.ADType] = {
    "forwarddiff": di.AutoForwardDiff(),
    "forwarddiff[chunk]": di.AutoForwardDiff(chunk_size=2),
    "finitediff": di.AutoFiniteDiff(),
    "finitediff[forward]": di.AutoFiniteDiff("forward"),
    "finitediff[richardson]": di.AutoFiniteDiff("richardson"),
    "complexstep": di.AutoComplexStep(),
    "jax": di.AutoJax(),
    "jax[forward]": di.AutoJax("forward"),
    "jax[reverse]": di.AutoJax("reverse"),
    "jax[eager]": di.AutoJax(jit=False),
    "torch": di.AutoTorch(),
    "torch[forward]": di.AutoTorch("forward"),
    "torch[reverse]": di.AutoTorch("reverse"),
    "autograd": di.AutoAutograd(),
    "autograd[forward]": di.AutoAutograd("forward"),
    "autograd[reverse]": di.AutoAutograd("reverse"),
    "mixed[forwarddiff,autograd]": di.MixedMode(di.AutoForwardDiff(), di.AutoAutograd()),
    "mixed[jax,torch]": di.MixedMode(di.AutoJax("forward"), di.AutoTorch("reverse")),
    "second[forwarddiff]": di.SecondOrder(di.AutoForwardDiff(), di.AutoForwardDiff()),
    "second[forwarddiff,autograd]": di.SecondOrder(di.AutoForwardDiff(), di.AutoAutograd()),
    "second[finitediff,jax]": di.SecondOrder(di.AutoFiniteDiff(), di.AutoJax()),
    "second[finitediff,torch]": di.SecondOrder(di.AutoFiniteDiff(), di.AutoTorch()),
}
BACKENDS: tuple[Entry, ...] = tuple(
    replace(entry(adtype), id=name) for name, adtype in _ADTYPES.items()
)
BY_ID = {backend.id: backend for backend in BACKENDS}

# Variants that are slow to compile, and that differ from their engine in few places.
_FEW = (
    "jax[forward]",
    "jax[reverse]",
    "jax[eager]",
    "mixed[jax,torch]",
    "second[finitediff,jax]",
)
REPRESENTED = tuple(map(BY_ID.__getitem__, _FEW))
FULL = tuple(backend for backend in BACKENDS if backend not in REPRESENTED)


def skip_if_missing(adtype: Any) -> None:
    """Skip the test that asks, where an engine is not installed."""
    if not di.check_available(adtype):
        pytest.skip(f"{adtype} is not installed")
