"""Derivatives by other engines inside this engine's derivatives: what a host takes in.

A `Bridge` is a function with an engine of its own, as one primitive over NumPy arrays. A `Host`, the
entry point ``diffinterface.hosts`` under the framework's name, is this engine's rule for any of them: it
calls the bridge at `finished` copies, and differentiates it by ``bridge.pushforward`` or
``bridge.pullback``, which are bridges again. `cross` calls a bridge at arrays of any framework;
`kinds_of` tells the shapes and dtypes from which ``bridge.kinds`` knows those of the outputs. `Program`
and `Pullback` are what a bridge asks of a backend: `Backend.program` and `Backend.with_pullback`.
"""

from ..arrays.framework import finished
from ..arrays.kinds import Kind, Kinds, kinds_of
from ..engine.contract import Program, Pullback
from ..nest.bridge import Bridge
from ..nest.hosts import Host
from ..nest.hosts import apply as cross

__all__ = [
    "Bridge",
    "Host",
    "Kind",
    "Kinds",
    "Program",
    "Pullback",
    "cross",
    "finished",
    "kinds_of",
]
