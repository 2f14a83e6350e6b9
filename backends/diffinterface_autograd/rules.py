"""Operations that autograd lacks, as primitives of ours, by its own means of extension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.extend import defjvp, defvjp, primitive
from autograd.numpy.numpy_jvps import broadcast
from autograd.numpy.numpy_vjps import unbroadcast_f
from autograd.tracer import isbox


@primitive  # type: ignore[untyped-decorator]
def cast(x: Any, dtype: Any) -> Any:
    """`x` in another floating dtype; to a real one, its real part."""
    x = np.asarray(x)
    if np.iscomplexobj(x) and not np.issubdtype(dtype, np.complexfloating):
        x = x.real
    return x.astype(dtype)


defvjp(cast, lambda ans, x, dtype: lambda g: cast(g, x.dtype))
defjvp(cast, lambda g, ans, x, dtype: cast(g, dtype))


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Arrays or boxes stacked."""
    if any(map(isbox, arrays)):
        return anp.stack(arrays, axis=axis)
    return np.stack(arrays, axis=axis)


# Autograd takes `full_like` for a constant and never asks for its rules; our records do, because the
# value that it is filled with may depend on x.
defvjp(anp.full_like, None, lambda ans, a, fill, *_, **__: unbroadcast_f(fill, lambda g: g))
defjvp(anp.full_like, None, lambda g, ans, a, fill, *_, **__: broadcast(g, ans))
