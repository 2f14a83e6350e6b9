"""Directional differences: forward, central, and extrapolated to a vanishing step.

Steps are powers of two, so that ``x + h`` loses no digit of h where x is of the same scale.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffinterface.extend import NUMPY, Array, Leaves, array_namespace, framework_of, is_complex

Evaluate = Callable[[Leaves], Leaves]  # f at a point: its output leaves
Here = Callable[[], Leaves]  # f at x, evaluated at most once for all directions
Scheme = Callable[[Evaluate, Here, Leaves, Leaves, Any], Leaves]

LEVELS = 7


def step(x: Leaves, u: Leaves, relative: float, absolute: float) -> Array:
    """The step along u: ``max(relative * |x|, absolute)``, rounded to a power of two.

    ``|x|`` is the mean of the entries' moduli, weighted by those of u: along a coordinate axis it is
    that coordinate's own.
    """
    total, weight = 0.0, 0.0
    for leaf, direction in zip(x, u, strict=True):
        xp = array_namespace(leaf, direction)
        total = total + xp.sum(xp.abs(leaf) * xp.abs(direction))
        weight = weight + xp.sum(xp.abs(direction))
    xp = array_namespace(*x)
    safe = xp.where(weight > 0, weight, xp.ones_like(weight))
    size = relative * total / safe
    size = xp.where(size > absolute, size, absolute * xp.ones_like(size))
    return 2.0 ** xp.round(xp.log2(size))


def unit(t: Leaves) -> tuple[Leaves, Array]:
    """The tangent scaled to a largest entry of modulus 1, and that modulus."""
    xp = array_namespace(*t)
    norms = [xp.max(xp.abs(leaf)) for leaf in t if 0 not in leaf.shape]
    if not norms:
        return t, 1.0
    norm = xp.max(xp.stack(norms))
    safe = xp.where(norm > 0, norm, xp.ones_like(norm))
    return tuple(leaf / xp.astype(safe, _real(leaf)) for leaf in t), safe


def _real(leaf: Array) -> Any:
    return array_namespace(leaf).real(leaf).dtype if is_complex(leaf) else leaf.dtype


def _cast(h: Any, like: Array) -> Array:
    """A step in the real dtype of an array, and in its framework where f captured another one's."""
    home, xp = framework_of(like), array_namespace(like)
    if framework_of(h) is NUMPY and home is not None and not home.wraps:
        h = xp.asarray(h, device=getattr(like, "device", None))
    xp = array_namespace(h, like)
    return xp.astype(h if hasattr(h, "dtype") else xp.asarray(h), _real(like))


def moved(x: Leaves, u: Leaves, h: Array) -> Leaves:
    """Fresh arrays ``x + h u``, in the dtypes of x."""
    return tuple(a + _cast(h, a) * b for a, b in zip(x, u, strict=True))


def _quotient(a: Leaves, b: Leaves, h: Array) -> Leaves:
    return tuple((p - m) / _cast(h, p) for p, m in zip(a, b, strict=True))


def forward(f: Evaluate, here: Here, x: Leaves, u: Leaves, h: Array) -> Leaves:
    """``(f(x + h u) - f(x)) / h``: error O(h)."""
    return _quotient(f(moved(x, u, h)), here(), h)


def central(f: Evaluate, here: Here, x: Leaves, u: Leaves, h: Array) -> Leaves:
    """``(f(x + h u) - f(x - h u)) / 2h``: error O(h^2)."""
    return _quotient(f(moved(x, u, h)), f(moved(x, u, -h)), 2 * h)


def richardson(f: Evaluate, here: Here, x: Leaves, u: Leaves, h: Array) -> Leaves:
    """Central differences extrapolated to h = 0; see `extrapolate`."""
    return extrapolate(f, x, u, h)[0]


def extrapolate(f: Evaluate, x: Leaves, u: Leaves, h: Array) -> tuple[Leaves, Leaves]:
    """Central differences at h, h/2, h/4 ..., extrapolated, and an estimate of the error.

    Each entry takes the member of Richardson's tableau whose neighbours agree best: Ridders, *Accurate
    computation of F'(x) and F'(x)F''(x)*, Advances in Engineering Software 4 (1982).
    """
    previous: list[Leaves] = []
    best: Leaves = ()
    error: Leaves = ()
    for level in range(LEVELS):
        row = [central(f, tuple, x, u, h / 2**level)]
        for order, old in enumerate(previous):
            factor = 4.0 ** (order + 1)
            row.append(
                tuple(
                    (factor * new - last) / (factor - 1)
                    for new, last in zip(row[order], old, strict=True)
                )
            )
            best, error = _choose(best, error, row[order + 1], row[order], old)
        if not best:
            best = row[0]
            error = tuple(array_namespace(a).abs(a) + float("inf") for a in best)
        previous = row
    return best, error


def _choose(
    best: Leaves, error: Leaves, new: Leaves, left: Leaves, above: Leaves
) -> tuple[Leaves, Leaves]:
    chosen, errors = [], []
    for b, e, candidate, p, q in zip(best, error, new, left, above, strict=True):
        xp = array_namespace(candidate)
        gap, other = xp.abs(candidate - p), xp.abs(candidate - q)
        gap = xp.where(gap > other, gap, other)
        better = gap <= e
        chosen.append(xp.where(better, candidate, b))
        errors.append(xp.where(better, gap, e))
    return tuple(chosen), tuple(errors)


SCHEMES: dict[str, Scheme] = {"forward": forward, "central": central, "richardson": richardson}

#: How many evaluations of f a direction takes, that at x itself aside.
EVALUATIONS = {"forward": 1.0, "central": 2.0, "richardson": 2.0 * LEVELS}
