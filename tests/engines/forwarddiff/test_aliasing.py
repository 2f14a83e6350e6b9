"""Who shares memory with whom: writing into one array changes those that NumPy says, and no others.

Each program runs on plain and on complex arrays with NumPy's own rules, which are the truth.
"""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface_forwarddiff import MissingRuleError

from ...truth import close, complex_step, differences

BACKEND = di.AutoForwardDiff()
X = np.array([[0.3, 0.7, 1.2], [2.0, -1.0, 0.5]])

# New arrays: writing into y leaves x alone.
NEW = {
    "plus": lambda x: x + 1.0,
    "minus": lambda x: x - 1.0,
    "rsub": lambda x: 1.0 - x,
    "times": lambda x: x * 1,
    "over": lambda x: x / 1,
    "power": lambda x: x**1,
    "positive": lambda x: +x,
    "copy": lambda x: x.copy(),
    "np.copy": np.copy,
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "flatten": lambda x: x.flatten(),
    "fancy": lambda x: x[[0, 1]],
    "boolean": lambda x: x[np.array([True, True])],
    "where": lambda x: np.where(True, x, 0.0),
    "conj": np.conj,
    "clip": lambda x: np.clip(x, -10.0, 10.0),
    "sort": np.sort,
    "concatenate": lambda x: np.concatenate([x]),
    "stack": lambda x: np.stack([x]),
    "vstack": lambda x: np.vstack([x]),
    "take": lambda x: np.take(x, [0, 1], axis=0),
    "roll": lambda x: np.roll(x, 0),
    "tile": lambda x: np.tile(x, 1),
    "repeat": lambda x: np.repeat(x, 1, axis=0),
    "sum": lambda x: np.sum(x, axis=()),
    "first of prod": lambda x: np.prod(x[:1], axis=0),
    "first of cumprod": lambda x: np.cumprod(x[:1], axis=0),
    "cumsum": lambda x: np.cumsum(x[:1], axis=0),
    "astype": lambda x: x.astype(x.dtype),
    "nan_to_num": np.nan_to_num,
    "tril": np.tril,
    "max": lambda x: np.max(x[:1], axis=0),
    "median": lambda x: np.mean(x[:1], axis=0),
    "select": lambda x: np.select([True], [x]),
    "append": lambda x: np.append(x, x, axis=0),
    "pad": lambda x: np.pad(x, 0),
    "matrix_power": lambda x: np.linalg.matrix_power(x[:, :2] + 0, 1),
}
# Views: writing into y writes into x.
VIEW = {
    "itself": lambda x: x,
    "all": lambda x: x[:],
    "ellipsis": lambda x: x[...],
    "row": lambda x: x[0],
    "rows": lambda x: x[1:],
    "column": lambda x: x[:, 1],
    "newaxis": lambda x: x[:, None],
    "steps": lambda x: x[::-1, ::2],
    "transposed": lambda x: x.T,
    "matrix transposed": lambda x: x.mT,
    "transpose": lambda x: x.transpose(1, 0),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "moveaxis": lambda x: np.moveaxis(x, 0, 1),
    "reshape": lambda x: x.reshape(-1),
    "ravel": lambda x: x.ravel(),
    "squeeze": lambda x: x[:1].squeeze(),
    "expand_dims": lambda x: np.expand_dims(x, 0),
    "atleast_3d": np.atleast_3d,
    "flip": np.flip,
    "rot90": np.rot90,
    "split": lambda x: np.split(x, 3, axis=1)[1],
    "real": np.real,
    "array of list": lambda x: x[0:1, 1:],
}


def checked(f: Any, x: Any, analytic: bool = True) -> None:
    expected = complex_step(f, x) if analytic else differences(f, x, 0.125)
    value = f(x.copy())
    got_value, got = di.value_and_jacobian(f, BACKEND, x)
    close(got_value, value, 1e-14)
    close(got, expected, 1e-12)
    twice = di.jacobian(lambda x: di.value_and_jacobian(f, BACKEND, x)[0], BACKEND, x)
    close(twice, expected, 1e-12)


