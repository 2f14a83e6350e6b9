"""What a prepared call was prepared for, and how its arguments are checked against that.

The common case is decided by identity and equality on a few attributes, without a namespace, an
inspection or a tree library: it stands on the hot path of every prepared call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from ..arrays.facts import NUMBERS, dtype_name, shape_of
from ..arrays.framework import framework_of
from ..arrays.trees import LEAF, Leaves, Structure
from ..engine.arguments import split
from ..errors import InputError

Flatten = Callable[[Any], tuple[Leaves, Structure]]


@final
class LeafCheck:
    """Kind, shape, dtype and device of one array."""

    __slots__ = ("_device", "_dtype", "_dtype_name", "_framework", "_kind", "_shape")

    def __init__(self, leaf: Any) -> None:
        framework = framework_of(leaf)
        if framework is not None and framework.unsuited is not None:
            raise InputError(
                f"Got a {type(leaf).__qualname__}: {framework.unsuited}.", got=type(leaf)
            )
        self._kind = type(leaf)
        self._shape = shape_of(leaf)
        self._dtype = getattr(leaf, "dtype", None)
        self._dtype_name = dtype_name(leaf)
        self._framework = framework
        self._device = None if framework is None else framework.device(leaf)

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
        return self.exact(leaf) or (
            self._describe_kind(leaf) == self._describe_kind()
            and shape_of(leaf) == self._shape
            and dtype_name(leaf) == self._dtype_name
            and (self._device is None or leaf.device == self._device)
        )

    def _describe_kind(self, leaf: Any = None) -> str:
        framework = self._framework if leaf is None else framework_of(leaf)
        return "no array" if framework is None else framework.name

    def __repr__(self) -> str:
        device = "" if self._device is None else f" on {self._device}"
        return f"{self._describe_kind()} {self._dtype_name}{list(self._shape)}{device}"


@final
class TreeCheck:
    """One tree argument: its structure and its leaves."""

    __slots__ = ("_alone", "_flatten", "_what", "leaves", "structure")

    def __init__(self, leaves: Leaves, structure: Structure, flatten: Flatten, what: str) -> None:
        for leaf in leaves:
            if framework_of(leaf) is None:
                raise InputError(
                    f"{what} holds a {type(leaf).__qualname__}, expected arrays, numbers or a tree of "
                    "them (register a class of your own with optree.register_pytree_node).",
                    got=leaf,
                )
        self.structure = structure
        self.leaves = tuple(LeafCheck(leaf) for leaf in leaves)
        self._alone = self.leaves[0].exact if structure is LEAF else None
        self._flatten = flatten
        self._what = what

    def exact(self, tree: Any) -> Leaves | None:
        """The leaves of `tree` where each is of the very kind prepared for, else None."""
        if self._alone is not None:
            return (tree,) if self._alone(tree) else None
        leaves, structure = flatten_any(tree, self._flatten)
        if structure == self.structure and all(
            check.exact(leaf) for check, leaf in zip(self.leaves, leaves, strict=True)
        ):
            return leaves
        return None

    def differences(self, tree: Any) -> list[str]:
        """One line for each way in which `tree` does not fit; empty if it does."""
        leaves, structure = flatten_any(tree, self._flatten)
        if not (structure is self.structure or structure == self.structure):
            return [f"{self._what}: prepared for structure {self.structure}, got {structure}"]
        return [
            f"{self._what}{f' leaf {i}' if len(leaves) > 1 else ''}: prepared for {check}, got "
            + (repr(LeafCheck(leaf)) if framework_of(leaf) else type(leaf).__qualname__)
            for i, (check, leaf) in enumerate(zip(self.leaves, leaves, strict=True))
            if framework_of(leaf) is None or not check.fits(leaf)
        ]


@final
class ContextCheck:
    """All contexts of a call: their layout, and their data leaves."""

    __slots__ = ("_alone", "_checks", "_flatten", "_n", "layout")

    def __init__(
        self, contexts: tuple[Any, ...], layout: Any, data: Leaves, flatten: Flatten
    ) -> None:
        self.layout = layout
        self._checks = tuple(LeafCheck(leaf) for leaf in data)
        self._n = len(contexts)
        self._flatten = flatten
        # Every context a lone array or number: the contexts are the data.
        self._alone = len(data) == len(contexts) and all(
            a is b for a, b in zip(data, contexts, strict=True)
        )

    def exact(self, contexts: tuple[Any, ...]) -> Leaves | None:
        """The data leaves where each is of the very kind prepared for, else None."""
        if not contexts and not self._n:
            return contexts
        if len(contexts) != self._n:
            return None
        if self._alone:
            data = contexts
        else:
            layout, data = split(contexts, self._flatten)
            if layout != self.layout:
                return None
        for check, leaf in zip(self._checks, data, strict=True):
            if not check.exact(leaf):
                return None
        return data

    def differences(self, contexts: tuple[Any, ...]) -> list[str]:
        """One line for each way in which `contexts` do not fit; empty if they do."""
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
            f"context leaf {i}: prepared for {check}, got {LeafCheck(leaf)}"
            for i, (check, leaf) in enumerate(zip(self._checks, data, strict=True))
            if not check.fits(leaf)
        ]


def flatten_any(tree: Any, flatten: Flatten) -> tuple[Leaves, Structure]:
    """`flatten`, with the shortcut for a lone array or number."""
    if isinstance(tree, NUMBERS) or framework_of(tree) is not None:
        return (tree,), LEAF
    return flatten(tree)
