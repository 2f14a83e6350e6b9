"""Memory that temporaries take, and give back, at every operation."""

from __future__ import annotations

from functools import cache

import numpy as np

from diffinterface.extend import Leaves, size_of

#: Tangents, of 8 bytes each, of which some are more than glibc keeps by default.
_LEAST = 2**10
#: Bytes of the largest block from which glibc learns.
_BLOCK = 31 * 2**20


def keep_freed(x: Leaves, k: int) -> None:
    """Let the allocator keep what operations on k tangents free, for the next ones to take."""
    if k * sum(map(size_of, x)) >= _LEAST:
        _teach()


@cache
def _teach() -> None:
    # By default the C library returns large blocks to the system, which hands them out again page by
    # page, each cleared: that costs more than the arithmetic. glibc keeps up to twice the largest block
    # that was ever given back (mallopt(3), M_MMAP_THRESHOLD). It need not have been touched.
    np.empty(_BLOCK, np.uint8)
