"""The mode that "auto" takes against the better one, inside the losses of `nesting`."""

from __future__ import annotations

from collections.abc import Iterator

from .nesting import best, steps
from .timing import Row

BETTER = 1.15


def rows() -> Iterator[Row]:
    for case in steps():
        yield best(f"{case.name}, auto over the better mode", case.auto, case.modes, BETTER)
