"""Every operator over engines that need no framework: trees, shapes, dtypes, seeds and reuse."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import diffinterface as di
from diffinterface.engine.registry import resolve

from .zero import AutoExactForward, AutoExactReverse, AutoZero, AutoZeroForward, AutoZeroReverse

ZEROS = [AutoZero(), AutoZeroForward(), AutoZeroReverse()]
EXACT = [AutoExactForward(), AutoExactReverse()]
on_zeros = pytest.mark.parametrize("adtype", ZEROS, ids=repr)
on_exact = pytest.mark.parametrize("adtype", EXACT, ids=repr)

A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
B = np.array(7.0)


class Pair(NamedTuple):
    a: Any
    b: Any


def outputs(p: Pair, c: Any = 1.0) -> dict[str, Any]:
    """Quadratic, from a matrix and a scalar to a vector and a scalar."""
    return {"u": p.a[0] * p.a[1] * c, "v": (p.b**2 + p.a[0, 0], p.b * c)}


def energy(p: Pair, c: Any = 1.0) -> Any:
    return np.sum(p.a**2) * c + p.a[0, 1] * p.b


def shapes(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: shapes(value) for key, value in tree.items()}
    if isinstance(tree, tuple):
        return tuple(map(shapes, tree))
    return np.shape(tree)


X = Pair(A, B)
LIKE_Y = {"u": (3,), "v": ((), ())}
LIKE_X = ((2, 3), ())
JACOBIAN = {"u": ((3, 2, 3), (3,)), "v": (((2, 3), ()), ((2, 3), ()))}


@on_zeros
def test_results_are_zeros_in_their_trees(adtype: di.ADType) -> None:
    t_y = outputs(X)
    results = {
        "pushforward": (di.pushforward(outputs, adtype, X, X), LIKE_Y),
        "pullback": (di.pullback(outputs, adtype, X, t_y), LIKE_X),
        "gradient": (di.gradient(energy, adtype, X), LIKE_X),
        "jacobian": (di.jacobian(outputs, adtype, X), JACOBIAN),
        "hvp": (di.hvp(energy, adtype, X, X), LIKE_X),
        "hessian": (di.hessian(energy, adtype, X), (((2, 3, 2, 3), (2, 3)), ((2, 3), ()))),
    }
    for name, (got, want) in results.items():
        assert shapes(got) == want, name
        assert not np.any(np.concatenate([np.ravel(leaf) for leaf in di.extend.flatten(got)[0]]))
    assert type(results["gradient"][0]) is Pair
    assert type(results["jacobian"][0]["v"][1]) is Pair
    assert type(results["hessian"][0].a) is Pair


@on_zeros
def test_results_at_a_scalar(adtype: di.ADType) -> None:
    def f(x: Any) -> Any:
        return {"u": x * np.ones(2), "v": x**2}

    for operator in (di.derivative, di.second_derivative):
        assert shapes(operator(f, adtype, 2.0)) == {"u": (2,), "v": ()}
    y, first, second = di.value_derivative_and_second_derivative(f, adtype, 2.0)
    assert y["v"] == 4.0
    assert (first["v"], second["v"]) == (0.0, 0.0)


@on_zeros
def test_batched_jacobian(adtype: di.ADType) -> None:
    x = {"a": np.ones((5, 2)), "b": np.ones(5)}
    got = di.batched_jacobian(lambda p: (p["a"], p["b"] ** 2), adtype, x)
    assert shapes(got) == ({"a": (5, 2, 2), "b": (5, 2)}, {"a": (5, 2), "b": (5,)})


@on_zeros
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_dtype_is_kept(adtype: di.ADType, dtype: str) -> None:
    x = np.ones(3, dtype)
    assert di.gradient(lambda x: np.sum(x**2), adtype, x).dtype == dtype
    assert di.jacobian(lambda x: x**2, adtype, x).dtype == dtype
    assert di.pushforward(lambda x: x**2, adtype, x, np.ones(3)).dtype == dtype
    assert di.hessian(lambda x: np.sum(x**2), adtype, x).dtype == dtype


@on_exact
def test_jacobian_is_assembled_entry_by_entry(adtype: di.ADType) -> None:
    value, j = di.value_and_jacobian(outputs, adtype, X, 2.0)
    assert value["v"] == (50.0, 14.0)
    du_da = np.zeros((3, 2, 3))
    for i in range(3):
        du_da[i, 0, i], du_da[i, 1, i] = 2 * A[1, i], 2 * A[0, i]
    np.testing.assert_array_equal(j["u"].a, du_da)
    np.testing.assert_array_equal(j["u"].b, np.zeros(3))
    np.testing.assert_array_equal(j["v"][0].a, [[1, 0, 0], [0, 0, 0]])
    assert (j["v"][0].b, j["v"][1].b) == (14.0, 2.0)


@on_exact
def test_products_agree_with_the_jacobian(adtype: di.ADType) -> None:
    t, c = Pair(A[::-1], np.array(-1.0)), {"u": np.array([1.0, -2.0, 3.0]), "v": (4.0, 5.0)}
    pushed = di.pushforward(outputs, adtype, X, t, 2.0)
    np.testing.assert_array_equal(pushed["u"], 2 * (A[0] * t.a[1] + A[1] * t.a[0]))
    assert pushed["v"] == (14 * t.b + t.a[0, 0], 2 * t.b)
    pulled = di.pullback(outputs, adtype, X, c, 2.0)
    want = 2 * np.stack([A[1] * c["u"], A[0] * c["u"]])
    want[0, 0] += 4.0
    np.testing.assert_array_equal(pulled.a, want)
    assert pulled.b == 14 * 4 + 2 * 5


@on_exact
def test_hessian_and_hvp(adtype: di.ADType) -> None:
    value, g, h = di.value_gradient_and_hessian(energy, adtype, X, 3.0)
    assert value == 3 * np.sum(A**2) + 14.0
    cross = np.array([[0, 1.0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(g.a, 6 * A + 7 * cross)
    assert g.b == 2.0
    np.testing.assert_array_equal(h.a.a.reshape(6, 6), 6 * np.eye(6))
    np.testing.assert_array_equal(h.a.b, cross)
    np.testing.assert_array_equal(h.b.a, cross)
    assert h.b.b == 0.0
    t = Pair(-A, np.array(2.0))
    g, product = di.gradient_and_hvp(energy, adtype, X, t, 3.0)
    np.testing.assert_array_equal(product.a, -6 * A + 2 * cross)
    assert product.b == -2.0
    np.testing.assert_array_equal(g.a, 6 * A + 7 * cross)


@on_exact
def test_batches_of_seeds_are_rows(adtype: di.ADType) -> None:
    def f(x: Any) -> Any:
        return x[:2] * x[1:]

    x, t = np.array([1.0, 2.0, 3.0]), np.array([[1.0, 0, 2], [0, 3, -1], [1, 1, 1], [5, 0, 0]])
    j = np.array([[2.0, 1, 0], [0, 3, 2]])
    np.testing.assert_array_equal(di.pushforward(f, adtype, x, t, batched=True), t @ j.T)
    np.testing.assert_array_equal(di.pullback(f, adtype, x, t[:, :2], batched=True), t[:, :2] @ j)
    assert di.pushforward(f, adtype, x, t[:0], batched=True).shape == (0, 2)
    assert di.pullback(f, adtype, x, t[:0, :2], batched=True).shape == (0, 3)


@pytest.mark.parametrize(("chunk", "sizes"), [(None, [5]), (2, [2, 2, 1]), (5, [5]), (7, [5])])
def test_chunks_cover_every_direction_once(chunk: int | None, sizes: list[int]) -> None:
    adtype = AutoExactForward(chunk_size=chunk)
    x = np.arange(1.0, 6.0)
    np.testing.assert_array_equal(di.jacobian(lambda x: x**2, adtype, x), np.diag(2 * x))
    assert resolve(adtype).seeds == [((size, 5),) for size in sizes]


def test_the_cheaper_mode_is_chosen_by_the_shapes() -> None:
    for f, want in ((lambda x: x[:2], "pullback"), (lambda x: np.tile(x, 2), "pushforward")):
        engine = resolve(AutoZero())
        engine.prepared.clear()
        di.jacobian(f, AutoZero(), np.ones(3))
        assert engine.prepared == [want]
    engine.prepared.clear()
    di.gradient(np.sum, AutoZero(), np.ones(3))
    assert engine.prepared == ["pullback"]
    engine.prepared.clear()
    di.derivative(lambda x: x * 2, AutoZero(), 1.0)
    assert engine.prepared == ["pushforward"]


def test_f_is_called_once_for_a_value_and_its_product() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        return x**2

    for operator in (di.value_and_pushforward, di.value_and_pullback):
        calls.clear()
        operator(f, AutoZero(), A, A)
        assert len(calls) == 1
