"""Arguments in the forms that NumPy takes: lists of entries, names, any order, numbers of any type."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ...truth import close, complex_step, differences

BACKEND = di.AutoForwardDiff()
X = np.array([0.3, 0.7, 1.2])
A = np.array([[2.0, 0.3], [-0.4, 1.5]])

# Lists that hold entries being differentiated, beside arrays: done right, or refused.
LISTS = {
    "concatenate": lambda x: np.concatenate([[x[0]], x, [2.0, x[1] * x[2]]]),
    "deque": lambda x: np.concatenate(deque([x[:1], x[1:] * 2])),
    "stack": lambda x: np.stack([[x[0], x[1]], x[1:]]),
    "hstack": lambda x: np.hstack([x, [x[0] * 2]]),
    "append": lambda x: np.append(x, [x[0] ** 2]),
    "block": lambda x: np.block([[x], [np.ones(3)]]),
    "add": lambda x: [x[1], x[2], x[0]] + x,
    "multiply": lambda x: np.multiply(x, [x[1], 2.0, x[0]]),
    "divide": lambda x: [x[1], x[2], x[0]] / x,
    "power": lambda x: np.power(x, [x[1], x[2], 2.0]),
    "maximum": lambda x: np.maximum([x[1], x[2], x[0]], x),
    "arctan2": lambda x: np.arctan2([x[1], x[2], x[0]], x),
    "matmul": lambda x: np.matmul([[x[0], x[1], 1.0], [x[2], 0.0, x[1]]], x),
    "at": lambda x: x @ [x[1], x[2], x[0]],
    "dot": lambda x: np.dot([x[1], x[2], x[0]], x),
    "inner": lambda x: np.inner([x[1], x[2], x[0]], x),
    "outer": lambda x: np.outer([x[1], x[2]], x),
    "cross": lambda x: np.cross([x[1], x[2], 1.0], x),
    "convolve": lambda x: np.convolve([x[1], 1.0], x),
    "einsum": lambda x: np.einsum("i,i->i", [x[1], x[2], x[0]], x),
    "solve": lambda x: np.linalg.solve([[x[0], x[1]], [x[2], 3.0]], x[:2]),
    "where": lambda x: np.where(x > 0.5, x, [x[1], 2.0, x[0]]),
    "polyval": lambda x: np.polyval([x[0], 1.0, x[2]], x),
    "clip": lambda x: np.clip(x, [x[1], 0.1, 0.2], 5.0),
    "interp": lambda x: np.interp(x[0], [0.0, 1.0], [x[1], x[2]]),
    "assigned": lambda x: _assigned(x),
}


def _assigned(x: Any) -> Any:
    y = np.zeros_like(x)
    y[1:] = [x[0] * x[1], x[2]]
    return y


@pytest.mark.parametrize("name", LISTS)
def test_lists_lose_nothing(name: str) -> None:
    f = LISTS[name]

    def plain(x: Any) -> Any:  # np.arctan2, np.maximum ... of lists of numbers
        return np.asarray(f(x))

    try:
        value, got = di.value_and_jacobian(f, BACKEND, X)
    except di.DiffInterfaceError as error:
        refused = str(error)
    else:
        close(value, plain(X), 1e-14)
        close(got, differences(plain, X, 2.0**-7), 1e-9)
        return
    assert "np.stack" in refused or "np.zeros_like" in refused


@pytest.mark.parametrize("name", ["stack", "asarray", "concat"])
def test_nested_lists_in_the_namespace(name: str) -> None:
    def f(x: Any) -> Any:
        xp = di.array_namespace(x)
        rows = [[x[0], x[1]], [x[1] * x[2], x[0] ** 2]]
        return getattr(xp, name)(rows)

    expected = [[[1, 0, 0], [0, 1, 0]], [[0, X[2], X[1]], [2 * X[0], 0, 0]]]
    try:
        got = di.jacobian(f, BACKEND, X)
    except di.DiffInterfaceError:
        assert name != "stack"  # whose use the messages recommend
        return
    close(got, np.reshape(expected, got.shape), 1e-15)
    assert got.shape[0] == (4 if name == "concat" else 2)


NAMED = {
    "sum": lambda x: np.sum(axis=0, a=x),
    "mean": lambda x: np.mean(keepdims=True, a=x),
    "reshape": lambda x: np.reshape(x, order="C", shape=(3, 1)),
    "clip": lambda x: np.clip(a_max=1.0, a_min=0.5, a=x),
    "take": lambda x: np.take(indices=[2, 0], a=x),
    "repeat": lambda x: np.repeat(repeats=2, a=x),
    "solve": lambda x: np.linalg.solve(b=x[:2], a=A),
    "det": lambda x: np.linalg.det(a=A * x[0] + x[1]),
    "dot": lambda x: np.dot(b=x, a=X),
    "tensordot": lambda x: np.tensordot(axes=1, b=x, a=X),
    "outer": lambda x: np.outer(b=x, a=X),
    "convolve": lambda x: np.convolve(mode="same", v=x[:2], a=x),
    "stack": lambda x: np.stack(axis=1, arrays=[x, 2 * x]),
    "interp": lambda x: np.interp(fp=x, xp=[0.0, 1.0, 2.0], x=[0.5, 1.5]),
    "trapezoid": lambda x: np.trapezoid(x=x**2, y=X),
    "polyval": lambda x: np.polyval(x=x, p=[1.0, 2.0]),
    "diff": lambda x: np.diff(n=1, a=x),
    "expand_dims": lambda x: np.expand_dims(axis=0, a=x),
    "moveaxis": lambda x: np.moveaxis(destination=0, source=1, a=x[:, None]),
    "norm": lambda x: np.linalg.norm(ord=3, x=x),
    "select": lambda x: np.select(choicelist=[x, 2 * x], condlist=[x > 1, x > 0.5], default=0.0),
    "quantile": lambda x: np.quantile(q=0.3, a=x),
    "kron": lambda x: np.kron(b=x, a=X),
}


@pytest.mark.parametrize("name", NAMED)
def test_arguments_by_name(name: str) -> None:
    f = NAMED[name]
    value, got = di.value_and_jacobian(f, BACKEND, X)
    close(value, f(X), 1e-14)
    close(got, differences(f, X, 2.0**-7), 1e-9)


NUMBERS = (2, True, 2.5, np.float64(2.5), np.float32(0.7), np.int64(3), np.array(2.5), 1 + 2j)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: f"{type(n).__name__}-{n}")
def test_numbers_of_any_type(number: Any) -> None:
    """On either side of every operator; with whole arrays and with entries of them."""

    def f(x: Any) -> Any:
        whole = number + x - number * x + (number / x) * (x / number) + (x**2 - number) + x**number
        entry = number - x[0] / number + number * x[1] ** 2 + (x[2] + number) * number
        return whole * entry + number**x

    value, got = di.value_and_jacobian(f, BACKEND, X)
    close(value, f(X), 1e-14)
    if isinstance(number, complex):
        expected = differences(f, X, 2.0**-7)
        close(got.real, expected.real, 1e-9)
        close(got.imag, expected.imag, 1e-9)
    else:
        close(got, complex_step(f, X), 1e-13)


@pytest.mark.parametrize("number", [2, 2.5, np.float64(2.5), np.array(2.5)])
def test_remainders_of_numbers(number: Any) -> None:
    point = X + 0.13  # away from the jumps

    def f(x: Any) -> Any:
        return x**2 % number + number % x + divmod(x, number)[1] * (number // x)

    value, got = di.value_and_jacobian(f, BACKEND, point)
    close(value, f(point), 1e-14)
    close(got, differences(f, point, 2.0**-9), 1e-9)


def test_indices_of_any_type() -> None:
    i, j = np.int64(1), np.array(2)

    def f(x: Any) -> Any:
        parts = [x[i], x[j], x[-1], x[True][0, 0], x[()][0], x[..., 1], x[np.array([0, 2])][1]]
        parts += [x[slice(None, None, -1)][0], x[[True, False, True]][1], x[None][0, 1]]
        return np.stack([part**2 for part in parts])

    value, got = di.value_and_jacobian(f, BACKEND, X)
    close(value, f(X), 1e-15)
    close(got, complex_step(f, X), 1e-15)


def test_functions_written_for_vectors_of_objects() -> None:
    """np.vectorize returns objects, which go on through sums, products and functions."""
    g = np.vectorize(lambda v: v**2 if v > 0.5 else 3 * v)
    for f in (
        g,
        lambda x: np.sum(g(x)),
        lambda x: g(x) * x,
        lambda x: x + g(x),
        lambda x: np.stack([g(x), x]),
        lambda x: np.sin(g(x) * x),
    ):
        value, got = di.value_and_jacobian(f, BACKEND, X)
        close(value, np.asarray(f(X), dtype=float), 1e-14)
        close(got, differences(f, X, 2.0**-7), 1e-9)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
@pytest.mark.parametrize("order", ["C", "F"])
def test_few_tangents_of_many_entries(n: int, order: Any) -> None:
    """A large array of few inputs: products are taken tangent by tangent, whatever lies where."""
    grid = np.asarray(np.random.default_rng(0).uniform(0.5, 1.5, (40, 25)), order=order)

    def f(x: Any) -> Any:
        wide = sum(x[k] * grid**k for k in range(n))
        return (
            np.sum(np.exp(wide) * grid * wide.T.copy().T / (1 + wide**2))
            + wide[3, ::7] * grid[3, ::7]
        )

    x = np.linspace(0.1, 0.4, n)
    value, got = di.value_and_jacobian(f, BACKEND, x)
    close(value, f(x), 1e-14)
    close(got, complex_step(f, x), 1e-12)
    second = di.jacobian(lambda x: di.jacobian(f, BACKEND, x), BACKEND, x)
    close(second, complex_step(lambda z: di.jacobian(f, BACKEND, z), x), 1e-11)
