"""Steady states: where ``f(u, p) = 0``, and how they move with p."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..arrays.assembly import as_matrix
from ..arrays.framework import finished
from ..arrays.stop import stopped
from ..arrays.trees import Leaves
from ..declare.adtypes import ADType
from ..declare.config import as_adtype
from ..engine.registry import resolve
from ..implicit import ImplicitFunction, SolveError
from ..implicit.solvers import LinearSolver, Representation
from ..operators import value_and_jacobian
from .integrate import Packing


def steady_state(
    f: Callable[..., Any],
    u0: Any,
    p: Any,
    *,
    t: float = 0.0,
    solve: Callable[..., Any] | None = None,
    backend: ADType | str | None = None,
    representation: Representation = "matrix",
    linear_solver: LinearSolver = None,
    **options: Any,
) -> Any:
    """The steady state of ``u' = f(t, u, p)`` near u0, as a function of p.

    Any engine may differentiate it by p: the derivatives are those of the equation ``f = 0``, by the
    implicit function theorem, without any integration.

    Parameters
    ----------
    f : callable
        ``f(t, u, p)``, over the arrays of `backend`; gives a tree like u.
    u0 : tree of array
        A first guess. The state found is a zero of f near it, whether it attracts or not.
    p : tree
        Parameters.
    t : float
        The time at which f is taken.
    solve : callable, optional
        ``u = solve(p)``, instead of `scipy.optimize.root` from u0.
    backend : ADType or str or None
        The engine that differentiates f.
    representation, linear_solver, **options
        Those of `diffinterface.implicit.ImplicitFunction`.

    Returns
    -------
    tree of array
        Like u0.

    Raises
    ------
    SolveError
        If no steady state was found.
    SingularSystemError
        If it is not isolated, as where a quantity is conserved.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> from diffinterface.sensitivity import steady_state
    >>> logistic = lambda t, u, p: u * (p - u)
    >>> state = lambda p: steady_state(logistic, np.array([2.5]), p, backend="forwarddiff")
    >>> np.round(di.jacobian(state, "forwarddiff", np.array([3.0])), 6)
    array([[1.]])
    """
    adtype = as_adtype(backend)

    def conditions(p: Any, u: Any) -> Any:
        return f(t, u, p)

    implicit = ImplicitFunction(
        solve or partial(_root, conditions, adtype, u0),
        conditions,
        backend=adtype,
        representation=representation,
        linear_solver=linear_solver,
        **{"like": u0, **options},
    )
    return implicit(p)


def steady_state_sensitivity(
    f: Callable[..., Any], u0: Any, p: Any, *, backend: ADType | str | None = None, **options: Any
) -> tuple[Any, Any]:
    """The steady state of ``u' = f(t, u, p)`` near u0, and its derivatives by p.

    Parameters
    ----------
    f, u0, p, backend, **options
        Those of `steady_state`.

    Returns
    -------
    tuple
        The state, like u0, and its Jacobian by p, leafwise ``(*u.shape, *p.shape)``.

    Raises
    ------
    SolveError
        If no steady state was found.
    SingularSystemError
        If it is not isolated, as where a quantity is conserved.

    Examples
    --------
    >>> import numpy as np
    >>> from diffinterface.sensitivity import steady_state_sensitivity
    >>> logistic = lambda t, u, p: u * (p - u)
    >>> u, du = steady_state_sensitivity(logistic, 2.5, 3.0, backend="forwarddiff")
    >>> np.round(u, 6), np.round(du, 6)
    (np.float64(3.0), np.float64(1.0))
    """
    adtype = as_adtype(backend)
    return value_and_jacobian(
        lambda p: steady_state(f, u0, p, backend=adtype, **options), adtype, p
    )


def _root(conditions: Callable[..., Any], adtype: ADType, guess: Any, p: Any) -> Any:
    """By Powell's hybrid method, with the Jacobian of the engine."""
    from scipy.optimize import root

    leaves, structure = resolve(adtype).flatten(guess)
    leaves = tuple(finished(stopped(leaf)) for leaf in leaves)
    packing = Packing(leaves)

    def flat(u: Leaves, p: Any) -> Leaves:
        return resolve(adtype).flatten_output(conditions(p, structure.unflatten(u)))[0]

    def both(v: Any) -> tuple[Any, Any]:
        value, blocks = value_and_jacobian(flat, adtype, packing.leaves(v), p)
        return packing.vector(value), as_matrix(blocks, value, leaves)

    found = root(both, packing.vector(leaves), jac=True, tol=1e-12)
    residual = float(np.linalg.norm(found.fun))
    if not (found.success or residual <= 1e-8 * (1 + np.linalg.norm(found.x))):
        raise SolveError(
            f"No steady state was found from the guess given: {found.message} Pass a better guess, or "
            "solve=.",
            residual=residual,
        )
    return structure.unflatten(packing.leaves(found.x))
