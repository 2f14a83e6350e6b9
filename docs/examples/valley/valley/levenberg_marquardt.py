"""Nonlinear least squares: the Jacobian is never formed, only multiplied with."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np
from scipy.sparse.linalg import lsqr

import diffinterface as di

from .result import NotConvergedError, Result


def levenberg_marquardt(
    residuals: Callable[..., Any],
    x: Any,
    *data: Any,
    backend: di.ADType | str | None = None,
    tolerance: float = 1e-8,
    most_steps: int = 100,
) -> Result:
    """A local minimum of half the sum of squares of ``residuals(x, *data)``.

    Parameters
    ----------
    residuals : callable
        Smooth; gives a vector.
    x : numpy.ndarray
        Where to start: a vector.
    *data : any
        Further arguments of `residuals`.
    backend : ADType or str or None
        The AD engine; None means the one that the user has configured.
    tolerance : float
        For the norm of the gradient ``J^T r``.
    most_steps : int
        After which to give up.

    Raises
    ------
    NotConvergedError
        If the tolerance is not reached.

    Notes
    -----
    The damping follows H. B. Nielsen, *Damping parameter in Marquardt's method*, report IMM-REP-1999-05,
    Technical University of Denmark, 1999; each step is a damped linear problem for LSQR.
    """
    x = np.array(x, dtype=float)
    r = np.asarray(di.evaluate(residuals, backend, x, *data))
    jacobian = di.linear_operator(residuals, backend, x, *data)
    damping, growth = 1e-3 * float(np.linalg.norm(jacobian.rmatvec(r))), 2.0
    for steps in range(most_steps + 1):
        g = jacobian.rmatvec(r)
        here = Result(x, float(r @ r) / 2, float(np.linalg.norm(g)), steps)
        if not isfinite(here.value + here.slope):
            raise NotConvergedError("the residuals or their Jacobian are not finite", here)
        if here.slope <= tolerance:
            return here
        step = lsqr(jacobian, -r, damp=np.sqrt(damping), atol=1e-12, btol=1e-12)[0]
        promised = float(step @ (damping * step - g)) / 2
        there = np.asarray(di.evaluate(residuals, backend, x + step, *data))
        gain = (here.value - float(there @ there) / 2) / promised if promised > 0 else -1.0
        if gain > 0:  # false for NaN too
            x, r = x + step, there
            jacobian = di.linear_operator(residuals, backend, x, *data)
            damping *= max(1 / 3, 1 - (2 * gain - 1) ** 3)
            growth = 2.0
        else:
            damping, growth = damping * growth, 2 * growth
    raise NotConvergedError("the tolerance is not reached", here)
