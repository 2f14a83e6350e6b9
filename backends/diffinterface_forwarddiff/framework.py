"""Duals, as the core meets them."""

from __future__ import annotations

from typing import Any

import array_api_compat.numpy
import numpy as np

from diffinterface.extend import Framework, framework_of
from diffinterface.extend.arrays import OverloadedNamespace
from diffinterface.extend.frameworks import stopped

from .dual import Dual
from .errors import DualConversionError
from .values import namespace_of, zeros_beside


class DualFramework(Framework):
    """Dual numbers over any array."""

    name = "forwarddiff"
    wraps = True

    def to_numpy(self, x: Any) -> Any:
        raise DualConversionError("a conversion to another framework's array")

    def from_numpy(self, a: Any, like: Any) -> Any:
        return a

    def namespace(self, x: Any) -> Any:
        found = namespace_of(x)
        return OverloadedNamespace(array_api_compat.numpy, Dual) if found is np else found

    def scratch(self, buffer: Any, like: Any) -> Any:
        inner = framework_of(like.value)
        value = inner.scratch(buffer, like.value) if inner is not None else np.array(buffer)
        return Dual(value, zeros_beside(value, like.width), like.level)

    def own(self, x: Any) -> Any:
        return x.copy()

    def inside(self, x: Any) -> Any:
        return x.value

    def stop_gradient(self, x: Any) -> Any:
        return stopped(x.value)


framework = DualFramework()
