"""What the complex step refuses, and what to write instead."""

from __future__ import annotations

from diffinterface.extend import NonAnalyticError


def refuse(what: str) -> NonAnalyticError:
    """The error for a function that has no analytic extension."""
    return NonAnalyticError(
        f"The complex step met {what}, which is not analytic (or not known to be). "
        "Use AutoForwardDiff(), or write f with analytic functions of x only.",
        function=what,
    )
