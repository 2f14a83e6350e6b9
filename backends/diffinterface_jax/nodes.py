"""The core's own containers, made known to JAX."""

from __future__ import annotations

from typing import Any

import jax

from diffinterface.extend.frameworks import CONTAINERS

_known: set[type] = set()


def register_nodes() -> None:
    """Make known to JAX what has become known to the core since."""
    if len(_known) == len(CONTAINERS):
        return
    for kind, parts, whole in CONTAINERS:
        if kind not in _known:
            _known.add(kind)
            jax.tree_util.register_pytree_node(kind, parts, whole)


def tree_flatten(tree: Any) -> tuple[list[Any], Any]:
    """``jax.tree_util.tree_flatten``, which knows the core's containers too."""
    register_nodes()
    return jax.tree_util.tree_flatten(tree)


register_nodes()
