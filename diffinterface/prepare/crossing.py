"""Operators at arrays that another engine is tracing: through the bridge, where not natively.

The whole operator becomes one function that keeps its own engine; the outer engine differentiates it
through the bridge, and the derivatives of the operator are again natively nested calls of that engine.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, final

import numpy as np

from ..arrays.facts import NUMBERS
from ..arrays.trees import map_leaves
from ..compose.mixed_mode import FORWARD
from ..declare.adtypes import MixedMode
from ..declare.config import setting
from ..declare.contexts import Constant
from ..engine.conversion import CrossingError, crossing
from ..engine.registry import resolve
from ..errors import NestedDifferentiationError
from ..nest.with_engine import DifferentiateWith
from .call import Call
from .request import Request
from .signature import Flat, flatten_any

_log = logging.getLogger("diffinterface.nesting")


def bind(
    request: Request, x: Any, contexts: tuple[Any, ...], t: Any
) -> tuple[Call | BridgedCall, tuple[Any, ...]]:
    """The call of a request, native or over the bridge, and the arguments as it takes them."""
    backend = resolve(request.adtype)
    flat = Flat.of(request.operator.tangent, backend.flatten, x, contexts, t)
    call = Call(request, backend, x, flat)
    outer = call.converter.crossing(flat.x, flat.contexts, flat.seed)
    if outer is None or not setting("nested_switching"):
        try:
            return call, call.prepare(flat)
        except CrossingError as error:  # also where only a member of `backend` meets the array
            if not setting("nested_switching"):
                raise NestedDifferentiationError(
                    f"{error} (The bridge is off: nested_switching=False.)",
                    outer=error.outer,
                    inner=error.inner,
                ) from None
            name = error.outer
    else:
        name = outer.name
    _log.debug(
        "%s by %r inside %s: through the bridge", request.operator.name, request.adtype, name
    )
    bridged = BridgedCall(request, x, contexts)
    return bridged, bridged.arguments(x, contexts, t)


def crosses(request: Request, *arguments: Any) -> bool:
    """Whether a call at these arguments goes over the bridge."""
    backend = resolve(request.adtype)
    return (
        crossing(backend, flatten_any(arguments, backend.flatten)[0]) is not None
        and setting("nested_switching") is True
    )


def _by_one_engine(request: Request) -> Request:
    """The same by the member of a `MixedMode` that the operator goes to.

    It alone differentiates over a bridge: the other would be asked for the derivative of what it
    cannot run on, over a bridge that asks it again.
    """
    if not isinstance(request.adtype, MixedMode):
        return request
    forward = request.operator.name in FORWARD
    return replace(request, adtype=request.adtype.forward if forward else request.adtype.reverse)


@final
class BridgedCall:
    """A call that goes over the bridge each time; see `Call`."""

    def __init__(self, request: Request, x: Any = None, contexts: tuple[Any, ...] = ()) -> None:
        self.request = request = _by_one_engine(request)
        self._point = (x, contexts) if request.same_point else None
        self._bridged = DifferentiateWith(self._once, request.adtype, reuse=request.reuse)
        self._bridged.__wrapped__ = request.f  # what f captured is what may be rebound

    def arguments(self, x: Any, contexts: tuple[Any, ...], t: Any) -> tuple[Any, ...]:
        x, contexts = self._point or (x, contexts)
        plain = tuple([c.value if isinstance(c, Constant) else c for c in contexts])
        # A number would cross as a constant of the program, in no framework.
        x, t = map_leaves(_array, x), map_leaves(_array, t)
        return (x, plain) if self.request.operator.tangent is None else (x, plain, t)

    def differences(self, x: Any, contexts: tuple[Any, ...], t: Any) -> list[str]:
        return []

    def result(self, arguments: tuple[Any, ...]) -> Any:
        return self._bridged("result", *arguments)

    def value_and(self, arguments: tuple[Any, ...]) -> Any:
        return self._bridged("value_and", *arguments)

    def _once(self, asked: str, x: Any, contexts: tuple[Any, ...], t: Any = None) -> Any:
        call, arguments = bind(self.request.once(), x, contexts, t)
        return getattr(call, asked)(arguments)


def _array(leaf: Any) -> Any:
    return np.asarray(leaf) if isinstance(leaf, NUMBERS) else leaf
