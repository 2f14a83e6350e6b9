"""The function that an engine differentiates: flat tuples of leaves in, a flat tuple of leaves out.

Whatever the user's f looks like (trees, ``argnums``, contexts, ``has_aux``), an engine meets only a
`Function`. Here alone f is called, and here alone its output is checked.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any

from ..arrays.facts import dtype_name, is_inexact, shape_of
from ..arrays.framework import Framework, framework_of, is_abstract
from ..arrays.namespace import array_namespace
from ..arrays.trees import LEAF, Leaves, Structure
from ..errors import DiffInterfaceError, InputError, NonScalarOutputError, OutputError
from ..evaluations import States, rewind, thread
from .arguments import join
from .foreign import refuse_foreign, refuse_output
from .prep import Tell, untold

Argnums = int | tuple[int, ...]


@dataclass(eq=False, repr=False)
class Function:
    """f as the engine sees it: ``(x_leaves, context_leaves) -> (y_leaves, aux)``.

    Attributes
    ----------
    reuse : bool
        False for a single call, where compiling would not pay.
    y_structure : Structure or None
        How f's output leaves go back into their tree; known after the first evaluation. An output of
        another structure afterwards raises.
    states : dict
        What f has advanced in this call of an operator, and what it was before; see `passes`.
    """

    f: Callable[..., Any]
    backend: Any
    x_structure: Structure
    layout: tuple[Any, ...] = ()
    _: KW_ONLY
    argnums: Argnums = 0
    has_aux: bool = False
    scalar: bool = False
    samples: bool = False
    reuse: bool = True

    def __post_init__(self) -> None:
        self._memo: list[Structure] = []  # shared with the copies that `on` makes, as `states` is
        self.states: States = {}
        self._passed: tuple[Any, ...] | None = None  # the kind of lone array that was checked last

    @property
    def y_structure(self) -> Structure | None:
        return self._memo[0] if self._memo else None

    def on(self, backend: Any, *, reuse: bool | None = None) -> Function:
        """The same function as `backend` meets it: with that engine's trees, buffers and outputs."""
        other = copy.copy(self)
        other.backend = backend
        other._passed = None
        other.reuse = self.reuse if reuse is None else reuse
        return other

    def within(self, context: Callable[[], AbstractContextManager[Any]]) -> Function:
        """The same function, each of whose evaluations takes place in a context."""
        other = copy.copy(self)
        other.f = _within(context, self.f)
        return other

    def __call__(self, x: Leaves, contexts: Leaves = ()) -> tuple[Leaves, Any]:
        y, aux = self.call(x, contexts), None
        if self.has_aux:
            y, aux = self.split_aux(y)
        return self._checked_leaves(y), aux

    def call(self, x: Leaves, contexts: Leaves) -> Any:
        """f's own return value at these leaves."""
        x_tree = x[0] if self.x_structure is LEAF else self.x_structure.unflatten(x)
        arguments: Sequence[Any] = (x_tree,)
        if self.layout or self.argnums != 0:
            others = join(self.layout, contexts, lambda b: self.backend.scratch(b, x))
            arguments = place(x_tree, others, self.argnums)
        if self.states:
            rewind(self.states)
        thread.stack.append(self)
        try:
            return self.f(*arguments)
        except Exception as error:
            if isinstance(error, TypeError | ValueError | RuntimeError):
                # NumPy replaces what a dual number says about a lost derivative by words of its own.
                if isinstance(error.__cause__, DiffInterfaceError):
                    raise error.__cause__ from None
                refuse_foreign(self.f, self.backend, x, error)
            from .noted import add_notes

            add_notes(error, x_tree, x, self.samples)
            raise
        finally:
            thread.stack.pop()

    def derived(
        self,
        call: Callable[[Leaves, Leaves], tuple[Leaves, Any]],
        levels: Tell = untold,
    ) -> DerivedFunction:
        """Another flat function of the same arguments: what a derivative of f is to an outer engine.

        `levels` tells what each evaluation pushes and pulls, as that of a `Prep` does.
        """
        return DerivedFunction(self, call, levels)

    def known(self, y: Leaves) -> Function:
        """The same function where its outputs are known: evaluated only at values that are not."""
        return KnownFunction(self, y)

    def split_aux(self, y: Any) -> tuple[Any, Any]:
        """What f returned, under `has_aux`, as the pair that it must be."""
        if not (isinstance(y, tuple) and len(y) == 2):
            raise OutputError(
                f"has_aux=True expects f to return a pair (y, aux), got {_describe(y)}.", got=y
            )
        return y

    def _checked_leaves(self, y: Any) -> Leaves:
        kind = (type(y), getattr(y, "dtype", None), getattr(y, "shape", None))
        if kind == self._passed:
            return (y,)
        leaves, structure, owners = (y,), LEAF, [framework_of(y)]
        if owners[0] is None:
            leaves, structure = self.backend.flatten_output(y)
            owners = list(map(framework_of, leaves))
        leaves = tuple(map(self._checked, leaves, owners))
        if not leaves:
            raise OutputError(f"f returned an empty {type(y).__name__}, expected an array.", got=y)
        if self.scalar and (len(leaves) > 1 or shape_of(leaves[0]) != ()):
            shapes = ", ".join(str(shape_of(leaf)) for leaf in leaves)
            raise NonScalarOutputError(
                f"f must return a scalar here, got {type(y).__name__} of shape {shapes}; "
                "reduce it (a sum, an index), or use jacobian.",
                got=shapes,
                expected="()",
            )
        if not self._memo:
            self._memo.append(structure)
        expected = self._memo[0]
        if not (structure is expected or structure == expected):  # JAX's != errs with another type
            raise OutputError(
                f"f returned the structure {structure}, after {expected} before; the structure of its "
                "output must not depend on values.",
                got=structure,
                expected=expected,
            )
        if structure is LEAF and leaves[0] is y and kind[1] is not None:
            self._passed = kind
        return leaves

    def _checked(self, leaf: Any, framework: Framework | None) -> Any:
        if framework is None:
            raise OutputError(
                f"f returned {_describe(leaf)}, expected an array, a number or a tree of them"
                + ("; is a `return` missing?" if leaf is None else "."),
                got=leaf,
            )
        if framework.unsuited is not None:
            raise OutputError(
                f"f returned a {type(leaf).__qualname__}: {framework.unsuited}.", got=type(leaf)
            )
        if framework is not self.backend.framework:
            refuse_output(self.f, self.backend, leaf)
            leaf = self.backend.check_output(leaf)
        if not is_inexact(leaf):
            raise OutputError(
                f"f returned an array of dtype {dtype_name(leaf)}, which has no derivative; "
                "return a real or complex floating value.",
                got=dtype_name(leaf),
            )
        return leaf


