"""Colors that decompression can do without."""

from __future__ import annotations

import numpy as np

from .colors import compact, count
from .graphs import Adjacency
from .kernels.peel import color_choices
from .typing import Int32s


def drop_unneeded(graph: Adjacency, colors: Int32s) -> None:
    """Make the vertices of as many colors neutral as are not needed, in place; renumber the rest.

    Without a color the sums of all others stay what they are. So the colors to keep are those that
    some edge cannot do without, and of each two that some edge leaves a choice between, one at least:
    a vertex cover of the graph of those choices, found greedily. The idea is that of Gebremedhin,
    Manne, Pothen (2005), section 6, and of Montoison, Dalle, Gebremedhin (2025), section 4.

    Parameters
    ----------
    graph : Adjacency
        Loops included.
    colors : array of int32
        A star or acyclic coloring of it.
    """
    num_colors = count(colors)  # of a bicoloring some may not be in use
    if num_colors == 0:
        return
    one, other = color_choices(graph.arrays, graph.num_edges, colors, num_colors)
    pairs = np.unique(one.astype(np.int64) * num_colors + other)
    one, other = np.divmod(pairs[pairs >= 0], num_colors)
    keep = np.zeros(num_colors, bool)
    keep[one[one == other]] = True
    while True:
        open_ = ~(keep[one] | keep[other])
        if not open_.any():
            break
        ends = np.concatenate([one[open_], other[open_]])
        keep[np.bincount(ends, minlength=num_colors).argmax()] = True
    colors[~keep[colors]] = -1
    colors[:] = compact(colors)
