"""What a prepared object that traveled has in the place of its call, until it is called."""

from __future__ import annotations

from typing import Any, final

from ..arrays.trees import Leaves
from ..engine.registry import resolve
from .call import Call
from .crossing import BridgedCall
from .request import Request
from .signature import Flat, Signature
from .travel import why_not


@final
class Arrival:
    """A request, and the kinds of arguments that it was prepared for; it runs nothing.

    Parameters
    ----------
    request : Request
        What was asked.
    kinds : Flat or None
        The arguments, with kinds for leaves; None where they cannot be told, and any will do.
    """

    __slots__ = ("_signature", "kinds", "request")

    def __init__(self, request: Request, kinds: Flat | None) -> None:
        self.request, self.kinds = request, kinds
        self._signature: Signature | None = None

    @classmethod
    def of(cls, bound: Call | BridgedCall | Arrival, request: Request | None = None) -> Arrival:
        """That of a call, or of the same call of another f."""
        kinds = bound.kinds if isinstance(bound, Arrival) else None
        if isinstance(bound, Call):
            kinds = bound.signature.flat
        return cls(request or bound.request, kinds)

    def __reduce__(self) -> Any:
        # A container that is known here alone cannot be told to another process.
        return Arrival, (self.request, None if why_not(self.kinds) else self.kinds)

    @property
    def signature(self) -> Signature | None:
        """What the arguments must match."""
        if self._signature is None and self.kinds is not None:
            request = self.request  # its engine loads only now
            flatten = resolve(request.adtype).flatten
            tangent, fixed = request.operator.tangent, request.same_point
            self._signature = Signature(self.kinds, tangent, flatten, fixed)
        return self._signature

    def fits(self, x: Any, contexts: tuple[Any, ...], t: Any) -> bool:
        """Whether these arguments are of the kinds prepared for."""
        return self.signature is None or self.signature.match(x, contexts, t) is not None

    def arguments(self, x: Any, contexts: tuple[Any, ...], t: Any) -> tuple[Leaves, ...] | None:
        """None: there is no call yet that would take them."""
        return None

    def differences(self, x: Any, contexts: tuple[Any, ...], t: Any) -> list[str]:
        """One line for each way in which these arguments are not of the kind prepared for."""
        return [] if self.signature is None else self.signature.differences(x, contexts, t)
