"""Operators linearized at one point, for any number of seeds."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast, final

from ..arrays.trees import Leaves
from ..declare.adtypes import ADType
from ..engine.registry import resolve
from ..errors import PreparationMismatchError
from ..evaluations import name_of
from .arrival import Arrival
from .call import Call, own
from .crossing import BridgedCall, bind, crosses
from .out import check, into
from .request import Request
from .signature import flatten_any

if TYPE_CHECKING:
    from .explanation import Explanation


@final
class PreparedSamePoint:
    """An operator linearized at one point: call ``prep(t)`` for any number of seeds.

    The point and the contexts are those of the preparation: overwriting the caller's arrays
    afterwards changes nothing.
    """

    __slots__ = ("__weakref__", "_bound", "_point")

    def __init__(self, request: Request, x: Any, contexts: tuple[Any, ...], t: Any) -> None:
        self._bound: Call | BridgedCall
        self._bound, _ = bind(request, x, contexts, t)
        flatten = resolve(request.adtype).flatten
        leaves, structure = flatten_any((x, contexts), flatten)
        self._point: tuple[Any, Any] = structure.unflatten(own(leaves))

    def __copy__(self) -> PreparedSamePoint:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> PreparedSamePoint:
        request = self._bound.request
        f = copy.deepcopy(request.f, memo)
        if f is request.f:
            return self
        return self._of(Arrival.of(self._bound, replace(request, f=f)), self._point)

    def __reduce__(self) -> Any:
        return PreparedSamePoint._of, (Arrival.of(self._bound), self._point)

    @classmethod
    def _of(cls, arrival: Arrival, point: tuple[Any, Any]) -> PreparedSamePoint:
        prep = cls.__new__(cls)
        prep._bound, prep._point = cast("Call", arrival), point
        return prep

    def __repr__(self) -> str:
        request = self._bound.request
        name = name_of(request.f)
        return f"<{request.operator.name} of {name} by {request.adtype!r} linearized at one point>"

    @property
    def backend(self) -> ADType:
        """The declaration that it was prepared with."""
        return self._bound.request.adtype

    def explain(self, t: Any) -> Explanation:
        """What a call for this seed would do; see `diffinterface.explain`."""
        from .explaining import explained

        return explained(self._bound.request, *self._point, t)

    def __call__(self, t: Any, *, out: Any = None, accumulate: bool = False) -> Any:
        """The result for the tangent or cotangent t.

        Parameters
        ----------
        t : tree of array
            The tangent (like x) or cotangent (like f(x)).
        out : tree of array, optional
            Arrays like the result's, to write it into; returned in its place.
        accumulate : bool
            Whether to add the result to what `out` holds.
        """
        if accumulate:
            check(out)
        bound, arguments = self._arguments(t)
        result = bound.result(arguments)
        return result if out is None else into(bound.request, False, result, out, accumulate)

    def value_and(self, t: Any, *, out: Any = None, accumulate: bool = False) -> tuple[Any, ...]:
        """The value at the point (for hvp: the gradient), then the result for t.

        Parameters
        ----------
        t : tree of array
            The tangent (like x) or cotangent (like f(x)).
        out : tree of array, optional
            Arrays like the result's, to write it into; returned in its place.
        accumulate : bool
            Whether to add the result to what `out` holds.
        """
        if accumulate:
            check(out)
        bound, arguments = self._arguments(t)
        parts = bound.value_and(arguments)
        return parts if out is None else into(bound.request, True, parts, out, accumulate)

    def _arguments(self, t: Any) -> tuple[Call | BridgedCall, tuple[Leaves, ...]]:
        request, arrival = self._bound.request, cast("Any", self._bound)
        if isinstance(arrival, Arrival) and arrival.fits(None, (), t):
            self._bound, _ = bind(request, *self._point, t)
        arguments = self._bound.arguments(None, (), t)
        if arguments is not None:
            return self._bound, arguments
        if crosses(request, t):
            bridged = BridgedCall(request, *self._point)
            return bridged, bridged.arguments(None, (), t)
        lines = self._bound.differences(None, (), t)
        raise PreparationMismatchError(
            f"{request.operator.name} was prepared for another seed:\n  " + "\n  ".join(lines),
            differences=lines,
        )
