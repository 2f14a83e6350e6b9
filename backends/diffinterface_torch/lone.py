"""The gradient at one tensor that nobody outside is differentiating: the tape and nothing around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd import forward_ad

from diffinterface.extend import Function, Leaves

from .inert import inert
from .tape import slopes
from .watch import was_watched

_interpreter = torch._C._functorch.peek_interpreter_stack
_recording = torch.is_grad_enabled
_inferring = torch.is_inference_mode_enabled


Valued = Callable[[Any], tuple[Leaves, Any] | None]


def gradient_at(fn: Function) -> Valued | None:
    """``x -> (f's outputs, still on the tape, and the gradient)``.

    For an f that captured nothing which a tape outside could record; None for others. The function
    gives None where anything is out of the ordinary: a first call, which is watched, an x that somebody
    tracks, an f that writes into its argument or whose captured variables have changed.
    """
    is_inert = inert(fn.f) if fn.reuse else None
    if is_inert is None:
        return None

    def at(x: Any) -> tuple[Leaves, Any] | None:
        if (
            x.requires_grad
            or forward_ad._current_level >= 0
            or _interpreter() is not None
            or not _recording()
            or _inferring()
            or not was_watched(fn)
            or not is_inert()
        ):
            return None
        leaf = x.clone().requires_grad_()
        try:
            y, _ = fn((leaf,))
        except RuntimeError:  # f writes into its argument, or fails as it will again
            return None
        return y, slopes(y, (leaf,), False)[0]

    return at
