"""What detection refuses, and what to write instead."""

from __future__ import annotations

from diffinterface.errors import DiffInterfaceError

from .native import native_detector


class DetectionError(DiffInterfaceError, TypeError):
    """A pattern cannot be found: `operation` says at what f stopped being traceable."""


class UnknownFunctionError(DetectionError):
    """A function that the tracer has no rule for; `function` names it."""


class ValueDependenceError(DetectionError):
    """The program of f depends on the values of x, so that no pattern holds for all of them."""


def conversion(operation: str) -> DetectionError:
    """The tracer met something that keeps values only."""
    return DetectionError(
        f"Sparsity detection met {operation}, after which nobody knows what depends on x. Write np.sin "
        "for math.sin, np.zeros_like(x) for np.zeros(n) as a buffer, np.stack([...]) for "
        "np.array([...]), or take functions from di.array_namespace(x). Otherwise give "
        'KnownPattern(pattern), JaxprDetector() for JAX code, or TracerDetector(unknown="dense").',
        operation=operation,
    )


def unknown(function: str, why: str = "has no sparsity rule") -> UnknownFunctionError:
    """A function without a rule."""
    return UnknownFunctionError(
        f"{function} {why}. Write it in other functions, or give KnownPattern(pattern), "
        'DenseDetector(), or TracerDetector(unknown="dense"), which counts it as dependent on '
        "every input.",
        function=function,
        operation=function,
    )


def foreign(function: str, library: str) -> UnknownFunctionError:
    """A function of another framework."""
    other = native_detector(library)
    instead = (
        "Take functions from di.array_namespace(x) in f, or give KnownPattern(pattern)"
        if other is None
        else f"Use {other!r} for it"
    )
    return UnknownFunctionError(
        f"Sparsity detection met {function}, a function of {library}, which the tracer cannot enter. "
        f"{instead}, or DenseDetector().",
        function=function,
        operation=function,
    )


def branching(operation: str) -> ValueDependenceError:
    """Control flow on values."""
    return ValueDependenceError(
        f"Sparsity detection met {operation} of a value that depends on x (or on a context that is "
        "data): the pattern may differ from point to point. Write np.where or np.maximum for the "
        'branch, wrap a context in di.Static, or use TracerDetector(mode="local") for a pattern '
        "that holds at x alone.",
        operation=operation,
    )
