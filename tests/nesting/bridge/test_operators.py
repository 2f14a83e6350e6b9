"""Operators by one engine inside derivatives by another: they take the bridge by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .common import EXACT, INNERS, T, X, close

#: Pairs of an outer and an inner engine that cannot run on the outer one's arrays.
PAIRS = [
    (outer, inner)
    for inner in ("torch", "jax", "autograd")
    for outer in EXACT
    if outer != inner and not (outer == "forwarddiff" and inner == "autograd")
]
every_pair = pytest.mark.parametrize(("outer", "inner"), PAIRS)


@pytest.fixture(autouse=True)
def _wide(request: pytest.FixtureRequest) -> Any:
    if "jax" not in request.node.name:
        yield
        return
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        yield


def _installed(*engines: str) -> None:
    for engine in engines:
        if not di.check_available(EXACT[engine].adtype):
            pytest.skip(f"{engine} is not installed")


def _total(x: Any) -> Any:
    return di.array_namespace(x).sum(x)


@every_pair
def test_results_that_are_trees(outer: str, inner: str) -> None:
    _installed(outer, inner)

    def f(x: Any) -> Any:
        return {"product": x[1:] * x[:-1], "cube": (x**3,)}

    def loss(x: Any) -> Any:
        rows = di.jacobian(f, inner, x)
        return _total(rows["product"] ** 2) + _total(rows["cube"][0])

    want = 6 * X + 2 * X * np.array([1, 2, 1])
    close(di.gradient(loss, outer, X), want)


@every_pair
@pytest.mark.parametrize("prepared", [True, False], ids=["prepared", "once"])
def test_a_number_beside_what_is_traced(outer: str, inner: str, prepared: bool) -> None:
    """``d/ds`` of ``(x + s t)**3`` at the Python number 0, differentiated by x and by t."""
    _installed(outer, inner)

    def along(x: Any, t: Any) -> Any:
        def f(s: Any, x: Any, t: Any) -> Any:
            return (x + s * t) ** 3

        if prepared:
            return di.prepare_derivative(f, inner, 0.0, x, t)(0.0, x, t)
        return di.derivative(f, inner, 0.0, x, t)

    close(di.gradient(lambda x: _total(along(x, T)), outer, X), 6 * X * T)
    close(di.gradient(lambda t: _total(along(X, t)), outer, T), 3 * X**2)
    close(di.gradient(lambda x: _total(along(x, x)), outer, X), 9 * X**2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("framework", ["torch", "jax"])
@pytest.mark.parametrize("engine", INNERS)
def test_a_number_beside_arrays_of_another_framework(
    engine: str, framework: str, dtype: str
) -> None:
    """The arrays tell the caller's framework, and the precision, by every engine alike."""
    array = pytest.importorskip(framework if framework == "torch" else "jax.numpy").asarray
    if not di.check_available(INNERS[engine].adtype):
        pytest.skip(f"{engine} is not installed")

    def f(s: Any, x: Any, t: Any) -> Any:
        return (x + s * t) ** 3

    x, t = array(X.astype(dtype)), array(T.astype(dtype))
    prep = di.prepare_derivative(f, engine, 0.0, x, t)
    tolerance = 1e-8 if dtype == "float64" else 1e-4
    for s in (0.0, 0.25):
        for got in (di.derivative(f, engine, s, x, t), prep(s, x, t)):
            assert (type(got), got.dtype) == (type(x), x.dtype)
            close(got, 3 * (X + s * T) ** 2 * T, tolerance)
    y, _, second = di.value_derivative_and_second_derivative(f, "forwarddiff", 0.25, x, t)
    assert (type(y), type(second)) == (type(x), type(x))
    close(second, 6 * (X + 0.25 * T) * T**2, tolerance)


