"""Torch tensors, as the core meets them."""

from __future__ import annotations

import warnings
from functools import cache, partial
from typing import Any

import numpy as np
import torch

from diffinterface.extend import Framework, NestedDifferentiationError

from .layers import ModuleParts
from .namespace import namespace
from .outer import (
    bare,
    in_transform,
    is_tracked,
    is_wrapped,
    plain_torch,
    recorders,
    refuse_graph,
)


def copied(x: torch.Tensor) -> Any:
    """A NumPy copy of a tensor's values."""
    x = x.detach().cpu().resolve_conj().resolve_neg()
    if x._is_zerotensor():  # forward mode's lazy zeros, which have no memory
        x = torch.zeros_like(x)
    # NumPy has no bfloat16; float32 holds it exactly.
    return np.array((x.float() if x.dtype is torch.bfloat16 else x).numpy())


@cache
def _hear_of_the_beta() -> None:
    """Take in what torch says once a process of its CSR tensors: it must not be an error of ours.

    Once and for all, because filters of warnings are not safe in threads.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        none = torch.zeros(0, dtype=torch.int64)
        ends = torch.zeros(2, dtype=torch.int64)
        torch.sparse_csr_tensor(ends, none, torch.zeros(0), (1, 0), check_invariants=True)


_FROM_NUMPY = frozenset(
    """
    bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64 complex64 complex128
    """.split()
)


class TorchFramework(Framework):
    """Tensors of torch, on any device."""

    name = "torch"
    to_floating = "x.to(torch.float64)"

    def owns(self, kind: type) -> bool:
        return issubclass(kind, torch.Tensor)

    def has_dtype(self, name: str) -> bool:
        return name in _FROM_NUMPY

    def ending(self, x: Any) -> Any:
        functorch: Any = torch._C._functorch
        if not functorch.is_functorch_wrapped_tensor(x):
            return None
        return partial(functorch.is_dead_tensor_wrapper, x)

    def to_numpy(self, x: Any) -> Any:
        if is_wrapped(x):
            raise NestedDifferentiationError(
                "A tensor inside a torch.func transform cannot become a NumPy array: the derivative "
                "that torch is taking would be lost. Use a backend that runs on tensors here.",
                outer="torch",
            )
        refuse_graph()
        return copied(x)

    def from_numpy(self, a: Any, like: Any) -> Any:
        device = None if like is None else like.device
        # The copy is contiguous, writable, in native byte order, and nobody else's.
        own = np.array(a, order="C")
        return torch.from_numpy(own.astype(own.dtype.newbyteorder("="), copy=False)).to(device)

    def extent(self, x: Any) -> tuple[int, int]:
        try:
            start = x.data_ptr()
        except RuntimeError:  # of a transform or without storage
            return super().extent(x)
        steps = zip(x.shape, x.stride(), strict=True)
        span = 1 + sum((size - 1) * step for size, step in steps) if x.numel() else 0
        return start, start + span * x.element_size()

    def overlap(self, x: Any, y: Any) -> bool:
        on_host = x.device.type == y.device.type == "cpu" and x.dtype == y.dtype
        return not on_host or np.shares_memory(x.detach().numpy(), y.detach().numpy())

    def namespace(self, x: Any) -> Any:
        return namespace

    def scratch(self, buffer: Any, like: Any) -> Any:
        fresh = torch.as_tensor(buffer, device=like.device).clone()
        if in_transform() and like.numel() and fresh.is_complex() == like.is_complex():
            # Writing batched or wrapped values needs a buffer that is one itself: a zero taken from x
            # makes it one, and `where` keeps an infinite x from making it NaN.
            never = torch.zeros((), dtype=torch.bool, device=like.device)
            zero = torch.zeros((), dtype=like.dtype, device=like.device)
            fresh = fresh + torch.where(never, like.reshape(-1)[0], zero).to(fresh.dtype)
        return fresh

    def own(self, x: Any) -> Any:
        return x.clone()

    def stop_gradient(self, x: Any) -> Any:
        return x.detach()  # leaves every level: the tape, forward mode, and each of torch.func

    def values(self, x: Any) -> Any:
        with plain_torch():
            return copied(bare(x))

    def layer(self, module: Any, state: Any) -> Any:
        return ModuleParts(module) if isinstance(module, torch.nn.Module) else None

    def is_dense(self, x: Any) -> bool:
        return x.layout is torch.strided

    def sparse(self, data: Any, layout: Any) -> Any:
        rows, columns = (
            torch.tensor(part, device=data.device) for part in (layout.indptr, layout.indices)
        )
        _hear_of_the_beta()
        return torch.sparse_csr_tensor(rows, columns, data, layout.shape, check_invariants=True)

    is_traced = staticmethod(is_tracked)  # asked of every array

    recorders = staticmethod(recorders)

    def device(self, x: Any) -> Any:
        return x.device


framework = TorchFramework()
