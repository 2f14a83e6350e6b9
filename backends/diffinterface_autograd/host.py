"""Autograd as the outer engine of a function that another engine differentiates."""

from __future__ import annotations

from typing import Any

import numpy as np
from autograd.extend import VJPNode, defjvp_argnums, defvjp_argnums, primitive
from autograd.tracer import isbox

from diffinterface.extend import Leaves, dtype_name, shape_of
from diffinterface.extend.bridges import Bridge, Pullback, finished

from .nodes import Pulled
from .rules import conj


def host(bridge: Bridge, x: Leaves, contexts: Leaves) -> Leaves:
    """The outputs of a bridge at boxes."""
    kept: list[Pullback | None] | None = [] if any(map(_is_recorded, x)) else None
    leaves = [leaf if isbox(leaf) else finished(leaf) for leaf in (*x, *contexts)]
    return _each(_call(bridge, len(x), kept, *leaves))


def _is_recorded(leaf: Any) -> bool:
    """Whether a pullback is what follows, if anything does, and not the derivative of one."""
    return isbox(leaf) and isinstance(leaf._node, (Pulled, VJPNode)) and not isbox(leaf._value)


def _each(outputs: Any) -> Leaves:
    """The entries of a tuple or of the box of one, whose iterator would run over its end."""
    return tuple([outputs[i] for i in range(len(outputs))])


_FIRST = 3  # of the arrays among the arguments of `_call`


@primitive  # type: ignore[untyped-decorator]
def _call(bridge: Bridge, n: int, kept: list[Pullback | None] | None, *args: Any) -> Leaves:
    """The outputs, a tuple; `kept`, where there is one, gets the pullback at these arguments."""
    leaves = tuple(map(np.asarray, args))
    x, contexts = leaves[:n], leaves[n:]
    if kept is None:
        return bridge(x, contexts)
    y, pullback = bridge.with_pullback(x, contexts)
    kept[:] = [pullback]
    return y


def _vjp(argnums: Any, ans: Any, args: Any, options: Any) -> Any:
    (bridge, n, kept), leaves = args[:_FIRST], args[_FIRST:]
    x, contexts = leaves[:n], leaves[n:]
    known = None if kept is None or any(map(isbox, leaves)) else kept[0]

    def pull(g: Any) -> Any:
        # Autograd pulls without the conjugate that an adjoint has.
        cotangents = tuple(map(conj, _each(g)))
        if known is None or isbox(g):
            pulled = host(bridge.pullback(n), (*x, *cotangents), contexts)
        else:
            pulled = known(cotangents)
        return tuple([conj(pulled[argnum - _FIRST]) for argnum in argnums])

    return pull


def _jvp(argnums: Any, tangents: Any, ans: Any, args: Any, options: Any) -> Any:
    (bridge, n, _), leaves = args[:_FIRST], args[_FIRST:]
    x, contexts = leaves[:n], leaves[n:]
    given = {argnum - _FIRST: t for argnum, t in zip(argnums, tangents, strict=True)}
    t = tuple(
        given[i] if i in given else np.zeros(shape_of(leaf), dtype_name(leaf))
        for i, leaf in enumerate(x)
    )
    return host(bridge.pushforward, (*x, *t), contexts)


defvjp_argnums(_call, _vjp)
defjvp_argnums(_call, _jvp)
