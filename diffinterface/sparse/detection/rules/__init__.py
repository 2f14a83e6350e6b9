"""The rule tables, by family. Importing this package fills the table."""

from . import creation, elementwise, joining, linalg, products, reductions, selection, structural
from .elementwise import any_ufunc
from .general import missing

__all__ = [
    "any_ufunc",
    "creation",
    "elementwise",
    "joining",
    "linalg",
    "missing",
    "products",
    "reductions",
    "selection",
    "structural",
]
