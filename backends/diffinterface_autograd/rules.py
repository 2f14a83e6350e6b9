"""Casts and stacks as operations of autograd, and what the other rules of ours share.

Autograd's rules hold for its own functions as well as for those of the namespace. Where one is wrong,
it is replaced where the functions of its kind are: in `shapes`, `reductions`, `linalg` and `fft`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import primitive_vjps
from autograd.extend import defjvp, defvjp, primitive
from autograd.numpy import numpy_wrapper
from autograd.numpy.numpy_jvps import broadcast
from autograd.numpy.numpy_vjps import unbroadcast_f
from autograd.tracer import isbox

from diffinterface.extend import is_complex


def primitive_of(function: Any) -> Any:
    """Autograd's primitive of a function of NumPy's, which the public name may wrap once more."""
    return next(known for known in primitive_vjps if getattr(known, "fun", None) is function)


@primitive  # type: ignore[untyped-decorator]
def cast(x: Any, dtype: Any) -> Any:
    """`x` in another floating dtype; to a real one, its real part."""
    x = np.asarray(x)
    if np.iscomplexobj(x) and not np.issubdtype(dtype, np.complexfloating):
        x = x.real
    return x.astype(dtype)


defvjp(cast, lambda ans, x, dtype: lambda g: cast(g, x.dtype))
defjvp(cast, lambda g, ans, x, dtype: cast(g, dtype))


def is_floating(dtype: Any) -> bool:
    """Whether the values of a dtype, real or complex, have derivatives."""
    return np.issubdtype(np.dtype(dtype), np.inexact)


# Autograd gives a cast to integers the derivative of the identity, and no cast a tangent.
for _astype in {anp.astype, numpy_wrapper._astype}:
    defvjp(
        _astype,
        lambda ans, x, *_, **__: (
            lambda g: cast(g, x.dtype) if is_floating(ans.dtype) else np.zeros(x.shape, x.dtype)
        ),
    )
    defjvp(
        _astype,
        lambda g, ans, *_, **__: (
            cast(g, ans.dtype) if is_floating(ans.dtype) else np.zeros(ans.shape)
        ),
    )


def conj(x: Any) -> Any:
    """The conjugate of what is complex; anything else as it is."""
    return anp.conj(x) if is_complex(x) else x


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Arrays or boxes stacked."""
    if any(map(isbox, arrays)):
        return anp.stack(arrays, axis=axis)
    return np.stack(arrays, axis=axis)


# Autograd takes `full_like` for a constant and never asks for its rules; our records do, because the
# value that it is filled with may depend on x.
defvjp(anp.full_like, None, lambda ans, a, fill, *_, **__: unbroadcast_f(fill, lambda g: g))
defjvp(anp.full_like, None, lambda g, ans, a, fill, *_, **__: broadcast(g, ans))
