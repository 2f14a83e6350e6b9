"""What a function captured that an engine follows: refused, because its derivative would be lost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from ..arrays.framework import NUMPY, Framework, framework_of
from ..arrays.trees import Leaves
from ..engine.capture import Capture
from ..engine.contract import AbstractBackend
from ..errors import NestedDifferentiationError


def refuse_captured(f: Callable[..., Any], engine: AbstractBackend, what: str) -> None:
    """Raise `NestedDifferentiationError` where variables that f refers to hold traced arrays.

    Functions in its closure are searched too; attributes of objects are not.
    """
    seen: set[int] = set()
    stack: list[Any] = [f]
    while stack:
        function = stack.pop()
        if id(function) in seen:
            continue
        seen.add(id(function))
        capture = Capture(function)
        for value in capture.values():
            refuse_traced(_leaves(value, engine), what)
        own = [value for _, value in capture.cells]
        own += [value for _, (values, _) in capture.defaults for value in values or ()]
        stack += [value for value in own if isinstance(value, FunctionType | MethodType | partial)]


def _leaves(value: Any, engine: AbstractBackend) -> Leaves:
    if isinstance(value, type) or framework_of(value) is NUMPY:
        return ()
    try:
        return engine.flatten(value)[0]
    except (TypeError, ValueError):  # a container whose keys cannot be sorted, say
        return ()


def refuse_traced(leaves: Leaves, what: str) -> None:
    """Raise where a function of plain arrays gave traced ones: it captured what an engine follows."""
    for leaf in leaves:
        framework = framework_of(leaf) or NUMPY
        if framework.is_traced(leaf):
            raise NestedDifferentiationError(
                f"{what} captured a value that {framework.name} is differentiating or compiling, and "
                "whose derivative would be lost; pass it as an argument.",
                outer=framework.name,
            )


def recording(engine: AbstractBackend) -> Framework | None:
    """The engine's framework, if it records even what is done to constants, as inside ``jax.jit``."""
    native = engine.framework
    if native is None:
        return None
    return (
        native if native.is_traced(native.from_numpy(np.zeros((), np.float32), None) + 0) else None
    )
