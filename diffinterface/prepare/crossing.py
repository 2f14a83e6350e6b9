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
from ..arrays.perturbations import tracing
from ..arrays.trees import map_leaves
from ..compose.mixed_mode import FORWARD
from ..declare.adtypes import MixedMode
from ..declare.config import get_config
from ..declare.contexts import Constant
from ..engine.conversion import CrossingError
from ..engine.registry import resolve
from ..errors import NestedDifferentiationError
from ..nest.with_engine import DifferentiateWith
from .call import Plan
from .request import Request
from .signature import flatten_any

_log = logging.getLogger("diffinterface.nesting")


def plan_for(
    request: Request, x: Any, contexts: tuple[Any, ...], t: Any
) -> tuple[Plan | BridgedPlan, tuple[Any, ...]]:
    """The plan of a request, native or through the bridge, and the arguments as it takes them."""
    try:
        return Plan.with_arguments(request, x, contexts, t)
    except CrossingError as error:
        if not get_config().nested_switching:
            raise NestedDifferentiationError(
                f"{error} (The bridge is off: nested_switching=False.)",
                outer=error.outer,
                inner=error.inner,
            ) from None
        _log.debug(
            "%s by %r inside %s: through the bridge",
            request.operator.name,
            request.adtype,
            error.outer,
        )
    plan = BridgedPlan(request, x, contexts)
    return plan, plan.arguments(x, contexts, t)


def crosses(request: Request, *arguments: Any) -> bool:
    """Whether an engine that cannot hand its arrays to that of `request` is tracing an argument."""
    backend = resolve(request.adtype)
    outer = tracing(flatten_any(arguments, backend.flatten)[0])
    return (
        outer is not None
        and backend.framework is not None
        and outer.name not in backend.accepts
        and get_config().nested_switching
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
class BridgedPlan:
    """A plan that hands each call over the bridge; see `Plan`."""

    check_seed = None

    def __init__(self, request: Request, x: Any = None, contexts: tuple[Any, ...] = ()) -> None:
        self.request = request = _by_one_engine(request)
        self._point = (x, contexts) if request.same_point else None
        options = {"reuse": request.reuse}
        self._result = DifferentiateWith(self._once, request.adtype, **options)
        self._value_and = DifferentiateWith(self._once_with_value, request.adtype, **options)
        for bridged in (self._result, self._value_and):
            bridged.__wrapped__ = request.f  # what f captured is what may be rebound

    def arguments(self, x: Any, contexts: tuple[Any, ...], t: Any) -> tuple[Any, ...]:
        x, contexts = self._point or (x, contexts)
        plain = tuple(c.value if isinstance(c, Constant) else c for c in contexts)
        # A number would cross as a constant of the program, in no framework.
        x, t = map_leaves(_array, x), map_leaves(_array, t)
        return (x, plain) if self.request.operator.tangent is None else (x, plain, t)

    def differences(self, x: Any, contexts: tuple[Any, ...], t: Any) -> list[str]:
        return []

    def result(self, arguments: tuple[Any, ...]) -> Any:
        return self._result(*arguments)

    def value_and(self, arguments: tuple[Any, ...]) -> Any:
        return self._value_and(*arguments)

    def _once(self, x: Any, contexts: tuple[Any, ...], t: Any = None) -> Any:
        plan, arguments = plan_for(self.request.once(), x, contexts, t)
        return plan.result(arguments)

    def _once_with_value(self, x: Any, contexts: tuple[Any, ...], t: Any = None) -> Any:
        plan, arguments = plan_for(self.request.once(), x, contexts, t)
        return plan.value_and(arguments)


def _array(leaf: Any) -> Any:
    return np.asarray(leaf) if isinstance(leaf, NUMBERS) else leaf
