"""One evaluation of f, and its derivative there: pulled back from a record, or pushed along."""

from __future__ import annotations

from threading import Lock
from typing import Any, final

import numpy as np
from autograd.core import add_outgrads
from autograd.extend import Box
from autograd.tracer import isbox, new_box, trace_stack
from autograd.util import toposort

from diffinterface.extend import InputError, Leaves, generic_direction, map_leaves, shape_of
from diffinterface.extend.transforms import Pure

from .buffer import frozen
from .errors import MissingRuleError, explain, lost_derivative, overwritten
from .nodes import NOT_COVERED, Pulled, Pushed, Seen, Step, fingerprint
from .rules import cast, conj, stack

# --- depths --------------------------------------------------------------------------------------

_GAP = 1 << 16
_lock = Lock()
_last = 0


def _enter() -> tuple[int, int]:
    """A depth for a new trace, above that of every trace that may be open around it.

    Autograd counts open traces in one global, up and down; threads that count at the same time can
    give an inner trace the depth of its outer one, and perturbations are confused. Ours take depths
    that are never given twice, and leave a gap, which no number of threads closes, for autograd's own.
    """
    global _last
    with _lock:
        before = trace_stack.top
        _last = max(before, _last) + _GAP
        trace_stack.top = _last + _GAP
        return _last, before


def _leave(depth: int, before: int) -> None:
    with _lock:
        if trace_stack.top == depth + _GAP:
            trace_stack.top = before


# --- evaluation ----------------------------------------------------------------------------------


@final
class Evaluation:
    """g at x, each leaf of which was boxed with a node.

    Attributes
    ----------
    y : tuple of array
        g's outputs, free of this trace.
    ends : tuple of Step or None
        The node of each output; None where it does not depend on x.
    aux : any
        The auxiliary output, free of this trace.
    """

    __slots__ = ("aux", "ends", "y")
    aux: Any

    def __init__(self, g: Pure, x: Leaves, roots: tuple[Any, ...]) -> None:
        depth, before = _enter()
        try:
            y, aux = g(tuple(_box(leaf, depth, r) for leaf, r in zip(x, roots, strict=True)))
        except (TypeError, ValueError, AttributeError) as error:
            explain(error)
            raise
        finally:
            _leave(depth, before)
        inside = [isbox(leaf) and leaf._trace == depth for leaf in y]
        self.ends = tuple(leaf._node if i else None for leaf, i in zip(y, inside, strict=True))
        self.y: Leaves = tuple(
            _free(leaf._value if i else leaf, depth) for leaf, i in zip(y, inside, strict=True)
        )
        self.aux = None if aux is None else map_leaves(lambda leaf: _free_aux(leaf, depth), aux)


def _box(leaf: Any, depth: int, root: Step) -> Any:
    try:
        return new_box(frozen(leaf), depth, root)
    except TypeError:
        raise InputError(
            f"autograd cannot differentiate with respect to a {type(leaf).__module__}."
            f"{type(leaf).__qualname__}; pass np.asarray(x).",
            got=leaf,
        ) from None


def _free(value: Any, depth: int) -> Any:
    """An output as the caller may have it: an array, or a box of a trace around ours."""
    if not isbox(value):
        return np.asarray(value)
    if value._trace >= depth:
        raise lost_derivative("f computed with an array of objects that are boxes", value)
    return value


def _free_aux(leaf: Any, depth: int) -> Any:
    if isbox(leaf) and leaf._trace == depth:
        value = leaf._value  # a copy of which the caller may overwrite; the record's own he may not
        return value.copy() if isinstance(value, np.ndarray) else value
    if isinstance(leaf, np.ndarray) and leaf.dtype == object and any(map(isbox, leaf.flat)):
        raise lost_derivative("the auxiliary output is an array of objects that are boxes", leaf)
    return leaf


# --- reverse mode --------------------------------------------------------------------------------


