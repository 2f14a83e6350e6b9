"""Implicit functions: solutions of equations, differentiated by the equation and not by the solver."""

from __future__ import annotations

from .errors import ConditionsWarning, LinearSolverWarning, SingularSystemError, SolveError
from .function import ImplicitFunction

__all__ = [
    "ConditionsWarning",
    "ImplicitFunction",
    "LinearSolverWarning",
    "SingularSystemError",
    "SolveError",
]
