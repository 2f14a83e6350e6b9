"""Torch's engine without the checks and trees around it, which take as long as a small function does.

``torch.autograd.grad`` and ``torch.func.vmap`` end in a few calls that are no part of torch's
documentation. These are tried before anything relies on them; where they fail the documented ones serve.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch.autograd import graph

from diffinterface.extend import Leaves

Call = Callable[..., Leaves]

_run: Any = getattr(graph, "_engine_run_backward", None)
_functorch: Any = torch._C._functorch
_vmap: Any = torch.func.vmap
_HOOKS = "Hooks on saved tensors cannot see those of a batch."


def grad(y: Leaves, x: Leaves, t: Leaves, create: bool = False, retain: bool = False) -> Leaves:
    """The pullback of cotangents, which nobody checks any more, of outputs that are on the tape."""
    retain = retain or create
    if _RUNS:
        found = _run(y, t, retain, create, x, True, accumulate_grad=False)
    else:
        found = torch.autograd.grad(
            y, x, t, retain_graph=retain, create_graph=create, allow_unused=True
        )
    for leaf in found:
        if leaf is None:
            # Not `materialize_grads`, which looks longer for what is hardly ever there.
            return tuple(map(_or_zeros, found, x))
    return found


def _or_zeros(slope: torch.Tensor | None, leaf: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(leaf) if slope is None else slope


def mapped(call: Call, seeds: Leaves) -> Leaves:
    """``torch.func.vmap`` of a function of tensors that returns a tuple of them."""
    if not _maps():
        return tuple(_vmap(call, randomness="same")(*seeds))
    size = seeds[0].shape[0]
    with graph.disable_saved_tensors_hooks(_HOOKS):
        level = _functorch._vmap_increment_nesting(size, "same")
        try:
            found = call(*(_functorch._add_batch_dim(seed, 0, level) for seed in seeds))
            return tuple(_functorch._remove_batch_dim(leaf, level, size, 0) for leaf in found)
        finally:
            _functorch._vmap_decrement_nesting()


def _runs() -> bool:
    """Whether the engine takes what `grad` gives it."""
    try:
        with torch.inference_mode(False), torch.enable_grad():
            made: Any = {"dtype": torch.float64, "device": "cpu"}
            x, unused = (torch.ones(2, **made).requires_grad_() for _ in range(2))
            t = torch.full((2,), 3.0, **made)
            slope, nothing = _run(
                (x**2,), (t,), True, True, (x, unused), True, accumulate_grad=False
            )
            return nothing is None and slope.requires_grad and slope.tolist() == [6.0, 6.0]
    except Exception:
        return False


_RUNS = _runs()


@cache
def _maps() -> bool:
    """Whether a level of ``vmap`` opens and closes as `mapped` does it."""
    level, before = None, _functorch.peek_interpreter_stack()
    try:
        rows = torch.arange(6, dtype=torch.float64, device="cpu").reshape(3, 2)
        # This also loads what vmap loads when it is first used.
        expected = _vmap(lambda row: row * row.sum())(rows)
        level = _functorch._vmap_increment_nesting(3, "same")
        row = _functorch._add_batch_dim(rows, 0, level)
        got, same = row * row.sum(), torch.ones(2, dtype=torch.float64, device="cpu")
        parts = [_functorch._remove_batch_dim(leaf, level, 3, 0) for leaf in (got, same)]
        right = torch.equal(parts[0], expected) and torch.equal(parts[1], torch.ones_like(rows))
    except Exception:
        right = False
    finally:
        if level is not None:
            _functorch._vmap_decrement_nesting()
    return right and (_functorch.peek_interpreter_stack() is None) == (before is None)
