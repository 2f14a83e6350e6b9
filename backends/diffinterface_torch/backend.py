"""PyTorch as the inner engine."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any, final

import torch

from diffinterface import derived
from diffinterface.adtypes import AutoTorch
from diffinterface.arrays import size_of
from diffinterface.backend import Backend, Program
from diffinterface.errors import OutputError
from diffinterface.functions import Function
from diffinterface.prep import Prep
from diffinterface.seeds import match_cotangent
from diffinterface.trees import Leaves

from . import tape, transforms
from .framework import framework
from .outer import in_transform

Run = Callable[..., Any]

# What torch says where an operation, or a function of the user's, has no rule for forward mode.
_NO_FORWARD_RULE = ("forward AD", "jvp", "functorch transforms")


@final
class TorchBackend(Backend):
    """`AutoTorch`: the tape for reverse mode, ``torch.func`` for forward mode and inside transforms.

    With ``compile=True``, prepared gradients and unbatched pullbacks run f through ``torch.compile``;
    the other operators differentiate twice or in batches, which compiled code does not allow, and
    run f as it is.
    """

    adtype_class = AutoTorch
    framework = framework
    accepts = frozenset({"torch"})
    adtype: AutoTorch

    def __init__(self, adtype: AutoTorch) -> None:
        super().__init__(adtype)
        self.compiles = adtype.compile
        self._forward = adtype.mode == "forward"

    def check_output(self, leaf: Any) -> Any:
        if isinstance(leaf, torch.Tensor):
            return leaf
        raise OutputError(
            f"f returned a {type(leaf).__qualname__} under {self.adtype!r}, expected tensors: float(), "
            ".item() and .numpy() detach, and their derivative is lost. Return a tensor "
            "(torch.tensor(...) for a constant).",
            got=leaf,
            expected="torch",
        )

    def _compiled(self, fn: Function) -> Function:
        if not (self.adtype.compile and fn.reuse):
            return fn
        compiled = copy.copy(fn)
        compiled.f = torch.compile(fn.f)
        return compiled

    # --- first order -----------------------------------------------------------------------------

    def prepare_pushforward(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._pushing("pushforward", fn, batched=batched)

    def prepare_pullback(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        onto = fn if batched else self._compiled(fn)
        return _either(
            lambda x, c, t: tape.pullback(onto, x, c, t, batched),
            lambda x, c, t: transforms.pullback(fn, x, c, t, batched),
        )

    def prepare_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._pushing("derivative", fn)

    def _pushing(self, operator: str, fn: Function, **options: Any) -> Prep:
        """An operator of forward mode; two pullbacks where asked for, or where f allows no other."""
        through = partial(getattr(transforms, operator), fn, **options)
        on_tape = partial(getattr(tape, operator), fn, **options)
        if self.adtype.mode == "forward":
            return Prep(through)
        if self.adtype.mode == "reverse":
            return _either(on_tape, through)

        def run(*args: Any) -> Any:
            try:
                return through(*args)
            except (NotImplementedError, RuntimeError) as error:
                if in_transform() or not any(words in str(error) for words in _NO_FORWARD_RULE):
                    raise
            return on_tape(*args)

        return Prep(run)

    def prepare_gradient(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        if self._forward:
            return Prep(partial(transforms.gradient_forward, fn))
        onto = self._compiled(fn)
        either = _either(partial(tape.gradient, onto), partial(transforms.gradient, fn))

        def result(x: Leaves, contexts: Leaves) -> Leaves:
            if in_transform():
                return either.result(x, contexts)
            return tape.gradient_alone(onto, x, contexts)

        return Prep(either.run, result)

    def prepare_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        forward = partial(transforms.jacobian_forward, fn)
        if self.adtype.mode == "auto" and not (fn.reuse or in_transform()):
            return Prep(partial(self._jacobian_once, fn))  # f is evaluated once, not twice
        if self._prefers_forward(fn, x, contexts):
            return Prep(forward)
        return _either(partial(tape.jacobian, fn), partial(transforms.jacobian_reverse, fn))

    def _jacobian_once(self, fn: Function, x: Leaves, contexts: Leaves) -> Any:
        p = tape.Pass(fn, x, contexts)
        if _is_tall(x, p.y):
            return transforms.jacobian_forward(fn, x, contexts)
        return p.value(), tape.rows(p), p.auxiliary()

    def prepare_batched_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        if self._prefers_forward(fn, x, contexts):
            return Prep(partial(transforms.batched_jacobian, fn, forward=True))
        return _either(
            partial(tape.batched_jacobian, fn),
            partial(transforms.batched_jacobian, fn, forward=False),
        )

    def _prefers_forward(self, fn: Function, x: Leaves, contexts: Leaves) -> bool:
        """Whether forward mode is asked for, or the better choice."""
        if self.adtype.mode != "auto":
            return self._forward
        with torch.no_grad():
            y, _ = fn(tuple(leaf.clone() for leaf in x), contexts)
        return _is_tall(x, y)

    # --- second order ----------------------------------------------------------------------------

    def prepare_second_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._pushing("second_derivative", fn)

    def prepare_hvp(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        derived.refuse_complex(self, x, "hvp")
        through = partial(transforms.hvp, fn, batched=batched)
        if self._forward:
            return Prep(through)
        return _either(partial(tape.hvp, fn, batched=batched), through)

    def prepare_hessian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        derived.refuse_complex(self, x, "hessian")
        if self._forward:
            return Prep(partial(transforms.hessian, fn))
        return _either(partial(tape.hessian, fn), partial(transforms.hessian, fn))

    # --- what a bridge asks ----------------------------------------------------------------------

    def vectorized(self, fn: Function, x: tuple[bool, ...], contexts: tuple[bool, ...]) -> Program:
        axes = tuple(tuple(0 if has else None for has in part) for part in (x, contexts))
        every = transforms.vmap(lambda x, c: fn(x, c)[0], in_dims=axes, randomness="different")
        return lambda x, c: tuple(every(x, c))

    # --- at one point ----------------------------------------------------------------------------

    def prepare_pullback_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        if in_transform():
            return super().prepare_pullback_same_point(fn, x, contexts, t, batched)
        p = tape.Pass(fn, x, contexts)

        def run(t: Leaves) -> Any:
            t = match_cotangent(t, p.y, batched)
            pull = p.pull_batched if batched else p.pull
            return p.value(), pull(t, retain=True), p.auxiliary()

        return Prep(run)

    def prepare_hvp_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        derived.refuse_complex(self, x, "hvp")
        if in_transform() or self._forward:
            return super().prepare_hvp_same_point(fn, x, contexts, t, batched)
        p = tape.Pass(fn, x, contexts)
        with tape.recording():
            first = p.pull(tape.one(p.y), create=True)
        apply = tape.grad_batched if batched else tape.grad

        def run(t: Leaves) -> Any:
            product = apply(first, p.x, t, create=p.keep or tape.is_recorded(t), retain=True)
            gradient = first if p.keep else tuple(leaf.detach() for leaf in first)
            return (p.value(), gradient), product, p.auxiliary()

        return Prep(run)


def _is_tall(x: Leaves, y: Leaves) -> bool:
    """Whether f(x) has so many more entries than x that pushing beats pulling.

    One pushforward costs 3 to 5 pullbacks here.
    """
    return 4 * sum(map(size_of, x)) <= sum(map(size_of, y))


def _either(on_tape: Run, in_func: Run) -> Prep:
    """The tape, or ``torch.func`` inside a transform: known only when the call is made."""
    return Prep(lambda *args: in_func(*args) if in_transform() else on_tape(*args))
