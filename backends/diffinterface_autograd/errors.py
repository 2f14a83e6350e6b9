"""What autograd cannot differentiate, and what to write instead."""

from __future__ import annotations

from typing import Any

from diffinterface.extend import OutputError, UnsupportedOperatorError


class MissingRuleError(UnsupportedOperatorError):
    """Autograd has no rule for an operation in f, or none that covers the call; `function` names it."""

    def __init__(self, function: str, rule: str) -> None:
        super().__init__(
            f"autograd has no {rule} for {function}. Define one (autograd.extend.defvjp, defjvp), write "
            "f without it, or use another backend.",
            function=function,
            operator=rule,
        )


def lost_derivative(what: str, got: Any = None) -> OutputError:
    """f built an array of boxes, through which autograd does not see."""
    return OutputError(
        f"Under AutoAutograd {what}: to NumPy's own functions boxes are just objects. Write "
        "autograd.numpy.array([...]), stack, where, concatenate and so on (import autograd.numpy as "
        "np), or take functions from di.array_namespace(x).",
        got=got,
    )


def overwritten() -> OutputError:
    """An array that f computed with holds other values now."""
    return OutputError(
        "An array that f computed with was overwritten before autograd pulled back through f, so its "
        "derivative would be taken at other values. Let f make a new array (w = w + 1 for w += 1, "
        "di.Cache for scratch memory), or prepare anew after changing a captured array."
    )


def explain(error: Exception) -> None:
    """Add to an error that Python or NumPy raised about a box what to write instead."""
    if "Box" in str(error) or "setting an array element with a sequence" in str(error):
        error.add_note(
            "Under AutoAutograd f gets boxes, and float(), math.*, .item() or writing into an array "
            "would lose their derivative. Use autograd.numpy, or the functions of "
            "di.array_namespace(x); build arrays with stack or where, or write into di.Cache memory."
        )
