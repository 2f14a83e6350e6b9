"""What a backend's preparation returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final


@final
class Prep:
    """What is ready to run: `run` gives ``(value, result, aux)``, `result` the result alone.

    Both take what the operator takes, as flat tuples of leaves: ``(x, contexts)``, ``(x, contexts, t)``,
    or ``(t,)`` for one at a fixed point. What value and result are is tabled at `Backend`. `fresh` says
    that the arrays of the result share memory with nothing else, so that they need no copy. `lone`, for
    a gradient at one array without contexts, takes that array and gives the one of the result.
    `details` is what the user may want to know of it; None if there is nothing.
    """

    __slots__ = ("details", "fresh", "lone", "result", "run")

    def __init__(
        self,
        run: Callable[..., tuple[Any, Any, Any]],
        result: Callable[..., Any] | None = None,
        *,
        fresh: bool = False,
        lone: Callable[[Any], Any] | None = None,
        details: Any = None,
    ) -> None:
        self.details = details
        self.lone = lone
        self.fresh = fresh
        self.run = run
        self.result: Callable[..., Any] = result or _second_of(run)


def _second_of(run: Callable[..., tuple[Any, Any, Any]]) -> Callable[..., Any]:
    return lambda *args: run(*args)[1]
