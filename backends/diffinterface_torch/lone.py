"""The gradient at one tensor that nobody outside is differentiating: the tape and nothing around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd import forward_ad, graph

from diffinterface.functions import Function

from .inert import inert
from .tape import slopes

_interpreter = torch._C._functorch.peek_interpreter_stack
_recording = torch.is_grad_enabled


def gradient_at(fn: Function, general: Callable[..., Any]) -> Callable[[Any], Any] | None:
    """``x -> gradient``, where f captured nothing that a tape outside could record; else None.

    Whatever is out of the ordinary goes the `general` way: a first call, which is watched, an x that
    somebody tracks, an f that writes into its argument or whose captured variables have changed.
    """
    is_inert = inert(fn.f)
    if is_inert is None or not fn.reuse:
        return None

    def lone(x: Any) -> Any:
        if (
            x.requires_grad
            or forward_ad._current_level >= 0
            or _interpreter() is not None
            or not _recording()
            or not getattr(fn, "di_watched", False)
            or not is_inert()
        ):
            return general((x,), ())[0]
        leaf = x.clone().requires_grad_()
        try:
            y, _ = fn((leaf,))
        except RuntimeError:  # f writes into its argument, or fails as it will again
            return general((x,), ())[0]
        return _slope(y, leaf)

    return lone


def _slope(y: Any, leaf: Any) -> Any:
    """The gradient, past the checks of ``torch.autograd.grad``, which take as long as the engine."""
    (value,) = y
    one = _ONES.get((value.dtype, value.device.type))
    if one is None or value.grad_fn is None:
        return slopes(y, (leaf,), False)[0]
    # A copy, which f may hand through, and the caller write into.
    (found,) = _run_backward(y, (one.clone(),), False, False, (leaf,), True, accumulate_grad=False)
    return torch.zeros_like(leaf) if found is None else found


_run_backward: Any = getattr(graph, "_engine_run_backward", None)
_ONES: dict[Any, torch.Tensor] = {}  # empty where torch calls its engine otherwise than here


def _probe() -> None:
    """Try the engine, which is no part of torch's documentation, before anything relies on it."""
    for dtype in (torch.float32, torch.float64):
        _ONES[dtype, "cpu"] = torch.ones((), dtype=dtype, device="cpu")
    try:
        with torch.inference_mode(False), torch.enable_grad():
            x = torch.ones((), dtype=torch.float64, device="cpu").requires_grad_()
            right = float(_slope((3 * x,), x)) == 3.0
    except Exception:
        right = False
    if not right:
        _ONES.clear()


_probe()
