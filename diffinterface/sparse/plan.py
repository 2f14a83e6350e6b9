"""A sparse derivative's plan: its pattern and its colors, to be shown, saved and loaded."""

from __future__ import annotations

import os
from typing import Any, final

import numpy as np

from ..arrays.sparse_matrix import Layout
from ..errors import InputError
from .coloring import ColoringResult, from_arrays

FORMAT = "diffinterface.SparsePlan"
VERSION = 1


@final
class SparsePlan:
    """The pattern of one Jacobian or Hessian, and the products that determine it.

    A prepared operator has it as ``prep.details``; `AutoSparse` takes it as ``plan=``.

    Attributes
    ----------
    operator : {"jacobian", "hessian"}
        What it is a plan of.
    coloring : ColoringResult
        The colored pattern.
    local : bool
        Whether the pattern was found at one point, and need not hold at others: a prepared call then
        looks for entries outside it, by finding the pattern at its own x.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x[1:] - x[:-1] ** 2
    >>> prep = di.prepare_jacobian(f, di.AutoSparse(di.AutoForwardDiff()), np.zeros(100))
    >>> prep.details
    SparsePlan(jacobian: 99 x 100, 198 entries, 2 column colors, 50x fewer products)
    """

    __slots__ = ("coloring", "layout", "local", "operator")

    def __init__(self, operator: str, coloring: ColoringResult, *, local: bool = False) -> None:
        self.operator, self.coloring, self.local = operator, coloring, local
        pattern = coloring.pattern
        self.layout = Layout(pattern.indptr, pattern.indices, pattern.shape)

    @property
    def speedup(self) -> float:
        """How many times fewer products than one for each column, or row if there are fewer."""
        m, n = self.layout.shape
        dense = m if self.coloring.problem.partition == "row" else n
        dense = min(m, n) if self.coloring.problem.partition == "bidirectional" else dense
        return dense / max(self.coloring.num_colors, 1)

    def __repr__(self) -> str:
        (m, n), colors = self.layout.shape, self.coloring
        sides = {"column": colors.num_column_colors, "row": colors.num_row_colors}
        counts = [f"{count} {side} colors" for side, count in sides.items() if count]
        return (
            f"SparsePlan({self.operator}: {m} x {n}, {colors.pattern.nnz} entries, "
            f"{' and '.join(counts) or 'no colors'}, {self.speedup:.3g}x fewer products"
            f"{', of one point' if self.local else ''})"
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan to a file, for `load_plan`; an ``.npz`` archive of plain arrays.

        Parameters
        ----------
        path : str or path
            Written as it is, whatever its suffix.
        """
        arrays: dict[str, Any] = {"operator": self.operator, "local": self.local}
        arrays |= self.coloring.to_arrays()
        with open(path, "wb") as file:
            np.savez_compressed(file, format=FORMAT, version=VERSION, **arrays)

    def spy(self, ax: Any = None) -> Any:
        """Draw the pattern, its entries in the colors of their products; needs matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure's.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from .drawing import spy

        return spy(self, ax)


def load_plan(path: str | os.PathLike[str]) -> SparsePlan:
    """The plan that `SparsePlan.save` wrote.

    Everything is checked: the colors must determine a matrix of the pattern.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    SparsePlan
        Pass it as ``AutoSparse(dense, plan=...)``.

    Raises
    ------
    InputError
        If the file is no plan, is damaged, or comes from a later version.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import diffinterface as di
    >>> from diffinterface.sparse import load_plan
    >>> backend = di.AutoSparse(di.AutoForwardDiff())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     di.prepare_jacobian(np.sin, backend, np.zeros(9)).details.save(f"{folder}/sin.plan")
    ...     plan = load_plan(f"{folder}/sin.plan")
    >>> di.AutoSparse(di.AutoForwardDiff(), plan=plan).plan
    SparsePlan(jacobian: 9 x 9, 9 entries, 1 column colors, 9x fewer products)
    """
    arrays = _read(path)
    if str(arrays.get("format")) != FORMAT:
        raise _refusal(path, "it was not written by SparsePlan.save")
    version, operator = arrays.get("version", np.empty(0)), str(arrays.get("operator"))
    if version.dtype.kind not in "iu" or version.shape != () or int(version) != VERSION:
        raise _refusal(path, f"its version is {version}, and this library reads {VERSION}")
    if operator not in ("jacobian", "hessian"):
        raise _refusal(path, f"it is a plan of {operator!r}")
    local = arrays.get("local", np.empty(0))
    if local.dtype != bool or local.shape != ():
        raise _refusal(path, "it does not tell where its pattern holds")
    try:
        return SparsePlan(operator, from_arrays(arrays), local=bool(local))
    except (InputError, ValueError, TypeError) as error:
        raise _refusal(path, str(error)) from error


def _read(path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # of zipfile, zlib, NumPy: whatever damage makes them raise
        raise _refusal(path, f"it cannot be read ({error})") from error


def _refusal(path: Any, why: str) -> InputError:
    return InputError(f"{os.fspath(path)} is no sparse plan to be used: {why}.", got=path)
