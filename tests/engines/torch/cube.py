"""A `torch.autograd.Function`, which torch differentiates by rules of its own."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")


class Cube(torch.autograd.Function):
    """x^3, with rules for both modes."""

    @staticmethod
    def forward(x: Any) -> Any:
        return x**3

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, c: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 3 * x * x * c

    @staticmethod
    def jvp(ctx: Any, t: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 3 * x * x * t
