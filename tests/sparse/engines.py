"""Dense engines, by the names that test ids show."""

from __future__ import annotations

import pytest

import diffinterface as di

_ENGINES: dict[str, di.ADType] = {
    "forwarddiff": di.AutoForwardDiff(),
    "finitediff": di.AutoFiniteDiff(),
    "jax": di.AutoJax(),
    "torch": di.AutoTorch(),
    "autograd": di.AutoAutograd(),
}


def installed(name: str) -> di.ADType:
    """A declaration; skips where its engine is not installed."""
    if not di.check_available(name):
        pytest.skip(f"{name} is not installed")
    return _ENGINES[name]
