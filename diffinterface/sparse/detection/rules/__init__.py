"""The rule tables, by family. Importing this package fills the table."""

from . import creation, elementwise, general, joining, linalg, products, reductions, selection
from . import structural as structural

__all__ = ["creation", "elementwise", "general", "joining", "linalg", "products", "reductions"]
__all__ += ["selection", "structural"]
