"""Calls of every differentiable function of the array-API standard, as functions of one array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

V = np.array([0.3, -0.7, 1.2, 0.45])
M = np.array([[0.6, -0.4, 0.9], [1.3, 0.2, -0.8]])
SQUARE = np.array([[2.1, 0.3, -0.2], [0.4, 1.7, 0.5], [-0.1, 0.6, 1.4]])
SPD = SQUARE @ SQUARE.T
CUBE = np.linspace(-1.3, 1.7, 24).reshape(2, 3, 4) ** 2 + 0.1 * np.arange(24).reshape(2, 3, 4)
INSIDE = np.array([0.3, -0.7, 0.2])
POSITIVE = np.array([0.3, 0.7, 1.9])
ZEROS = CUBE * (np.arange(24).reshape(2, 3, 4) % 5 > 0)
ALIKE = np.cos(np.arange(27.0)).reshape(3, 3, 3)
BATCH = np.stack([SQUARE, SQUARE.T + np.eye(3)])

Call = Callable[[Any, Any], Any]

# name: (point, call); names before a space are those of the standard.
ELEMENTWISE: dict[str, tuple[np.ndarray, Call]] = {
    **{
        name: (V, lambda xp, x, name=name: getattr(xp, name)(x))
        for name in (
            "abs asinh atan cos cosh exp expm1 negative positive sign sin sinh "
            "square tan tanh real imag conj reciprocal ceil floor round trunc"
        ).split()
    },
    **{
        name: (INSIDE, lambda xp, x, name=name: getattr(xp, name)(x))
        for name in ("acos asin atanh").split()
    },
    **{
        name: (POSITIVE, lambda xp, x, name=name: getattr(xp, name)(x))
        for name in ("log log10 log1p log2 sqrt").split()
    },
    "acosh": (POSITIVE + 1, lambda xp, x: xp.acosh(x)),
    **{
        f"{name} {side}": (
            POSITIVE,
            lambda xp, x, name=name, side=side: getattr(xp, name)(
                *(
                    (x, np.array([[0.55], [1.6]]))
                    if side == "left"
                    else (np.array([[0.55], [1.6]]), x)
                )
            ),
        )
        for name in (
            "add atan2 copysign divide floor_divide hypot logaddexp maximum minimum "
            "multiply pow remainder subtract"
        ).split()
        for side in ("left", "right")
    },
    "atan2 both": (M, lambda xp, x: xp.atan2(x[0, :], x[1, :])),
    "hypot both": (M, lambda xp, x: xp.hypot(x[0, :], x[1, :])),
    "pow both": (np.abs(M), lambda xp, x: xp.pow(x[0, :], x[1, :])),
    "pow number": (V, lambda xp, x: x**3 + 2.0**x),
    "clip both": (V, lambda xp, x: xp.clip(x, -0.5, 1.0)),
    "clip min": (V, lambda xp, x: xp.clip(x, min=-0.5)),
    "clip max": (V, lambda xp, x: xp.clip(x, max=0.4)),
    "clip bounds": (V, lambda xp, x: xp.clip(np.array([[0.0], [1.0]]), x, x + 0.5)),
    "clip nothing": (V, lambda xp, x: xp.clip(x)),
    "operators": (V, lambda xp, x: (-x + 2 * x - x / 3 + 1 / (x + 3)) ** 2 % 0.7),
    "abs operator": (V, lambda xp, x: abs(x)),
}

SHAPES: dict[str, tuple[np.ndarray, Call]] = {
    "astype": (V, lambda xp, x: xp.astype(x, xp.float64)),
    "asarray": (V, lambda xp, x: xp.asarray(x) * xp.asarray(2.0)),
    "asarray list": (V, lambda xp, x: xp.asarray([x[0], 2.0, x[1]])),
    "broadcast_arrays": (V, lambda xp, x: sum(xp.broadcast_arrays(x, x[:1], np.ones((2, 1))))),
    "broadcast_to": (V, lambda xp, x: xp.broadcast_to(x, (2, 3, 4))),
    "broadcast_to inner": (M[:, :1], lambda xp, x: xp.broadcast_to(x, (2, 3))),
    "broadcast_to scalar": (V, lambda xp, x: xp.broadcast_to(x[0], (3,))),
    "concat": (M, lambda xp, x: xp.concat([x, 2 * x, np.ones((2, 1))], axis=1)),
    "concat flat": (M, lambda xp, x: xp.concat((x, x[0, :]), axis=None)),
    "expand_dims": (M, lambda xp, x: xp.expand_dims(x, axis=-1)),
    "flip": (CUBE, lambda xp, x: xp.flip(x)),
    "flip axis": (CUBE, lambda xp, x: xp.flip(x, axis=(0, -1))),
    "full": (V, lambda xp, x: xp.full((2, 3), x[1])),
    "full_like": (V, lambda xp, x: xp.full_like(x, x[0])),
    "linspace": (V, lambda xp, x: xp.linspace(x[0], x[1], 5)),
    "linspace open": (V, lambda xp, x: xp.linspace(x[0], 2.0, num=4, endpoint=False)),
    "meshgrid": (V, lambda xp, x: xp.stack(xp.meshgrid(x, x[:2]))),
    "meshgrid ij": (V, lambda xp, x: xp.stack(xp.meshgrid(x, x[:2], indexing="ij"))),
    "moveaxis": (CUBE, lambda xp, x: xp.moveaxis(x, 0, -1)),
    "moveaxis several": (CUBE, lambda xp, x: xp.moveaxis(x, (0, 1), (2, 0))),
    "permute_dims": (CUBE, lambda xp, x: xp.permute_dims(x, (2, 0, 1))),
    "permute_dims negative": (CUBE, lambda xp, x: xp.permute_dims(x, (-1, 0, -2))),
    "matrix_transpose": (CUBE, lambda xp, x: xp.matrix_transpose(x)),
    "T": (M, lambda xp, x: x.T),
    "mT": (CUBE, lambda xp, x: x.mT),
    "repeat": (M, lambda xp, x: xp.repeat(x, 2, axis=1)),
    "repeat flat": (M, lambda xp, x: xp.repeat(x, 3)),
    "repeat negative axis": (CUBE, lambda xp, x: xp.repeat(x, 2, axis=-1)),
    "repeat each": (M, lambda xp, x: xp.repeat(x, np.array([1, 3, 0]), axis=1)),
    "reshape": (M, lambda xp, x: xp.reshape(x, (3, -1))),
    "reshape flat": (M, lambda xp, x: xp.reshape(x, (-1,))),
    "roll": (M, lambda xp, x: xp.roll(x, 1)),
    "roll axis": (M, lambda xp, x: xp.roll(x, 2, axis=1)),
    "roll axes": (CUBE, lambda xp, x: xp.roll(x, (1, -1), axis=(0, 2))),
    "squeeze": (M[None], lambda xp, x: xp.squeeze(x, axis=0)),
    "stack": (M, lambda xp, x: xp.stack([x, x**2], axis=-1)),
    "tile": (M, lambda xp, x: xp.tile(x, (2, 2))),
    "tile more": (M, lambda xp, x: xp.tile(x, (2, 1, 3))),
    "tile fewer": (M, lambda xp, x: xp.tile(x, (2,))),
    "tril": (M, lambda xp, x: xp.tril(x, k=-1)),
    "triu": (CUBE, lambda xp, x: xp.triu(x)),
    "unstack": (CUBE, lambda xp, x: xp.stack(xp.unstack(x, axis=1)[::-1])),
    "take": (M, lambda xp, x: xp.take(x, np.array([2, 0, 2]), axis=1)),
    "take flat": (V, lambda xp, x: xp.take(x, np.array([1, 1]))),
    "take_along_axis": (M, lambda xp, x: xp.take_along_axis(x, xp.argsort(x, axis=1), axis=1)),
    "take_along_axis broadcast": (
        CUBE,
        lambda xp, x: xp.take_along_axis(x, np.array([[[1, 0]]]), axis=-1),
    ),
    "where": (M, lambda xp, x: xp.where(x > 0, x, x**2)),
    "where number": (M, lambda xp, x: xp.where(x > 0, x, 0.0)),
    "where scalar": (V, lambda xp, x: xp.where(np.array([True, False, True]), x[0], x[1])),
    "where broadcast": (V, lambda xp, x: xp.where(np.array([[True], [False]]), x, 2 * x[:1])),
    "sort": (V, lambda xp, x: xp.sort(x)),
    "sort descending": (M, lambda xp, x: xp.sort(x, axis=0, descending=True)),
    "sort axis": (CUBE, lambda xp, x: xp.sort(x, axis=1)),
    "indexing": (CUBE, lambda xp, x: x[..., 1] * x[:, None, 0, 2] + x[0, ::2, -1][0]),
    "indexing mask": (V, lambda xp, x: x[V > 0]),
    "indexing array": (M, lambda xp, x: x[np.array([0, 1, 0]), np.array([2, 2, 1])]),
    "iteration": (M, lambda xp, x: xp.stack([row * 2 for row in x])),
}

REDUCTIONS: dict[str, tuple[np.ndarray, Call]] = {
    **{
        f"{name} {kind}".strip(): (
            CUBE,
            lambda xp, x, name=name, options=options: getattr(xp, name)(x, **options),
        )
        for name in ("sum prod mean max min std var").split()
        for kind, options in {
            "all": {},
            "axis": {"axis": 1},
            "axes": {"axis": (0, -1)},
            "keepdims": {"axis": (0, 2), "keepdims": True},
        }.items()
    },
    "sum dtype": (M, lambda xp, x: xp.sum(x, axis=0, dtype=xp.float64)),
    "prod zero": (np.array([0.0, 2.0, 3.0]), lambda xp, x: xp.prod(x)),
    "prod zeros": (ZEROS, lambda xp, x: xp.prod(x, axis=(0, -1))),
    "prod zeros axis": (ZEROS, lambda xp, x: xp.prod(x, axis=1)),
    "max last axes": (ALIKE, lambda xp, x: xp.max(x, axis=(-2, -1))),
    "min last axes": (ALIKE, lambda xp, x: xp.min(x, axis=(-1, -2), keepdims=True)),
    "cumulative_prod zero": (ZEROS, lambda xp, x: xp.cumulative_prod(x, axis=2)),
    "std correction": (CUBE, lambda xp, x: xp.std(x, axis=(0, 1), correction=1)),
    "var correction": (CUBE, lambda xp, x: xp.var(x, correction=1.0)),
    "var negative axis": (CUBE, lambda xp, x: xp.var(x, axis=-1)),
    "cumulative_sum": (V, lambda xp, x: xp.cumulative_sum(x)),
    "cumulative_sum axis": (CUBE, lambda xp, x: xp.cumulative_sum(x, axis=1)),
    "cumulative_sum first": (CUBE, lambda xp, x: xp.cumulative_sum(x, axis=0)),
    "cumulative_sum last": (CUBE, lambda xp, x: xp.cumulative_sum(x, axis=-1)),
    "cumulative_sum initial": (M, lambda xp, x: xp.cumulative_sum(x, axis=1, include_initial=True)),
    "cumulative_prod": (V, lambda xp, x: xp.cumulative_prod(x)),
    "cumulative_prod axis": (M, lambda xp, x: xp.cumulative_prod(x, axis=0)),
    "cumulative_prod initial": (V, lambda xp, x: xp.cumulative_prod(x, include_initial=True)),
    "diff": (M, lambda xp, x: xp.diff(x)),
    "diff twice": (CUBE, lambda xp, x: xp.diff(x, axis=1, n=2)),
    "diff ends": (V, lambda xp, x: xp.diff(x, prepend=2 * x[:1], append=np.array([1.0]))),
}

LINALG: dict[str, tuple[np.ndarray, Call]] = {
    "matmul": (M, lambda xp, x: xp.matmul(x, x.T)),
    "matmul operator": (CUBE, lambda xp, x: x @ SQUARE[:, :1].T.repeat(4, 0) @ SQUARE),
    "matmul batch": (CUBE, lambda xp, x: xp.matmul(M, x)),
    "matmul vector": (SQUARE, lambda xp, x: x @ x[0, :]),
    "matmul vectors": (V, lambda xp, x: x @ x),
    "tensordot": (CUBE, lambda xp, x: xp.tensordot(x, xp.permute_dims(x, (1, 2, 0)), axes=2)),
    "tensordot axes": (CUBE, lambda xp, x: xp.tensordot(x, x, axes=((0, 1), (0, 1)))),
    "tensordot outer": (M, lambda xp, x: xp.tensordot(x, x[0, :], axes=0)),
    "vecdot": (M, lambda xp, x: xp.vecdot(x, x**2)),
    "vecdot axis": (CUBE, lambda xp, x: xp.vecdot(x, x[:1, :, :], axis=-2)),
    "cholesky": (SPD, lambda xp, x: xp.linalg.cholesky((x + x.T) / 2)),
    "cholesky upper": (SPD, lambda xp, x: xp.linalg.cholesky((x + x.T) / 2, upper=True)),
    "cross": (M, lambda xp, x: xp.linalg.cross(x, np.array([0.3, 0.1, 0.9]))),
    "cross both": (M, lambda xp, x: xp.linalg.cross(x[0, :], x[1, :])),
    "cross axis": (M.T, lambda xp, x: xp.linalg.cross(x, x**2, axis=0)),
    "det": (SQUARE, lambda xp, x: xp.linalg.det(x)),
    "det batch": (BATCH, lambda xp, x: xp.linalg.det(x)),
    "diagonal": (SQUARE, lambda xp, x: xp.linalg.diagonal(x)),
    "diagonal offset": (CUBE, lambda xp, x: xp.linalg.diagonal(x, offset=1)),
    "eigh values": (SPD, lambda xp, x: xp.linalg.eigh((x + x.T) / 2).eigenvalues),
    "eigh vectors": (
        SPD,
        lambda xp, x: (lambda r: r.eigenvectors * xp.sign(r.eigenvectors[:1, :]))(
            xp.linalg.eigh((x + x.T) / 2)
        ),
    ),
    "eigvalsh batch": (
        BATCH,
        lambda xp, x: xp.linalg.eigvalsh(x + xp.matrix_transpose(x)),
    ),
    "eigvalsh": (SPD, lambda xp, x: xp.linalg.eigvalsh((x + x.T) / 2)),
    "inv": (SQUARE, lambda xp, x: xp.linalg.inv(x)),
    "inv batch": (BATCH, lambda xp, x: xp.linalg.inv(x)),
    "matrix_norm": (M, lambda xp, x: xp.linalg.matrix_norm(x)),
    "matrix_norm keepdims": (CUBE, lambda xp, x: xp.linalg.matrix_norm(x, keepdims=True)),
    "matrix_norm nuc": (M, lambda xp, x: xp.linalg.matrix_norm(x, ord="nuc")),
    "matrix_norm 2": (M, lambda xp, x: xp.linalg.matrix_norm(x, ord=2)),
    "matrix_norm 1": (M, lambda xp, x: xp.linalg.matrix_norm(x, ord=1)),
    "matrix_norm inf": (CUBE, lambda xp, x: xp.linalg.matrix_norm(x, ord=float("inf"))),
    "matrix_power": (SQUARE, lambda xp, x: xp.linalg.matrix_power(x, 5)),
    "matrix_power negative": (SQUARE, lambda xp, x: xp.linalg.matrix_power(x, -2)),
    "matrix_power zero": (BATCH, lambda xp, x: xp.linalg.matrix_power(x, 0) * x[0, 0, 0]),
    "outer": (V, lambda xp, x: xp.linalg.outer(x, x**2)),
    "pinv wide": (M, lambda xp, x: xp.linalg.pinv(x)),
    "pinv tall": (M.T.copy(), lambda xp, x: xp.linalg.pinv(x)),
    "qr": (SQUARE, lambda xp, x: xp.linalg.qr(x).Q * xp.sign(xp.linalg.qr(x).R[0, 0])),
    "qr r": (M.T.copy(), lambda xp, x: xp.linalg.qr(x).R),
    "slogdet": (SQUARE, lambda xp, x: xp.linalg.slogdet(x).logabsdet),
    "slogdet batch": (BATCH, lambda xp, x: xp.linalg.slogdet(x)[1]),
    "solve": (SQUARE, lambda xp, x: xp.linalg.solve(x, M.T)),
    "solve vector": (SQUARE, lambda xp, x: xp.linalg.solve(x, x[0, :])),
    "solve batch": (BATCH, lambda xp, x: xp.linalg.solve(x, x[:, :, :2] ** 2)),
    "solve broadcast": (SQUARE, lambda xp, x: xp.linalg.solve(x, BATCH)),
    "solve vectors": (BATCH, lambda xp, x: xp.linalg.solve(x, x[0, :, 0])),
    "qr wide": (M, lambda xp, x: xp.linalg.qr(x).R),
    "qr batch": (BATCH[:, :, :2], lambda xp, x: xp.linalg.qr(x).Q),
    "svdvals batch": (BATCH, lambda xp, x: xp.linalg.svdvals(x)),
    "svdvals": (M, lambda xp, x: xp.linalg.svdvals(x)),
    "svd": (M, lambda xp, x: xp.linalg.svd(x, full_matrices=False).S),
    "svd vectors": (
        M,
        lambda xp, x: (lambda r: (r.U * r.S**2) @ xp.matrix_transpose(r.U) @ r.U @ r.Vh)(
            xp.linalg.svd(x, full_matrices=False)
        ),
    ),
    "trace": (SQUARE, lambda xp, x: xp.linalg.trace(x)),
    "trace offset": (CUBE, lambda xp, x: xp.linalg.trace(x, offset=1)),
    "vector_norm": (CUBE, lambda xp, x: xp.linalg.vector_norm(x)),
    "vector_norm axis": (CUBE, lambda xp, x: xp.linalg.vector_norm(x, axis=(0, 2), ord=3)),
    "vector_norm 1": (CUBE, lambda xp, x: xp.linalg.vector_norm(x, axis=1, ord=1, keepdims=True)),
    "vector_norm inf": (CUBE, lambda xp, x: xp.linalg.vector_norm(x, axis=0, ord=float("inf"))),
    "vector_norm -inf": (CUBE, lambda xp, x: xp.linalg.vector_norm(x, ord=-float("inf"))),
    "vector_norm 0": (V, lambda xp, x: xp.linalg.vector_norm(x, ord=0) * x),
    "vector_norm keepdims": (M, lambda xp, x: xp.linalg.vector_norm(x, keepdims=True)),
}


def _parts(xp: Any, z: Any) -> Any:
    return xp.stack([xp.real(z), xp.imag(z)])


FFT: dict[str, tuple[np.ndarray, Call]] = {
    **{
        f"{name} {kind}".strip(): (
            CUBE,
            lambda xp, x, name=name, options=options: _parts(
                xp, getattr(xp.fft, name)(x, **options)
            ),
        )
        for name in ("fft ifft rfft ihfft").split()
        for kind, options in {
            "": {},
            "pad": {"n": 6, "axis": 1},
            "cut": {"n": 3},
            "odd": {"axis": 1},
            "ortho": {"norm": "ortho", "axis": 0},
            "forward": {"norm": "forward"},
        }.items()
    },
    **{
        f"{name} {kind}".strip(): (
            CUBE,
            lambda xp, x, name=name, options=options: getattr(xp.fft, name)(
                x * (1 + 0.5j) + 1j * x**2, **options
            ),
        )
        for name in ("irfft hfft").split()
        for kind, options in {
            "": {},
            "pad": {"n": 8, "axis": 1},
            "odd": {"n": 5},
            "ortho": {"norm": "ortho", "axis": 0},
            "forward": {"norm": "forward"},
        }.items()
    },
    **{
        f"{name} {kind}".strip(): (
            CUBE,
            lambda xp, x, name=name, options=options: _parts(
                xp, getattr(xp.fft, name)(x, **options)
            ),
        )
        for name in ("fftn ifftn rfftn").split()
        for kind, options in {
            "": {},
            "axes": {"axes": (0, 1), "norm": "ortho"},
            "sizes": {"s": (3, 5), "axes": (1, 2)},
        }.items()
    },
    "irfftn": (CUBE, lambda xp, x: xp.fft.irfftn(x + 0.3j * x**2)),
    "irfftn sizes": (CUBE, lambda xp, x: xp.fft.irfftn(x + 0.3j * x**2, s=(2, 5), axes=(0, 2))),
    "fftshift": (CUBE, lambda xp, x: xp.fft.fftshift(x)),
    "ifftshift": (CUBE, lambda xp, x: xp.fft.ifftshift(x, axes=(1,))),
}

CALLS = {**ELEMENTWISE, **SHAPES, **REDUCTIONS, **LINALG, **FFT}
