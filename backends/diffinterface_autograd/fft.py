"""Fourier transforms: each is a linear map, whose transpose is another.

With the transform's own matrix ``W``, which is symmetric, and the cut or zero-padded length n,
``rfft`` is ``W`` on the n/2 + 1 lowest frequencies, so its transpose is the real part of ``W`` applied
to a spectrum padded with zeros. ``irfft`` counts each frequency but the zeroth, and the n/2-th of even
n, a second time by its conjugate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
import autograd.numpy.fft as afft
import numpy as np
from autograd.extend import defjvp, defvjp
from autograd.numpy.numpy_vjps import match_complex

from .linear import define_linear

_SWAPPED = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}

# --- autograd's own rules, made right or complete ----------------------------------------------------


def _resized(x: Any, n: int, axis: int) -> Any:
    """`x` cut or padded with zeros to length n."""
    index: list[Any] = [slice(None)] * x.ndim
    index[axis] = slice(n)
    x, have = x[tuple(index)], x.shape[axis]
    if have >= n:
        return x
    shape = list(x.shape)
    shape[axis] = n - have
    return anp.concatenate([x, np.zeros(shape)], axis=axis)


def _pull_rfft(ans: Any, x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    m = x.shape[axis]
    n = m if n is None else n
    return lambda g: _resized(anp.real(afft.fft(_resized(g, n, axis), n, axis, norm)), m, axis)


def _pull_irfft(ans: Any, x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    n = ans.shape[axis]
    times = np.full(n // 2 + 1, 2.0)
    times[0] = 1.0
    if n % 2 == 0:
        times[-1] = 1.0
    times = np.moveaxis(times.reshape(-1, *(1,) * (x.ndim - 1)), 0, axis)

    def pull(g: Any) -> Any:
        spectrum = anp.conj(afft.rfft(g, n, axis, _SWAPPED[norm])) * times
        return match_complex(x, _resized(spectrum, x.shape[axis], axis))

    return pull


defvjp(afft.rfft, _pull_rfft)
defvjp(afft.irfft, _pull_irfft)
for _name in "fft ifft fft2 ifft2 fftn ifftn rfft irfft fftshift ifftshift".split():
    defjvp(getattr(afft, _name), "same")


def _several(last: str, before: str = "", after: str = "") -> Callable[..., Any]:
    """A transform along several axes, as NumPy makes it of transforms along one.

    Parameters
    ----------
    last : str
        The transform along the last axis.
    before, after : str
        That along the others, in their order before it or in reverse order after it.
    """

    def transform(
        x: Any, /, s: Sequence[int] | None = None, axes: Any = None, norm: Any = None
    ) -> Any:
        if axes is None:
            axes = range(-x.ndim if s is None else -len(s), 0)
        lengths = [None] * len(axes) if s is None else s
        each = [(x.shape[a] if n == -1 else n, a) for n, a in zip(lengths, axes, strict=True)]
        for n, axis in each[:-1] if before else ():
            x = getattr(afft, before)(x, n, axis, norm)
        x = getattr(afft, last)(x, *each[-1], norm)
        for n, axis in each[-2::-1] if after else ():
            x = getattr(afft, after)(x, n, axis, norm)
        return x

    return transform


_rfftn = _several("rfft", after="fft")
_irfftn = _several("irfft", before="ifft")

# Autograd's ignore the lengths and the norm.
define_linear(afft.rfftn, _rfftn)
define_linear(afft.irfftn, _irfftn)
define_linear(afft.rfft2, lambda x, s=None, axes=(-2, -1), norm=None: _rfftn(x, s, axes, norm))
define_linear(afft.irfft2, lambda x, s=None, axes=(-2, -1), norm=None: _irfftn(x, s, axes, norm))


# --- the standard's functions ------------------------------------------------------------------------


def _hfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    return afft.irfft(anp.conj(x), n, axis, _SWAPPED[norm])


def _ihfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    return anp.conj(afft.rfft(x, n, axis, _SWAPPED[norm]))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "fftn": _several("fft", after="fft"),
    "ifftn": _several("ifft", after="ifft"),
    "rfftn": _rfftn,
    "irfftn": _irfftn,
    "hfft": _hfft,
    "ihfft": _ihfft,
}
