"""What an optimiser found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """A point where the gradient is small.

    Attributes
    ----------
    x : array
        The point, as the caller's own kind of array.
    value : float
        The objective there.
    slope : float
        The norm of the gradient there.
    steps : int
        Steps that were taken.
    """

    x: Any
    value: float
    slope: float
    steps: int


class NotConvergedError(RuntimeError):
    """No such point was found; `best` is the last one."""

    def __init__(self, why: str, best: Result) -> None:
        self.best = best
        super().__init__(
            f"{why} after {best.steps} steps: value {best.value:.6g}, slope {best.slope:.3g}."
        )
