"""The array types of this package."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Int32s: TypeAlias = NDArray[np.int32]
Int64s: TypeAlias = NDArray[np.int64]
Array: TypeAlias = NDArray[Any]
#: Pointers and indices of the vertices' neighbors, there and back.
Graph: TypeAlias = tuple[Int64s, Int32s, Int64s, Int32s]
#: Pointers and indices of the vertices' neighbors, and the numbers of the edges to them.
Edges: TypeAlias = tuple[Int64s, Int32s, Int32s]
