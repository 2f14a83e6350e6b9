"""Autograd as the outer engine of a function that another engine differentiates."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.extend import defjvp_argnums, defvjp_argnums, primitive

from diffinterface.arrays.facts import dtype_name, shape_of
from diffinterface.arrays.framework import finished, framework_of
from diffinterface.arrays.kinds import Kind, kind_of
from diffinterface.arrays.trees import Leaves
from diffinterface.nest.bridge import Bridge

from .rules import cast, conj


def host(bridge: Bridge, x: Leaves, contexts: Leaves) -> Leaves:
    """The outputs of a bridge at boxes."""
    x, contexts = (tuple(map(_array, leaves)) for leaves in (x, contexts))
    kinds: list[Kind] = []
    vector = _call(bridge, len(x), kinds, *x, *contexts)
    return _cut(vector, kinds)


def _array(leaf: Any) -> Any:
    framework = framework_of(leaf)
    return leaf if framework is not None and framework.name == "autograd" else finished(leaf)


_FIRST = 3  # of the arrays among the arguments of `_call`


@primitive  # type: ignore[untyped-decorator]
def _call(bridge: Bridge, n: int, kinds: list[Kind], *args: Any) -> Any:
    """All outputs in one vector, because autograd's functions have one; `kinds` gets their shapes."""
    leaves = tuple(map(np.asarray, args))
    y = bridge(leaves[:n], leaves[n:])
    kinds[:] = map(kind_of, y)
    return _joined(y)


def _joined(leaves: Leaves) -> Any:
    return anp.concatenate([anp.reshape(leaf, (-1,)) for leaf in leaves])


def _cut(vector: Any, kinds: list[Kind]) -> Leaves:
    """The inverse of `_joined`."""
    leaves, start = [], 0
    for shape, dtype in kinds:
        size = int(np.prod(shape, dtype=int))
        leaf = anp.reshape(vector[start : start + size], shape)
        leaves.append(leaf if dtype_name(leaf) == dtype else cast(leaf, np.dtype(dtype)))
        start += size
    return tuple(leaves)


def _vjp(argnums: Any, ans: Any, args: Any, options: Any) -> Any:
    (bridge, n, kinds), leaves = args[:_FIRST], args[_FIRST:]
    x, contexts = leaves[:n], leaves[n:]

    def pull(g: Any) -> Any:
        # Autograd pulls without the conjugate that an adjoint has.
        cotangents = tuple(map(conj, _cut(g, kinds)))
        pulled = host(bridge.pullback(n), (*x, *cotangents), contexts)
        return tuple(conj(pulled[argnum - _FIRST]) for argnum in argnums)

    return pull


def _jvp(argnums: Any, tangents: Any, ans: Any, args: Any, options: Any) -> Any:
    (bridge, n, _), leaves = args[:_FIRST], args[_FIRST:]
    x, contexts = leaves[:n], leaves[n:]
    given = {argnum - _FIRST: t for argnum, t in zip(argnums, tangents, strict=True)}
    t = tuple(
        given[i] if i in given else np.zeros(shape_of(leaf), dtype_name(leaf))
        for i, leaf in enumerate(x)
    )
    return _joined(host(bridge.pushforward, (*x, *t), contexts))


defvjp_argnums(_call, _vjp)
defjvp_argnums(_call, _jvp)
