"""Colors as numbers from 0 on; -1 is neutral."""

from __future__ import annotations

import numpy as np

from .typing import Int32s


def count(colors: Int32s | None) -> int:
    """How many colors, numbered from 0 without gaps."""
    return 0 if colors is None else int(colors.max(initial=-1)) + 1


def compact(colors: Int32s) -> Int32s:
    """The colors in use, numbered from 0 on; neutral stays neutral."""
    used = np.unique(colors[colors >= 0])
    number = np.full(count(colors) + 1, -1, np.int32)  # the last one is for -1
    number[used] = np.arange(len(used), dtype=np.int32)
    return number[colors]


def joined(columns: Int32s, rows: Int32s) -> Int32s:
    """Columns' colors and rows' as numbers of products: those of rows follow on those of columns."""
    return np.concatenate([columns, np.where(rows < 0, -1, rows + count(columns))]).astype(np.int32)
