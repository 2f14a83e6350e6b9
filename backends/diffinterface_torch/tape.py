"""The autograd tape: reverse mode where no ``torch.func`` transform is active.

The tape stays open (``create_graph``) exactly where somebody outside needs it: x is tracked, or f's
output reaches a captured leaf. Nothing of the caller's is written, and no ``.grad`` is touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch

from diffinterface.extend import Function, Leaves, is_complex, map_leaves, match_cotangent
from diffinterface.extend.captures import running
from diffinterface.extend.transforms import (
    complex_gradient_error,
    pulled_blocks,
    pulled_rows,
    rows_from_rows,
    unit_cotangent,
)

from . import engine
from .outer import BIRTHS, leads_beyond, way_beyond
from .repairs import Repairs
from .watch import call

vmap: Any = torch.func.vmap  # torch's annotations leave out out_dims of None

DETACHED = (
    "A function inside f has a backward that detaches its cotangent, and so cannot be pulled back "
    "twice; give it a jvp, or operations of torch in its backward."
)
_IN_PLACE = "leaf Variable that requires grad"


class Pass:
    """One forward pass of f on the tape, which the caller pulls back, or pulls `twice`.

    Attributes
    ----------
    x, y : tuple of Tensor
        The leaves that were differentiated, and f's outputs, on the tape.
    keep : bool
        Whether results must stay on an outer tape.
    """

    __slots__ = ("aux", "keep", "x", "y")

    def __init__(self, fn: Function, x: Leaves, contexts: Leaves, twice: bool = False) -> None:
        born, outside = next(BIRTHS), torch.is_grad_enabled()
        tracked = outside and any(leaf.requires_grad for leaf in x)
        evaluate = self._tracked if tracked else self._untracked
        if twice or _inside(fn):
            # Three passes over some functions need other rules, and somebody outside may add one.
            repairs = Repairs.of(fn)
            fn = fn if repairs.unneeded() else repairs.fn
        with recording():
            evaluate(fn, x, contexts)
        self.keep = tracked or (outside and _reaches_beyond(fn, self, born))

    def _tracked(self, fn: Function, x: Leaves, contexts: Leaves) -> None:
        self.x = tuple(leaf.clone() if leaf.requires_grad else _leaf(leaf) for leaf in x)
        self.y, self.aux = call(fn, self.x, contexts)
        if any(leaf._version for leaf in self.x):
            # f wrote into its argument: x must stay what it was.
            self.x = tuple(leaf.clone() if leaf.requires_grad else _leaf(leaf) for leaf in x)
            self.y, self.aux = call(fn, tuple(leaf.clone() for leaf in self.x), contexts)

    def _untracked(self, fn: Function, x: Leaves, contexts: Leaves) -> None:
        self.x = tuple(map(_leaf, x))
        try:
            self.y, self.aux = call(fn, self.x, contexts)
        except RuntimeError as error:
            if _IN_PLACE not in str(error):
                raise
            # f writes into its argument: give it a copy, which torch allows.
            self.y, self.aux = call(fn, tuple(leaf.clone() for leaf in self.x), contexts)

    def value(self) -> Leaves:
        """f's outputs, off the tape unless somebody outside needs them on it."""
        return self.y if self.keep else tuple(leaf.detach() for leaf in self.y)

    def auxiliary(self) -> Any:
        """The auxiliary output, likewise."""
        if self.aux is None or self.keep:
            return self.aux
        return map_leaves(lambda a: a.detach() if isinstance(a, torch.Tensor) else a, self.aux)

    def pull(self, t: Leaves, *, create: bool = False, retain: bool = False) -> Leaves:
        """The pullback of cotangents that match y."""
        create = create or self.keep or is_recorded(t)
        return grad(self.y, self.x, t, create=create, retain=retain)

    def pull_batched(self, t: Leaves, *, retain: bool = False) -> Leaves:
        """The same for a batch of cotangents on a leading axis."""
        create = self.keep or is_recorded(t)
        return grad_batched(self.y, self.x, t, create=create, retain=retain)


