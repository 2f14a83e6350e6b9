"""Autograd's boxes, as the core meets them."""

from __future__ import annotations

from typing import Any

from autograd.builtins import DictBox, SequenceBox
from autograd.numpy.numpy_boxes import ArrayBox

from diffinterface.extend import Framework, NestedDifferentiationError
from diffinterface.extend.frameworks import register_container, stopped

from .buffer import scratch
from .namespace import namespace


class BoxFramework(Framework):
    """Boxes: arrays that autograd is recording."""

    name = "autograd"
    wraps = True

    def owns(self, kind: type) -> bool:
        return issubclass(kind, ArrayBox)

    def to_numpy(self, x: Any) -> Any:
        raise NestedDifferentiationError(
            "A box of autograd cannot become a NumPy array: the derivative that autograd is taking "
            "would be lost. Use a backend that runs on boxes here, such as AutoAutograd() or "
            "AutoForwardDiff().",
            outer="autograd",
        )

    def from_numpy(self, a: Any, like: Any) -> Any:
        return a

    def namespace(self, x: Any) -> Any:
        return namespace

    def scratch(self, buffer: Any, like: Any) -> Any:
        return scratch(buffer, like)

    def own(self, x: Any) -> Any:
        return x

    def inside(self, x: Any) -> Any:
        return x._value

    def stop_gradient(self, x: Any) -> Any:
        return stopped(x._value)


framework = BoxFramework()

# What autograd makes of a dict, list or tuple of parameters: its items are boxes of their own.
register_container(
    DictBox,
    lambda box: ([box[key] for key in box], tuple(box)),
    lambda keys, items: dict(zip(keys, items, strict=True)),
)
register_container(
    SequenceBox, lambda box: (list(box), type(box._value)), lambda kind, items: kind(items)
)
