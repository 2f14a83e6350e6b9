"""The arguments of a call, flat; and what a call was prepared for, which later arguments must match.

The common case is decided by identity and equality on a few attributes, without a namespace, an
inspection or a tree library: it stands on the hot path of every prepared call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, final

from ..arrays.facts import dtype_name, shape_of
from ..arrays.framework import framework_of
from ..arrays.seeds import instead
from ..arrays.trees import LEAF, Leaves, Structure
from ..engine.arguments import split
from ..errors import InputError

Flatten = Callable[[Any], tuple[Leaves, Structure]]


class Flat(NamedTuple):
    """The leaves of x, of the contexts and of the seed, and how each of them goes together again."""

    x: Leaves
    structure: Structure
    contexts: Leaves
    layout: tuple[Any, ...]
    seed: Leaves = ()
    seed_structure: Structure = LEAF

    @classmethod
    def of(cls, tangent: str | None, flatten: Flatten, *arguments: Any) -> Flat:
        """The flat arguments ``(x, contexts, t)`` of an operator whose seed is like `tangent`.

        Raises
        ------
        InputError
            If x or the seed holds what is no array, or if an array is unsuited.
        """
        x, contexts, t = arguments
        leaves, structure = flatten_any(x, flatten)
        layout, data = split(contexts, flatten) if contexts else ((), ())
        seed, what = ((), LEAF), ""
        if tangent is not None:
            seed, what = flatten_any(t, flatten), _SEEDS[tangent]
        for name, part in (("x", leaves), ("a context", data), (what, seed[0])):
            for leaf in part:
                framework = framework_of(leaf)
                if framework is None or framework.unsuited is not None:
                    raise _refused(leaf, name)
        return cls(leaves, structure, data, layout, *seed)


_SEEDS = {"x": "the tangent", "y": "the cotangent"}
_OF = {"the tangent": "x", "the cotangent": "f(x)"}


def flatten_any(tree: Any, flatten: Flatten) -> tuple[Leaves, Structure]:
    """`flatten`, with the shortcut for a lone array or number."""
    return ((tree,), LEAF) if framework_of(tree) is not None else flatten(tree)


def _refused(leaf: Any, what: str) -> InputError:
    """`what` holds a leaf that is no array, or means something else than the numbers that it holds."""
    kind, framework = type(leaf), framework_of(leaf)
    if framework is not None:
        return InputError(f"Got a {kind.__qualname__}: {framework.unsuited}.", got=kind)
    return InputError(
        f"{what} holds a {kind.__qualname__}, expected arrays, numbers or a tree of them (register a "
        "class of your own with optree.register_pytree_node).",
        got=leaf,
    )


@final
class Kind:
    """Kind, shape, dtype and device of one array."""

    __slots__ = ("_device", "_dtype", "_dtype_name", "_framework", "_kind", "_shape")

    def __init__(self, leaf: Any) -> None:
        framework = framework_of(leaf)
        if framework is None or framework.unsuited is not None:
            raise _refused(leaf, "the call")
        self._framework, self._device = framework.name, framework.device(leaf)
        self._kind, self._shape = type(leaf), shape_of(leaf)
        self._dtype, self._dtype_name = getattr(leaf, "dtype", None), dtype_name(leaf)

    @property
    def facts(self) -> tuple[Any, tuple[int, ...], Any, Any]:
        """Type, shape, dtype (None for a Python number) and device (None where it is not compared)."""
        return self._kind, self._shape, self._dtype, self._device

    def exact(self, leaf: Any) -> bool:
        """Whether `leaf` is of the very same kind, so that nothing need be converted anew."""
        return (
            type(leaf) is self._kind
            and (self._dtype is None or (leaf.shape == self._shape and leaf.dtype == self._dtype))
            and (self._device is None or leaf.device == self._device)
        )

    def fits(self, leaf: Any) -> bool:
        """Whether `leaf` means the same to the engine: a float for a NumPy float64, say."""
        framework = framework_of(leaf)
        return self.exact(leaf) or (
            framework is not None
            and framework.name == self._framework
            and shape_of(leaf) == self._shape
            and dtype_name(leaf) == self._dtype_name
            and (self._device is None or leaf.device == self._device)
        )

    def __repr__(self) -> str:
        device = "" if self._device is None else f" on {self._device}"
        return f"{self._framework} {self._dtype_name}{list(self._shape)}{device}"


def _kind(leaf: Any) -> Kind:
    """That of a leaf, or the one in its place in `Signature.flat`."""
    return leaf if type(leaf) is Kind else Kind(leaf)


@final
class Part:
    """What x, or the seed, was: its structure, and the kinds of its leaves."""

    __slots__ = ("_flatten", "_what", "kinds", "structure")

    def __init__(self, what: str, leaves: Leaves, structure: Structure, flatten: Flatten) -> None:
        self.kinds, self.structure = tuple(map(_kind, leaves)), structure
        self._what, self._flatten = what, flatten

    def __repr__(self) -> str:
        try:
            return repr(self.structure.unflatten(self.kinds))
        except Exception:  # a class of the user's that wants arrays
            return ", ".join(map(repr, self.kinds))

    @property
    def is_lone_array(self) -> bool:
        """Whether it was one array, and no Python number."""
        return self.structure is LEAF and self.kinds[0].facts[2] is not None

    def match(self, tree: Any) -> Leaves | None:
        """The leaves of `tree` where it is of this kind, else None."""
        if self.structure is LEAF and self.kinds[0].exact(tree):
            return (tree,)
        leaves, structure = flatten_any(tree, self._flatten)
        same = structure is self.structure or structure == self.structure
        return leaves if same and all(map(Kind.fits, self.kinds, leaves)) else None

    def differences(self, tree: Any) -> list[str]:
        """One line for each way in which `tree` does not match; empty if it does."""
        leaves, structure = flatten_any(tree, self._flatten)
        if not (structure is self.structure or structure == self.structure):
            line = f"{self._what}: prepared for structure {self.structure}, got {structure}"
            of = _OF.get(self._what)
            return [line if of is None else f"{line}.{instead(of, self.structure is LEAF)}"]
        return [
            f"{self._what}{f' leaf {i}' if len(leaves) > 1 else ''}: prepared for {kind}, got "
            + (repr(Kind(leaf)) if framework_of(leaf) else type(leaf).__qualname__)
            for i, (kind, leaf) in enumerate(zip(self.kinds, leaves, strict=True))
            if not kind.fits(leaf)
        ]


@final
class Contexts:
    """What all contexts of a call were: their layout, and the kinds of their data leaves."""

    __slots__ = ("_bare", "_flatten", "_n", "kinds", "layout")

    def __init__(self, data: Leaves, layout: tuple[Any, ...], flatten: Flatten) -> None:
        self.kinds, self.layout = tuple(map(_kind, data)), layout
        self._n, self._bare = len(layout), all(slot.bare for slot in layout)
        self._flatten = flatten

    def match(self, contexts: tuple[Any, ...], exactly: bool = False) -> Leaves | None:
        """The data leaves where `contexts` are of this kind, `exactly` or in effect; else None."""
        if not contexts and not self._n:
            return contexts
        if len(contexts) != self._n:
            return None
        if self._bare and all(map(Kind.exact, self.kinds, contexts)):
            return contexts  # mostly the contexts are the leaves
        layout, data = split(contexts, self._flatten)
        fits = Kind.exact if exactly else Kind.fits
        return data if layout == self.layout and all(map(fits, self.kinds, data)) else None

    def differences(self, contexts: tuple[Any, ...]) -> list[str]:
        """One line for each way in which `contexts` do not match; empty if they do."""
        if len(contexts) != self._n:
            return [f"contexts: prepared for {self._n}, got {len(contexts)}"]
        layout, data = split(contexts, self._flatten)
        if layout != self.layout:
            return [
                f"context {i}: prepared for {a}, got {b}"
                for i, (a, b) in enumerate(zip(self.layout, layout, strict=True))
                if a != b
            ]
        return [
            f"context leaf {i}: prepared for {kind}, got {Kind(leaf)}"
            for i, (kind, leaf) in enumerate(zip(self.kinds, data, strict=True))
            if not kind.fits(leaf)
        ]


@final
class Signature:
    """What a call was prepared for. Where x and the contexts are `fixed`, only the seed counts."""

    __slots__ = ("_fixed", "contexts", "seed", "x")

    def __init__(self, flat: Flat, tangent: str | None, flatten: Flatten, fixed: bool) -> None:
        self._fixed = fixed
        self.x = Part("x", flat.x, flat.structure, flatten)
        self.contexts = Contexts(flat.contexts, flat.layout, flatten)
        self.seed: Part | None = None
        if tangent is not None:
            self.seed = Part(_SEEDS[tangent], flat.seed, flat.seed_structure, flatten)

    @property
    def flat(self) -> Flat:
        """The arguments that this is the signature of, with kinds for leaves: it pickles."""
        x, contexts, seed = self.x, self.contexts, self.seed
        flat = Flat(x.kinds, x.structure, contexts.kinds, contexts.layout)
        return (
            flat if seed is None else flat._replace(seed=seed.kinds, seed_structure=seed.structure)
        )

    def match(self, x: Any, contexts: tuple[Any, ...], t: Any) -> tuple[Leaves, ...] | None:
        """The leaves of x, of the contexts and of the seed, if all are of these kinds, else None."""
        leaves = () if self._fixed else self.x.match(x)
        data = () if self._fixed else self.contexts.match(contexts)
        seed = () if self.seed is None else self.seed.match(t)
        return None if leaves is None or data is None or seed is None else (leaves, data, seed)

    def differences(self, x: Any, contexts: tuple[Any, ...], t: Any) -> list[str]:
        """One line for each way in which these arguments do not match."""
        lines = [] if self.seed is None else self.seed.differences(t)
        if self._fixed:
            return lines
        return self.x.differences(x) + self.contexts.differences(contexts) + lines
