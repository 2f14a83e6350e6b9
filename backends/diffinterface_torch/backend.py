"""PyTorch as the inner engine."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any, final

import torch

from diffinterface.extend import (
    AutoTorch,
    Backend,
    Function,
    Leaves,
    Mode,
    OutputError,
    Prep,
    match_cotangent,
    size_of,
)
from diffinterface.extend.bridges import Program
from diffinterface.extend.modes import (
    Costs,
    Levels,
    Setting,
    Tell,
    jacobian_levels,
    prefers_forward,
    two_pullbacks,
    untold,
)
from diffinterface.extend.transforms import unit_cotangent

from . import tape
from .framework import framework
from .lone import gradient_at
from .outer import in_transform
from .transforms import func

Run = Callable[..., Any]

# What torch, or the tape here, says where an operation, or a function of the user's, has no rule for
# forward mode, or for the second of two pullbacks.
_NO_RULE = (
    "forward AD",
    "jvp",
    "functorch transforms",
    "differentiate twice",
    "derivative for",
    "numpy() on Tensor that requires grad",
    tape.DETACHED,
)


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
    # Eager: an operation under forward mode and vmap dispatches through several layers of Python, and
    # by far more where a Python number takes part (1 to 2 ms each in torch 2.13).
    costs = Costs(base=375_000, overhead=131_000, doubles=2**14)
    adtype: AutoTorch

    def __init__(self, adtype: AutoTorch) -> None:
        super().__init__(adtype)
        self.compiles = adtype.compile
        self._forward = adtype.mode == "forward"
        self._doubles = self.costs.doubles

    def check_output(self, leaf: Any) -> Any:
        raise OutputError(
            f"f returned a {type(leaf).__qualname__} under {self.adtype!r}, expected tensors: float(), "
            ".item() and .numpy() detach, and their derivative is lost. Return a tensor "
            "(torch.tensor(...) for a constant).",
            got=leaf,
            expected="torch",
        )

    def _compiled(self, fn: Function, x: Leaves, contexts: Leaves) -> Function:
        if not (self.adtype.compile and fn.reuse):
            return fn
        if not in_transform():
            tape.Pass(fn, x, contexts)  # compiled code cannot be watched
        compiled = copy.copy(fn)
        compiled.f = torch.compile(fn.f)
        return compiled

    # --- first order -----------------------------------------------------------------------------

    def prepare_pushforward(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._pushing("pushforward", fn, t, batched=batched)

    def prepare_pullback(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        onto = fn if batched else self._compiled(fn, x, contexts)
        return _either(
            lambda x, c, t: tape.pullback(onto, x, c, t, batched),
            lambda x, c, t: func.pullback(fn, x, c, t, batched),
        )

    def prepare_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._pushing("derivative", fn, x)

    def _pushing(self, operator: str, fn: Function, like: Leaves, **options: Any) -> Prep:
        """An operator of forward mode, or two pullbacks: as asked, as is faster, or as f allows.

        Its tangents are like those given.
        """
        through = partial(getattr(func, operator), fn, **options)
        on_tape = partial(getattr(tape, operator), fn, **options)
        asked = self.adtype.mode
        small = asked == "reverse" or sum(map(size_of, like)) <= self._doubles

        def levels(setting: Setting) -> Levels:
            twice = asked != "forward" and (small or setting.recorded) and not in_transform()
            one_level = (self.level("forward", setting.seeds),)
            push = two_pullbacks(self, setting.seeds) if twice else one_level
            return push * 2 if operator == "second_derivative" else push

        if asked == "forward":
            return Prep(through, levels=levels)
        if asked == "reverse":
            return _either(on_tape, through, levels)

        def run(*args: Any) -> Any:
            inside = in_transform()
            twice = not inside and (small or any(map(tape.is_recorded, args)))
            first, second = (on_tape, through) if twice else (through, on_tape)
            try:
                return first(*args)
            except (NotImplementedError, RuntimeError) as error:
                if inside or not any(words in str(error) for words in _NO_RULE):
                    raise
            return second(*args)

        return Prep(run, levels=levels)

    def prepare_gradient(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        if self._forward:
            return Prep(partial(func.gradient, fn, forward=True), levels=self._columns)
        onto = self._compiled(fn, x, contexts)
        either = _either(partial(tape.gradient, onto), partial(func.gradient, fn))

        def result(x: Leaves, contexts: Leaves) -> Leaves:
            if in_transform():
                return either.result(x, contexts)
            return tape.gradient_alone(onto, x, contexts)

        at = None if onto is not fn or len(x) > 1 else gradient_at(fn)
        if at is None:
            return Prep(either.run, result)

        def lone(x: Any) -> Any:
            found = at(x)
            return result((x,), ())[0] if found is None else found[1]

        def run(x: Leaves, contexts: Leaves) -> Any:
            found = None if contexts or fn.layout or fn.has_aux else at(x[0])
            if found is None:
                return either.run(x, contexts)
            return tuple([leaf.detach() for leaf in found[0]]), (found[1],), None

        return Prep(run, result, lone=lone)

    def _columns(self, setting: Setting) -> Levels:
        return (self.level("forward", setting.entries),)

    def prepare_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        levels = partial(self._dense, fn, False)
        if self.adtype.mode == "auto" and not (fn.reuse or in_transform()):
            # f is evaluated once, not twice
            return Prep(partial(self._jacobian_once, fn), levels=levels)
        if self._prefers_forward(fn, x, contexts):
            return Prep(partial(func.jacobian, fn, forward=True), levels=levels)
        through = partial(func.jacobian, fn, forward=False)
        return _either(partial(tape.jacobian, fn), through, levels)

    def _jacobian_once(self, fn: Function, x: Leaves, contexts: Leaves) -> Any:
        p = tape.Pass(fn, x, contexts)
        if prefers_forward(self, x, p.y):
            return func.jacobian(fn, x, contexts, True)
        return p.value(), tape.rows(p), p.auxiliary()

    def prepare_batched_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        levels = partial(self._dense, fn, True)
        if self._prefers_forward(fn, x, contexts, samples=True):
            return Prep(partial(func.batched_jacobian, fn, forward=True), levels=levels)
        through = partial(func.batched_jacobian, fn, forward=False)
        return _either(partial(tape.batched_jacobian, fn), through, levels)

    def _dense(self, fn: Function, samples: bool, setting: Setting) -> Levels:
        return jacobian_levels(
            self, setting.x, self._outputs(fn, setting.x, setting.contexts), samples=samples
        )

    def _prefers_forward(
        self, fn: Function, x: Leaves, contexts: Leaves, samples: bool = False
    ) -> bool:
        if self.adtype.mode != "auto":
            return self._forward
        return prefers_forward(self, x, self._outputs(fn, x, contexts), samples=samples)

    def _outputs(self, fn: Function, x: Leaves, contexts: Leaves) -> Leaves:
        with torch.no_grad():
            return fn(tuple(leaf.clone() for leaf in x), contexts)[0]

    # --- second order ----------------------------------------------------------------------------

    def prepare_second_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._pushing("second_derivative", fn, x)

    def prepare_hvp(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        through = partial(func.hvp, fn, batched=batched)
        levels = partial(self._over_gradient, False)
        if self._forward:
            return Prep(through, levels=levels)
        return _either(partial(tape.hvp, fn, batched=batched), through, levels)

    def prepare_hessian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        levels = partial(self._over_gradient, True)
        if self._forward:
            return Prep(partial(func.hessian, fn), levels=levels)
        return _either(partial(tape.hessian, fn), partial(func.hessian, fn), levels)

    def _over_gradient(self, whole: bool, setting: Setting) -> Levels:
        """The levels of products with the Hessian: with each unit vector, if `whole`."""
        outer: Mode = "forward" if self._forward or in_transform() else "reverse"
        directions = setting.entries if whole else setting.seeds
        return self.level(outer, directions), self.level("reverse", 1)

    # --- what a bridge asks ----------------------------------------------------------------------

    def vectorized(self, fn: Function, x: tuple[bool, ...], contexts: tuple[bool, ...]) -> Program:
        axes = tuple(tuple(0 if has else None for has in part) for part in (x, contexts))
        every = tape.vmap(lambda x, c: fn(x, c)[0], in_dims=axes, randomness="different")
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
        if in_transform() or self._forward:
            return super().prepare_hvp_same_point(fn, x, contexts, t, batched)
        p = tape.Pass(fn, x, contexts, twice=True)
        with tape.recording():
            first = p.pull(unit_cotangent(p.y), create=True)
        apply = tape.grad_batched if batched else tape.grad

        def run(t: Leaves) -> Any:
            product = apply(first, p.x, t, create=p.keep or tape.is_recorded(t), retain=True)
            gradient = first if p.keep else tuple(leaf.detach() for leaf in first)
            return (p.value(), gradient), product, p.auxiliary()

        return Prep(run)


def _either(on_tape: Run, in_func: Run, levels: Tell = untold) -> Prep:
    """The tape, or ``torch.func`` inside a transform: known only when the call is made."""
    return Prep(lambda *args: in_func(*args) if in_transform() else on_tape(*args), levels=levels)