def _inside(fn: Function) -> bool:
    """Whether f is evaluated inside another function that torch differentiates for us."""
    return any(other.backend.framework is fn.backend.framework for other in running())


def _reaches_beyond(fn: Function, p: Pass, born: int) -> bool:
    """Whether f's outputs depend on a parameter that it captured.

    The way to it along the tape is mostly that of the last call; a search takes as long as a small f.
    """
    known: Any = fn  # of no concern to the core
    way = getattr(fn, "di_beyond", None)
    if way is None or not leads_beyond(way, p.y, p.x, born):
        way = known.di_beyond = way_beyond(p.y, p.x, born)
    return way is not None


@contextmanager
def _recording() -> Iterator[None]:
    with torch.inference_mode(False), torch.enable_grad():
        yield


_ALREADY = nullcontext()


def recording() -> Any:
    """A context in which the tape records, at no cost where it does already."""
    already = torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
    return _ALREADY if already else _recording()


def _leaf(x: torch.Tensor) -> torch.Tensor:
    # A copy, because f may write into it past the tape.
    return _born((x.detach() if x.requires_grad else x).clone())


def _born(leaf: Any) -> torch.Tensor:
    leaf.requires_grad_().di_born = next(BIRTHS)
    return leaf


def basis(x: Leaves) -> Leaves:
    """`diffinterface.arrays.seeds.basis`, as torch makes it fastest."""
    total, start = sum(leaf.numel() for leaf in x), 0
    seeds = []
    for leaf in x:
        hot = torch.eye(total, leaf.numel(), dtype=leaf.dtype, device=leaf.device)
        seeds.append((hot if not start else hot.roll(start, 0)).reshape(total, *leaf.shape))
        start += leaf.numel()
    return tuple(seeds)


def is_recorded(leaves: Leaves) -> bool:
    """Whether the tape outside records any of these."""
    # A context may be a Python number.
    for leaf in leaves:
        if getattr(leaf, "requires_grad", False):
            return torch.is_grad_enabled()
    return False


def grad(y: Leaves, x: Leaves, t: Leaves, *, create: bool = False, retain: bool = False) -> Leaves:
    """``torch.autograd.grad`` for outputs of which some, or all, may not depend on x."""
    if len(y) == 1 and y[0].requires_grad:
        return engine.grad(y, x, t, create, retain)
    pairs = [(a, b) for a, b in zip(y, t, strict=True) if a.requires_grad]
    if not pairs:
        return tuple(torch.zeros_like(leaf) for leaf in x)
    outputs, seeds = zip(*pairs, strict=True)
    return engine.grad(outputs, x, seeds, create, retain)


def grad_batched(
    y: Leaves, x: Leaves, t: Leaves, *, create: bool = False, retain: bool = False
) -> Leaves:
    """The same for seeds with a leading axis; a loop where an operation of f cannot be batched."""
    size = t[0].shape[0] if t else 0
    pairs = [(a, b) for a, b in zip(y, t, strict=True) if a.requires_grad]
    if not pairs or not size:
        return tuple(leaf.new_zeros((size, *leaf.shape)) for leaf in x)
    outputs, seeds = zip(*pairs, strict=True)

    def one_each(*seeds: torch.Tensor) -> Leaves:
        return engine.grad(outputs, x, seeds, create, retain=True)

    try:
        # Not `is_grads_batched`: the older vmap behind it loops over tanh, softmax, a layer norm, ...
        return engine.mapped(one_each, seeds)
    except (RuntimeError, NotImplementedError, UserWarning):  # a warning where those are errors
        rows = [one_each(*(seed[k] for seed in seeds)) for k in range(size)]
        return tuple(torch.stack(column) for column in zip(*rows, strict=True))


# --- operators -----------------------------------------------------------------------------------


def pullback(fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool) -> Any:
    p = Pass(fn, x, contexts)
    t = match_cotangent(t, p.y, batched)
    return p.value(), p.pull_batched(t) if batched else p.pull(t), p.auxiliary()


