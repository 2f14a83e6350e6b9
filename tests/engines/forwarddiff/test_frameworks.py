"""Duals over torch, JAX and NumPy arrays by the array-API namespace: one set of rules for all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ...truth import close, differences

BACKEND = di.AutoForwardDiff()
V = np.array([0.3, -1.2, 2.0, 0.7])
P = np.array([0.3, 0.55, 0.8, 0.14])
M = np.array([[2.0, 0.3, -0.5], [-0.4, 1.5, 0.2], [0.1, 0.6, -1.1]])
T = np.stack([M[:2], M[1:] ** 2])

Function = Callable[[Any, Any], Any]

# Functions of the array-API standard, by what they are applied to.
ELEMENTWISE = (
    *("abs", "acos", "asin", "atan", "atanh", "ceil", "conj", "cos", "exp", "expm1", "floor"),
    *("log", "log1p", "log2", "log10", "negative", "positive", "reciprocal", "round", "sign"),
    *("sin", "sinh", "cosh", "sqrt", "square", "tan", "tanh", "trunc", "asinh"),
)
PAIRS = (
    *("add", "subtract", "multiply", "divide", "pow", "atan2", "hypot", "logaddexp", "maximum"),
    *("minimum", "copysign", "remainder", "floor_divide"),
)
SHAPES: dict[str, tuple[Function, Any]] = {
    "sum": (lambda xp, x: xp.sum(x, axis=1), T),
    "mean": (lambda xp, x: xp.mean(x, axis=(0, 2), keepdims=True), T),
    "var": (lambda xp, x: xp.var(x, axis=1, correction=1), T),
    "std": (lambda xp, x: xp.std(x), M),
    "prod": (lambda xp, x: xp.prod(x, axis=0), M),
    "max": (lambda xp, x: xp.max(x, axis=-1), T),
    "min": (lambda xp, x: xp.min(x, keepdims=True), M),
    "cumulative_sum": (lambda xp, x: xp.cumulative_sum(x, axis=1), T),
    "reshape": (lambda xp, x: xp.reshape(x, (3, -1)), T),
    "permute_dims": (lambda xp, x: xp.permute_dims(x, (2, 0, 1)), T),
    "matrix_transpose": (lambda xp, x: xp.matrix_transpose(x), T),
    "mT": (lambda xp, x: x.mT, T),
    "moveaxis": (lambda xp, x: xp.moveaxis(x, 0, -1), T),
    "expand_dims": (lambda xp, x: xp.expand_dims(x, axis=1), M),
    "squeeze": (lambda xp, x: xp.squeeze(x[None, ...], axis=0), M),
    "broadcast_to": (lambda xp, x: xp.broadcast_to(x, (2, 3, 3)), M),
    "flip": (lambda xp, x: xp.flip(x, axis=0), M),
    "roll": (lambda xp, x: xp.roll(x, 1, axis=-1), M),
    "concat": (lambda xp, x: xp.concat([x, 2 * x], axis=1), M),
    "concat of all": (lambda xp, x: xp.concat([x, x[0:1, :]], axis=None), M),
    "stack": (lambda xp, x: xp.stack([x, x**2], axis=-1), M),
    "stack of entries": (lambda xp, x: xp.stack([x[0, 0], x[1, 2] * x[0, 1]]), M),
    "unstack": (lambda xp, x: xp.unstack(x, axis=1)[1], M),
    "take": (lambda xp, x: xp.take(x, xp.asarray([2, 0]), axis=1), M),
    "tril": (lambda xp, x: xp.tril(x), T),
    "triu": (lambda xp, x: xp.triu(x, k=1), M),
    "where": (lambda xp, x: xp.where(x > 0, x**2, -x), M),
    "where a number": (lambda xp, x: xp.where(x > 0, x, xp.zeros_like(x)), M),
    "clip": (lambda xp, x: xp.clip(x, -0.3, 1.0), M),
    "sort": (lambda xp, x: xp.sort(x, axis=0), M),
    "sort downwards": (lambda xp, x: xp.sort(x, descending=True), M),
    "argsort downwards": (lambda xp, x: x[0, :][xp.argsort(x[0, :], descending=True)], M),
    "zeros_like": (lambda xp, x: xp.zeros_like(x) + x, M),
    "full_like": (lambda xp, x: xp.full_like(x, 2.0) * x, M),
    "astype": (lambda xp, x: xp.astype(x, xp.float64) ** 2, M),
    "matmul": (lambda xp, x: xp.matmul(x, x), M),
    "matmul of a batch": (lambda xp, x: x[0, :, :] @ xp.matrix_transpose(x), T),
    "tensordot": (lambda xp, x: xp.tensordot(x, x, axes=((0, 2), (0, 2))), T),
    "vecdot": (lambda xp, x: xp.vecdot(x, x**2), M),
    "diff": (lambda xp, x: xp.diff(x, axis=0), M),
    "operators": (lambda xp, x: 2 / (x**2 + 1) - x @ x.T + (-x) * abs(x), M),
    "indexing": (lambda xp, x: x[1:, ::2] * x[None, :2, 0:1] + x[..., 1, None][0, 0], M),
}
LINALG: dict[str, tuple[Function, Any]] = {
    "inv": (lambda xp, x: xp.linalg.inv(x), M),
    "det": (lambda xp, x: xp.linalg.det(x), M),
    "slogdet": (lambda xp, x: xp.linalg.slogdet(x)[1], M),
    "solve": (lambda xp, x: xp.linalg.solve(x, x[:, :1] ** 2), M),
    "cholesky": (lambda xp, x: xp.linalg.cholesky(x @ x.T), M),
    "eigh": (lambda xp, x: xp.linalg.eigh(x + x.T)[0], M),
    "eigvalsh": (lambda xp, x: xp.linalg.eigvalsh(x + x.T), M),
    "svdvals": (lambda xp, x: xp.linalg.svdvals(x), M),
    "vector_norm": (lambda xp, x: xp.linalg.vector_norm(x, axis=1), M),
    "vector_norm of all": (lambda xp, x: xp.linalg.vector_norm(x), M),
    "matrix_norm": (lambda xp, x: xp.linalg.matrix_norm(x), T),
    "matrix_power": (lambda xp, x: xp.linalg.matrix_power(x, 3), M),
    "outer": (lambda xp, x: xp.linalg.outer(x[0, :], x[1, :]), M),
    "trace": (lambda xp, x: xp.linalg.trace(x), np.stack([M, M**2])),
    "diagonal": (lambda xp, x: xp.linalg.diagonal(x), np.stack([M, M**2])),
    "cross": (lambda xp, x: xp.linalg.cross(x[0, :], x[1, :]), M),
}


def _one(name: str) -> Function:
    return lambda xp, x: getattr(xp, name)(x) * x


def _two(name: str) -> Function:
    return lambda xp, x: getattr(xp, name)(x, xp.flip(x)) * x


PROBLEMS: dict[str, tuple[Function, Any]] = {
    **{name: (_one(name), P) for name in ELEMENTWISE},
    "acosh": (_one("acosh"), 1 + P),
    **{name: (_two(name), P) for name in PAIRS},
    **SHAPES,
    **{f"linalg.{name}": pair for name, pair in LINALG.items()},
}


def _convert(framework: str, x: Any) -> Any:
    if framework == "torch":
        return pytest.importorskip("torch").asarray(x.copy())
    return pytest.importorskip("jax").numpy.asarray(x)


def _double_precision(framework: str) -> Any:
    """JAX computes in single precision unless told."""
    if framework == "torch":
        return contextlib.nullcontext()
    return pytest.importorskip("jax").enable_x64(True)


def _in_numpy(problem: tuple[Function, Any]) -> tuple[Any, Any]:
    f, x = problem
    xp = di.array_namespace(x)
    return f(xp, x), differences(lambda p: f(xp, p), x, 2.0**-8)


def _missing(xp: Any, f: Function, x: Any) -> bool:
    """Whether the framework's own namespace cannot do it on plain arrays."""
    try:
        f(xp, x)
    except (AttributeError, TypeError, NotImplementedError):
        return True
    return False


