"""The rule tables, by family. Importing this package fills the table."""

from . import (  # noqa: F401 - each for what it registers
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