def pushforward(fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool) -> Any:
    """By two pullbacks: the second is of the first, in its seed.

    J. Townsend, "A new trick for calculating Jacobian vector products", 2017.
    """
    p = Pass(fn, x, contexts, twice=True)
    with recording():
        seeds, pulled = _pulled(p.y, p.x)
    apply = grad_batched if batched else grad
    return p.value(), apply(pulled, seeds, t, create=p.keep or is_recorded(t)), p.auxiliary()


def _pulled(y: Leaves, x: Leaves) -> tuple[Leaves, Leaves]:
    """A pullback as a function of its seeds, on the tape: the seeds, and what they pull to."""
    seeds = tuple(_born(torch.ones_like(leaf)) for leaf in y)
    pulled = grad(y, x, seeds, create=True)
    if any(not leaf.requires_grad and bool(leaf.any()) for leaf in pulled):
        # Not zero, and yet it does not depend on the seeds: the pushforward would come out as zero.
        raise NotImplementedError(DETACHED)
    return seeds, pulled


def derivative(fn: Function, x: Leaves, contexts: Leaves) -> Any:
    return pushforward(fn, x, contexts, tuple(map(torch.ones_like, x)), False)


def second_derivative(fn: Function, x: Leaves, contexts: Leaves) -> Any:
    p = Pass(fn, x, contexts, twice=True)
    (point,) = p.x
    with recording():
        slope = _along(p.y, point)
    curvature = tuple(_off(_along(slope, point), p.keep))
    return (p.value(), _off(slope, p.keep)), curvature, p.auxiliary()


def _along(y: Leaves, x: torch.Tensor) -> Leaves:
    """The derivative of y by the scalar x, on the tape."""
    with recording():
        seeds, pulled = _pulled(y, (x,))
        return grad(pulled, seeds, (torch.ones_like(x),), create=True)


def gradient(fn: Function, x: Leaves, contexts: Leaves) -> Any:
    p = Pass(fn, x, contexts)
    return p.value(), slopes(p.y, p.x, p.keep), p.auxiliary()


def gradient_alone(fn: Function, x: Leaves, contexts: Leaves) -> Leaves:
    p = Pass(fn, x, contexts)
    return slopes(p.y, p.x, p.keep)


def slopes(y: Leaves, x: Leaves, keep: bool) -> Leaves:
    """The gradient of a lone scalar."""
    (value,) = y
    if value.is_complex():
        raise complex_gradient_error()
    if not value.requires_grad:
        return tuple(torch.zeros_like(leaf) for leaf in x)
    return engine.grad(y, x, (torch.ones_like(value),), keep)


def jacobian(fn: Function, x: Leaves, contexts: Leaves) -> Any:
    p = Pass(fn, x, contexts)
    return p.value(), rows(p), p.auxiliary()


def rows(p: Pass) -> tuple[Leaves, ...]:
    """The Jacobian of a forward pass."""
    # A second pullback follows where y is complex.
    pull = partial(p.pull_batched, retain=any(map(is_complex, p.y)))
    return pulled_rows(pull, p.y, p.x, basis(p.y))


def batched_jacobian(fn: Function, x: Leaves, contexts: Leaves) -> Any:
    p = Pass(fn, x, contexts)
    y = tuple(leaf.detach() for leaf in p.y)  # on the tape each sample taken would be an operation
    return p.value(), pulled_blocks(p.pull_batched, y, x, basis), p.auxiliary()


def hvp(fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool) -> Any:
    p = Pass(fn, x, contexts, twice=True)
    with recording():
        first = p.pull(unit_cotangent(p.y), create=True)
    apply = grad_batched if batched else grad
    product = apply(first, p.x, t, create=p.keep or is_recorded(t))
    return (p.value(), _off(first, p.keep)), product, p.auxiliary()


def hessian(fn: Function, x: Leaves, contexts: Leaves) -> Any:
    value, stacked, aux = hvp(fn, x, contexts, basis(x), True)
    return value, rows_from_rows(stacked, x, x), aux


def _off(leaves: Leaves, keep: bool) -> Leaves:
    return leaves if keep else tuple(leaf.detach() for leaf in leaves)
