"""Trees of arrays: the only module that knows how a nested container becomes a flat tuple of leaves.

A *structure* is anything with ``unflatten(leaves)`` that compares equal to another of its kind:
optree's ``PyTreeSpec``, JAX's ``PyTreeDef``, or `LEAF`, the structure of a lone array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, final

import optree

#: What a tree holds, in order: the arrays and numbers that an engine computes with.
Leaves = tuple[Any, ...]


class Structure(Protocol):
    """How leaves go back into their container."""

    def unflatten(self, leaves: Iterable[Any], /) -> Any: ...


@final
class _Leaf:
    """The structure of a lone leaf; a singleton, so that the commonest comparison is by identity."""

    __slots__ = ()

    def unflatten(self, leaves: Iterable[Any], /) -> Any:
        (leaf,) = leaves
        return leaf

    def __repr__(self) -> str:
        return "*"

    def __reduce__(self) -> str:
        return "LEAF"  # by name: it is compared by identity


#: The structure of a lone array.
LEAF: Structure = _Leaf()


#: Containers made known by `register`, for the engines that have trees of their own.
NODES: list[tuple[type, Callable[[Any], tuple[Any, Any]], Callable[[Any, Any], Any]]] = []


def register(
    kind: type, parts: Callable[[Any], tuple[Any, Any]], whole: Callable[[Any, Any], Any]
) -> None:
    """Make a class a container to every engine, those with trees of their own included.

    Parameters
    ----------
    kind : type
        The class; its subclasses do not count.
    parts : callable
        From an instance to its children and what else it holds, which must compare equal and hash.
    whole : callable
        From these, in the other order, to an instance, or to any container in its place.
    """
    optree.register_pytree_node(kind, parts, whole, namespace=optree.registry.__GLOBAL_NAMESPACE)
    NODES.append((kind, parts, whole))


def flatten(tree: Any) -> tuple[Leaves, Structure]:
    """Leaves of a tree of tuples, lists, dicts, namedtuples and classes registered with optree.

    None is an empty tree.
    """
    leaves, spec = optree.tree_flatten(tree)
    return tuple(leaves), (LEAF if spec.is_leaf() else spec)


def flatten_with_none(tree: Any) -> tuple[Leaves, Structure]:
    """The same, but a None in the tree is a leaf, so that it can be seen and refused."""
    leaves = optree.tree_leaves(tree, none_is_leaf=True)
    return (tuple(leaves), LEAF) if any(leaf is None for leaf in leaves) else flatten(tree)


def map_leaves(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply `function` to each leaf of `tree`, and to the leaves of `rest` beside it."""
    # No auxiliary output, which is the rule, costs optree as much as one.
    return None if tree is None else optree.tree_map(function, tree, *rest)


def paths(tree: Any) -> list[str]:
    """The name of each leaf, as one would write it after the tree: ``['a'][0]``; "" for a lone leaf."""
    return ["".join(f"[{key!r}]" for key in path) for path in optree.tree_paths(tree)]
