"""What goes wrong when a solution is followed backwards."""

from __future__ import annotations

from ..implicit.errors import ResidualWarning, SolveError


class BacksolveWarning(ResidualWarning):
    """The solution integrated backwards is not the one integrated forwards, so its adjoint is wrong.

    `residual` is their largest relative distance, `tolerance` the largest accepted one.
    """


__all__ = ["BacksolveWarning", "SolveError"]