@pytest.mark.parametrize("name", [*NEW, *(n for n in VIEW if n != "real")])
def test_writing_into_what_came_from_x(name: str) -> None:
    derive = {**NEW, **VIEW}[name]

    def assign(x: Any) -> Any:
        x = x * 2.0
        y = derive(x)
        y[0] = 5.0
        return np.concatenate([x.ravel(), y.ravel() * x[0, 0]])

    def scale(x: Any) -> Any:
        x = x * 2.0
        y = derive(x)
        y *= 3.0
        y += 1.0
        return np.concatenate([x.ravel(), y.ravel() * x[0, 0]])

    for f in (assign, scale):
        checked(f, X, analytic=name != "conj")


@pytest.mark.parametrize("name", [*NEW, *(n for n in VIEW if n != "real")])
def test_writing_into_x_afterwards(name: str) -> None:
    derive = {**NEW, **VIEW}[name]

    def f(x: Any) -> Any:
        x = x * 2.0
        y = derive(x)
        x[0, 0] = 5.0
        x[1] *= x[0]
        return np.concatenate([x.ravel(), y.ravel() ** 2])

    checked(f, X, analytic=name != "conj")


def test_the_real_part_of_a_complex_array_is_a_view() -> None:
    def f(x: Any) -> Any:
        z = x * (1 + 2j)
        y = z.real
        y[0] = 7.0
        return z.real + z.imag

    value, got = di.value_and_jacobian(f, BACKEND, X)
    close(value, f(X), 1e-15)
    close(got, np.diag([2.0, 2, 2, 3, 3, 3]).reshape(2, 3, 2, 3), 1e-15)


SCALARS = {
    "entry": lambda x: x[0, 0],
    "sum": np.sum,
    "mean": np.mean,
    "product": lambda x: x[0] @ x[1],
    "max": np.max,
    "arithmetic": lambda x: x[0, 0] + 1.0,
    "det": lambda x: np.linalg.det(x[:, :2]),
    "unpacked": lambda x: list(x[0])[1],
}


@pytest.mark.parametrize("name", SCALARS)
def test_numbers_are_immutable(name: str) -> None:
    """``s *= 2`` on a NumPy scalar makes a new one; whoever else holds the old one keeps it."""

    def f(x: Any) -> Any:
        x = x * 1.0
        s = SCALARS[name](x)
        before = s
        s *= 2.0
        s += x[1, 2]
        s -= before * x[0, 1]
        x[0, 0] = 4.0
        return s * before * x

    checked(f, X)


def test_a_python_number_is_immutable() -> None:
    def f(x: Any) -> Any:
        y = x
        y *= x
        y += 1
        return y * x

    # x (x^2 + 1)
    assert di.derivative(f, BACKEND, 2.0) == 13.0
    value, slope, curvature = di.value_derivative_and_second_derivative(f, BACKEND, 2.0)
    assert (value, slope, curvature) == (10.0, 13.0, 12.0)


def test_an_accumulator_starts_from_an_entry() -> None:
    def f(x: Any) -> Any:
        total = x[0, 0]
        for value in x.ravel()[1:]:
            total += value * value
        return total * x

    checked(f, X)


@pytest.mark.parametrize("ufunc", [np.negative, np.abs, np.positive, np.conjugate, np.sin])
def test_where_writes_no_further_than_it_says(ufunc: Any) -> None:
    def f(x: Any) -> Any:
        y = np.zeros_like(x)
        ufunc(x, out=y, where=[[True], [False]])
        return y

    with contextlib.suppress(MissingRuleError):  # refusing is as good as being right
        close(di.value_and_jacobian(f, BACKEND, X)[0], f(X), 1e-15)


def test_out() -> None:
    def f(x: Any) -> Any:
        y, z = np.zeros_like(x), np.zeros_like(x[0])
        np.multiply(x, 2.0, out=y)
        np.add(y, x, out=y)
        np.sum(y, axis=0, out=z)
        np.exp(z, z)
        return y * z

    checked(f, X)


def test_constants_written_into_a_buffer() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        np.multiply(np.arange(3.0), 2.0, out=y[0])
        return y * x

    checked(f, X)
