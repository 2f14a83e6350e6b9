"""``torch.func``: forward mode everywhere, and reverse mode inside another transform.

Transforms compose natively, so whatever surrounds the call keeps its derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optree
import torch

from diffinterface.errors import NestedDifferentiationError
from diffinterface.functions import Function
from diffinterface.transforms import Pull, Pure, Push, Transforms
from diffinterface.trees import Leaves

from .outer import FORWARD_MODE, in_vmap
from .repairs import Repairs
from .tape import basis, vmap
from .watch import call

_jvp: Any = torch.func.jvp  # torch's annotations leave out has_aux
vjp: Any = torch.func.vjp


def jvp(*args: Any, **options: Any) -> Any:
    """``torch.func.jvp``, one thread at a time."""
    with FORWARD_MODE:
        try:
            return _jvp(*args, **options)
        except RuntimeError as error:
            if "Nested forward mode" not in str(error):
                raise
            raise NestedDifferentiationError(
                "torch has no forward mode inside a level of forward_ad; use AutoTorch(mode='reverse') "
                "here, or torch.func.jvp around.",
                outer="torch",
            ) from error


class Aux:
    """An auxiliary output on its way out of a transform, which lets only tensors pass."""

    def __init__(self) -> None:
        self._others: list[Any] = []
        self._spec: Any = None

    def take(self, aux: Any) -> list[torch.Tensor]:
        """The tensors of `aux`; the rest is kept here."""
        leaves, self._spec = optree.tree_flatten(aux)
        self._others = [None if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
        return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]

    def through(self, g: Pure) -> Callable[..., Any]:
        """`g` of leaves one by one, with the tensors of its aux."""

        def pure(*x: torch.Tensor) -> Any:
            y, aux = g(x)
            return y, self.take(aux)

        return pure

    def give(self, tensors: list[torch.Tensor]) -> Any:
        """The whole, with the tensors as the transform returned them."""
        remaining = iter(tensors)
        return self._spec.unflatten(
            [next(remaining) if other is None else other for other in self._others]
        )


class _Func(Transforms):
    def basis(self, x: Leaves) -> Leaves:
        return basis(x)

    def close(self, fn: Function, contexts: Leaves) -> Pure:
        """F of x alone; x arrives as a copy, so that f may write into it."""
        return lambda x: call(Repairs.of(fn).fn, tuple(leaf.clone() for leaf in x), contexts)

    def pushing(self, g: Pure, x: Leaves, batched: bool) -> Push:
        # A tensor that overlaps itself (an expanded one) cannot carry a tangent.
        x, aux = tuple(leaf.contiguous() for leaf in x), Aux()
        pure = aux.through(g)

        def single(*t: torch.Tensor) -> Any:
            value, tangent, rest = jvp(pure, x, t, has_aux=True)
            # Under vmap, torch promotes a batched 0-d float32 tangent by a Python number to float64.
            return value, tuple(a.to(y.dtype) for a, y in zip(tangent, value, strict=True)), rest

        def run(t: Leaves) -> Any:
            value, tangent, rest = each(t) if batched else single(*t)
            return value, tangent, aux.give(rest)

        def each(t: Leaves) -> Any:
            if not t[0].shape[0]:
                value, rest = pure(*x)
                return value, tuple(y.new_zeros((0, *y.shape)) for y in value), rest
            if not in_vmap():
                return vmap(single, out_dims=(None, 0, None), randomness="same")(*t)
            # Inside another vmap, torch refuses outputs without an axis.
            value, tangent, rest = vmap(single, randomness="same")(*t)
            return tuple(leaf[0] for leaf in value), tangent, [leaf[0] for leaf in rest]

        return run

    def pulling(self, g: Pure, x: Leaves) -> tuple[Leaves, Pull, Any]:
        aux = Aux()
        value, back, rest = vjp(aux.through(g), *x, has_aux=True)

        def apply(*t: torch.Tensor) -> Leaves:
            return back(tuple(t))

        return value, lambda t, batched: (vmap(apply) if batched else apply)(*t), aux.give(rest)


func = _Func()
