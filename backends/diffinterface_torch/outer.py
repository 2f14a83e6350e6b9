"""Who is differentiating around us: torch's tape, a ``torch.func`` transform, or forward mode."""

from __future__ import annotations

from itertools import count
from threading import RLock, get_ident
from typing import Any

import torch
from torch.autograd import forward_ad

from diffinterface.extend import NestedDifferentiationError

Tensors = tuple[Any, ...]

_unpack: Any = forward_ad.unpack_dual
_functorch: Any = torch._C._functorch
_interpreter = _functorch.peek_interpreter_stack
_modes: Any = torch._C._len_torch_dispatch_stack
_mode: Any = torch._C._get_dispatch_mode
_included: Any = torch._C._dispatch_tls_is_dispatch_key_included
_EARLY = torch._C.DispatchKey.PreDispatch  # what traces before autograd is no dispatch mode
_PROXY, _FAKE = torch._C._TorchDispatchModeKey.PROXY, torch._C._TorchDispatchModeKey.FAKE
plain_torch: Any = torch._C._DisableFuncTorch  # a context in which no transform is active


class _ForwardMode:
    """One thread at a time in forward mode.

    Torch keeps the level of forward mode for the whole process: a thread that enters while another is
    inside opens no level of its own, and its tangents vanish when the other one leaves.
    """

    def __init__(self) -> None:
        self._lock, self._depth = RLock(), 0
        self._owner: int | None = None

    def __enter__(self) -> None:
        self._lock.acquire()
        self._owner, self._depth = get_ident(), self._depth + 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = None
        self._lock.release()

    def active_here(self) -> bool:
        """Whether a level, one being open, is not known to be another thread's."""
        return self._owner in (None, get_ident())


FORWARD_MODE = _ForwardMode()


def in_transform() -> bool:
    """Whether a ``torch.func`` transform or a forward-mode level is active."""
    # Asked in every call: the level first, which costs nothing to read.
    return _interpreter() is not None or (
        forward_ad._current_level >= 0 and FORWARD_MODE.active_here()
    )


def in_vmap() -> bool:
    """Whether a transform of ``torch.func``, which may be a ``vmap``, is active."""
    return _interpreter() is not None


def undisturbed() -> bool:
    """Whether nothing of torch is active but its tape: no transform, no level, no dispatch mode."""
    return (
        _interpreter() is None
        and forward_ad._current_level < 0
        and not _modes()
        and not _included(_EARLY)
    )


def refuse_graph() -> None:
    """Raise `NestedDifferentiationError` where torch is tracing a graph, which must not hold numbers."""
    proxies = _modes() and (_mode(_PROXY) is not None or _mode(_FAKE) is not None)
    if proxies or _included(_EARLY):
        raise NestedDifferentiationError(
            "torch is tracing a graph (make_fx, torch.func.linearize, export), which cannot hold a call "
            "that leaves torch: it would keep this call's numbers. Use torch.func.jvp, or an inner "
            "AutoTorch().",
            outer="torch",
        )


def is_tracked(x: torch.Tensor) -> bool:
    """Whether something outside records `x`."""
    if x.requires_grad and torch.is_grad_enabled():
        return True
    # Asked of every array: what `in_transform` asks, without the calls.
    return (forward_ad._current_level >= 0 or _interpreter() is not None) and is_wrapped(x)


def is_wrapped(x: torch.Tensor) -> bool:
    """Whether a ``torch.func`` transform or forward mode is recording `x`."""
    return in_transform() and (
        torch._C._functorch.is_functorch_wrapped_tensor(x) or _unpack(x).tangent is not None
    )


def bare(x: torch.Tensor) -> torch.Tensor:
    """A tensor without the wrappers of ``torch.func``; of a ``vmap`` the first sample."""
    while _functorch.is_functorch_wrapped_tensor(x):
        axis = _functorch.maybe_get_bdim(x) if _functorch.is_batchedtensor(x) else None
        x = _functorch.get_unwrapped(x)
        x = x if axis is None else x.select(axis, 0)
    return x


_RECORDERS = {
    "Grad": "torch.func.grad or vjp",
    "Jvp": "torch.func.jvp",
    "Vmap": "torch.func.vmap",
    "Functionalize": "torch.func.functionalize",
}


def recorders(x: torch.Tensor) -> tuple[str, ...]:
    """What records `x`, outermost first."""
    layers = _functorch.get_interpreter_stack() or ()
    names = {layer.level(): layer.key().name for layer in layers}
    found: list[str] = []
    while _functorch.is_functorch_wrapped_tensor(x):
        name = names.get(_functorch.maybe_get_level(x), "torch.func")
        found.insert(0, _RECORDERS.get(name, name))
        x = _functorch.get_unwrapped(x)
    if in_transform() and not found and _unpack(x).tangent is not None:
        found.insert(0, "torch's forward mode")
    if x.requires_grad and torch.is_grad_enabled():
        found.insert(0, "torch's tape")
    return tuple(found)


# When a pass began, and when each leaf that passes make came to be: `leaf.di_born`.
BIRTHS = count()


def way_beyond(y: Tensors, own: Tensors, born: int) -> tuple[int, ...] | None:
    """The way along the tape from `y` to a leaf that is not one of `own`; None if there is none.

    Such a leaf is a parameter that f captured: the derivative must then stay on the tape. A leaf that a
    pass inside f made, after ours was `born`, is not. The way is the number of an output, and of the
    branches to take.
    """
    stack: list[tuple[Any, Any]] = []  # a node, and the way to it, last step first
    for k, output in enumerate(y):
        if output.grad_fn is not None:
            stack.append((output.grad_fn, (k, None)))
        elif output.requires_grad and not _is_among(output, own):
            return (k,)
    seen = set()
    while stack:
        node, way = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if _is_beyond(node, own, born):
            return _forwards(way)
        for k, (following, _) in enumerate(node.next_functions):
            if following is not None:
                stack.append((following, (k, way)))
    return None


def _forwards(way: Any) -> tuple[int, ...]:
    steps = []
    while way is not None:
        step, way = way
        steps.append(step)
    return tuple(reversed(steps))


def leads_beyond(way: tuple[int, ...], y: Tensors, own: Tensors, born: int) -> bool:
    """Whether a way that `way_beyond` found before leads to such a leaf on this tape too."""
    node = y[way[0]].grad_fn if way[0] < len(y) else None
    for k in way[1:]:
        if node is None:
            return False
        behind = node.next_functions
        node = behind[k][0] if k < len(behind) else None
    return node is not None and _is_beyond(node, own, born)


def _is_beyond(node: Any, own: Tensors, born: int) -> bool:
    if node.next_functions:
        return False
    leaf: Any = getattr(node, "variable", own[0])
    return not _is_among(leaf, own) and getattr(leaf, "di_born", -1) < born


def _is_among(leaf: torch.Tensor, leaves: Tensors) -> bool:
    return any(leaf is other for other in leaves)
