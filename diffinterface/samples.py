"""Batched Jacobians of functions that mix samples: refused, because one seed serves all samples.

A product with the whole Jacobian J tells. Where J is block diagonal, scaling the samples of a seed
scales those of the product, ``(J D t)_k = d_k (J t)_k``: exactly, where the scales are powers of two.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .arrays import NUMPY, Array, dtype_name, framework_of, shape_of, size_of
from .backend import Backend
from .errors import OutputError
from .functions import Function
from .seeds import cast
from .stop import stopped
from .trees import Leaves

_SCALES = 8


def check_samples(backend: Backend, fn: Function, x: Leaves, contexts: Leaves) -> None:
    """Raise `OutputError` if f mixes samples at x.

    Under a transform that hides the values, f is examined at other points of the same kind; where a
    framework has no way to do so, not at all: see `Framework.elsewhere`.
    """
    if shape_of(x[0])[0] < 2:
        return
    products = partial(_products, backend, fn.on(backend, reuse=False))
    for product in _known(products, x, contexts):
        direct, scaled = product
        expected = direct * _scales(*direct.shape)
        with np.errstate(invalid="ignore"):
            defect = np.abs(scaled - expected)
        known = np.isfinite(defect)  # the others tell nothing
        greatest = np.max(np.abs(expected), initial=0.0, where=known)
        eps = np.finfo(product.dtype).eps
        # Differences have errors of their own, also where the derivative is 0.
        tolerance, least = (256 * eps, eps) if backend.stops else (eps**0.2, eps ** (1 / 3))
        if np.max(defect, initial=0.0, where=known) > tolerance * max(greatest, least):
            raise OutputError(
                "f mixes the samples of its batch, as batch normalisation in training does, or a sum "
                "over the leading axis: they have no Jacobians of their own. Use jacobian, or evaluate "
                "f in a mode that treats each sample alone.",
                operator="batched_jacobian",
            )


def _known(products: Any, x: Leaves, contexts: Leaves) -> list[Any]:
    """The products as NumPy arrays."""
    found = tuple(map(stopped, products(x, contexts)))
    frameworks = [framework_of(leaf) or NUMPY for leaf in found]
    values = [f.values(leaf) for f, leaf in zip(frameworks, found, strict=True)]
    if any(value is None for value in values):
        hidden = next(f for f, value in zip(frameworks, values, strict=True) if value is None)
        return [NUMPY.to_numpy(leaf) for leaf in hidden.elsewhere(products, x, contexts)]
    return values


def _products(backend: Backend, fn: Function, x: Leaves, contexts: Leaves) -> Leaves:
    """Products with the Jacobian, or its adjoint: with a seed, and with the same one scaled."""
    if backend.has_reverse:
        y, _ = fn(x, contexts)
        t = tuple(_seeds(leaf, x[0]) for leaf in y)
        return backend.prepare_pullback(fn, x, contexts, t, True).result(x, contexts, t)
    t = tuple(_seeds(leaf, leaf) for leaf in x)
    return backend.prepare_pushforward(fn, x, contexts, t, True).result(x, contexts, t)


def _seeds(leaf: Array, like: Array) -> Array:
    shape, framework = shape_of(leaf), framework_of(like) or NUMPY
    direct = (0.5 + np.sin(1.3 * np.arange(1.0, size_of(leaf) + 1))).reshape(shape)
    both = np.stack([direct, direct * _scales(*shape)])
    name = dtype_name(leaf)
    if name in np.sctypeDict:
        return framework.from_numpy(both.astype(name), like)
    return cast(framework.from_numpy(both.astype("float32"), like), leaf)


def _scales(batch: int, *sample: int) -> Any:
    """A power of two for each sample; which samples share one follows no pattern."""
    powers = np.random.default_rng(0).permutation(batch) % _SCALES
    return np.ldexp(1.0, -powers).reshape(batch, *[1] * len(sample))
