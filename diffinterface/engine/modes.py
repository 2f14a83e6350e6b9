"""Which mode "auto" takes, and what preps tell of theirs."""

from __future__ import annotations

from ..arrays.facts import shape_of, size_of
from ..arrays.trees import Leaves
from .contract import AbstractBackend
from .prep import Levels, Setting


def prefers_forward(
    backend: AbstractBackend, x: Leaves, y: Leaves, *, samples: bool = False
) -> bool:
    """Whether a Jacobian of outputs like `y` by `x` is to be taken column by column.

    The mode that was asked for, or the only one there is, or the cheaper one.

    Parameters
    ----------
    backend : Backend
        The engine.
    x, y : tuple of array
        Leaves of the point and of f's value, of which only the shapes are read.
    samples : bool
        Whether both hold samples on a leading axis, as in a batched Jacobian.
    """
    asked = getattr(backend.adtype, "mode", "auto")
    if asked != "auto":
        return bool(asked == "forward")
    if not (backend.has_forward and backend.has_reverse):
        return backend.has_forward
    n, m = sum(map(size_of, x)), sum(map(size_of, y))
    batch = max(shape_of(x[0])[0], 1) if samples else 1
    costs = backend.costs
    return costs.forward(n, m, batch) <= costs.reverse(n, m, batch)


# --- what preps tell `explain` -------------------------------------------------------------------


def usual(backend: AbstractBackend, operator: str, setting: Setting) -> Levels:
    """The levels of a prep that tells none: the operator's own mode, all at once."""
    rows = backend.has_reverse and (operator in ("pullback", "gradient") or not backend.has_forward)
    each = operator.endswith(("jacobian", "hessian")) or (operator == "gradient" and not rows)
    directions = setting.entries if each else setting.seeds
    return (backend.level("reverse" if rows else "forward", directions),)


def dense(backend: AbstractBackend, x: Leaves, y: Leaves, *, samples: bool = False) -> Levels:
    """The levels of a Jacobian in the mode that `prefers_forward` takes."""
    forward = prefers_forward(backend, x, y, samples=samples)
    batch = max(shape_of(x[0])[0], 1) if samples else 1
    directions = sum(map(size_of, x if forward else y)) // batch
    return (backend.level("forward" if forward else "reverse", directions),)


def two_pullbacks(backend: AbstractBackend, seeds: int = 1) -> Levels:
    """A pushforward by reverse mode alone."""
    return backend.level("reverse", seeds), backend.level("reverse", 1)


def evaluations(levels: Levels) -> float:
    """The work of levels in evaluations of f, f's own value included."""
    total = 1.0
    for level in levels:
        total = total + level.evaluations if level.beside else total * level.evaluations
    return total


def relative(
    backend: AbstractBackend, operator: str, levels: Levels, x: Leaves, y: Leaves
) -> float | None:
    """Predicted time over that of the other mode; None where there is none, or the model is silent."""
    if operator not in ("gradient", "jacobian", "batched_jacobian"):
        return None
    if not (backend.has_forward and backend.has_reverse):
        return None
    n, m = sum(map(size_of, x)), sum(map(size_of, y))
    batch = max(shape_of(x[0])[0], 1) if operator == "batched_jacobian" else 1
    costs = backend.costs
    forward, reverse = costs.forward(n, m, batch), costs.reverse(n, m, batch)
    if not (forward and reverse):
        return None
    return forward / reverse if levels[0].mode == "forward" else reverse / forward


def reason(backend: AbstractBackend, operator: str, levels: Levels) -> str:
    """Why these levels."""
    if not (backend.has_forward and backend.has_reverse):
        return "the only mode of this engine"
    asked = getattr(backend.adtype, "mode", "auto")
    if asked != "auto":
        return f"mode={asked!r} was asked for"
    if operator in ("jacobian", "batched_jacobian"):
        return "the cheaper of the two, by the measured costs of this engine"
    if operator in ("pushforward", "derivative", "second_derivative"):
        twice = levels[0].mode == "reverse"
        return "two pullbacks: measured faster than one push" if twice else "a column is all of it"
    return "a row is all of a gradient" if len(levels) == 1 else "the gradient is a row"
