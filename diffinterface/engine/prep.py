"""What a backend's preparation returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, final

from ..arrays.facts import size_of
from ..arrays.trees import Leaves
from ..declare.adtypes import Mode


class Level(NamedTuple):
    """Derivatives that are pushed or pulled at once.

    Attributes
    ----------
    mode : {"forward", "reverse"}
        Whether they are pushed or pulled.
    directions : int
        How many; of one sample, in a batched Jacobian.
    evaluations : float
        What they take in evaluations of the function that is differentiated, its value included.
    beside : bool
        Whether they come beside the levels before, and not inside them.
    """

    mode: Mode
    directions: int
    evaluations: float
    beside: bool = False


#: Outermost first: each level differentiates the next, and the work multiplies.
Levels = tuple[Level, ...]


class Setting(NamedTuple):
    """What a call would see: arguments as constants, seeds, and whether anything records them."""

    x: Leaves
    contexts: Leaves
    seeds: int = 1
    recorded: bool = False

    @property
    def entries(self) -> int:
        """Of x."""
        return sum(map(size_of, self.x))


#: The levels of a call in a setting, told without differentiating.
Tell = Callable[[Setting], Levels]


def untold(setting: Setting) -> Levels:
    """The levels of a prep that does not tell; `Backend.prepare` puts `modes.usual` there."""
    return ()


@final
class Prep:
    """A prepared operator: `run` gives ``(value, result, aux)``, `result` the result alone.

    Both take what the operator takes, as flat tuples of leaves: ``(x, contexts)``, ``(x, contexts, t)``,
    or ``(t,)`` for a prep at one point. What value and result are is tabled at `Backend`. `fresh` says
    that the arrays of the result share memory with nothing else, so that they need no copy. `lone`, for
    a gradient at one array without contexts, takes that array and gives the one of the result.
    `details` is what the user may want to know of the prep; None if there is nothing.

    ``levels(setting)`` tells, without differentiating, what a call there pushes and pulls.
    """

    __slots__ = ("details", "fresh", "levels", "lone", "result", "run")

    def __init__(
        self,
        run: Callable[..., tuple[Any, Any, Any]],
        result: Callable[..., Any] | None = None,
        *,
        fresh: bool = False,
        lone: Callable[[Any], Any] | None = None,
        details: Any = None,
        levels: Tell = untold,
    ) -> None:
        self.details = details
        self.levels = levels
        self.lone = lone
        self.fresh = fresh
        self.run = run
        self.result: Callable[..., Any] = result or _second_of(run)


def _second_of(run: Callable[..., tuple[Any, Any, Any]]) -> Callable[..., Any]:
    return lambda *args: run(*args)[1]
