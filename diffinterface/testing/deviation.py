"""Comparing a result with what was expected, and finding the entry that tells most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays.facts import NUMBERS
from ..arrays.framework import framework_of
from ..arrays.trees import flatten, paths


@dataclass(frozen=True)
class Deviation:
    """A result that is not what was expected.

    Attributes
    ----------
    entry : str
        Where the difference is largest: ``['a'][0][2, 1]``; "" for a lone number.
    got, expected : str
        What stands there.
    detail : str
        How large and how widespread the difference is.
    largest : float
        The largest difference of two entries; inf where shapes or dtypes differ.
    """

    entry: str
    got: str
    expected: str
    detail: str
    largest: float = float("inf")


def numpy_of(leaf: Any) -> Any:
    """A leaf as a NumPy array, whatever its framework; text and other objects as they are."""
    framework = framework_of(leaf)
    if framework is None:
        return leaf.toarray() if is_sparse(leaf) else leaf
    return np.asarray(leaf) if isinstance(leaf, NUMBERS) else framework.to_numpy(leaf)


def is_sparse(leaf: Any) -> bool:
    """Whether a leaf is a sparse array of SciPy's, which is compared as the dense one."""
    return type(leaf).__module__.startswith("scipy.sparse")


def numpy_leaves(tree: Any) -> list[Any]:
    """The leaves of a tree as NumPy arrays."""
    return [numpy_of(leaf) for leaf in flatten(tree)[0]]


def deviation(
    got: Any,
    expected: Any,
    tolerance: float,
    error: Any = 0.0,
    *,
    like: Any = None,
    floor: float = 1.0,
) -> Deviation | None:
    """The first way in which two trees differ, or None.

    Parameters
    ----------
    got : tree
        A result, in the caller's arrays.
    expected : tree of numpy.ndarray
        What it should be.
    tolerance : float
        Relative to each entry, and, absolutely, to the largest entry of the leaf or to `floor`.
    error : float or tree
        What `expected` itself may be wrong by, absolutely.
    like : array, optional
        An array of the framework and the device that the leaves of `got` must have.
    floor : float
        Entries that are all smaller are compared with this.
    """
    (ours, kind), (theirs, expected_kind), errors = (
        flatten(got),
        flatten(expected),
        flatten(error)[0],
    )
    if kind != expected_kind:
        detail = "the trees have different structures"
        return Deviation("", f"a tree {kind}", f"a tree {expected_kind}", detail)
    errors = errors if len(errors) > 1 else (error,) * len(theirs)
    worst: tuple[float, Deviation] | None = None
    pairs = zip(paths(expected), ours, theirs, errors, strict=True)
    for name, leaf, want, slack in pairs:
        found = _kind(name, leaf, want, like)
        if found is not None:
            return found
        if framework_of(want) is None:
            continue
        scored = _entries(name, numpy_of(leaf), np.asarray(want), tolerance, slack, floor)
        if scored is not None and (worst is None or scored[0] > worst[0]):
            worst = scored
    return None if worst is None else worst[1]


def _kind(name: str, leaf: Any, want: Any, like: Any) -> Deviation | None:
    """Whether a leaf is an array of the right framework, dtype, shape and device."""
    if is_sparse(leaf):
        leaf = leaf.toarray()
    owner = framework_of(leaf)
    if framework_of(want) is None:
        if leaf is want or bool(leaf == want):
            return None
        return Deviation(name, repr(leaf), repr(want), "an object that is no array differs")
    if owner is None:
        return Deviation(name, f"a {type(leaf).__qualname__}", "an array", "not an array")
    if like is not None and owner is not framework_of(like):
        expected = getattr(framework_of(like), "name", "no framework")
        return Deviation(
            name, f"an array of {owner.name}", f"one of {expected}", "another framework"
        )
    if like is not None and owner.device(leaf) != owner.device(like):
        detail = "another device than that of x"
        return Deviation(name, str(owner.device(leaf)), str(owner.device(like)), detail)
    if owner.is_traced(leaf):
        return Deviation(name, "a traced array", "a finished one", "a trace has leaked")
    a, b = numpy_of(leaf), np.asarray(want)
    if a.shape != b.shape:
        return Deviation(name, f"shape {a.shape}", f"shape {b.shape}", "the shapes differ")
    if a.dtype != b.dtype:
        return Deviation(name, f"dtype {a.dtype}", f"dtype {b.dtype}", "the dtypes differ")
    return None


def _entries(
    name: str, a: Any, b: Any, tolerance: float, error: Any, floor: float
) -> tuple[float, Deviation] | None:
    if not b.size:
        return None
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
        gap = np.where(np.isnan(gap), np.inf, gap)
        scale = max(floor, float(np.max(np.abs(b), initial=0, where=np.isfinite(b))))
        allowed = tolerance * (scale + np.abs(np.where(np.isfinite(b), b, 0.0))) + error
    excess = gap - allowed
    at = np.unravel_index(int(np.argmax(excess)), b.shape)
    if not excess[at] > 0:
        return None
    index = f"[{', '.join(map(str, at))}]" if b.ndim else ""
    wrong = int(np.sum(excess > 0))
    detail = (
        f"differs by {gap[at]:.2g}, allowed {np.broadcast_to(allowed, b.shape)[at]:.2g}; "
        f"{wrong} of {b.size} entries differ"
    )
    entries = repr(a[at].item()), repr(b[at].item())
    found = Deviation(name + index, *entries, detail, float(gap[at]))
    return float(excess[at]), found


def vectors(got: Any, expected: Any) -> Iterator[tuple[Any, Any]]:
    """The two trees as one vector each, then leaf by leaf, where their shapes agree."""
    pairs = list(zip(numpy_leaves(got), numpy_leaves(expected), strict=True))
    pairs = [(a, b) for a, b in pairs if isinstance(b, np.ndarray) and a.shape == b.shape]
    if pairs:
        yield (
            np.concatenate([np.ravel(a) for a, _ in pairs]),
            np.concatenate([np.ravel(b) for _, b in pairs]),
        )
    yield from pairs
