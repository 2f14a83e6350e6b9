"""Runge-Kutta in array-API code: what an engine differentiates is the program itself.

The derivative is that of the numbers computed, to rounding, where a continuous adjoint is that of the
exact solution, to the tolerance. Step sizes are chosen from values and are constants to the engine;
the intervals between the times of `ts` are not, so a derivative by ts is right too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..arrays.framework import NUMPY, finished, framework_of
from ..arrays.namespace import array_namespace
from ..arrays.perturbations import tracing
from ..arrays.stop import stopped
from ..arrays.trees import Leaves
from ..errors import InputError
from ..implicit.errors import SolveError

F = Callable[[Any, Leaves], Leaves]

#: The tableau of J. R. Dormand and P. J. Prince, J. Comput. Appl. Math. 6 (1980), as rows of nodes,
#: stages and, last, the weights of the error estimate.
_NODES = (0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1)
_STAGES = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERROR = (71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
_MOST_STEPS = 100_000


def solve(f: F, ts: Any, u0: Leaves, method: str, steps: int, rtol: float, atol: float) -> Leaves:
    """The solution at ts, as arrays of the caller's; each leaf ``(len(ts), *u0.shape)``."""
    foreign = [leaf for leaf in (ts, *u0) if framework_of(leaf) is not NUMPY]
    xp = array_namespace(*(foreign or u0))
    ts, *state = (xp.asarray(a) if framework_of(a) is NUMPY else a for a in (ts, *u0))
    ts, u0 = xp.astype(ts, state[0].dtype), tuple(state)
    if ts.shape[0] == 1:
        return tuple(leaf[None, ...] for leaf in u0)
    if method == "rk4":
        later = _fixed(f, ts, u0, steps)
    else:
        rows = list(_adaptive(f, ts, u0, rtol, atol))
        later = tuple(xp.stack(column) for column in zip(*rows, strict=True))
    return tuple(map(_joined, u0, later))


def _joined(first: Any, later: Any) -> Any:
    return array_namespace(first, later).concat([first[None, ...], later])


def _combined(u: Leaves, h: Any, weights: tuple[float, ...], slopes: list[Leaves]) -> Leaves:
    """``u + h sum w_j k_j``."""
    moved = []
    for k, leaf in enumerate(u):
        terms = [w * s[k] for w, s in zip(weights, slopes, strict=True) if w]
        moved.append(leaf + h * sum(terms[1:], terms[0]) if terms else leaf)
    return tuple(moved)


def _fixed(f: F, ts: Any, u: Leaves, steps: int) -> Leaves:
    """The classical method, in equal steps between any two times: the solution at all but the first."""
    xp = array_namespace(ts, *u)
    start, length = ts[:-1], ts[1:] - ts[:-1]
    halves = xp.astype(xp.arange(2 * steps + 1), ts.dtype) / (2 * steps)
    times = start[:, None] + length[:, None] * halves
    nodes = xp.stack([times[:, :-1:2], times[:, 1::2], times[:, 2::2]], axis=2)
    f = (framework_of(u[0]) or NUMPY).recomputed(f)

    def interval(u: Leaves, row: Any) -> tuple[Leaves, Leaves]:
        nodes, h = row

        def step(u: Leaves, row: Any) -> tuple[Leaves, Leaves]:
            return _rk4(f, row[0], h, u), ()

        u, _ = _scan(step, u, (nodes,))
        return u, u

    _, later = _scan(interval, u, (nodes, _numbers(length / steps)))
    return later


def _rk4(f: F, at: Any, h: Any, u: Leaves) -> Leaves:
    """One step, of size h, whose start, middle and end are the times `at`."""
    half, sixth = h / 2, h / 6
    start, middle, end = (at[k, ...] for k in range(3))
    k1 = f(start, u)
    k2 = f(middle, tuple(a + half * k for a, k in zip(u, k1, strict=True)))
    k3 = f(middle, tuple(a + half * k for a, k in zip(u, k2, strict=True)))
    k4 = f(end, tuple(a + h * k for a, k in zip(u, k3, strict=True)))
    slopes = zip(u, k1, k2, k3, k4, strict=True)
    return tuple(x + sixth * (a + 2 * (b + c) + d) for x, a, b, c, d in slopes)


