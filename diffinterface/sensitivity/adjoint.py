"""The continuous adjoint of an ODE: one integration backwards, whatever the number of parameters.

For a cotangent c_i of the solution at each time t_i the adjoint obeys ``l' = -(df/du)^T l``, jumps by
c_i at t_i, and gives ``l(t_0) + c_0`` as the gradient by u0 and the integral of ``(df/dp)^T l`` as that
by p: Cao, Li, Petzold and Serban, "Adjoint sensitivity analysis for differential-algebraic equations",
SIAM J. Sci. Comput. 24 (2003). The three variants differ in where u(t) comes from: Ma et al., "A
comparison of automatic differentiation and continuous sensitivity analysis", IEEE HPEC 2021.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any, final

import numpy as np

from ..arrays.trees import Leaves
from ..implicit.errors import SolveError
from ..implicit.kept import once
from .errors import BacksolveWarning
from .integrate import Packing, integrate, tolerances, trajectory
from .ode import Ode, size_like

State = Callable[[float], Any]
Costate = tuple[Any, Any]  # the adjoint, and the integral that is the gradient by p


@final
class Adjoint:
    """The gradients for the cotangents of one solution.

    Parameters
    ----------
    ode : Ode
    ts : numpy.ndarray
        The times of the solution.
    u0, p, data : tuple of numpy.ndarray
        Its arguments.
    """

    def __init__(self, ode: Ode, ts: Any, u0: Leaves, p: Leaves, data: Leaves) -> None:
        self._ode, self._p, self._data = ode, p, data
        self._ts = np.asarray(ts, np.float64)
        self._u0 = u0
        self._state, self._parameters = Packing(u0), Packing(p)
        by_p = 1 / size_like(self._parameters.vector(p))
        self._units = np.concatenate([np.ones(self._state.size), by_p])

    def gradients(self, c: Leaves, variant: str) -> tuple[Leaves, Leaves, Any, Any]:
        """Those by u0 and p; and for the times, the adjoint at t_0 and the solution's rows."""
        rows = np.stack([self._state.vector(leaves) for leaves in zip(*c, strict=True)])
        run = getattr(self, f"_{variant}")
        n = self._state.size
        # The adjoint is linear in c: integrated for cotangents of size one, it keeps the tolerances
        # whatever the units of the loss.
        size = float(np.abs(rows).max()) or 1.0
        if not np.isfinite(size):
            raise SolveError("The cotangents are not finite.", residual=float("nan"))
        start = np.zeros(n), np.zeros(self._parameters.size)
        solution, (costate, quadrature) = run(rows / size, start)
        costate, quadrature = size * costate, size * quadrature
        by_u, by_p = self._state.leaves(costate + rows[0]), self._parameters.leaves(quadrature)
        return by_u, by_p, costate, solution

    # --- the variants ----------------------------------------------------------------------------

    def _interpolating(self, rows: Any, start: Costate) -> tuple[Any, Costate]:
        """u(t) from the interpolant of the forward solution, kept whole."""
        solution, sol = self._solve(self._ts, self._u0, dense_output=True)
        jumps = [k for k in range(1, len(rows)) if np.any(rows[k])]
        for late, early in pairwise(self._ts[[*reversed(jumps), 0]]):
            start = self._back(sol, late, early, self._jump(rows, late, start))
        return solution, start

    def _checkpointed(self, rows: Any, start: Costate) -> tuple[Any, Costate]:
        """u(t) from an interpolant that is computed again between any two checkpoints."""
        ts = self._ts
        even = np.linspace(ts[0], ts[-1], self._ode.options.checkpoints + 1)
        near = 1e-6 * abs(ts[-1] - ts[0])
        apart = [t for t in even if np.abs(ts - t).min() > near]
        grid = np.unique(np.concatenate([ts, apart]))[:: 1 if ts[-1] >= ts[0] else -1]
        states, _ = self._solve(grid, self._u0)
        for k in range(len(grid) - 1, 0, -1):
            late, early = grid[k], grid[k - 1]
            state = self._state.leaves(states[k - 1])
            _, sol = self._solve(grid[k - 1 : k + 1], state, dense_output=True)
            start = self._back(sol, late, early, self._jump(rows, late, start))
        return states[np.isin(grid, ts)], start

    def _backsolve(self, rows: Any, start: Costate) -> tuple[Any, Costate]:
        """u(t) integrated backwards beside the adjoint, from the solution at each time again.

        Warns
        -----
        BacksolveWarning
            If u(t) does not come back to where the forward solution was.

        Raises
        ------
        SolveError
            If it runs away altogether.
        """
        solution, _ = self._solve(self._ts, self._u0)
        allowed = tolerances(self._ode.options, self._u0[0].dtype)
        size = np.abs(solution).max(axis=0) + allowed["atol"]
        worst = 0.0
        for k in range(len(self._ts) - 1, 0, -1):
            late, early = self._ts[k], self._ts[k - 1]
            start = self._jump(rows, late, start)
            state, start = self._back_together(solution[k], late, early, start)
            worst = max(worst, float(np.max(np.abs(state - solution[k - 1]) / size)))
        accepted = float(np.sqrt(allowed["rtol"]))
        if worst > accepted:
            warnings.warn(
                BacksolveWarning(
                    f"Integrated backwards, the solution misses the forward one by {worst:.1e} of its "
                    f"size (accepted: {accepted:.1e}): the ODE is unstable in reverse and the gradient "
                    "wrong to the same degree. Use sensitivity='interpolating' or 'checkpointed'.",
                    residual=worst,
                    tolerance=accepted,
                ),
                stacklevel=2,
            )
        return solution, start

    # --- one integration backwards ---------------------------------------------------------------

    def _solve(self, ts: Any, u0: Leaves, **more: Any) -> Any:
        return once(
            (self._ode, *more),
            (np.asarray(ts), *u0, *self._p, *self._data),
            lambda: trajectory(self._ode, ts, u0, self._p, self._data, **more),
        )

    def _jump(self, rows: Any, t: float, start: Costate) -> Costate:
        """The adjoint just before time t."""
        at = np.flatnonzero(self._ts == t)
        return (start[0] + rows[at[0]], start[1]) if at.size else start

    def _slopes(self, t: float, state: Any, costate: Any) -> tuple[Any, Any]:
        by_u, by_p = self._ode.pull(
            t, self._state.leaves(state), self._p, self._state.leaves(costate), self._data
        )
        return -self._state.vector(by_u), -self._parameters.vector(by_p)

    def _back(self, sol: State, late: float, early: float, start: Costate) -> Costate:
        n = self._state.size

        def f(t: float, y: Any) -> Any:
            return np.concatenate(self._slopes(t, sol(t), y[:n]))

        def jacobian(t: float, y: Any) -> Any:
            return self._linear(t, sol(t))

        whole = np.concatenate(start)
        end = self._end(f, late, early, whole, jacobian=jacobian, units=self._units)
        return end[:n], end[n:]

    def _linear(self, t: float, state: Any) -> Any:
        """The Jacobian of the adjoint system, which is linear: sparse, for its columns by p are zero."""
        from scipy.sparse import csc_matrix, hstack

        J = self._ode.matrix("both", t, self._state.leaves(state), self._p, self._data)
        zeros = csc_matrix((J.shape[1], J.shape[1] - len(J)))
        return hstack([csc_matrix(-J.T), zeros], format="csc")

    def _back_together(
        self, state: Any, late: float, early: float, start: Costate
    ) -> tuple[Any, Costate]:
        n, ode = self._state.size, self._ode
        largest = 1e4 * (np.abs(state).max() + 1.0)
        # The solution may also settle on a branch that it never came from, where the adjoint explodes.
        loudest = (np.abs(start[0]).max() + 1.0) / np.finfo(np.float64).eps

        def f(t: float, y: Any) -> Any:
            u = y[:n]
            slope = self._state.vector(ode.f(t, self._state.leaves(u), self._p, self._data))
            return np.concatenate([slope, *self._slopes(t, u, y[n : 2 * n])])

        def runs_away(t: float, y: Any) -> Any:
            return max(np.abs(y[:n]).max() / largest, np.abs(y[n:]).max() / loudest) - 1.0

        runs_away.terminal = True  # type: ignore[attr-defined]
        units, whole = np.concatenate([np.ones(n), self._units]), np.concatenate([state, *start])
        end = self._end(f, late, early, whole, units=units, events=runs_away)
        return end[:n], (end[n : 2 * n], end[2 * n :])

    def _end(self, f: Any, late: float, early: float, start: Any, **more: Any) -> Any:
        options, dtype = self._ode.options, self._u0[0].dtype
        found = integrate(f, (late, early), start, options, dtype, what="The adjoint", **more)
        if found.t[-1] != early:
            raise SolveError(
                f"Integrated backwards from {late:g}, the solution ran away at {found.t[-1]:g}: the ODE "
                "is unstable in reverse. Use sensitivity='interpolating' or 'checkpointed'.",
                residual=float("inf"),
                reached=float(found.t[-1]),
            )
        return found.y[:, -1]
