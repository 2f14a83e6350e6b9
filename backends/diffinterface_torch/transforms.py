"""``torch.func``: forward mode everywhere, and reverse mode inside another transform.

Transforms compose natively, so whatever surrounds the call keeps its derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optree
import torch

from diffinterface.arrays import assembly
from diffinterface.arrays.facts import is_complex
from diffinterface.arrays.seeds import match_cotangent
from diffinterface.arrays.trees import Leaves
from diffinterface.engine.function import Function
from diffinterface.errors import NestedDifferentiationError

from .outer import FORWARD_MODE, in_vmap
from .repairs import Repairs
from .tape import basis, one, vmap
from .watch import call

_jvp: Any = torch.func.jvp  # torch's annotations leave out has_aux
vjp: Any = torch.func.vjp

Pure = Callable[..., tuple[Leaves, Any]]


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

    def give(self, tensors: list[torch.Tensor]) -> Any:
        """The whole, with the tensors as the transform returned them."""
        remaining = iter(tensors)
        return self._spec.unflatten(
            [next(remaining) if other is None else other for other in self._others]
        )


def close(fn: Function, contexts: Leaves, aux: Aux) -> Pure:
    """f of x alone; x arrives as a copy, so that f may write into it."""

    def pure(*x: torch.Tensor) -> tuple[Leaves, Any]:
        y, rest = call(Repairs.of(fn).fn, tuple(leaf.clone() for leaf in x), contexts)
        return y, aux.take(rest)

    return pure


def push_of(g: Pure, x: Leaves, batched: bool) -> Callable[[Leaves], tuple[Leaves, Leaves, Any]]:
    """``t -> (value, pushforward, aux)``."""
    # A tensor that overlaps itself (an expanded one) cannot carry a tangent.
    x = tuple(leaf.contiguous() for leaf in x)

    def single(*t: torch.Tensor) -> Any:
        value, tangent, aux = jvp(g, x, t, has_aux=True)
        # Under vmap, torch promotes a batched 0-d float32 tangent by a Python number to float64.
        return value, tuple(a.to(y.dtype) for a, y in zip(tangent, value, strict=True)), aux

    def run(t: Leaves) -> Any:
        if not batched:
            return single(*t)
        size = t[0].shape[0]
        if not size:
            value, aux = g(*x)
            return value, tuple(y.new_zeros((0, *y.shape)) for y in value), aux
        if not in_vmap():
            return vmap(single, out_dims=(None, 0, None), randomness="same")(*t)
        # Inside another vmap, torch refuses outputs without an axis.
        value, tangent, aux = vmap(single, randomness="same")(*t)
        return tuple(leaf[0] for leaf in value), tangent, [leaf[0] for leaf in aux]

    return run


def pull_of(g: Pure, x: Leaves, batched: bool) -> tuple[Leaves, Callable[[Leaves], Leaves], Any]:
    """The value, the pullback and the auxiliary output of g at x."""
    value, back, aux = vjp(g, *x, has_aux=True)

    def apply(*t: torch.Tensor) -> Leaves:
        return back(tuple(t))

    return value, lambda t: (vmap(apply) if batched else apply)(*t), aux


def pushforward(fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool) -> Any:
    aux = Aux()
    value, result, rest = push_of(close(fn, contexts, aux), x, batched)(t)
    return value, result, aux.give(rest)


def pullback(fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool) -> Any:
    aux = Aux()
    value, back, rest = pull_of(close(fn, contexts, aux), x, batched)
    return value, back(match_cotangent(t, value, batched)), aux.give(rest)


def gradient_of(fn: Function, contexts: Leaves, aux: Aux) -> Pure:
    """The gradient of f as a function of x; its aux is [y, *aux]."""

    def pure(*x: torch.Tensor) -> tuple[Leaves, Any]:
        value, back, rest = pull_of(close(fn, contexts, aux), x, False)
        return back(one(value)), [value[0], *rest]

    return pure


def gradient(fn: Function, x: Leaves, contexts: Leaves) -> Any:
    aux = Aux()
    result, (value, *rest) = gradient_of(fn, contexts, aux)(*x)
    return (value,), result, aux.give(rest)


def gradient_forward(fn: Function, x: Leaves, contexts: Leaves) -> Any:
    aux = Aux()
    push = push_of(close(fn, contexts, aux), x, True)
    seeds = basis(x)
    value, columns, rest = push(seeds)
    one(value)
    flat = columns[0]
    if any(is_complex(leaf) for leaf in x):
        flat = flat + 1j * push(tuple(1j * s if is_complex(s) else 0 * s for s in seeds))[1][0]
    return value, assembly.split(flat, x, False), aux.give(rest)


def jacobian_forward(fn: Function, x: Leaves, contexts: Leaves) -> Any:
    aux = Aux()
    value, columns, rest = push_of(close(fn, contexts, aux), x, True)(basis(x))
    return value, assembly.rows_from_columns([[c] for c in columns], value, x), aux.give(rest)


def jacobian_reverse(fn: Function, x: Leaves, contexts: Leaves) -> Any:
    aux = Aux()
    value, back, rest = pull_of(close(fn, contexts, aux), x, True)
    seeds = basis(value)
    stacked = back(seeds)
    if any(is_complex(leaf) for leaf in value):
        turned = tuple(1j * s if is_complex(s) else 0 * s for s in seeds)
        stacked = assembly.complex_rows(stacked, back(turned), x)
    return value, assembly.rows_from_rows(stacked, value, x), aux.give(rest)


def batched_jacobian(fn: Function, x: Leaves, contexts: Leaves, forward: bool) -> Any:
    aux = Aux()
    g = close(fn, contexts, aux)
    sample_x = assembly.first_sample(x)
    if forward:
        seeds = assembly.broadcast_seeds(basis(sample_x), x[0].shape[0])
        value, stacked, rest = push_of(g, x, True)(seeds)
        assembly.check_batch(x, value)
        sample_y = assembly.first_sample(value)
    else:
        value, back, rest = pull_of(g, x, True)
        batch = assembly.check_batch(x, value)
        sample_y = assembly.first_sample(value)
        stacked = back(assembly.broadcast_seeds(basis(sample_y), batch))
    return value, assembly.batched_rows(stacked, sample_y, sample_x, forward), aux.give(rest)


def derivative(fn: Function, x: Leaves, contexts: Leaves) -> Any:
    return pushforward(fn, x, contexts, tuple(torch.ones_like(leaf) for leaf in x), False)


def second_derivative(fn: Function, x: Leaves, contexts: Leaves) -> Any:
    aux = Aux()
    ones = tuple(torch.ones_like(leaf) for leaf in x)

    def first(*x: torch.Tensor) -> Any:
        value, slope, rest = jvp(close(fn, contexts, aux), x, ones, has_aux=True)
        return slope, [*value, *rest]

    slope, curvature, values = jvp(first, x, ones, has_aux=True)
    value, rest = values[: len(slope)], values[len(slope) :]
    # Torch promotes the tangent of a 0-d tensor by a Python number.
    slope, curvature = (
        tuple(a.to(y.dtype) for a, y in zip(part, value, strict=True))
        for part in (slope, curvature)
    )
    return (tuple(value), slope), curvature, aux.give(rest)


def hvp(fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool) -> Any:
    aux = Aux()
    first, product, (y, *rest) = push_of(gradient_of(fn, contexts, aux), x, batched)(t)
    return ((y,), first), product, aux.give(rest)


def hessian(fn: Function, x: Leaves, contexts: Leaves) -> Any:
    aux = Aux()
    first, stacked, (y, *rest) = push_of(gradient_of(fn, contexts, aux), x, True)(basis(x))
    return ((y,), first), assembly.rows_from_rows(stacked, x, x), aux.give(rest)
