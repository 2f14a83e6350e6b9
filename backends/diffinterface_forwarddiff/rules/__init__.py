"""The rule tables, by family. Importing this package fills the table."""

from . import (
    arithmetic,
    creation,
    decompositions,
    elementwise,
    fourier,
    joining,
    linalg,
    linear,
    norms,
    products,
    scatter,
    selection,
    special,
    statistics,
)

__all__ = [
    "arithmetic",
    "creation",
    "decompositions",
    "elementwise",
    "fourier",
    "joining",
    "linalg",
    "linear",
    "norms",
    "products",
    "scatter",
    "selection",
    "special",
    "statistics",
]