def _numbers(h: Any) -> Any:
    """Step sizes as Python numbers where they are known and no loop of a framework takes them.

    On a tape a product with a number costs half of one with an array.
    """
    plain = tracing((h,)) is None and (framework_of(h) or NUMPY).scan is None
    return [float(value) for value in finished(h)] if plain else h


def _scan(step: Any, carry: Leaves, xs: tuple[Any, ...]) -> tuple[Leaves, Leaves]:
    """``carry, y = step(carry, row)`` for each row of xs: the last carry, and the ys stacked.

    A framework that compiles may offer a loop of its own, ``Framework.scan``; elsewhere it is unrolled.
    """
    owner = framework_of(carry[0]) or NUMPY
    if owner.scan is not None:
        return owner.scan(step, carry, xs)
    rows = []
    for i in range(len(xs[0])):
        carry, y = step(carry, tuple(part[i] for part in xs))
        rows.append(y)
    xp = array_namespace(*carry)
    return carry, tuple(xp.stack(column) for column in zip(*rows, strict=True))


def _adaptive(f: F, ts: Any, u: Leaves, rtol: float, atol: float) -> Iterator[Leaves]:
    """Dormand and Prince's pair; the controller is Hairer, Norsett and Wanner's (II.4)."""
    part = 0.01  # of the interval
    slope = f(ts[0], u)
    taken = 0
    lengths = _numbers(ts[1:] - ts[:-1])
    for i in range(len(lengths)):
        start, length = ts[i, ...], lengths[i]
        done = 0.0
        while done < 1.0:
            part = min(part, 1.0 - done)
            last = done + part >= 1.0 - 1e-12
            h = part * length
            slopes = [slope]
            for node, row in zip(_NODES[1:], _STAGES[1:], strict=True):
                moved = _combined(u, h, row, slopes)
                slopes.append(f(start + (done + node * part) * length, moved))
            error = _size(u, moved, h, slopes, rtol, atol)
            if error <= 1.0:
                done, u, slope = (1.0 if last else done + part), moved, slopes[-1]
            part = part * min(5.0, max(0.2, 0.9 * max(error, 1e-10) ** -0.2))
            taken += 1
            if not np.isfinite(error) or taken > _MOST_STEPS or part < 1e-14:
                raise SolveError(
                    f"The step size of dopri5 collapsed in interval {i} of ts, after {taken} steps: "
                    "the ODE is stiff or its solution is not finite. Use a continuous sensitivity "
                    "with method='Radau'.",
                    residual=float(error),
                )
        yield u
        if i + 1 < len(lengths):  # the same step in the next interval's measure
            ratio = float(_value(length)) / float(_value(lengths[i + 1]))
            part = min(1.0, part * abs(ratio))


def _size(
    u: Leaves, moved: Leaves, h: Any, slopes: list[Leaves], rtol: float, atol: float
) -> float:
    """The error estimate in units of what is tolerated, root mean square."""
    step, total, count = float(_value(h)), 0.0, 0
    for k, (old, new) in enumerate(zip(u, moved, strict=True)):
        estimate = step * sum(w * _value(s[k]) for w, s in zip(_ERROR, slopes, strict=True) if w)
        allowed = atol + rtol * np.maximum(np.abs(_value(old)), np.abs(_value(new)))
        total += float(np.sum((estimate / allowed) ** 2))
        count += estimate.size
    return float(np.sqrt(total / max(count, 1)))


def _value(leaf: Any) -> Any:
    leaf = stopped(leaf)
    if tracing((leaf,)) is not None:
        framework = framework_of(leaf)
        assert framework is not None
        raise InputError(
            f"dopri5 chooses its steps by values, which {framework.name} does not know while it traces "
            "or maps a program; use method='rk4', or a continuous sensitivity.",
            got=leaf,
        )
    return finished(leaf)