@final
class Record:
    """g evaluated at x, and its derivative there as a map that can be pulled any number of times."""

    __slots__ = ("_ends", "_order", "_roots", "_seen", "_x", "aux", "y")
    aux: Any

    def __init__(self, g: Pure, x: Leaves, watch: bool = True) -> None:
        # An outer record of ours sees the same arrays, at the same time.
        watch = watch and not any(isbox(leaf) and type(leaf._node) is Pulled for leaf in x)
        self._seen: Seen | None = {} if watch else None
        self._x, self._roots = x, tuple(Pulled.new_root(self._seen) for _ in x)
        at = Evaluation(g, x, self._roots)
        self.y, self._ends, self.aux = at.y, at.ends, at.aux
        join = Pulled.new_root(None)
        join.parents = tuple(end for end in self._ends if end is not None)
        self._order = [step for step in toposort(join) if step.parents and step is not join]

    def pull(self, t: Leaves) -> Leaves:
        """The adjoint of the derivative applied to t.

        Raises
        ------
        MissingRuleError
            If autograd has no rule for an operation.
        OutputError
            If an array that g computed with was overwritten since.
        """
        self._check_seen()
        return self._pull(t)

    def pull_each(self, t: Leaves) -> Leaves:
        """The same for each cotangent of a batch."""
        self._check_seen()
        return _stacked([self._pull(seed) for seed in _unbatched(t)], self._x)

    def transposed(self) -> Record:
        """The record of `pull`, whose own `pull` is a pushforward made of VJPs alone.

        J. Townsend, "A new trick for calculating Jacobian vector products", 2017.
        """
        # The map is linear, so any point will do but a special one: a rule may leave out zeros.
        at = tuple(cast(generic_direction(leaf), leaf.dtype) for leaf in self.y)
        return Record(lambda t: (self.pull(t), None), at, watch=False)

    def _pull(self, t: Leaves) -> Leaves:
        # Autograd pulls with the plain transpose, hence the conjugates.
        cotangents: dict[Step, Any] = {}
        for end, seed in zip(self._ends, t, strict=True):
            if end is not None:
                cotangents[end] = _added(cotangents.get(end), conj(seed))
        for step in self._order:
            cotangent = cotangents.pop(step)[0]
            try:
                parts = tuple(step.pull(cotangent))
            except MissingRuleError:
                raise
            except NOT_COVERED as error:
                raise step.missing() from error
            for parent, part, shape in zip(step.parents, parts, step.shapes, strict=True):
                if shape is not None and getattr(part, "shape", shape) != shape:
                    raise step.missing()
                cotangents[parent] = _added(cotangents.get(parent), part)
        return tuple(
            conj(_like(leaf, cotangents[root][0])) if root in cotangents else _zeros(leaf)
            for leaf, root in zip(self._x, self._roots, strict=True)
        )

    def _check_seen(self) -> None:
        if self._seen and any(fingerprint(a) != before for a, before in self._seen.values()):
            raise overwritten()


# --- forward mode --------------------------------------------------------------------------------


def push(g: Pure, x: Leaves, t: Leaves) -> tuple[Leaves, Leaves, Any]:
    """``(y, pushforward of t, aux)``."""
    y, (tangent,), aux = _push(g, x, [t])
    return y, tangent, aux


def push_each(g: Pure, x: Leaves, t: Leaves) -> tuple[Leaves, Leaves, Any]:
    """``(y, pushforward of each tangent of a batch, aux)``, from one evaluation of g."""
    y, tangents, aux = _push(g, x, _unbatched(t))
    return y, _stacked(tangents, y), aux


def _push(g: Pure, x: Leaves, seeds: list[Leaves]) -> tuple[Leaves, list[Leaves], Any]:
    roots = tuple(Pushed.new_root([seed[i] for seed in seeds]) for i in range(len(x)))
    at = Evaluation(g, x, roots)
    tangents = [
        tuple(
            _zeros(leaf) if end is None else _like(leaf, end.tangents[k])
            for leaf, end in zip(at.y, at.ends, strict=True)
        )
        for k in range(len(seeds))
    ]
    return at.y, tangents, at.aux


def _added(before: Any, part: Any) -> Any:
    """A sum of cotangents, as autograd keeps it: with a flag that allows to write into it."""
    if before is not None and isinstance(before[0], np.generic):
        before = before[0], False  # autograd sets the flag of NumPy scalars too
    return add_outgrads(before, part)


# --- leaves --------------------------------------------------------------------------------------


def _like(leaf: Any, derivative: Any) -> Any:
    """A derivative in the dtype of the array that it belongs to."""
    derivative = derivative if isinstance(derivative, Box) else np.asarray(derivative)
    return derivative if derivative.dtype == leaf.dtype else cast(derivative, leaf.dtype)


def _zeros(leaf: Any) -> Any:
    return np.zeros(shape_of(leaf), dtype=leaf.dtype)


def _unbatched(t: Leaves) -> list[Leaves]:
    return [tuple(leaf[k] for leaf in t) for k in range(shape_of(t[0])[0])]


def _stacked(rows: list[Leaves], like: Leaves) -> Leaves:
    if not rows:
        return tuple(np.zeros((0, *shape_of(leaf)), dtype=leaf.dtype) for leaf in like)
    return tuple(stack(column) for column in zip(*rows, strict=True))
