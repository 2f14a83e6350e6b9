"""Tangents and cotangents for any tree."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.trees import map_leaves


def seed_like(tree: Any, lead: tuple[int, ...] = (), phase: int = 0) -> Any:
    """A seed for a tree: multiples of 1/8 with no symmetry, complex where the tree is."""

    def leaf(a: Any) -> np.ndarray:
        shape = (*lead, *np.shape(a))
        count = np.arange(np.prod(shape, dtype=int)).reshape(shape)
        seed = np.asarray((count * 5 + 3 + phase) % 11 / 8 - 0.5)
        return seed + 1j * ((count * 3 + 1) % 7 / 8 - 0.25) if np.iscomplexobj(a) else seed

    return map_leaves(leaf, tree)
