"""The nodes of a trace: one for each operation in f that depends on x.

Autograd's tracer takes any type of node. Ours serve several tangents by one evaluation, name the
operation whose rule is missing, and refuse what autograd would let pass with a wrong derivative.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, final

import autograd.numpy as anp
import numpy as np
from autograd.core import VSpace, primitive_jvps, primitive_vjps, sparse_add
from autograd.extend import VJPNode
from autograd.tracer import Node, notrace_primitives

from .buffer import frozen
from .errors import MissingRuleError

Seen = dict[int, tuple[np.ndarray, tuple[int, int]]]

# Sums of cotangents, which overwrite their first operand; no rule reads it.
_ADDS = (sparse_add, VSpace.mut_add)

# What autograd's rules raise where they do not cover a call; numerical errors pass.
NOT_COVERED = (NotImplementedError, KeyError, TypeError, AssertionError)


class Step(Node):  # type: ignore[misc]
    """One operation.

    Attributes
    ----------
    rule : str
        What the rules are called that it needs.
    """

    __slots__ = ("called", "parents")
    rule: ClassVar[str]

    def __init__(
        self,
        value: Any,
        fun: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        argnums: tuple[int, ...],
        parents: tuple[Any, ...],
    ) -> None:
        self.called, self.parents = (fun, argnums), parents
        if kwargs and ("where" in kwargs or kwargs.get("out") is not None):
            # Autograd's rules ignore these.
            option = "where" if "where" in kwargs else "out"
            raise MissingRuleError(f"{fun.__name__} with {option}=", "rule")
        try:
            self.derive(value, tuple(map(frozen, args)), kwargs)
        except MissingRuleError:
            raise
        except NOT_COVERED as error:
            raise self.missing() from error

    def derive(self, value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Apply autograd's rule for what was called."""
        raise NotImplementedError

    def missing(self) -> MissingRuleError:
        """The error of a rule that is not there, or does not cover this call."""
        fun, argnums = self.called
        name = getattr(fun, "__name__", repr(fun))
        return MissingRuleError(f"{name} by argument {', '.join(map(str, argnums))}", self.rule)

    def __deepcopy__(self, memo: Any) -> Step:
        return self  # a copied box was computed by the same operations

    def __reduce__(self) -> Any:
        raise TypeError(
            "An autograd box cannot be pickled (or sent to another process): its derivative would be "
            "lost."
        )


@final
class Pulled(Step):
    """An operation to pull back through.

    Attributes
    ----------
    pull : callable
        From the cotangent of the value, those of the parents.
    shapes : list of (tuple of int or None)
        The shapes that these must have.
    seen : dict or None
        The plain arrays that operations of this trace computed with, by identity, and their
        fingerprints: the rules may yet read them. One for all nodes.
    """

    __slots__ = ("pull", "seen", "shapes")
    rule = "VJP"
    seen: Seen | None

    def derive(self, value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        fun, argnums = self.called
        self.pull = primitive_vjps[fun](argnums, value, args, kwargs)
        self.shapes = [getattr(args[argnum], "shape", None) for argnum in argnums]
        self.seen = self.parents[0].seen
        if self.seen is not None and len(args) > len(argnums) and fun not in _ADDS:
            _see(self.seen, (arg for i, arg in enumerate(args) if i not in argnums))

    def initialize_root(self, seen: Seen | None) -> None:
        self.parents, self.seen = (), seen


@final
class Pushed(Step):
    """An operation with the tangents of its value, one for each that is pushed."""

    __slots__ = ("tangents",)
    rule = "JVP"
    tangents: list[Any]

    def derive(self, value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        fun, argnums = self.called
        shape = getattr(value, "shape", None)
        self.tangents = []
        push = primitive_jvps[fun]
        for k in range(len(self.parents[0].tangents)):
            seeds = [parent.tangents[k] for parent in self.parents]
            tangent = push(argnums, seeds, value, args, kwargs)
            if shape is not None and getattr(tangent, "shape", ()) != shape:
                raise self.missing()
            self.tangents.append(tangent)
        self.parents = ()  # a push keeps nothing of the way that it came

    def initialize_root(self, tangents: list[Any]) -> None:
        self.tangents = tangents


class _WithoutNode:
    """The functions that autograd gives no node, because no derivative goes through them.

    A view, so that functions registered later are seen. A derivative does go through `full_like`.
    """

    def __contains__(self, fun: Any) -> bool:
        return fun in notrace_primitives[VJPNode] and fun is not anp.full_like


notrace_primitives[Pulled] = notrace_primitives[Pushed] = _WithoutNode()


# --- constants -----------------------------------------------------------------------------------

_SMALL = 512
_SUMMED = 1 << 20


def fingerprint(array: np.ndarray) -> tuple[int, int]:
    """Numbers that change when the array is overwritten.

    Up to 512 entries they depend on each; up to 1 MiB on a sample and the sum of all words; beyond, on
    the sample: reading all of a large array would cost as much as computing with it.
    """
    whole = array.flags.forc
    entries: Any = array.ravel(order="K") if whole else array.flat
    if array.size <= _SMALL:
        return hash(entries[:].tobytes()), 0
    sample = hash(entries[:: array.size // 128 | 1].tobytes())
    if not whole or array.nbytes > _SUMMED or array.nbytes % 8:
        return sample, 0
    return sample, int(np.add.reduce(entries.view(np.uint64)))


def _see(seen: Seen, args: Iterable[Any]) -> None:
    for arg in args:
        if isinstance(arg, np.ndarray):
            if id(arg) not in seen:
                seen[id(arg)] = arg, fingerprint(arg)
        elif isinstance(arg, tuple | list):
            _see(seen, arg)
