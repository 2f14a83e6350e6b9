"""Which mode "auto" takes, and what the levels of an operator are."""

from __future__ import annotations

from ..arrays.facts import shape_of, size_of
from ..arrays.trees import Leaves
from ..declare.adtypes import Mode
from .contract import AbstractBackend, Levels


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


# --- what `explain` tells ------------------------------------------------------------------------


def two_pullbacks(seeds: int = 1) -> Levels:
    """A pushforward by reverse mode alone."""
    return ("reverse", seeds), ("reverse", 1)


def usual(backend: AbstractBackend, operator: str, x: Leaves, y: Leaves, seeds: int) -> Levels:
    """The levels of the operators in `derived`."""
    n, m = sum(map(size_of, x)), sum(map(size_of, y))
    ahead = backend.has_forward
    push: Levels = (("forward", seeds),) if ahead else (("reverse", m),)
    if operator in ("jacobian", "batched_jacobian"):
        samples = operator == "batched_jacobian"
        batch = max(shape_of(x[0])[0], 1) if samples else 1
        forward = prefers_forward(backend, x, y, samples=samples)
        return (("forward", n // batch) if forward else ("reverse", m // batch),)
    by_columns = not backend.has_reverse or getattr(backend.adtype, "mode", "auto") == "forward"
    gradient: Levels = (("forward", n),) if by_columns else (("reverse", 1),)
    outer: Mode = "forward" if ahead else "reverse"
    return {
        "pullback": (("reverse", seeds),) if backend.has_reverse else (("forward", n),),
        "gradient": gradient,
        "second_derivative": push * 2,
        "hvp": ((outer, seeds), *gradient),
        "hessian": ((outer, n), *gradient),
    }.get(operator, push)


def evaluations(backend: AbstractBackend, levels: Levels) -> float:
    """The work of levels in evaluations of f, f's own value included: an upper bound, as a rule.

    A. Griewank and A. Walther, "Evaluating Derivatives", 2nd ed., 2008, sections 3.2 and 3.3: a tangent
    adds at most 1.5 evaluations, a cotangent at most 3.
    """
    total = 1.0
    for mode, directions in levels:
        total *= 1 + (backend.column_evaluations if mode == "forward" else 3.0) * directions
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
    return forward / reverse if levels[0][0] == "forward" else reverse / forward


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
        twice = levels[0][0] == "reverse"
        return "two pullbacks: measured faster than one push" if twice else "a column is all of it"
    return "a row is all of a gradient" if len(levels) == 1 else "the gradient is a row"
