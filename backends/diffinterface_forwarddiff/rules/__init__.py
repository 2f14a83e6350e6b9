"""The rule tables, by family. Importing this package fills the table."""

from . import elementwise, linalg, linear, products, selection, special, statistics

__all__ = ["elementwise", "linalg", "linear", "products", "selection", "special", "statistics"]
