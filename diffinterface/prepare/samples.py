"""Batched Jacobians of functions that mix samples: refused, because one seed serves all samples.

A product with the whole Jacobian J tells. Where J is block diagonal, scaling the samples of a seed
scales those of the product, ``(J D t)_k = d_k (J t)_k``: exactly, where the scales are powers of two.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np

from ..arrays.assembly import check_batch
from ..arrays.facts import Array, dtype_name, shape_of, size_of
from ..arrays.framework import NUMPY, framework_of
from ..arrays.namespace import array_namespace
from ..arrays.seeds import direction, like
from ..arrays.stop import stopped
from ..arrays.trees import Leaves
from ..engine.contract import AbstractBackend
from ..engine.conversion import Converter
from ..engine.function import Function
from ..errors import OutputError

_SCALES = 8


def check_samples(backend: AbstractBackend, fn: Function, x: Leaves, contexts: Leaves) -> None:
    """Raise `OutputError` if f mixes samples at x.

    Under a transform that hides the values, f is examined at other points of the same kind; where a
    framework has no way to do so, not at all: see `Framework.elsewhere`.
    """
    if shape_of(x[0])[0] < 2 or not all(map(size_of, x)):
        return
    backend = backend.member("batched_jacobian", fn, x, contexts)
    converter = Converter(backend, x)
    x = converter.enter(x)
    contexts = converter.enter_contexts(contexts, x)
    products = partial(_products, backend, fn.on(backend, reuse=False))
    for product in _known(products, x, contexts):
        direct, scaled = product
        expected = direct * _scales(*direct.shape)
        with np.errstate(invalid="ignore"):
            defect = np.abs(scaled - expected)
        known = np.isfinite(defect)  # the others tell nothing
        greatest = np.max(np.abs(expected), initial=0.0, where=known)
        eps = max(map(_eps, x))
        # Differences have errors of their own, also where the derivative is 0.
        tolerance, least = (256 * eps, eps) if backend.exact else (eps**0.2, eps ** (1 / 3))
        if np.max(defect, initial=0.0, where=known) > tolerance * max(greatest, least):
            raise OutputError(
                "f mixes the samples of its batch, as batch normalization in training does, or a sum "
                "over the leading axis: they have no Jacobians of their own. Use jacobian, or evaluate "
                "f in a mode that treats each sample alone. An f of one sample takes the batch for it: "
                "write it for all samples (x[:, 0] for x[0]), or call jacobian for each.",
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


def _products(backend: AbstractBackend, fn: Function, x: Leaves, contexts: Leaves) -> Leaves:
    """Products with the Jacobian, or its adjoint: with a seed, and with the same one scaled."""
    if backend.has_reverse:
        both = fn.derived(partial(_inner_products, fn))
        t = (like(np.eye(2), x[0]),)
        return backend.prepare("pullback", both, x, contexts, t, batched=True).result(
            x, contexts, t
        )
    t = tuple(like(_seeds(*shape_of(leaf)), leaf) for leaf in x)
    push = backend.prepare("pushforward", fn, x, contexts, t, batched=True)
    y, products, _ = push.run(x, contexts, t)
    check_batch(x, y)
    pushed: Leaves = products
    return pushed


def _inner_products(fn: Function, x: Leaves, contexts: Leaves) -> tuple[Leaves, Any]:
    """Those of f(x) with either seed, of which they are the gradients by f(x)."""
    y, _ = fn(x, contexts)
    check_batch(x, y)
    total: Any = 0
    for leaf in y:
        xp, seeds = array_namespace(*x, leaf), _seeds(*shape_of(leaf))
        axes = tuple(range(1, seeds.ndim))
        total = total + xp.sum(leaf * like(seeds, x[0]), axis=axes)
    return (total,), None


def _eps(leaf: Array) -> float:
    """The spacing of numbers at 1."""
    name = dtype_name(leaf)
    return 2.0**-7 if name == "bfloat16" else float(np.finfo(name).eps)


@lru_cache(maxsize=64)
def _seeds(*shape: int) -> Any:
    """A direction without symmetry, and the same one scaled."""
    direct = direction(shape)
    return np.stack([direct, direct * _scales(*shape)])


@lru_cache(maxsize=64)
def _scales(batch: int, *sample: int) -> Any:
    """A power of two for each sample; which samples share one follows no pattern."""
    powers = np.random.default_rng(0).permutation(batch) % _SCALES
    return np.ldexp(1.0, -powers).reshape(batch, *[1] * len(sample))
