"""Derivatives of the solutions of ordinary differential equations."""

from __future__ import annotations

from .errors import BacksolveWarning, SolveError
from .gradients import CostGradient, ForwardSensitivity, adjoint_sensitivity, forward_sensitivity
from .odeint import odeint
from .steady import steady_state, steady_state_sensitivity

__all__ = [
    "BacksolveWarning",
    "CostGradient",
    "ForwardSensitivity",
    "SolveError",
    "adjoint_sensitivity",
    "forward_sensitivity",
    "odeint",
    "steady_state",
    "steady_state_sensitivity",
]
