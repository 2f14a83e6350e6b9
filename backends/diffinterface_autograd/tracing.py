"""One recorded evaluation of f: the two modes over autograd's own tracer.

Autograd keeps the depth of its nested traces in a module global. Two threads that trace at once could
give an inner trace a lower depth than its outer one, and so confuse perturbations; a lock prevents it.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.builtins import tuple as box_tuple
from autograd.core import JVPNode, VJPNode, backward_pass, vspace
from autograd.tracer import Box, isbox, new_box, trace_stack

from diffinterface.arrays import is_complex
from diffinterface.trees import Leaves, map_leaves

LOCK = RLock()

Pure = Callable[[Leaves], tuple[Leaves, Any]]


class Recorded:
    """f evaluated at x under one root node.

    Attributes
    ----------
    y : tuple of array
        f's outputs, free of this trace.
    node : Node or None
        The node of the output, None if it does not depend on x.
    aux : any
        The auxiliary output, free of this trace.
    """

    def __init__(self, g: Pure, x: Leaves, root: Any) -> None:
        self.alone = len(x) == 1
        self.x = x[0] if self.alone else x
        with LOCK, trace_stack.new_trace() as depth:
            box = new_box(self.x, depth, root)
            leaves = (box,) if self.alone else tuple(box[i] for i in range(len(x)))
            y, aux = g(leaves)
            self.alone_y = len(y) == 1
            end = y[0] if self.alone_y else box_tuple(y)
        inside = isbox(end) and end._trace == depth
        self.node = end._node if inside else None
        values = end._value if inside else end
        self.y: Leaves = tuple(map(_array, (values,) if self.alone_y else values))
        self.aux = map_leaves(lambda a: a._value if isbox(a) and a._trace == depth else a, aux)


def _array(value: Any) -> Any:
    return value if isinstance(value, Box) else np.asarray(value)


def pull(g: Pure, x: Leaves) -> tuple[Recorded, Callable[[Leaves], Leaves]]:
    """F's record, and its pullback: the adjoint, where autograd pulls with the plain transpose."""
    recorded = Recorded(g, x, VJPNode.new_root())

    def apply(t: Leaves) -> Leaves:
        if recorded.node is None:
            back = vspace(recorded.x).zeros()
        else:
            seed = conj(t)
            back = backward_pass(seed[0] if recorded.alone_y else seed, recorded.node)
        return conj((back,) if recorded.alone else tuple(back[i] for i in range(len(x))))

    return recorded, apply


def push(g: Pure, x: Leaves, t: Leaves) -> tuple[Recorded, Leaves]:
    """F's record, and its pushforward of t."""
    recorded = Recorded(g, x, JVPNode.new_root(t[0] if len(x) == 1 else t))
    if recorded.node is None:
        return recorded, tuple(np.zeros_like(y) for y in recorded.y)
    tangent = recorded.node.g
    if recorded.alone_y:
        return recorded, (_array(tangent),)
    return recorded, tuple(_array(tangent[i]) for i in range(len(recorded.y)))


def push_by_pulling(g: Pure, x: Leaves, t: Leaves) -> tuple[Recorded, Leaves]:
    """The pushforward as the pullback of the pullback, which is linear in its cotangent.

    For functions with an operation that has no forward rule (J. Townsend, "A new trick for
    calculating Jacobian vector products", 2017).
    """
    recorded, back = pull(g, x)
    zero = tuple(np.zeros_like(y) for y in recorded.y)
    _, forth = pull(lambda seeds: (back(seeds), None), zero)
    return recorded, forth(t)


def conj(leaves: Leaves) -> Leaves:
    """The conjugate of each complex leaf."""
    return tuple(anp.conj(leaf) if is_complex(leaf) else leaf for leaf in leaves)
