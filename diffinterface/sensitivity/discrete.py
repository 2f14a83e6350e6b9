"""Runge-Kutta in array-API code: what an engine differentiates is the program itself.

The derivative is that of the numbers computed, to rounding, where a continuous adjoint is that of the
exact solution, to the tolerance. Step sizes are chosen from values and are constants to the engine;
the intervals between the times of `ts` are not, so a derivative by ts is right too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..arrays import array_namespace, framework_of
from ..bridge import finished, tracing
from ..errors import InputError
from ..implicit.errors import SolveError
from ..stop import stopped
from ..trees import Leaves

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
    xp = array_namespace(*u0)
    ts = xp.astype(xp.asarray(ts), u0[0].dtype)
    rows = _fixed(f, ts, u0, steps) if method == "rk4" else _adaptive(f, ts, u0, rtol, atol)
    return tuple(xp.stack(column) for column in zip(u0, *rows, strict=True))


def _combined(u: Leaves, h: Any, weights: tuple[float, ...], slopes: list[Leaves]) -> Leaves:
    """``u + h sum w_j k_j``."""
    moved = []
    for k, leaf in enumerate(u):
        terms = [w * s[k] for w, s in zip(weights, slopes, strict=True) if w]
        moved.append(leaf + h * sum(terms[1:], terms[0]) if terms else leaf)
    return tuple(moved)


def _rk4(f: F, t: Any, h: Any, u: Leaves) -> Leaves:
    """One step of the classical method."""
    half = h / 2
    k1 = f(t, u)
    k2 = f(t + half, _combined(u, half, (1.0,), [k1]))
    k3 = f(t + half, _combined(u, half, (1.0,), [k2]))
    k4 = f(t + h, _combined(u, h, (1.0,), [k3]))
    return _combined(u, h / 6, (1.0, 2.0, 2.0, 1.0), [k1, k2, k3, k4])


def _fixed(f: F, ts: Any, u: Leaves, steps: int) -> Iterator[Leaves]:
    for i in range(ts.shape[0] - 1):
        start = ts[i]
        h = (ts[i + 1] - start) / steps
        for k in range(steps):
            u = _rk4(f, start + k * h, h, u)
        yield u


def _adaptive(f: F, ts: Any, u: Leaves, rtol: float, atol: float) -> Iterator[Leaves]:
    """Dormand and Prince's pair; the controller is Hairer, Norsett and Wanner's (II.4)."""
    part = 0.01  # of the interval
    slope = f(ts[0], u)
    taken = 0
    for i in range(ts.shape[0] - 1):
        start, length = ts[i], ts[i + 1] - ts[i]
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
        if i + 2 < ts.shape[0]:  # the same step in the next interval's measure
            ratio = float(_value(length)) / float(_value(ts[i + 2] - ts[i + 1]))
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
