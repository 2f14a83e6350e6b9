"""Random smooth functions: straight-line programs of array-API calls, over trees of arrays.

A program is drawn step by step beside its value at a sample point, so that every step fits the shapes
and stays of moderate size there. All steps are analytic, which gives the tests their truth: the
complex step, taken by plain NumPy. Nothing here branches on values, so every engine can enter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import array_api_compat.numpy as np_api
import numpy as np
import optree
from hypothesis import strategies as st

import diffinterface as di


def mask(shape: tuple[int, ...]) -> Any:
    """True at every second entry."""
    return np.arange(math.prod(shape)).reshape(shape) % 2 == 0


UNARY: dict[str, Callable[[Any, Any], Any]] = {
    "sin": lambda xp, a: xp.sin(a),
    "cos": lambda xp, a: xp.cos(a),
    "tanh": lambda xp, a: xp.tanh(a),
    "atan": lambda xp, a: xp.atan(a / 4),
    "exp": lambda xp, a: xp.exp(xp.sin(a)),
    "sinh": lambda xp, a: xp.sinh(xp.cos(a)),
    "log1p": lambda xp, a: xp.log1p(a * a / 64),
    "sqrt": lambda xp, a: xp.sqrt(3 + xp.cos(a)),
    "cube": lambda xp, a: a**3 - a,
    "reciprocal": lambda xp, a: 1 / (2.0 + xp.sin(a)),
    "power": lambda xp, a: (2 + xp.tanh(a / 4)) ** -1.5,
    "negative": lambda xp, a: 0.5 - a,
}
BINARY: dict[str, Callable[[Any, Any, Any], Any]] = {
    "add": lambda xp, a, b: a + 2 * b,
    "subtract": lambda xp, a, b: a - b,
    "multiply": lambda xp, a, b: a * b,
    "divide": lambda xp, a, b: a / (xp.cos(b) - 2.5),
    "scale": lambda xp, a, b: a * xp.mean(b),
    "where": lambda xp, a, b: xp.where(xp.asarray(mask(a.shape)), a, b),
}
# Changes of shape, by the least number of axes they take.
SHAPED: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "sum": (1, lambda xp, a: xp.sum(a, axis=0)),
    "mean": (1, lambda xp, a: xp.mean(a, axis=-1, keepdims=True)),
    "prod": (1, lambda xp, a: xp.prod(xp.sin(a) + 0.5, axis=-1)),
    "first": (1, lambda xp, a: a[0, ...]),
    "strided": (1, lambda xp, a: a[::2, ...]),
    "tail": (1, lambda xp, a: a[..., 1:] if a.shape[-1] > 1 else a),
    "stack": (0, lambda xp, a: xp.stack([a, xp.cos(a)], axis=-1)),
    "concat": (1, lambda xp, a: xp.concat([a, 2 * a], axis=0)),
    "ravel": (0, lambda xp, a: xp.reshape(a, (-1,))),
    "transpose": (2, lambda xp, a: xp.permute_dims(a, tuple(range(a.ndim))[::-1])),
    "gram": (2, lambda xp, a: xp.matmul(a, xp.matrix_transpose(a)) / 4),
    "square_of": (1, lambda xp, a: xp.sum(a[..., None] * a[..., None, :], axis=-1)),
    "expand": (0, lambda xp, a: xp.expand_dims(a, axis=0)),
}


class Pair(NamedTuple):
    left: Any
    right: Any


# Containers for one, two and three leaves.
CONTAINERS: dict[int, dict[str, Callable[..., Any]]] = {
    1: {"lone": lambda a: a, "list": lambda a: [a], "dict": lambda a: {"k": (a,)}},
    2: {"tuple": lambda a, b: (a, b), "pair": Pair, "nested": lambda a, b: {"q": [a], "p": b}},
    3: {"deep": lambda a, b, c: {"u": Pair(a, (b,)), "t": c}, "flat": lambda a, b, c: [a, b, c]},
}


@dataclass(frozen=True)
class Program:
    """A function of a tree: steps (name, operand, operand), and how outputs are chosen and packed."""

    steps: tuple[tuple[str, int, int], ...]
    outputs: tuple[int, ...]
    container: str
    scalar: bool

    def __call__(self, x: Any) -> Any:
        return self.run(x, di.array_namespace(*optree.tree_leaves(x)))

    def run(self, x: Any, xp: Any) -> Any:
        """The value in the namespace `xp`."""
        values = optree.tree_leaves(x)
        for name, first, second in self.steps:
            values.append(step(xp, name, values[first], values[second]))
        chosen = [values[k] for k in self.outputs]
        if self.scalar:
            return sum(xp.sum(value) for value in chosen)
        return CONTAINERS[len(chosen)][self.container](*chosen)

    def plain(self, x: Any) -> Any:
        """The value in plain NumPy, for real and for complex arrays."""
        return self.run(x, np_api)


def step(xp: Any, name: str, a: Any, b: Any) -> Any:
    if name in UNARY:
        return UNARY[name](xp, a)
    if name in BINARY:
        return BINARY[name](xp, a, b)
    return SHAPED[name][1](xp, a)


@dataclass(frozen=True)
class Problem:
    """A program, two points of one kind, and the source of further random directions."""

    f: Program
    x: Any
    other: Any
    seed: int

    def like(self, tree: Any, number: int = 0, lead: tuple[int, ...] = ()) -> Any:
        """A random tree of the shapes of `tree`, with extra leading axes."""
        rng = np.random.default_rng([self.seed, number, 1])
        return optree.tree_map(lambda a: rng.normal(size=(*lead, *np.shape(a))), tree)


@st.composite
def problems(draw: Any, *, scalar: bool = False, steps: int = 8) -> Problem:
    """A function, scalar-valued or not, and points at which to differentiate it."""
    count = draw(st.integers(1, 3))
    shapes = [draw(st.sampled_from([(), (3,), (2, 3), (1, 2)])) for _ in range(count)]
    pack = CONTAINERS[count][draw(st.sampled_from(sorted(CONTAINERS[count])))]
    seed = draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    x, other = (pack(*[rng.normal(size=shape) for shape in shapes]) for _ in range(2))
    values = optree.tree_leaves(x)
    program = []
    for _ in range(draw(st.integers(2, steps))):
        first = draw(st.integers(0, len(values) - 1))
        a = values[first]
        equal = [k for k, value in enumerate(values) if np.shape(value) == np.shape(a)]
        fitting = [n for n, (axes, _) in SHAPED.items() if np.ndim(a) >= axes and np.size(a) <= 12]
        name = draw(st.sampled_from([*UNARY, *BINARY, *fitting]))
        operation = (name, first, draw(st.sampled_from(equal)))
        value = step(np_api, name, a, values[operation[2]])
        if np.max(np.abs(value)) > 20:
            operation = ("tanh", first, first)
            value = np.tanh(a)
        program.append(operation)
        values.append(value)
    chosen = {len(values) - 1, *draw(st.lists(st.integers(0, len(values) - 1), max_size=2))}
    container = draw(st.sampled_from(sorted(CONTAINERS[len(chosen)])))
    return Problem(
        Program(tuple(program), tuple(sorted(chosen)), container, scalar), x, other, seed
    )
