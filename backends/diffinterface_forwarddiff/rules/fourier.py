"""Discrete Fourier transforms: linear, and applied to axes counted from the front."""

from __future__ import annotations

from typing import Any

from diffinterface.extend.functions import axes_of

from ..adaptors import linear


def _line(xp: Any, f: Any, x: Any, t: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return f(t, n=n, axis=axis % len(x.shape), norm=norm or "backward")


def _grid(
    xp: Any, f: Any, x: Any, t: Any, s: Any = None, axes: Any = None, norm: Any = None
) -> Any:
    if axes is None and s is not None:
        axes = range(-len(s), 0)
    counted = axes_of(None if axes is None else tuple(axes), len(x.shape))
    return f(t, s=s, axes=counted, norm=norm or "backward")


def _plane(
    xp: Any, f: Any, x: Any, t: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None
) -> Any:
    return _grid(xp, f, x, t, s, axes, norm)


def _shift(xp: Any, f: Any, x: Any, t: Any, axes: Any = None) -> Any:
    return f(t, axes=axes_of(axes, len(x.shape)))


for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    linear(f"fft.{_name}", _line)
for _name in ("fftn", "ifftn", "rfftn", "irfftn"):
    linear(f"fft.{_name}", _grid)
for _name in ("fft2", "ifft2", "rfft2", "irfft2"):
    linear(f"fft.{_name}", _plane)
linear("fft.fftshift", _shift)
linear("fft.ifftshift", _shift)
