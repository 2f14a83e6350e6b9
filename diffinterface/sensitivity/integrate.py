"""`scipy.integrate.solve_ivp` on tuples of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np

from ..arrays.trees import Leaves
from ..errors import InputError
from ..implicit.errors import SolveError
from ..implicit.solvers import scipy_module
from .ode import Ode, Options

IMPLICIT = ("Radau", "BDF", "LSODA")


@final
class Packing:
    """Leaves as one float64 vector, and back in their own shapes and dtypes."""

    def __init__(self, leaves: Leaves) -> None:
        self._shapes = [leaf.shape for leaf in leaves]
        self._dtypes = [leaf.dtype for leaf in leaves]
        sizes = [leaf.size for leaf in leaves]
        self.size = sum(sizes)
        self._stops: Any = np.cumsum(sizes)[:-1] if sizes else []

    def vector(self, leaves: Leaves) -> Any:
        if not leaves:
            return np.zeros(0)
        return np.concatenate([np.ravel(leaf) for leaf in leaves]).astype(np.float64, copy=False)

    def leaves(self, vector: Any) -> Leaves:
        """Leaves of a vector; its leading axes are kept."""
        lead = vector.shape[:-1]
        pieces = np.split(vector, self._stops, axis=-1) if self._shapes else []
        return tuple(
            piece.reshape(lead + shape).astype(dtype, copy=False)
            for piece, shape, dtype in zip(pieces, self._shapes, self._dtypes, strict=True)
        )


def check_times(ts: Any) -> None:
    """Raise `InputError` unless the times are a strictly monotonic vector."""
    steps = np.diff(ts) if ts.ndim == 1 else np.zeros(1)
    if ts.ndim != 1 or not ts.size or not (np.all(steps > 0) or np.all(steps < 0)):
        raise InputError(
            f"ts={ts!r}, expected a vector of strictly increasing, or strictly decreasing, times; the "
            "first is that of u0.",
            got=ts,
        )


def tolerances(options: Options, dtype: Any) -> dict[str, float]:
    """``rtol`` and ``atol``: those asked for, or what the dtype is good for.

    Raises
    ------
    InputError
        If ``rtol`` is finer than the dtype.
    """
    eps = float(np.finfo(dtype).eps)
    rtol = options.rtol if options.rtol is not None else (1e-5 if eps > 1e-10 else 1e-7)
    if rtol < eps:
        raise InputError(
            f"rtol={rtol:g} is finer than {np.dtype(dtype).name} resolves, {eps:.1e}; give a wider one, "
            "or u0 in float64.",
            got=rtol,
        )
    atol = options.atol if options.atol is not None else rtol * 1e-2
    return {"rtol": rtol, "atol": atol}


def integrate(
    f: Callable[[float, Any], Any],
    span: tuple[float, float],
    start: Any,
    options: Options,
    dtype: Any,
    *,
    jacobian: Callable[[float, Any], Any] | None = None,
    what: str = "The ODE",
    units: Any = 1.0,
    **more: Any,
) -> Any:
    """`solve_ivp`, whose failure is an error; `units` says in what units ``atol`` is, entry by entry.

    Raises
    ------
    BackendNotInstalledError
        If SciPy is not installed.
    SolveError
        If the integrator gave up, or its answer is not finite.
    """
    engine = scipy_module("integrate", "Solving an ODE")
    if jacobian is not None and options.method in IMPLICIT:
        more["jac"] = jacobian
    allowed = tolerances(options, dtype)
    more |= {"method": options.method, "rtol": allowed["rtol"], "atol": allowed["atol"] * units}
    reached = span[0]

    def followed(t: float, y: Any) -> Any:
        nonlocal reached
        reached = t
        return f(t, y)

    with np.errstate(over="ignore", invalid="ignore"):
        found = engine.solve_ivp(followed, span, start, **options.more, **more)
    if not found.success or not np.all(np.isfinite(found.y)):
        raise SolveError(
            f"{what} could not be integrated from {span[0]:g} to {span[1]:g} (reached {reached:g}): "
            f"{found.message if not found.success else 'the solution is not finite.'} Try "
            "method='Radau', or other tolerances.",
            residual=float("nan"),
            reached=float(reached),
        )
    return found


def trajectory(ode: Ode, ts: Any, u0: Leaves, p: Leaves, data: Leaves, **more: Any) -> Any:
    """The solution at ts, as rows of a float64 matrix; with ``dense_output``, and as a function."""
    check_times(ts)
    packing = Packing(u0)
    times = np.asarray(ts, np.float64)
    if len(times) == 1:
        return packing.vector(u0)[None], None

    def f(t: float, y: Any) -> Any:
        return packing.vector(ode.f(t, packing.leaves(y), p, data))

    def jacobian(t: float, y: Any) -> Any:
        return ode.matrix("u", t, packing.leaves(y), p, data)

    more |= {"jacobian": jacobian, "units": ode.units(u0, p), "t_eval": times}
    span, start = (times[0], times[-1]), packing.vector(u0)
    found = integrate(f, span, start, ode.options, u0[0].dtype, **more)
    return found.y.T, found.sol
