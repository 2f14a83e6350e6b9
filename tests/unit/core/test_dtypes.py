"""Of which dtype results are: of x where they are derivatives by x, of f(x) where they are like f(x)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ...backends import Entry


def scaled(x: Any, c: Any) -> Any:
    return x**2 * c


@pytest.mark.parametrize("operator", [di.jacobian, di.batched_jacobian])
def test_jacobians_have_the_dtype_of_x(backend: Entry, operator: Any) -> None:
    """From columns, which have the dtype of f(x), as from rows, which have that of x."""
    x = np.ones((2, 2), np.float32)
    got = operator(scaled, backend.adtype, x, np.full(2, 3.0))
    assert got.dtype == np.float32
    whole = 6 * np.eye(4).reshape(2, 2, 2, 2)
    np.testing.assert_allclose(
        got, whole if operator is di.jacobian else whole[0, :, 0][None].repeat(2, 0), rtol=1e-2
    )


def test_gradients_have_the_dtype_of_x(backend: Entry) -> None:
    x = np.ones(2, np.float32)
    got = di.gradient(lambda x, c: scaled(x, c).sum(), backend.adtype, x, np.full(2, 3.0))
    assert got.dtype == np.float32


@pytest.mark.parametrize("name", ["jax", "autograd"])
def test_bfloat16_comes_back(name: str) -> None:
    """NumPy has no bfloat16: it crosses as float32, and comes back as it was."""
    torch = pytest.importorskip("torch")
    pytest.importorskip(name)
    x = torch.ones(2, dtype=torch.bfloat16)
    value, gradient = di.value_and_gradient(lambda x: (x**2).sum(), name, x)
    assert value.dtype == gradient.dtype == torch.bfloat16
    assert gradient.tolist() == [2, 2]
