"""Gradients gathered in place: ``out=`` with ``accumulate=True``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.neutral.zeros import zeros_like_tree

X = np.array([1.0, 2.0, -0.5])


def f(x: Any) -> Any:
    return np.sum(x**3)


def test_every_operator_that_takes_it() -> None:
    ones = np.ones(3)
    for call, shape, want in (
        (lambda **o: di.gradient(f, "forwarddiff", X, **o), (3,), 3 * X**2),
        (lambda **o: di.jacobian(lambda x: x**2, "forwarddiff", X, **o), (3, 3), np.diag(2 * X)),
        (lambda **o: di.hvp(f, "forwarddiff", X, ones, **o), (3,), 6 * X),
        (lambda **o: di.hessian(f, "forwarddiff", X, **o), (3, 3), np.diag(6 * X)),
        (lambda **o: di.value_and_gradient(f, "forwarddiff", X, **o)[1], (3,), 3 * X**2),
        (
            lambda **o: di.value_and_jacobian(lambda x: x**2, "forwarddiff", X, **o)[1],
            (3, 3),
            np.diag(2 * X),
        ),
        (lambda **o: di.gradient_and_hvp(f, "forwarddiff", X, ones, **o)[1], (3,), 6 * X),
        (
            lambda **o: di.value_gradient_and_hessian(f, "forwarddiff", X, **o)[2],
            (3, 3),
            np.diag(6 * X),
        ),
    ):
        out = np.ones(shape)
        assert call(out=out, accumulate=True) is out
        call(out=out, accumulate=True)
        np.testing.assert_allclose(out, 1 + 2 * want, rtol=1e-13, atol=1e-13)
        call(out=out)
        np.testing.assert_allclose(out, want, rtol=1e-13, atol=1e-13)


def test_a_training_loop_without_allocation() -> None:
    """Per-sample gradients of a tree of parameters, in one set of buffers."""
    p = {"w": np.array([1.0, -1.0]), "b": 0.5}
    data = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]])

    def loss(p: Any, x: Any) -> Any:
        return (np.sum(p["w"] * x) + p["b"]) ** 2

    total = zeros_like_tree(p)
    buffers = (total["w"], total["b"])
    for _ in range(2):
        for leaf in buffers:
            leaf[...] = 0
        for x in data:
            di.gradient(loss, "forwarddiff", p, x, out=total, accumulate=True)
        residual = data @ p["w"] + p["b"]
        np.testing.assert_allclose(total["w"], 2 * residual @ data)
        np.testing.assert_allclose(total["b"], 2 * residual.sum())
    assert total["w"] is buffers[0]
    assert total["b"] is buffers[1]


def test_zeros_like_every_framework() -> None:
    torch = pytest.importorskip("torch")
    tree = [np.ones((2, 1), np.float32), torch.ones(3, requires_grad=True), 2.0, 1j * np.ones(())]
    zeros = zeros_like_tree(tree)
    assert [type(leaf) for leaf in zeros] == [np.ndarray] * 4
    assert [(z.shape, z.dtype.name) for z in zeros] == [
        ((2, 1), "float32"),
        ((3,), "float32"),
        ((), "float64"),
        ((), "complex128"),
    ]
    assert not any(np.any(z) for z in zeros)


@pytest.mark.parametrize("tree", [np.ones(2, int), "w", {"n": 3}])
def test_zeros_of_what_has_no_gradient(tree: Any) -> None:
    with pytest.raises(di.InputError, match="expected floating arrays"):
        zeros_like_tree(tree)


def test_accumulate_needs_out() -> None:
    with pytest.raises(di.InputError, match="zeros_like_tree"):
        di.gradient(f, "forwarddiff", X, accumulate=True)


def test_nothing_is_added_where_out_does_not_fit() -> None:
    out = {"a": np.zeros(3), "b": np.zeros(2)}
    with pytest.raises(di.ShapeError):
        di.gradient(
            lambda p: np.sum(p["a"]) + np.sum(p["b"]),
            "forwarddiff",
            {"a": np.ones(3), "b": np.ones(3)},
            out=out,
            accumulate=True,
        )
    assert not np.any(out["a"])
    narrow = np.zeros(3, np.float32)
    with pytest.raises(di.InputError, match="without loss"):
        di.gradient(f, "forwarddiff", X, out=narrow, accumulate=True)
