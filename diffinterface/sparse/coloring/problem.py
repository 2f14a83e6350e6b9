"""What to color, and how: declarations that compute nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from ...errors import InputError

Structure = Literal["nonsymmetric", "symmetric"]
Partition = Literal["column", "row", "bidirectional"]
Decompression = Literal["direct", "substitution"]
Order = Literal[
    "natural",
    "random",
    "largest_first",
    "smallest_last",
    "incidence_degree",
    "dynamic_largest_first",
    "saturation",
]


def _require(owner: object, name: str, got: object, kind: Any) -> None:
    allowed = get_args(kind)
    if not (isinstance(got, str) and got in allowed):
        raise InputError(
            f"{type(owner).__name__}: {name}={got!r} is not one of "
            f"{', '.join(map(repr, allowed))}.",
            got=got,
            expected=allowed,
        )


@dataclass(frozen=True)
class ColoringProblem:
    """Which products are to determine the matrix.

    Parameters
    ----------
    structure : {"nonsymmetric", "symmetric"}
        Of the matrix, not of its pattern only: with "symmetric" entry (i, j) may be read where
        (j, i) stands.
    partition : {"column", "row", "bidirectional"}
        Products with the matrix (Jacobian-vector), with its transpose (vector-Jacobian), or both.
        A symmetric matrix is its own transpose, so it has "column" only.

    Raises
    ------
    InputError
        For any other value, or a symmetric problem with another partition.

    Examples
    --------
    >>> ColoringProblem(partition="row")
    ColoringProblem(structure='nonsymmetric', partition='row')
    """

    structure: Structure = "nonsymmetric"
    partition: Partition = "column"

    def __post_init__(self) -> None:
        _require(self, "structure", self.structure, Structure)
        _require(self, "partition", self.partition, Partition)
        if self.structure == "symmetric" and self.partition != "column":
            raise InputError(
                f"ColoringProblem: a symmetric matrix is its own transpose, so partition="
                f"{self.partition!r} says no more than 'column'; write partition='column'.",
                got=self.partition,
                expected="column",
            )

    def check_decompression(self, decompression: Decompression) -> None:
        """Refuse substitution where no algorithm here makes use of it."""
        unidirectional = self.structure == "nonsymmetric" and self.partition != "bidirectional"
        if unidirectional and decompression == "substitution":
            raise InputError(
                f"decompression='substitution' is for symmetric and bidirectional colorings; a "
                f"{self.partition} coloring is decompressed directly. Write decompression='direct'.",
                got=decompression,
                expected="direct",
            )


@dataclass(frozen=True)
class GreedyColoring:
    """Color one vertex after another, each with the first color that fits.

    Parameters
    ----------
    order : str or tuple of str
        "natural", "random", "largest_first", "smallest_last", "incidence_degree",
        "dynamic_largest_first" or "saturation"; of several the one with the fewest colors is kept.
        Largest first is fast and good where degrees differ; saturation takes several times as long
        and is often the best on stencils of systems.
    postprocess : bool
        Remove the colors that decompression can do without.
    decompression : {"direct", "substitution"}
        Whether every entry is to be read from a product as it is, or whether entries found before
        may have to be subtracted: fewer colors, with rounding errors that add up.
    seed : int
        Of the random order.

    Raises
    ------
    InputError
        For any other value.

    Examples
    --------
    >>> GreedyColoring(order="smallest_last").order
    'smallest_last'
    """

    order: Order | tuple[Order, ...] = "largest_first"
    postprocess: bool = False
    decompression: Decompression = "direct"
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.orders:
            raise InputError("GreedyColoring: order=() names no order.", got=self.order)
        for order in self.orders:
            _require(self, "order", order, Order)
        _require(self, "decompression", self.decompression, Decompression)

    @property
    def orders(self) -> tuple[Order, ...]:
        """The orders to be tried."""
        return self.order if isinstance(self.order, tuple) else (self.order,)


@dataclass(frozen=True)
class OptimalColoring:
    """The fewest colors there are, by exhaustive search: for small matrices.

    Parameters
    ----------
    decompression : {"direct", "substitution"}
        As for `GreedyColoring`.
    max_steps : int
        How many assignments of a color to a vertex to try before giving up.

    Raises
    ------
    InputError
        For any other value; by `color`, if the search gives up.
    """

    decompression: Decompression = "direct"
    max_steps: int = 1_000_000

    def __post_init__(self) -> None:
        _require(self, "decompression", self.decompression, Decompression)


@dataclass(frozen=True, eq=False)
class ConstantColoring:
    """Colors that are known already; `color` checks that they determine the matrix.

    Parameters
    ----------
    partition : {"column", "row", "bidirectional"}
        Of the problem that they solve ("column" for a symmetric one).
    colors : array of int, or a pair of them
        One a column or row, from 0 on, -1 for those whose products are not needed; for
        "bidirectional" a pair ``(column_colors, row_colors)``.
    decompression : {"direct", "substitution"}
        As for `GreedyColoring`.

    Raises
    ------
    InputError
        If colors are not integers, are less than -1, or leave a number out.

    Examples
    --------
    >>> ConstantColoring("column", [0, 1, 2, 0, 1, 2]).column_colors
    array([0, 1, 2, 0, 1, 2], dtype=int32)
    """

    partition: Partition
    colors: Any
    decompression: Decompression = "direct"
    column_colors: Any = field(init=False, repr=False)
    row_colors: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _require(self, "partition", self.partition, Partition)
        _require(self, "decompression", self.decompression, Decompression)
        bidirectional = self.partition == "bidirectional"
        if bidirectional and not (isinstance(self.colors, tuple | list) and len(self.colors) == 2):
            raise InputError(
                "ConstantColoring: partition='bidirectional' takes a pair "
                f"(column_colors, row_colors), got {type(self.colors).__name__}.",
                got=type(self.colors),
            )
        pair = self.colors if bidirectional else (self.colors, self.colors)
        for side, colors in zip(("column", "row"), pair, strict=True):
            wanted = bidirectional or side == self.partition
            object.__setattr__(self, f"{side}_colors", _checked(colors) if wanted else None)


def _checked(colors: Any) -> Any:
    given = np.asarray(colors)
    if given.size == 0:
        given = given.astype(np.int32)
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise InputError(
            f"Colors must be one axis of integers, got shape {given.shape}, dtype {given.dtype}.",
            got=given.dtype,
        )
    used = np.unique(given)
    used = used[used != -1]
    if not np.array_equal(used, np.arange(len(used))):
        raise InputError(
            f"Colors must be 0 to k - 1, each in use, or -1 for none; got "
            f"{', '.join(map(str, used[:8]))}{', ...' if len(used) > 8 else ''}.",
            got=used,
        )
    return given.astype(np.int32)


Algorithm = GreedyColoring | OptimalColoring | ConstantColoring
