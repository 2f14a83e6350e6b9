"""A picture of a plan: which entries come from which product."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import BackendNotInstalledError
from .coloring import Direct


def spy(plan: Any, ax: Any = None) -> Any:
    """The pattern of `plan` drawn on `ax`, each entry in the color of the product that gives it."""
    try:
        from matplotlib import colormaps, pyplot
    except ImportError:
        raise BackendNotInstalledError(
            "spy draws with matplotlib, which is not installed; pip install 'diffinterface[plot]'.",
            command="pip install 'diffinterface[plot]'",
        ) from None
    ax = pyplot.subplots()[1] if ax is None else ax
    (m, n), coloring = plan.layout.shape, plan.coloring
    owner = product_of_entries(plan)
    ax.scatter(
        plan.layout.indices,
        plan.layout.rows,
        c=owner,
        cmap=colormaps["tab20" if coloring.num_colors <= 20 else "turbo"],
        vmin=-0.5,
        vmax=max(coloring.num_colors, 1) - 0.5,
        marker="s",
        s=min(max((250 / max(m, n, 1)) ** 2, 0.1), 400),
        linewidths=0,
    )
    ax.set(xlim=(-0.5, n - 0.5), ylim=(m - 0.5, -0.5), aspect="equal", title=repr(plan)[11:-1])
    ax.xaxis.tick_top()
    return ax


def product_of_entries(plan: Any) -> Any:
    """For each entry the number of the product that it is read from, column products first."""
    (m, n), columns = plan.layout.shape, plan.coloring.num_column_colors
    recovery = plan.coloring.recovery
    direct = isinstance(recovery, Direct)
    place = recovery.indices if direct else recovery.gather[recovery.entries]
    end = columns * m
    return np.where(place < end, place // max(m, 1), columns + (place - end) // max(n, 1))