def test_a_number_beside_arrays_of_two_frameworks() -> None:
    """Nothing tells whose the number is: it stays what it was, NumPy's."""
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")

    def f(s: Any, a: Any, b: Any, k: Any) -> Any:
        return float(a[0]) * float(b[0]) * s**2

    got = di.derivative(f, "forwarddiff", 3.0, torch.ones(1), jnp.ones(1), torch.ones(1))
    assert isinstance(got, np.floating)
    assert got == 6.0
    # Integers have no precision to take.
    got = di.derivative(lambda s, k: s ** int(k[0]), "forwarddiff", 3.0, torch.tensor([2]))
    assert isinstance(got, np.floating)
    assert got == 6.0


def test_a_complex_number_beside_real_arrays() -> None:
    torch = pytest.importorskip("torch")
    t = torch.tensor([1.0, 2.0])
    got = di.pushforward(lambda s, t: t * s**2, "forwarddiff", 1.0 + 2.0j, 1.0 + 0.0j, t)
    assert got.dtype is torch.complex64
    close(got, np.array([1, 2]) * 2 * (1 + 2j), 1e-6)


def test_seeds_of_torch_are_no_captures() -> None:
    """A bridged function's node keeps its cotangent, here a seed of the operator around it."""
    _installed("torch", "autograd")
    f = di.DifferentiateWith(lambda x: x**3, "autograd")
    pushed = di.AutoTorch("reverse")

    def loss(x: Any) -> Any:
        return _total(di.pushforward(f, pushed, x, x))

    got = di.gradient(loss, "torch", X)
    assert isinstance(got, np.ndarray)
    close(got, 9 * X**2)


def test_a_prepared_operator_compiles_once() -> None:
    """Inside a loop of torch: one trace for each derivative, however many steps follow."""
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    traces: list[int] = []

    def energy(x: Any) -> Any:
        traces.append(1)
        return jnp.sum(x**3)

    prep = di.prepare_gradient(energy, "jax", X)
    for step in range(4):
        x = torch.tensor((step + 1) * X, requires_grad=True)
        if step == 2:
            traces.clear()
        (prep(x) ** 2).sum().backward()
        close(x.grad, 36 * ((step + 1) * X) ** 3)
    assert not traces


def test_a_prepared_operator_that_was_rebound() -> None:
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    factor = 2.0
    prep = di.prepare_gradient(lambda x: jnp.sum(factor * x**2), "jax", X)
    x = torch.tensor(X, requires_grad=True)
    close(torch.autograd.grad(prep(x).sum(), x)[0], np.full(3, 4.0))
    factor = 5.0
    with pytest.raises(di.PreparationMismatchError, match="factor: rebound"):
        prep(x)


OPERATORS: dict[str, Callable[[Any, str, Any], Any]] = {
    "gradient": lambda f, b, x: di.gradient(lambda x: _total(f(x)), b, x),
    "pushforward": lambda f, b, x: di.pushforward(f, b, x, x),
    "pullback": lambda f, b, x: di.pullback(f, b, x, x),
    "hvp": lambda f, b, x: di.hvp(lambda x: _total(f(x)), b, x, x),
    "hessian": lambda f, b, x: di.hessian(lambda x: _total(f(x)), b, x),
    "value": lambda f, b, x: di.value_and_gradient(lambda x: _total(f(x)), b, x)[0] * x,
}
#: Of ``x**4``: the derivative of the sum of what each gives.
TRUTHS: dict[str, Any] = {
    "gradient": 12 * X**2,
    "pushforward": 16 * X**3,
    "pullback": 16 * X**3,
    "hvp": 36 * X**2,
    "hessian": 24 * X,
    "value": 4 * X**3 * np.sum(X) + np.sum(X**4),
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize(
    ("outer", "inner"), [("torch", "jax"), ("jax", "torch"), ("jax", "autograd")]
)
def test_every_operator(outer: str, inner: str, name: str) -> None:
    _installed(outer, inner)

    def loss(x: Any) -> Any:
        return _total(OPERATORS[name](lambda x: x**4, inner, x))

    close(di.gradient(loss, outer, X), TRUTHS[name])
    first = di.jacobian(lambda x: di.gradient(loss, outer, x), "finitediff", X)
    close(di.hessian(loss, outer, X), first, 1e-5)