@pytest.mark.parametrize("framework", ["torch", "jax"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_over_another_framework(framework: str, name: str) -> None:
    f, x = PROBLEMS[name]
    try:
        value, expected = _in_numpy(PROBLEMS[name])
    except TypeError:  # "sort downwards" on a NumPy that has no such keyword
        pytest.skip("NumPy's namespace cannot")
    with _double_precision(framework):
        there = _convert(framework, x)
        if _missing(di.array_namespace(there), f, there):
            pytest.skip(f"{framework}'s namespace cannot")
        got_value, got = di.value_and_jacobian(
            lambda x: f(di.array_namespace(x), x), BACKEND, there
        )
        assert type(got) is type(there)
        close(np.asarray(got_value), value, 1e-12)
        close(np.asarray(got), expected, 1e-9)


@pytest.mark.parametrize("name", PROBLEMS)
def test_numpy_by_its_namespace(name: str) -> None:
    f, x = PROBLEMS[name]
    value, expected = _in_numpy(PROBLEMS[name])
    got_value, got = di.value_and_jacobian(lambda x: f(di.array_namespace(x), x), BACKEND, x)
    close(got_value, value, 1e-13)
    close(got, expected, 1e-9)


def test_the_namespace_is_one_object_in_meaning() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append((di.array_namespace(x), di.array_namespace(x, 1.0), x.__array_namespace__()))
        return x

    di.jacobian(f, BACKEND, V)
    first, second, _ = seen[0]
    assert first == second
    assert hash(first) == hash(second)
    assert first.float64 is np.float64
    assert first.pi == np.pi
    assert "dual" in repr(first)
    assert first.sin.__name__ == "sin"
    with pytest.raises(AttributeError):
        first.__wrapped__  # noqa: B018
    # On plain arrays it is the plain namespace.
    np.testing.assert_array_equal(first.sin(V), np.sin(V))
    with pytest.raises(AttributeError, match="no_such"):
        first.no_such(V)
