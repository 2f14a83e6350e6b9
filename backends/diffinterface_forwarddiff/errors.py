"""What a Dual refuses, and what to write instead."""

from __future__ import annotations

from diffinterface.extend import DiffInterfaceError


class DualConversionError(DiffInterfaceError, TypeError):
    """A Dual met something that keeps values only; `operation` says what."""

    def __init__(self, operation: str) -> None:
        super().__init__(
            f"A dual number met {operation}, which would lose its derivative. Write np.sin(x) for "
            "math.sin(x), np.zeros_like(x) for np.zeros(n) as a buffer, np.stack([...]) for "
            "np.array([...]), di.special.logsumexp for SciPy's, or take functions from "
            "di.array_namespace(x).",
            operation=operation,
        )


class MissingRuleError(DiffInterfaceError, TypeError):
    """A function without a derivative rule; `function` names it."""

    def __init__(self, function: str, why: str = "has no derivative rule for dual numbers") -> None:
        super().__init__(
            f"{function} {why}. Define one with di.extend.defrule, or use another backend.",
            function=function,
        )
