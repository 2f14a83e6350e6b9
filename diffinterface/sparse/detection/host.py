"""Tracers at a function of another engine: its outputs depend on all its inputs."""

from __future__ import annotations

from diffinterface.arrays.trees import Leaves
from diffinterface.nest.bridge import Bridge
from diffinterface.nest.hosts import apply

from .rules.general import dense
from .traced import tracers, values


def host(bridge: Bridge, x: Leaves, contexts: Leaves) -> Leaves:
    """The outputs of a bridge at tracers."""
    trace = tracers(x)[0].trace
    outputs = apply(bridge, values(x), values(contexts))
    return tuple(dense(trace, y, (x, contexts)) for y in outputs)
