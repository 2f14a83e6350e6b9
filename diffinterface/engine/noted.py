"""Notes on an error that f raised: what about its call may have been meant otherwise."""

from __future__ import annotations

from typing import Any

from ..arrays.facts import shape_of
from ..arrays.trees import Leaves
from ..errors import DiffInterfaceError


def add_notes(error: Exception, x: Any, leaves: Leaves, samples: bool) -> None:
    """Say beside an error what f was called with: a list of numbers as x, or a whole batch."""
    if isinstance(error, DiffInterfaceError):
        return
    if isinstance(x, list | tuple) and not any(map(shape_of, leaves)):
        kind = type(x).__name__
        _add(
            error,
            f"x is a {kind}: a tree of numbers, not one array; pass np.array(x) for an array.",
        )
    if samples:
        _add(
            error,
            "batched_jacobian calls f once, with the whole batch, as f(x) with the samples along the "
            "leading axis of x and of f(x). Where f takes one sample, write it for all (x[:, 0] for "
            "x[0]), or call jacobian for each.",
        )


def _add(error: Exception, note: str) -> None:
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)
