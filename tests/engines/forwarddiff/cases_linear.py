"""Cases of the functions that move entries about, add them, or join arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import diffinterface as di

from ...truth import Case
from .cases_elementwise import points

S, V, M = points("real", (), (5,), (2, 3))
T = points("real", (2, 3, 2))[0]
SQUARE = points("real", (3, 3))[0]
ROW, COLUMN = np.array([1.0, -2.0, 0.5]), np.array([[1.0], [3.0]])


def cases(name: str, *pairs: tuple[Callable[[Any, Any], Any], Any]) -> list[Case]:
    # Squares, so that the second derivative is not zero.
    return [Case(name, lambda xp, x, f=f: f(xp, x) ** 2, x) for f, x in pairs]


def _fourier(name: str, x: Any, *args: Any, **options: Any) -> Case:
    return Case(
        f"fft.{name}",
        lambda xp, x: xp.real(getattr(xp.fft, name)(x**2, *args, **options) * (1 + 2j)),
        x,
        "long",
    )


def _copied_to(xp: Any, x: Any) -> Any:
    y = xp.zeros_like(x)
    xp.copyto(y, x**2)
    xp.copyto(y[:2], x[3])
    return y


CASES = [
    *cases(
        "sum",
        (lambda xp, x: xp.sum(x), S),
        (lambda xp, x: xp.sum(x), V),
        (lambda xp, x: xp.sum(x), M),
        (lambda xp, x: xp.sum(x, axis=0), M),
        (lambda xp, x: xp.sum(x, axis=-1, keepdims=True), M),
        (lambda xp, x: xp.sum(x, keepdims=True, axis=(0, 2)), T),
        (lambda xp, x: xp.sum(x, axis=()), M),
        (lambda xp, x: x.sum(), T),
    ),
    *cases(
        "mean",
        (lambda xp, x: xp.mean(x), M),
        (lambda xp, x: xp.mean(x, axis=(1, 2)), T),
        (lambda xp, x: xp.mean(x, keepdims=True, axis=-2), T),
        (lambda xp, x: x.mean(0), M),
    ),
    *cases(
        "reshape",
        (lambda xp, x: xp.reshape(x, (3, -1)), M),
        (lambda xp, x: xp.reshape(x, -1), M),
        (lambda xp, x: x.reshape(3, 2), M),
        (lambda xp, x: x.reshape(1, 1), S),
        (lambda xp, x: xp.transpose(x).reshape(-1), M),
    ),
    *cases(
        "ravel",
        (lambda xp, x: xp.ravel(x), M),
        (lambda xp, x: x.T.ravel(), M),
        (lambda xp, x: x.flatten(), M),
    ),
    *cases(
        "transpose",
        (lambda xp, x: xp.transpose(x), M),
        (lambda xp, x: xp.transpose(x, (1, 0, 2)), T),
        (lambda xp, x: xp.transpose(x, axes=(-1, 0, 1)), T),
        (lambda xp, x: x.T, T),
        (lambda xp, x: x.transpose(2, 0, 1), T),
    ),
    *cases(
        "matrix_transpose",
        (lambda xp, x: xp.matrix_transpose(x), M),
        (lambda xp, x: xp.matrix_transpose(x), T),
        (lambda xp, x: x.mT, T),
    ),
    *cases(
        "swapaxes", (lambda xp, x: xp.swapaxes(x, 0, -1), T), (lambda xp, x: x.swapaxes(1, 2), T)
    ),
    *cases(
        "moveaxis",
        (lambda xp, x: xp.moveaxis(x, 0, -1), T),
        (lambda xp, x: xp.moveaxis(x, (0, 1), (-1, 0)), T),
    ),
    *cases(
        "expand_dims",
        (lambda xp, x: xp.expand_dims(x, axis=0), S),
        (lambda xp, x: xp.expand_dims(x, axis=-1), M),
        (lambda xp, x: xp.expand_dims(x, axis=(0, 2)), M),
    ),
    *cases(
        "squeeze",
        (lambda xp, x: xp.squeeze(x[:1, :, None]), M),
        (lambda xp, x: xp.squeeze(x[None, :, :1], axis=(0, 2)), M),
        (lambda xp, x: x[None].squeeze(0), M),
    ),
    *cases(
        "broadcast_to",
        (lambda xp, x: xp.broadcast_to(x, (2, 2)), S),
        (lambda xp, x: xp.broadcast_to(x, (2, 2, 3)), M),
        (lambda xp, x: xp.broadcast_to(x[:, None], (2, 4, 3)), M),
    ),
    *cases(
        "cumsum",
        (lambda xp, x: xp.cumsum(x), S),
        (lambda xp, x: xp.cumsum(x), M),
        (lambda xp, x: xp.cumsum(x, axis=-1), T),
        (lambda xp, x: x.cumsum(0), M),
    ),
    *cases(
        "flip",
        (lambda xp, x: xp.flip(x), M),
        (lambda xp, x: xp.flip(x, axis=-1), T),
        (lambda xp, x: xp.flip(x, axis=(0, 2)), T),
    ),
    *cases("fliplr", (lambda xp, x: xp.fliplr(x), M)),
    *cases("flipud", (lambda xp, x: xp.flipud(x), V)),
    *cases(
        "take",
        (lambda xp, x: xp.take(x, np.array([[0, 3], [5, 3]])), M),
        (lambda xp, x: xp.take(x, np.array([2, 0, 2]), axis=-1), M),
        (lambda xp, x: x.take(1, axis=0), M),
        (lambda xp, x: xp.take(x, [0, 7], mode="clip"), V),
    ),
    *cases(
        "take_along_axis",
        (lambda xp, x: xp.take_along_axis(x, np.array([[2, 0], [1, 1]]), axis=1), M),
        (lambda xp, x: xp.take_along_axis(x, np.array([[1, 0, 1]]), axis=0), M),
    ),
    *cases(
        "repeat",
        (lambda xp, x: xp.repeat(x, 2), M),
        (lambda xp, x: xp.repeat(x, np.array([2, 0, 1]), axis=-1), M),
        (lambda xp, x: x.repeat(3), S),
    ),
    *cases(
        "roll",
        (lambda xp, x: xp.roll(x, 2), M),
        (lambda xp, x: xp.roll(x, -1, axis=-2), M),
        (lambda xp, x: xp.roll(x, (1, 2), axis=(0, 1)), M),
    ),
    *cases(
        "diagonal",
        (lambda xp, x: xp.diagonal(x), SQUARE),
        (lambda xp, x: xp.diagonal(x, offset=1), M),
        (lambda xp, x: xp.diagonal(x, 0, -1, -3), T),
    ),
    *cases("copy", (lambda xp, x: xp.copy(x), M), (lambda xp, x: x.copy(), V)),
    *cases("tril", (lambda xp, x: xp.tril(x), SQUARE), (lambda xp, x: xp.tril(x, k=-1), T)),
    *cases("triu", (lambda xp, x: xp.triu(x, k=1), SQUARE), (lambda xp, x: xp.triu(x), T)),
    *cases("diag", (lambda xp, x: xp.diag(x), V), (lambda xp, x: xp.diag(x, k=1), SQUARE)),
    *cases("diagflat", (lambda xp, x: xp.diagflat(x, 1), M)),
    *cases("tile", (lambda xp, x: xp.tile(x, 2), M), (lambda xp, x: xp.tile(x, (2, 1, 3)), M)),
    *cases(
        "pad",
        (lambda xp, x: xp.pad(x, 1), M),
        (lambda xp, x: xp.pad(x, ((1, 0), (0, 2)), mode="edge"), M),
        (lambda xp, x: xp.pad(x, 2, mode="reflect"), V),
        (lambda xp, x: xp.pad(x, 2, mode="mean"), V),
        # Affine, not linear:
        (lambda xp, x: xp.pad(x, 1, constant_values=5.0), V),
        (lambda xp, x: xp.pad(x, 2, mode="linear_ramp", end_values=3.0), V),
    ),
    *cases("rot90", (lambda xp, x: xp.rot90(x), M), (lambda xp, x: xp.rot90(x, 2, (1, 2)), T)),
    *cases(
        "ediff1d",
        (lambda xp, x: xp.ediff1d(x), M),
        (lambda xp, x: xp.ediff1d(x, to_end=5.0, to_begin=np.array([1.0, 2.0])), V),
    ),
    Case("unwrap", lambda xp, x: xp.unwrap(10 * x) * x, V, "long"),
    Case("unwrap", lambda xp, x: xp.unwrap(x, axis=0, discont=4.0), 5 * M, "long"),
    _fourier("fft", V),
    _fourier("fft", M, 4, axis=0),
    _fourier("ifft", M),
    _fourier("rfft", V, norm="ortho"),
    _fourier("irfft", V),
    _fourier("fft2", M),
    _fourier("ifft2", T, axes=(0, 1)),
    _fourier("fftn", T),
    _fourier("ifftn", M, s=(2, 4), axes=(0, 1)),
    _fourier("rfft2", M),
    _fourier("irfft2", M),
    _fourier("hfft", V),
    _fourier("ihfft", V),
    _fourier("rfftn", T),
    _fourier("irfftn", M, axes=(0, 1)),
    _fourier("fftshift", M),
    _fourier("fftshift", M, axes=1),
    _fourier("ifftshift", V),
    *cases(
        "concatenate",
        (lambda xp, x: xp.concatenate([x, COLUMN, 2 * x], axis=-1), M),
        (lambda xp, x: xp.concatenate((ROW[None], x)), M),
        (lambda xp, x: xp.concatenate([x, ROW[None]], axis=None), M),
        (lambda xp, x: xp.concatenate(x, 0), M),
    ),
    *cases(
        "stack",
        (lambda xp, x: xp.stack([x, ROW * x[0]], axis=-1), V[:3]),
        (lambda xp, x: xp.stack([x[0], 2.0, x[1] * x[0]]), V),
        (lambda xp, x: xp.stack([x, 2 * x], axis=1), M),
        (lambda xp, x: xp.stack(x), M),
    ),
    *(
        case
        for name in ("atleast_1d", "atleast_2d", "atleast_3d")
        for case in cases(name, *((lambda xp, x, n=name: getattr(xp, n)(x), x) for x in (S, V, M)))
    ),
    *(
        case
        for name in ("vstack", "dstack", "hstack")
        for case in cases(
            name,
            (lambda xp, x, n=name: getattr(xp, n)([x, ROW]), V[:3]),
            (lambda xp, x, n=name: getattr(xp, n)((x, 2 * x)), M),
            (lambda xp, x, n=name: getattr(xp, n)([x, 1.0, 2 * x]), S),
        )
    ),
    *cases(
        "column_stack",
        (lambda xp, x: xp.column_stack([x, ROW]), V[:3]),
        (lambda xp, x: xp.column_stack([x, x[:, 0], COLUMN]), M),
    ),
    *cases(
        "append",
        (lambda xp, x: xp.append(x, 1.5), M),
        (lambda xp, x: xp.append(x, [ROW], axis=0), M),
    ),
    *cases(
        "block",
        (lambda xp, x: xp.block([[x, 2 * x], [np.ones((1, 3)), x[:1]]]), M),
        (lambda xp, x: xp.block([x, 1.0, x[0]]), V),
        (lambda xp, x: xp.block([[[x, x]], [[x, 2 * x]]]), V),
    ),
    *cases(
        "broadcast_arrays",
        (lambda xp, x: xp.broadcast_arrays(x, COLUMN, 1.0)[0], ROW),
        (lambda xp, x: xp.broadcast_arrays(ROW, x)[1], M),
    ),
    *cases(
        "unstack",
        (lambda xp, x: xp.unstack(x)[1], M),
        (lambda xp, x: xp.unstack(x, axis=-1)[2], M),
    ),
    *cases(
        "split",
        (lambda xp, x: xp.split(x, 3, axis=1)[2], M),
        (lambda xp, x: xp.split(x, [1, 3])[1], V),
    ),
    *cases("array_split", (lambda xp, x: xp.array_split(x, 3)[0], V)),
    *cases(
        "hsplit", (lambda xp, x: xp.hsplit(x, [1])[1], M), (lambda xp, x: xp.hsplit(x, 5)[4], V)
    ),
    *cases("vsplit", (lambda xp, x: xp.vsplit(x, 2)[1], M)),
    *cases(
        "trace",
        (lambda xp, x: xp.trace(x), SQUARE),
        (lambda xp, x: xp.trace(x, offset=-1), M),
        (lambda xp, x: xp.trace(x, 0, 2, 0), T),
    ),
    *cases(
        "linalg.trace",
        (lambda xp, x: xp.linalg.trace(x), SQUARE),
        (lambda xp, x: xp.linalg.trace(x, offset=1), T),
    ),
    *cases(
        "linalg.diagonal",
        (lambda xp, x: xp.linalg.diagonal(x), SQUARE),
        (lambda xp, x: xp.linalg.diagonal(x, offset=1), T),
    ),
    *cases(
        "cumulative_sum",
        (lambda xp, x: xp.cumulative_sum(x), V),
        (lambda xp, x: xp.cumulative_sum(x, axis=1), T),
        (lambda xp, x: xp.cumulative_sum(x, axis=-1, include_initial=True), M),
    ),
    *cases(
        "meshgrid",
        (lambda xp, x: xp.meshgrid(x, ROW)[0], V[:3]),
        (lambda xp, x: xp.meshgrid(ROW, x, indexing="ij")[1], V[:3]),
    ),
    *cases(
        "linspace",
        (lambda xp, x: xp.linspace(x[0], x[1], 4), V),
        (lambda xp, x: xp.linspace(0.5, x[1] ** 2, 5, endpoint=False), V),
    ),
    *cases("linspace", (lambda xp, x: xp.linspace(x[0], x[1], 3, axis=-1), M)),
    # np.arange dispatches for no array type, the namespace's does.
    *(
        Case("arange", f, V, "double")
        for f in (
            lambda xp, x: di.array_namespace(x).arange(x[0], x[0] + 2.1, 0.5) ** 2,
            lambda xp, x: di.array_namespace(x).arange(0.0, 2.1, x[3] ** 2 / 5 + 0.3),
            lambda xp, x: di.array_namespace(x).arange(x[1] ** 2 + 1.5) * x[0],
        )
    ),
    *cases("full", (lambda xp, x: _copied_to(xp, x), V)),
    *cases("copyto", (lambda xp, x: _copied_to(xp, x), V)),
    *cases("zeros_like", (lambda xp, x: xp.zeros_like(x) + x, M)),
    *cases("ones_like", (lambda xp, x: xp.ones_like(x) * x, S)),
    *cases("empty_like", (lambda xp, x: xp.empty_like(x) * 0 + x, V)),
    *cases("full_like", (lambda xp, x: xp.full_like(x, 2.5) * x, M)),
    *cases(
        "astype", (lambda xp, x: xp.astype(x, x.dtype), M), (lambda xp, x: x.astype(x.dtype), S)
    ),
    # np.asarray(x) dispatches for no array type, the namespace's does.
    *(
        case
        for name in ("asarray", "asanyarray", "array", "ascontiguousarray")
        for case in cases(name, (lambda xp, x, n=name: getattr(di.array_namespace(x), n)(x), M))
    ),
]
