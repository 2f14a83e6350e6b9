"""What each operator must give, from a problem's Jacobian and Hessian: sums of products, in NumPy."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import optree

from ..declare.contexts import Cache, Constant, Static
from .problems import Problem

Flat = list[np.ndarray]


def plain(context: Any) -> Any:
    """What f sees of a context; scratch memory as a copy."""
    if isinstance(context, Constant | Static):
        return context.value
    return copy.deepcopy(context.buffer) if isinstance(context, Cache) else context


def expected(
    problem: Problem, operator: str, x: Any, t: Any, contexts: tuple[Any, ...], batched: bool
) -> tuple[Any, ...]:
    """What the ``value_and`` variant of an operator must give: a tuple that ends in the result."""
    data = tuple(map(plain, contexts))
    y = problem.f(x, *data)
    blocks = problem.jacobian(x, *data)
    y_spec, x_spec = optree.tree_structure(y), optree.tree_structure(x)
    xs, ys = map(np.asarray, optree.tree_leaves(x)), map(np.asarray, optree.tree_leaves(y))
    seeds = list(map(np.asarray, optree.tree_leaves(t)))
    spaces = _Spaces(list(xs), list(ys))
    if operator == "pushforward":
        push = _each(spaces.push, batched)
        return y, y_spec.unflatten(push(blocks, seeds))
    if operator == "pullback":
        return y, x_spec.unflatten(_each(spaces.pull, batched)(blocks, seeds))
    if operator == "gradient":
        return y, x_spec.unflatten(spaces.pull(blocks, [np.ones(())]))
    if operator in ("jacobian", "batched_jacobian"):
        return y, y_spec.unflatten([x_spec.unflatten(row) for row in blocks])
    if operator == "derivative":
        return y, y_spec.unflatten([row[0] for row in blocks])
    assert problem.second is not None
    second = problem.second(x, *data)
    if operator == "second_derivative":
        leaves = [row[0] if isinstance(row, list) else row for row in second]
        return y, y_spec.unflatten([row[0] for row in blocks]), y_spec.unflatten(leaves)
    gradient = x_spec.unflatten(blocks[0])
    if operator == "hvp":
        return gradient, x_spec.unflatten(_each(spaces.push, batched)(second, seeds))
    return y, gradient, x_spec.unflatten([x_spec.unflatten(row) for row in second])


class _Spaces:
    """The shapes of the leaves of x and of y, which say what a block multiplies."""

    def __init__(self, xs: Flat, ys: Flat) -> None:
        self.xs, self.ys = xs, ys

    def push(self, blocks: Any, t: Flat) -> Flat:
        return [
            np.asarray(
                sum(
                    np.tensordot(block, s, axes=x.ndim)
                    for block, x, s in zip(row, self.xs, t, strict=True)
                )
            )
            for row in blocks
        ]

    def pull(self, blocks: Any, t: Flat) -> Flat:
        pulled = [
            sum(
                np.tensordot(s, np.conj(row[i]), axes=s.ndim)
                for row, s in zip(blocks, t, strict=True)
            )
            for i in range(len(self.xs))
        ]
        return [
            np.asarray(p if np.iscomplexobj(x) else np.real(p))
            for p, x in zip(pulled, self.xs, strict=True)
        ]


def _each(apply: Callable[[Any, Flat], Flat], batched: bool) -> Callable[[Any, Flat], Flat]:
    """The same for each member of a batch, which may be empty."""
    if not batched:
        return apply

    def every(blocks: Any, t: Flat) -> Flat:
        size = len(t[0])
        members = [[s[k] for s in t] for k in range(size)] or [[np.zeros(s.shape[1:]) for s in t]]
        rows = [apply(blocks, member) for member in members]
        return [np.stack(column)[:size] for column in zip(*rows, strict=True)]

    return every


def matrix(blocks: Any, x: Any, y: Any) -> np.ndarray:
    """The Jacobian's blocks as one dense matrix, for the linear operator."""
    xs, ys = optree.tree_leaves(x), optree.tree_leaves(y)
    return np.block(
        [
            [np.reshape(block, (np.size(b), np.size(a))) for block, a in zip(row, xs, strict=True)]
            for row, b in zip(blocks, ys, strict=True)
        ]
    )
