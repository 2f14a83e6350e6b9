"""Derivatives without any engine: the complex step inside a loss, Richardson's differences around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..truth import columns, extrapolated

_TINY = 1e-30


class ComplexStep:
    """The inner operators of a loss over NumPy; the interface is that of `Ask`."""

    def value_and(self, operator: str, f: Any, x: Any, p: Any, *seeds: Any) -> tuple[Any, Any]:
        return np.real(f(x, p)), self(operator, f, x, p, *seeds)

    def __call__(self, operator: str, f: Any, x: Any, p: Any, *seeds: Any) -> Any:
        leaves = x if isinstance(x, tuple) else (x,)

        def push(moved: int, t: Any) -> Any:
            stepped = tuple(
                leaf + 1j * _TINY * t if k == moved else leaf for k, leaf in enumerate(leaves)
            )
            return np.imag(f(stepped if isinstance(x, tuple) else stepped[0], p)) / _TINY

        if operator == "pushforward":
            return push(0, *seeds)
        jacobian = tuple(columns(k, leaf, push) for k, leaf in enumerate(leaves))
        if operator == "pullback":
            return np.tensordot(seeds[0], jacobian[0], seeds[0].ndim)
        if operator == "batched_jacobian":
            samples = np.arange(len(x))
            return np.moveaxis(jacobian[0], x.ndim, 1)[samples, samples]
        return jacobian if isinstance(x, tuple) else jacobian[0]


def gradient(loss: Callable[[tuple[Any, ...]], float], at: tuple[Any, ...]) -> tuple[Any, ...]:
    """The gradient of a loss by Richardson's extrapolation of central differences."""

    def along(k: int, t: Any) -> float:
        def difference(h: float) -> float:
            plus, minus = (
                tuple(leaf + s * h * t if i == k else leaf for i, leaf in enumerate(at))
                for s in (1, -1)
            )
            return (loss(plus) - loss(minus)) / (2 * h)

        return extrapolated([difference(2.0**-level) for level in range(5, 9)])

    return tuple(
        np.array([along(k, t.reshape(leaf.shape)) for t in np.eye(leaf.size)]).reshape(leaf.shape)
        for k, leaf in enumerate(at)
    )
