"""The way into a bridge from arrays of any framework: the host of the one that is tracing them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from ..arrays.framework import NUMPY, Framework, finished, framework_of
from ..arrays.perturbations import tracing
from ..arrays.trees import Leaves
from ..declare import plugins
from ..errors import NestedDifferentiationError
from .bridge import Bridge

#: A rule of an outer engine: the outputs of a bridge at arrays of which its framework is tracing some.
Host = Callable[[Bridge, Leaves, Leaves], Leaves]


def apply(bridge: Bridge, x: Leaves, contexts: Leaves = ()) -> Leaves:
    """The bridge at arrays of any framework, through the host of the one that is tracing them."""
    return through(tracing((*x, *contexts)), bridge, x, contexts)


def through(outer: Framework | None, bridge: Bridge, x: Leaves, contexts: Leaves) -> Leaves:
    """The same, where `outer` is known to be tracing, or nobody is."""
    if outer is not None:
        return _host(outer)(bridge, x, contexts)
    like = next((leaf for leaf in x if framework_of(leaf) is not NUMPY), None)
    framework = framework_of(like) or NUMPY
    y = bridge(tuple(map(finished, x)), tuple(map(finished, contexts)))
    return y if framework is NUMPY else tuple(framework.from_numpy(leaf, like) for leaf in y)


@cache
def _host(outer: Framework) -> Host:
    """Who takes a bridge in where `outer` is tracing: the entry point of its name."""
    entry = plugins.entries("hosts").get(outer.name)
    if entry is None:
        raise NestedDifferentiationError(
            f"{outer.name} is differentiating, and cannot take in a function of another engine here.",
            outer=outer.name,
        )
    what = f"The host of {outer.name}'s arrays"
    host: Host = plugins.load(entry, what)
    if not callable(host):
        raise plugins.broken(entry, what, f"{host!r} is no function of (bridge, x, contexts)")
    return host
