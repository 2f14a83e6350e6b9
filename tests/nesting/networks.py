"""A small network, written once for every framework, and the numbers that it is fed."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import diffinterface as di

Parameters = tuple[Any, ...]  # weight, bias, weight, bias, ...


def parameters(*widths: int) -> Parameters:
    """Weights and biases of a network with these widths."""
    rng = np.random.default_rng(7)
    return tuple(
        array
        for m, n in itertools.pairwise(widths)
        for array in (rng.normal(size=(m, n)) / m**0.5, 0.1 * rng.normal(size=n))
    )


def samples(n: int, width: int) -> Any:
    """A batch of inputs."""
    return np.random.default_rng(3).normal(size=(n, width))


def namespace(x: Any, p: Parameters) -> Any:
    """That of x where an engine wraps it, else that of the parameters, which an engine may trace."""
    return di.array_namespace(*p) if type(x) is np.ndarray else di.array_namespace(x)


def network(x: Any, p: Parameters, xp: Any = None) -> Any:
    """Dense layers with tanh between them; their namespace where x does not tell it."""
    xp = namespace(x, p) if xp is None else xp
    h = xp.asarray(x) if type(x) is np.ndarray else x
    for weight, bias in zip(p[:-2:2], p[1:-2:2], strict=True):
        h = xp.tanh(h @ weight + bias)
    return h @ p[-2] + p[-1]


def normalised(x: Any, p: Parameters) -> Any:
    """The same with its first layer normalised over the batch, so that samples mix."""

    xp = namespace(x, p)
    h = (xp.asarray(x) if type(x) is np.ndarray else x) @ p[0] + p[1]
    centred = h - xp.mean(h, axis=0)
    return network(xp.tanh(centred / xp.sqrt(xp.mean(centred**2, axis=0) + 0.1)), p[2:])
