"""Forward sensitivities: the ODE and its derivatives by u0 and p, integrated as one system.

``S' = df/du S + df/dp P``, for all directions at once: Dickinson and Gelinas, "Sensitivity analysis of
ordinary differential equation systems", J. Comput. Phys. 21 (1976). The products are pushforwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.trees import Leaves
from ..implicit.errors import SolveError
from ..implicit.kept import once
from .integrate import Packing, check_times, integrate
from .ode import Ode, size_like


def sensitivities(ode: Ode, ts: Any, u0: Leaves, p: Leaves, data: Leaves) -> tuple[Any, Any]:
    """The solution ``(T, n)`` and its derivatives ``(T, n, n + m)`` by the entries of u0 and p."""
    check_times(ts)
    state, parameters = Packing(u0), Packing(p)
    n, count = state.size, state.size + parameters.size
    times = np.asarray(ts, np.float64)
    start = np.eye(n, count)
    if len(times) == 1:
        return state.vector(u0)[None], start[None]
    along_p = parameters.leaves(np.eye(count, parameters.size, -n))
    by = size_like(state.vector(u0)), size_like(parameters.vector(p))
    units = np.concatenate([np.ones(n), np.tile(1 / np.concatenate(by), n)])

    def f(t: float, y: Any) -> Any:
        u = state.leaves(y[:n])
        s = state.leaves(y[n:].reshape(n, count).T)
        value, pushed = ode.push(t, u, p, (s, along_p), data)
        rows = np.concatenate([np.reshape(leaf, (count, -1)) for leaf in pushed], axis=1)
        return np.concatenate([state.vector(value), np.ravel(rows.T)])

    def jacobian(t: float, y: Any) -> Any:
        """Block diagonal: what S' gains from u is left to the iterations."""
        from scipy.sparse import block_diag, csc_matrix, identity, kron

        J = csc_matrix(ode.matrix("u", t, state.leaves(y[:n]), p, data))
        return block_diag([J, kron(J, identity(count))], format="csc")

    span, both = (times[0], times[-1]), np.concatenate([state.vector(u0), np.ravel(start)])
    more: Any = {"jacobian": jacobian} if ode.options.method != "LSODA" else {}
    more |= {"what": "The extended system", "units": units, "t_eval": times}
    found = integrate(f, span, both, ode.options, u0[0].dtype, **more)
    rows = found.y.T
    return rows[:, :n], rows[:, n:].reshape(len(times), n, count)


def columns(
    ode: Ode, ts: Any, u0: Leaves, p: Leaves, data: Leaves, c: Leaves
) -> tuple[Leaves, Leaves, Any, Any]:
    """The gradients by u0 and p of the cotangents c; the adjoint at the first time, and the solution."""
    arrays = np.asarray(ts), *u0, *p, *data
    solution, S = once(ode, arrays, lambda: sensitivities(ode, ts, u0, p, data))
    state, parameters = Packing(u0), Packing(p)
    n = state.size
    rows = np.stack([state.vector(leaves) for leaves in zip(*c, strict=True)])
    gradient = np.einsum("ti,tij->j", rows, S)
    if not np.all(np.isfinite(gradient)):
        raise SolveError("The forward sensitivities are not finite.", residual=float("nan"))
    by_u, by_p = state.leaves(gradient[:n]), parameters.leaves(gradient[n:])
    return by_u, by_p, gradient[:n] - rows[0], solution
