"""A call among other things: arrays that others have laid out, derivatives that others take of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arrays.namespace import array_namespace
from ..arrays.trees import flatten, map_leaves
from ..declare.adtypes import ADType, AutoFiniteDiff, AutoForwardDiff
from ..errors import DiffInterfaceError
from ..operators import derivative
from .callers import NUMPY
from .cell import Cell
from .deviation import is_sparse, numpy_leaves
from .scenario import operator_named
from .seeds import seed_like

# Beside what a lost term does, this is nothing; of differences of differences little is exact.
_EXACT, _ROUGH = 1e-5, 5e-2


# --- arrays as others have laid them out ---------------------------------------------------------


def check_layout(cell: Cell) -> None:
    """Arrays in column-major order, views with strides, and read-only arrays give the same."""
    if cell.caller.framework != "numpy":
        return
    here = cell.scenario.here
    prep = cell.prepare(cell.scenario.there)
    for what, lay in (
        ("in column-major order", np.asfortranarray),
        ("with negative strides", _strided),
        ("that are read-only", _locked),
    ):
        x, *others = cell.given(here)
        given = [_laid(x, lay), *others]
        if cell.scenario.seeded:
            given[1] = _laid(given[1], lay)
        cell.expect(f"prepared, arrays {what}", prep(*given), here)
        cell.expect(f"without preparation, arrays {what}", cell.at(*given), here)


def _laid(tree: Any, lay: Any) -> Any:
    return map_leaves(lambda a: lay(a) if isinstance(a, np.ndarray) and a.ndim else a, tree)


def _strided(a: np.ndarray) -> np.ndarray:
    """The same entries, backwards in memory, with gaps between them."""
    buffer = np.full([2 * n for n in a.shape], 0.5, a.dtype)
    view = buffer[tuple(slice(None, None, -2) for _ in a.shape)]
    view[...] = a
    return view


def _locked(a: np.ndarray) -> np.ndarray:
    copy = a.copy()
    copy.flags.writeable = False
    return copy


# --- derivatives taken of the call ---------------------------------------------------------------


def check_nested(cell: Cell) -> None:
    """An engine around the call sees how the result depends on x and on what f captured, or refuses.

    The engines around are dual numbers and the backend itself; what they must find is told by
    extrapolated differences of the results.
    """
    if not _plain(cell):
        return
    exact = cell.entry.first[0] <= 1e-11
    for what, through in _losses(cell):
        expected = float(
            np.asarray(derivative(through, AutoFiniteDiff("richardson"), 1.0, *_data(cell)))
        )
        allowed = (_EXACT if exact else _ROUGH) * max(1.0, abs(expected))
        for outer in (AutoForwardDiff(), cell.entry.adtype):
            got = _around(through, outer, cell)
            if got is None or abs(got - expected) <= allowed:
                continue
            lost = abs(got) <= allowed
            cell.fail(
                f"inside a derivative by {outer!r}, {what}",
                f"got {got:.6g}, expected {expected:.6g}, by differences of the results",
                f"what surrounds the call does not see {what}" if lost else "",
            )


def _plain(cell: Cell) -> bool:
    """Whether the scenario has nothing but real NumPy arrays, and a result that is not empty."""
    scenario = cell.scenario
    result = cell.once(scenario.here)
    arrays = [*numpy_leaves(scenario.x), *numpy_leaves(result)]
    return (
        cell.caller == NUMPY
        and not is_sparse(result)
        and not scenario.contexts
        and not scenario.options
        and all(isinstance(a, np.ndarray) and a.dtype == np.float64 and a.size for a in arrays)
    )


def _data(cell: Cell) -> tuple[Any, ...]:
    """The weights of the loss, the point and the seed: data to what surrounds the call."""
    here = cell.scenario.here
    weights = tuple(map(seed_like, numpy_leaves(cell.once(here))))
    return (weights, here.x, here.tangent) if cell.scenario.seeded else (weights, here.x)


def _losses(cell: Cell) -> Iterator[tuple[str, Any]]:
    """Scalar functions of a scale s, with the call inside."""
    f, adtype = cell.scenario.f, cell.entry.adtype
    operator = operator_named(cell.scenario.operator)

    def weighted(result: Any, weights: Any) -> Any:
        pairs = zip(flatten(result)[0], weights, strict=True)
        return sum(array_namespace(a).sum(a * w) for a, w in pairs)

    def at(s: Any, weights: Any, x: Any, *seed: Any) -> Any:
        scaled = map_leaves(lambda a: s * a, x)
        return weighted(operator(f, adtype, scaled, *seed), weights)

    def captured(s: Any, weights: Any, x: Any, *seed: Any) -> Any:
        def of_scaled(u: Any) -> Any:
            return f(map_leaves(lambda a: s * a, u))

        return weighted(operator(of_scaled, adtype, x, *seed), weights)

    yield "how its result depends on x", at
    yield "how its result depends on what f captured", captured


def _around(through: Any, outer: ADType, cell: Cell) -> float | None:
    """The derivative by an engine, or None where it, or a framework inside, refuses."""
    try:
        got = derivative(through, outer, 1.0, *_data(cell))
    except (DiffInterfaceError, TypeError, RuntimeError, Warning):  # those that are made errors
        return None
    return float(np.asarray(got))
