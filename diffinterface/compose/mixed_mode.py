"""`MixedMode`: a forward engine for pushforwards, a reverse one for pullbacks."""

from __future__ import annotations

from typing import final

from diffinterface.compose.member import Composite

from ..arrays.facts import size_of
from ..arrays.trees import Leaves
from ..declare.adtypes import MixedMode
from ..engine.contract import AbstractBackend
from ..engine.conversion import Converter
from ..engine.function import Function
from ..engine.registry import resolve

FORWARD = ("pushforward", "derivative", "second_derivative")


_EITHER = ("jacobian", "batched_jacobian")


@final
class MixedModeBackend(Composite):
    """`forward` pushes, `reverse` pulls, and a Jacobian goes to the one with fewer passes."""

    adtype_class = MixedMode

    def __init__(self, adtype: MixedMode) -> None:
        super().__init__(adtype)
        self.forward, self.reverse = resolve(adtype.forward), resolve(adtype.reverse)
        self.compiles = self.forward.compiles or self.reverse.compiles
        self.exact = self.forward.exact and self.reverse.exact
        self.trees = self.reverse
        if self.forward.framework is self.reverse.framework:
            self.framework = self.forward.framework
            self.accepts = self.forward.accepts & self.reverse.accepts

    def _route(self, operator: str, fn: Function, x: Leaves, contexts: Leaves) -> AbstractBackend:
        if operator in _EITHER:
            # The batch axis of a batched Jacobian counts on both sides, so it cancels; and what one
            # engine's column costs over another's row is not known.
            converter = Converter(self.forward, x)
            y, _ = fn.on(self.forward)(*converter.enter_all(x, contexts))
            return self.forward if sum(map(size_of, x)) <= sum(map(size_of, y)) else self.reverse
        return self.forward if operator in FORWARD else self.reverse
