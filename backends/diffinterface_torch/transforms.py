"""``torch.func``: forward mode everywhere, and reverse mode inside another transform.

Transforms compose natively, so whatever surrounds the call keeps its derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optree
import torch

from diffinterface.extend import Function, Leaves, NestedDifferentiationError
from diffinterface.extend.transforms import AuxCarrier, Pull, Pure, Push, Transforms

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


def _is_tensor(leaf: Any) -> bool:
    return isinstance(leaf, torch.Tensor)


def _carried(g: Pure) -> tuple[Callable[..., Any], AuxCarrier]:
    """`g` of leaves one by one, with the tensors of its aux, and what carries the rest."""
    carrier = AuxCarrier(optree.tree_flatten, _is_tensor)

    def pure(*x: torch.Tensor) -> Any:
        y, aux = g(x)
        return y, carrier.take(aux)

    return pure, carrier


class _Func(Transforms):
    def basis(self, x: Leaves) -> Leaves:
        return basis(x)

    def close(self, fn: Function, contexts: Leaves) -> Pure:
        """F of x alone; x arrives as a copy, so that f may write into it."""
        return lambda x: call(Repairs.of(fn).fn, tuple(leaf.clone() for leaf in x), contexts)

    def pushing(self, g: Pure, x: Leaves, batched: bool) -> Push:
        # A tensor that overlaps itself (an expanded one) cannot carry a tangent.
        x = tuple(leaf.contiguous() for leaf in x)
        pure, aux = _carried(g)

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
        pure, aux = _carried(g)
        value, back, rest = vjp(pure, *x, has_aux=True)

        def apply(*t: torch.Tensor) -> Leaves:
            return back(tuple(t))

        return value, lambda t, batched: (vmap(apply) if batched else apply)(*t), aux.give(rest)


func = _Func()
