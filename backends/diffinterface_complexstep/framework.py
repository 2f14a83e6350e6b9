"""`Analytic` arrays, as the core meets them."""

from __future__ import annotations

from typing import Any

from diffinterface.extend import Framework, array_namespace
from diffinterface.extend.frameworks import stopped

from .analytic import Analytic
from .errors import refuse


class AnalyticFramework(Framework):
    """Arrays that the complex step has moved off the real line."""

    name = "complexstep"
    wraps = True

    def to_numpy(self, x: Any) -> Any:
        raise refuse("a conversion to another framework's array")

    def from_numpy(self, a: Any, like: Any) -> Any:
        return a

    def namespace(self, x: Any) -> Any:
        return x.__array_namespace__()

    def scratch(self, buffer: Any, like: Any) -> Any:
        xp = array_namespace(like.value)
        return Analytic(xp.astype(xp.asarray(buffer, copy=True), like.value.dtype), like.level)

    def own(self, x: Any) -> Any:
        return x.copy()

    def inside(self, x: Any) -> Any:
        return x.value

    def stop_gradient(self, x: Any) -> Any:
        return stopped(array_namespace(x.value).real(x.value))


framework = AnalyticFramework()
