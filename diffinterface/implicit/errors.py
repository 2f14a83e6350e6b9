"""What goes wrong with implicit functions and solvers; each carries the residual."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DiffInterfaceError


class SingularSystemError(DiffInterfaceError, np.linalg.LinAlgError):
    """The conditions do not determine y near the solution: no derivative exists.

    `rcond` is the reciprocal condition number of the scaled matrix, `residual` the norm of the
    conditions at the solution.
    """


class SolveError(DiffInterfaceError, ArithmeticError):
    """A solver gave no usable answer; `residual` holds what is known of its error."""


class ResidualWarning(UserWarning):
    """A warning with its facts as attributes."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.__dict__.update(facts)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__} carries no {name!r}")


class ConditionsWarning(ResidualWarning):
    """The solution does not satisfy the conditions.

    `residual` is their norm, `scale` that of the terms that ought to cancel, `tolerance` the largest
    accepted ratio of the two.
    """


class LinearSolverWarning(ResidualWarning):
    """An iterative linear solver stopped early.

    `residual` is the relative residual that it left, `tolerance` the largest accepted one.
    """
