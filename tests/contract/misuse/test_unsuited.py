"""Arguments that look like arrays, or like constants, and would give wrong or old numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ...backends import Entry

X = np.array([1.0, 2.0, 3.0])
UNSUITED = pytest.mark.parametrize(
    "make",
    [
        lambda: np.ma.array(X, mask=[False, True, False]),
        pytest.param(lambda: np.asmatrix(X), marks=pytest.mark.filterwarnings("ignore")),
    ],
    ids=["masked", "matrix"],
)


def squares(x: Any, *contexts: Any) -> Any:
    return di.array_namespace(x).sum(x * x)


@UNSUITED
def test_classes_with_other_operators(backend: Entry, make: Callable[[], Any]) -> None:
    """Engines disagree on them: some multiply what is masked, or elementwise where `*` is `@`."""
    unsuited = make()
    with pytest.raises(di.InputError, match=type(unsuited).__name__):
        di.gradient(squares, backend.adtype, unsuited)
    with pytest.raises(di.InputError, match=type(unsuited).__name__):
        di.gradient(squares, backend.adtype, X, unsuited)
    with pytest.raises(di.InputError, match=type(unsuited).__name__):
        di.pushforward(squares, backend.adtype, np.reshape(X, np.shape(unsuited)), unsuited)
    prep = di.prepare_gradient(squares, backend.adtype, X)
    with pytest.raises(di.DiffInterfaceError):
        prep(unsuited)


def test_a_masked_value() -> None:
    with pytest.raises(di.OutputError, match="MaskedArray"):
        di.jacobian(lambda x: np.ma.array(x, mask=False), "finitediff", X)


@dataclass
class Weights:
    w: Any


def test_objects_that_no_tree_library_knows() -> None:
    """Compiled in, an attribute that is replaced later would leave the old number."""
    pytest.importorskip("jax")

    def f(x: Any, p: Weights) -> Any:
        return (x * p.w).sum()

    p = Weights(np.ones(3))
    with pytest.raises(di.InputError, match=r"register_pytree_node .*Static"):
        di.prepare_gradient(f, "jax", X, p)
    np.testing.assert_array_equal(di.gradient(f, "jax", X, p), p.w)  # read in each call
    prep = di.prepare_gradient(f, di.AutoJax(jit=False), X, p)
    p.w = np.full(3, 5.0)
    np.testing.assert_array_equal(prep(X, p), p.w)


def test_objects_are_read_in_each_call_of_engines_that_do_not_compile() -> None:
    p = Weights(np.ones(3))
    prep = di.prepare_gradient(lambda x, p: (x * p.w).sum(), "forwarddiff", X, p)
    p.w = np.full(3, 5.0)
    np.testing.assert_array_equal(prep(X, p), p.w)
    with pytest.raises(di.PreparationMismatchError, match="Weights"):
        prep(X, Weights(np.ones(3)))  # `==` of these is no single truth value


def test_replaced_keyword_defaults() -> None:
    pytest.importorskip("jax")

    def f(x: Any, *, c: float = 3.0) -> Any:
        return c * (x**2).sum()

    prep = di.prepare_gradient(f, "jax", X)
    np.testing.assert_allclose(prep(X), 6 * X)
    f.__kwdefaults__ = {"c": 5.0}
    with pytest.raises(di.PreparationMismatchError, match="default"):
        prep(X)


def test_an_empty_batch(backend: Entry) -> None:
    assert di.batched_jacobian(lambda x: x * x, backend.adtype, np.ones((0, 3))).shape == (0, 3, 3)


def test_torch_has_no_long_double() -> None:
    pytest.importorskip("torch")
    if np.finfo(np.longdouble).bits == 64:
        pytest.skip("this machine's long double is a double")
    with pytest.raises(di.InputError, match="astype"):
        di.gradient(squares, "torch", X.astype(np.longdouble))


def test_second_derivatives_that_are_zero() -> None:
    """Torch's forward mode answers with a tensor without memory."""
    pytest.importorskip("torch")
    assert di.second_derivative(lambda x: 3.0 * x, "torch(mode='forward')", 1.0) == 0.0


def test_numpy_dtypes_that_torch_cannot_take() -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    if not di.check_available("torch"):
        pytest.skip("torch is not installed")
    with pytest.raises(di.InputError, match="bfloat16"):
        di.gradient(lambda x: (x**2).sum(), "torch", np.ones(3, bfloat16))