class DerivedFunction(Function):
    """A derivative of a function, as the function that an outer engine differentiates."""

    def __init__(
        self,
        base: Function,
        call: Callable[[Leaves, Leaves], tuple[Leaves, Any]],
        levels: Tell,
    ) -> None:
        super().__init__(
            base.f, base.backend, base.x_structure, base.layout, has_aux=True, reuse=base.reuse
        )
        self._call, self.levels = call, levels

    def within(self, context: Callable[[], AbstractContextManager[Any]]) -> DerivedFunction:
        other = copy.copy(self)
        other._call = _within(context, self._call)
        return other

    def __call__(self, x: Leaves, contexts: Leaves = ()) -> tuple[Leaves, Any]:
        thread.stack.append(self)
        try:
            return self._call(x, contexts)
        finally:
            thread.stack.pop()


class KnownFunction(Function):
    """A function whose outputs are known, as `explain` prepares it."""

    def __init__(self, base: Function, y: Leaves) -> None:
        self.__dict__.update(vars(base))
        self._y = y

    def __call__(self, x: Leaves, contexts: Leaves = ()) -> tuple[Leaves, Any]:
        abstract = any(map(is_abstract, x))
        return super().__call__(x, contexts) if abstract else (self._y, None)


def looped(
    fn: Function, x: tuple[bool, ...], contexts: tuple[bool, ...]
) -> Callable[[Leaves, Leaves], Leaves]:
    """``fn`` for each sample of a batch, one after the other."""

    def run(xs: Leaves, cs: Leaves) -> Leaves:
        every = (*zip(xs, x, strict=True), *zip(cs, contexts, strict=True))
        size = next(shape_of(leaf)[0] for leaf, batched in every if batched)
        rows = [fn(_sample(xs, x, k), _sample(cs, contexts, k))[0] for k in range(size)]
        return tuple(array_namespace(*column).stack(column) for column in zip(*rows, strict=True))

    return run


def _sample(leaves: Leaves, batched: tuple[bool, ...], k: int) -> Leaves:
    return tuple(a[k, ...] if has else a for a, has in zip(leaves, batched, strict=True))


def _within(
    context: Callable[[], AbstractContextManager[Any]], call: Callable[..., Any]
) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        with context():
            return call(*args)

    return run


def place(x: Any, contexts: tuple[Any, ...], argnums: Argnums) -> list[Any]:
    """The positional arguments of f: x where `argnums` says, the contexts in order around it."""
    if argnums == 0:
        return [x, *contexts]
    positions = argnums if isinstance(argnums, tuple) else (argnums,)
    values = x if isinstance(argnums, tuple) else (x,)
    arguments = list(contexts)
    for position, value in sorted(zip(positions, values, strict=True), key=lambda pair: pair[0]):
        arguments.insert(position, value)
    return arguments


def check_argnums(argnums: Argnums, x: Any, n_contexts: int) -> Argnums:
    """`argnums` with negative positions resolved, checked against x and the number of contexts."""
    if type(argnums) is int and argnums == 0:
        return 0
    positions = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(isinstance(p, Integral) and not isinstance(p, bool) for p in positions):
        raise InputError(
            f"argnums={argnums!r}, expected an int or a tuple of ints.", got=argnums, expected="int"
        )
    total = n_contexts + len(positions)
    resolved = tuple(p + total if p < 0 else p for p in positions)
    if len(set(resolved)) < len(resolved) or not all(0 <= p < total for p in resolved):
        raise InputError(
            f"argnums={argnums!r} does not name distinct parameters among the {total} arguments "
            "given (x and the contexts).",
            got=argnums,
            expected=total,
        )
    if isinstance(argnums, tuple):
        if not (isinstance(x, tuple) and len(x) == len(argnums)):
            raise InputError(
                f"argnums={argnums!r} expects x to be a tuple of {len(argnums)}, got {_describe(x)}.",
                got=x,
                expected=len(argnums),
            )
        return resolved
    return resolved[0]


def _describe(x: Any) -> str:
    if x is None:
        return "None"
    size = f" of {len(x)}" if isinstance(x, tuple | list | dict) else ""
    return f"a {type(x).__name__}{size}"
