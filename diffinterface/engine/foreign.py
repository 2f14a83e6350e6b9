"""What f captured of another engine's derivative: the error that says so, instead of what NumPy said.

An engine meets such a value only inside f, where nobody can hand it over a bridge. Nothing is looked for
unless f has failed.
"""

from __future__ import annotations

import dis
from collections.abc import Callable
from typing import Any

from ..arrays.framework import NUMPY, framework_of
from ..arrays.trees import Leaves
from ..errors import DiffInterfaceError, NestedDifferentiationError
from .capture import Captured, reached, same_module_or_held

_RAISE = dis.opmap["RAISE_VARARGS"]


def refuse_foreign(f: Callable[..., Any], backend: Any, x: Leaves, error: Exception) -> None:
    """Raise `NestedDifferentiationError` where f failed at a foreign value that it captured.

    What f raised by itself is its own matter.
    """
    captured = Captured(f, follows=same_module_or_held)
    if not isinstance(error, DiffInterfaceError) and not _is_own(error, captured):
        # An engine without arrays of its own computes with whatever x can be multiplied with.
        _refuse(captured, backend, () if backend.framework is not None else x[:1], error)


def refuse_output(f: Callable[..., Any], backend: Any, leaf: Any) -> None:
    """The same where f returned a foreign array to an engine that computes with arrays of its own."""
    if backend.framework not in (None, NUMPY) and _is_foreign(leaf, backend):
        _refuse(Captured(f, follows=same_module_or_held), backend)


def _refuse(
    captured: Captured, backend: Any, beside: Leaves = (), error: Exception | None = None
) -> None:
    found = captured.traced(
        lambda value: (
            leaf
            for leaf in reached(value)
            if _is_foreign(leaf, backend) and not any(_mix(a, leaf) for a in beside)
        )
    )
    if found is None:
        return
    name, _, framework = found
    remedy = (
        f"Give x as an array of {framework.name} too: this engine computes with the arrays it is given."
        if backend.framework is None
        else f"Pass it as a context: f(x, {name}), called with {name} as a further argument."
    )
    raise NestedDifferentiationError(
        f"f captured {name!r}, which {framework.name} is differentiating or compiling. "
        f"{backend.adtype!r} cannot compute with it, and its derivative would be lost. {remedy}",
        outer=framework.name,
        inner=backend.adtype,
        captured=name,
    ) from error


def _is_foreign(leaf: Any, backend: Any) -> bool:
    """Whether an engine is tracing an array, and not one whose arrays `backend` takes."""
    framework = framework_of(leaf)
    if framework is None or framework is backend.framework or framework.name in backend.accepts:
        return False
    return framework.is_traced(leaf)


def _mix(x: Any, leaf: Any) -> bool:
    """Whether an array can be multiplied with `leaf`."""
    if framework_of(x) is framework_of(leaf):
        return True
    try:
        x.reshape((-1,))[:1] * leaf.reshape((-1,))[:1]
    except Exception:  # of whatever class the engines raise
        return False
    return True


def _is_own(error: Exception, captured: Captured) -> bool:
    """Whether f raised the error by a statement of its own, or could not be called at all."""
    trace: Any = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    frame, modules = trace.tb_frame, {function.__module__ for function, *_ in captured.functions}
    name = frame.f_globals.get("__name__", "")
    is_raise = frame.f_code.co_code[trace.tb_lasti] == _RAISE
    return name.partition(".")[0] == __name__.partition(".")[0] or (is_raise and name in modules)
