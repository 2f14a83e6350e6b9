"""From a flat `Function` to its pattern: f is run once more, as a detector's tracers see it."""

from __future__ import annotations

from typing import Any

from ..arrays.trees import Leaves
from ..declare.adtypes import AutoSparse
from ..engine.arguments import join
from ..engine.contract import AbstractBackend
from ..engine.function import Function, place
from ..errors import BackendNotInstalledError
from .detection import DetectionError, Detector, TracerDetector
from .detection.native import native_detector


def pattern(
    adtype: AutoSparse,
    dense: AbstractBackend,
    operator: str,
    fn: Function,
    x: Leaves,
    contexts: Leaves,
) -> Any:
    """The pattern of the Jacobian or Hessian of f, as a ``csr_array`` of bool."""
    given = zip(fn.layout, join(fn.layout, contexts, lambda buffer: buffer), strict=True)
    others = [value if slot.wrapper is None else slot.wrapper(value) for slot, value in given]

    def f(leaves: Leaves, *values: Any) -> Any:
        y = fn.f(*place(fn.x_structure.unflatten(leaves), values, fn.argnums))
        return fn.split_aux(y)[0] if fn.has_aux else y

    def found_by(detector: Detector) -> Any:
        return getattr(detector, f"{operator}_pattern")(f, x, *others)

    if adtype.detector is not None:
        return found_by(adtype.detector)
    try:
        return found_by(TracerDetector())
    except (DetectionError, AttributeError):  # the latter by methods that NumPy's arrays lack
        other = None if dense.framework is None else native_detector(dense.framework.name)
        if other is None:
            raise
        try:
            return found_by(other)
        except BackendNotInstalledError:
            pass
        raise


def is_local(detector: Any) -> bool:
    """Whether a detector's patterns hold only where they were found."""
    return getattr(detector, "mode", None) == "local"
