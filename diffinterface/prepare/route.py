"""The way from a call to its engine, past what records the arguments: what `explain` tells of it."""

from __future__ import annotations

from typing import Literal

from ..arrays.framework import framework_of
from ..arrays.trees import Leaves
from ..declare.config import get_config
from ..engine.contract import AbstractBackend
from ..engine.conversion import crossing

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
    outer, name = crossing(engine, x, *others), engine.adtype.name
    if outer is None:
        return None
    return f"{outer.name} records an argument, with which {name} cannot compute"


def way(
    engine: AbstractBackend, hindered: str | None, traced: dict[str, tuple[str, ...]]
) -> tuple[Route, tuple[str, ...]]:
    """The route past what is `traced`, and why, given what hinders the direct one."""
    if hindered is not None and not get_config().nested_switching:
        return "refused", (f"{hindered}, and nested_switching=False",)
    if hindered is not None:
        return "bridge", (hindered,)
    if not traced:
        return "direct", ()
    if engine.framework is None:
        return "over", ()
    what = "what f captured" if tuple(traced) == ("captured",) else "the arguments"
    return "native", (f"{engine.adtype.name} records {what}, and the result stays on its record",)
