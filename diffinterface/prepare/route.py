"""The way from a call to its engine, past what records the arguments: what `explain` tells of it."""

from __future__ import annotations

from typing import Literal

from ..arrays.framework import framework_of
from ..arrays.trees import Leaves
from ..declare.config import get_config
from ..engine.contract import AbstractBackend

Route = Literal["direct", "native", "over", "bridge", "refused"]


def recorders(leaves: Leaves) -> tuple[str, ...]:
    """What records any of the leaves, outermost first."""
    found: dict[str, None] = {}
    for leaf in leaves:
        framework = framework_of(leaf)
        if framework is not None:
            found.update(dict.fromkeys(framework.recorders(leaf)))
    return tuple(found)


def hindrance(engine: AbstractBackend, x: Leaves, *others: Leaves) -> str | None:
    """Why the arguments cannot reach the engine as they are; None if they can."""
    for leaf in (*x, *(leaf for part in others for leaf in part)):
        framework = framework_of(leaf)
        native = engine.framework
        if framework is None or native is None or framework.name in engine.accepts:
            continue
        if framework.is_traced(leaf):
            name = engine.adtype.name
            return f"{framework.name} records an argument, with which {name} cannot compute"
    return None


def way(
    engine: AbstractBackend, crossing: str | None, traced: dict[str, tuple[str, ...]]
) -> tuple[Route, tuple[str, ...]]:
    """The route past what is `traced`, and why, given what hinders the direct one."""
    if crossing is not None and not get_config().nested_switching:
        return "refused", (f"{crossing}, and nested_switching=False",)
    if crossing is not None:
        return "bridge", (crossing,)
    if not traced:
        return "direct", ()
    if engine.framework is None:
        return "over", ()
    what = "what f captured" if tuple(traced) == ("captured",) else "the arguments"
    return "native", (f"{engine.adtype.name} records {what}, and the result stays on its record",)
