"""Which of a call's arguments are differentiated: every floating array and number among them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, final

from ..arrays.trees import Leaves
from ..declare.contexts import Cache, Constant, Static
from ..engine import roles
from ..engine.arguments import read_only
from ..errors import InputError


@final
class Arguments(roles.Arguments):
    """The layout of one kind of call: floats are differentiated too, and f is to write nowhere."""

    program = (bool, int)

    def join(self, x: Iterable[Any], contexts: Leaves) -> Any:
        return super().join(map(read_only, x), contexts)


def plain(contexts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Contexts without their wrappers.

    Raises
    ------
    InputError
        If one is a `Cache`: a solver may write where it likes, and needs none.
    """
    for context in contexts:
        if isinstance(context, Cache):
            raise InputError("A Cache is of no use here; let the solver make its own buffers.")
    return tuple(c.value if isinstance(c, Constant | Static) else c for c in contexts)
