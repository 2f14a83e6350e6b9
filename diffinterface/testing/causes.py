"""From a wrong result to its likely cause, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..declare.adtypes import ADType
from .deviation import numpy_leaves, vectors
from .rules import wrong_rules

# Another tree that the result could be by mistake, and what it means if it is.
Alternative = tuple[str, Callable[[], Any]]
_SAME = 1e-6
# Patterns that no single elementary rule makes: where one fits, rules need not be tried.
_WHOLE = ("transposed", "permuted", "the entries", "float32", "the dtype")


def likely_cause(
    got: Any,
    expected: Any,
    backend: ADType | None = None,
    alternatives: Sequence[Alternative] = (),
) -> str:
    """Why a result is probably wrong.

    Parameters
    ----------
    got : tree
        The result.
    expected : tree of numpy.ndarray
        What it should be.
    backend : ADType, optional
        Whose elementary rules to try where the result itself tells nothing.
    alternatives : sequence of (str, callable)
        What else the result could be, in order: a phrase, and the tree that would explain it.

    Examples
    --------
    >>> import numpy as np
    >>> from diffinterface.testing import likely_cause
    >>> a = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> likely_cause(a.T, a)
    'transposed Jacobian: rows and columns are exchanged'
    >>> likely_cause(a / 2, a)
    'a constant factor: the result is 0.5 times what is expected'
    """
    for phrase, other in alternatives:
        if _is(got, other):
            return phrase
    found = next(_patterns(got, expected), "")
    rules = wrong_rules(backend) if backend and not found.startswith(_WHOLE) else ()
    if rules:
        word = "dropped term" if all("dropped" in rule for rule in rules) else "wrong rule"
        return f"{word} of {', '.join(rules)}"
    return found or "a wrong rule or a dropped term: no simple pattern in the difference"


def _is(got: Any, other: Callable[[], Any]) -> bool:
    try:
        pairs = list(zip(numpy_leaves(got), numpy_leaves(other()), strict=True))
    except Exception:  # no such alternative here
        return False
    return bool(pairs) and all(np.shape(a) == np.shape(b) and _same(a, b) for a, b in pairs)


def _same(a: Any, b: Any) -> bool:
    scale = np.max(np.abs(b), initial=0.0)
    return bool(np.all(np.abs(a - b) <= _SAME * scale))


def _patterns(got: Any, expected: Any) -> Iterator[str]:
    ours, theirs = numpy_leaves(got), numpy_leaves(expected)
    if len(ours) != len(theirs):
        return
    arrays = [(a, b) for a, b in zip(ours, theirs, strict=True) if isinstance(b, np.ndarray)]
    for a, b in arrays:
        if a.shape != b.shape:
            yield from _shapes(a, b)
        elif a.dtype != b.dtype:
            single = a.dtype.name in ("float32", "complex64")
            yield (
                "float32 downcast: the result was computed or returned in single precision"
                if single
                else "the dtype of x is not kept: something in f or in a rule promotes it"
            )
    with np.errstate(all="ignore"):
        for a, b in vectors(got, expected):
            yield from _values(a, b)
        for a, b in arrays:
            if a.shape == b.shape:
                yield from _orders(a, b)
        yield from _lost(got, expected)


def _shapes(a: Any, b: Any) -> Iterator[str]:
    if any(_matches_turned(a, b, split) for split in range(1, b.ndim)):
        yield "transposed Jacobian: rows and columns are exchanged"
    elif a.size == b.size:
        yield "the entries have another shape: a missing reshape, or a batch axis in another place"


def _matches_turned(a: Any, b: Any, split: int) -> bool:
    """Whether a is b with its first `split` axes moved behind the others."""
    turned = np.moveaxis(b, range(split), range(b.ndim - split, b.ndim))
    return a.shape == turned.shape and _same(a, turned)


def _values(a: Any, b: Any) -> Iterator[str]:
    """What two vectors tell that differ."""
    if _exactly(a, b):
        return
    if not np.all(np.isfinite(a)) and np.all(np.isfinite(b)):
        yield "not finite: a rule is taken outside its domain (a where with an unused branch, 0/0)"
        return
    if not np.any(a):
        yield "the dependence on x is lost: detached, stopped or converted to a constant"
        return
    scale = np.max(np.abs(b), initial=0.0)
    gap = np.max(np.abs(a - b)) / (scale or 1.0)
    rounded = _single(a) and not _single(b)
    if a.dtype.itemsize >= 8 and gap < 1e-6 and (rounded or gap > 1e-10):
        what = "every entry is a 32-bit number" if rounded else "the difference is of that size"
        yield f"float32 downcast: the result carries the rounding of single precision ({what})"
        return
    if _same(a, -b):
        yield "sign: the result is the negative of what is expected"
    elif np.iscomplexobj(b) and _same(a, np.conj(b)):
        yield "conjugate: the result is the complex conjugate of what is expected"
    else:
        factor = _factor(a, b)
        if factor is not None:
            yield f"a constant factor: the result is {factor:.6g} times what is expected"


def _exactly(a: Any, b: Any) -> bool:
    return bool(np.all((a == b) | (np.isnan(a) & np.isnan(b))))


def _single(a: Any) -> bool:
    """Whether every entry survives a round trip through 32 bits."""
    narrow = np.complex64 if np.iscomplexobj(a) else np.float32
    return bool(np.all(a.astype(narrow).astype(a.dtype) == a))


def _factor(a: Any, b: Any) -> Any:
    norm = np.vdot(b, b)
    if b.size < 2 or not norm:
        return None
    factor = np.vdot(b, a) / norm
    return factor if abs(factor - 1) > _SAME and factor and _same(a, factor * b) else None


def _orders(a: Any, b: Any) -> Iterator[str]:
    """What two arrays of one shape tell whose entries stand in another order."""
    if b.ndim < 2 or _same(a, b):
        if b.ndim == 1 and not _same(a, b) and _same(np.sort(a), np.sort(b)):
            yield "permuted: the right entries in another order"
        return
    if any(_matches_turned(a, b, split) for split in range(1, b.ndim)):
        yield "transposed Jacobian: rows and columns are exchanged"
    elif _same(np.ravel(a), np.ravel(b, order="F")):
        yield "the entries are in column-major order: a reshape that should be row-major"
    elif _same(np.sort(a, axis=None), np.sort(b, axis=None)):
        yield "permuted: the right entries in another order"


def _lost(got: Any, expected: Any) -> Iterator[str]:
    """Entries that are zero where they should not be."""
    for a, b in vectors(got, expected):
        zero, wrong = (a == 0) & (b != 0), np.abs(a - b) > _SAME * np.max(np.abs(b), initial=0.0)
        if np.any(wrong) and np.array_equal(zero & wrong, wrong):
            yield (
                f"dropped term: {int(np.sum(wrong))} entries are zero, and the others are right: part "
                "of what depends on x is lost"
            )
        return
