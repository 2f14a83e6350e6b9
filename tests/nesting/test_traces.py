"""What an operator leaves behind: no ``.grad``, nothing detached, and no tracer past its trace."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .asking import Captured
from .networks import network, parameters, samples

P, X = parameters(2, 8, 8, 2), samples(3, 2)
PREPARE = (di.prepare_jacobian, di.prepare_batched_jacobian)
SEEDED = (di.prepare_pushforward, di.prepare_pullback)


@pytest.fixture(autouse=True)
def _old_things_are_not_walked_through() -> None:
    """What the tests before left in JAX's caches stays there: each collection would take a second."""
    gc.collect()
    gc.freeze()


ways = pytest.mark.parametrize("captured", [False, True], ids=["passed", "captured"])


def prepared(backend: str, x: Any, p: Any, captured: bool) -> list[tuple[Any, Any, Any]]:
    """Operators prepared outside of any trace: ``(bind, call with these parameters)`` of each."""
    found = []
    for prepare in (*PREPARE, *SEEDED):
        held = Captured(network, p)
        f, contexts = (held.f, ()) if captured else (network, (p,))
        seeds = (X,) if prepare in SEEDED else ()
        prep = prepare(f, backend, x, *seeds, *contexts, on_mismatch="reprepare")
        found.append((prep, held, seeds))
    return found


def total(preps: list[Any], x: Any, p: Any, captured: bool) -> Any:
    """A loss that calls them all, and forgets the parameters that it bound."""
    value = 0
    for prep, held, seeds in preps:
        held.bind(p)
        result = prep(x, *seeds) if captured else prep(x, *seeds, p)
        value = value + (result**2).sum()
        held.bind(P)
    return value


@ways
def test_jax_tracers_end_with_their_trace(captured: bool) -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        x, p = jax.numpy.asarray(X), tuple(map(jax.numpy.asarray, P))
        preps = prepared("jax", x, p, captured)
        seen: list[Any] = []

        def loss(p: Any) -> Any:
            seen.extend(weakref.ref(leaf) for leaf in p)
            return total(preps, x, p, captured)

        first = jax.grad(loss)(p)
        second = jax.grad(loss)(p)
        gc.collect()
        assert len(seen) == 2 * len(p)
        assert not any(ref() is not None for ref in seen), "a prepared operator keeps a tracer"
        compiled = jax.jit(jax.grad(loss))(p)
        for a, b, c in zip(first, second, compiled, strict=True):
            np.testing.assert_array_equal(a, b)
            np.testing.assert_allclose(c, a, rtol=1e-10, atol=1e-12)


@ways
def test_tensors_end_with_their_loss(captured: bool) -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor(X)
    preps = prepared("torch", x, tuple(map(torch.tensor, P)), captured)
    slopes = []
    for _ in range(2):
        p = tuple(torch.tensor(leaf, requires_grad=True) for leaf in P)
        refs = [weakref.ref(leaf) for leaf in p]
        loss = total(preps, x, p, captured)
        assert all(leaf.grad is None for leaf in p)
        loss.backward()
        slopes.append([leaf.grad for leaf in p[:-1]])
        del loss, p
        gc.collect()
        assert not any(ref() is not None for ref in refs), "a prepared operator keeps the tape"
    for a, b in zip(*slopes, strict=True):
        np.testing.assert_array_equal(a, b)


def alive(kind: type) -> int:
    gc.collect()
    return sum(type(thing) is kind for thing in gc.get_objects())


@ways
def test_boxes_end_with_their_trace(captured: bool) -> None:
    autograd = pytest.importorskip("autograd")
    from autograd.numpy.numpy_boxes import ArrayBox

    before = alive(ArrayBox)
    preps = prepared("autograd", X, P, captured)
    for _ in range(2):
        autograd.grad(lambda p: total(preps, X, tuple(p), captured))(P[:-1] + P[-1:])
    assert alive(ArrayBox) == before


@ways
def test_duals_end_with_their_level(captured: bool) -> None:
    from diffinterface_forwarddiff.dual import Dual

    before = alive(Dual)
    preps = prepared("forwarddiff", X, P, captured)
    for _ in range(2):
        di.gradient(lambda p: total(preps, X, p, captured), "forwarddiff", P)
    assert alive(Dual) == before


@pytest.mark.parametrize("prepare", [di.prepare_gradient, di.prepare_hessian])
def test_prepared_inside_a_trace(prepare: Any) -> None:
    """A preparation whose example is traced keeps neither it nor the trace once it is dropped."""
    jax = pytest.importorskip("jax")
    seen: list[Any] = []

    def loss(x: Any) -> Any:
        seen.append(weakref.ref(x))
        return jax.numpy.sum(prepare(lambda x: jax.numpy.sum(x**3), "jax", x)(x))

    with jax.enable_x64(True):
        jax.grad(loss)(jax.numpy.ones(3))
    gc.collect()
    assert seen[0]() is None


OPERATORS = {
    "gradient": lambda f, x: di.gradient(lambda x: f(x).sum(), "torch", x),
    "jacobian": lambda f, x: di.jacobian(f, "torch", x),
    "batched_jacobian": lambda f, x: di.batched_jacobian(f, "torch", x),
    "hessian": lambda f, x: di.hessian(lambda x: f(x).sum(), "torch", x),
    "hvp": lambda f, x: di.hvp(lambda x: f(x).sum(), "torch", x, X),
    "pushforward": lambda f, x: di.pushforward(f, "torch", x, X),
    "pullback": lambda f, x: di.pullback(f, "torch", x, X),
}


@pytest.mark.parametrize("plain", [False, True], ids=["tensor", "numpy"])
@pytest.mark.parametrize("name", OPERATORS)
def test_the_tape_goes_on_by_itself(name: str, plain: bool) -> None:
    """No ``.grad``, nothing detached, no ``create_graph`` from the user, and no flag of his changed."""
    torch = pytest.importorskip("torch")
    p = tuple(torch.tensor(leaf, requires_grad=True) for leaf in P)
    x = X if plain else torch.tensor(X)
    result = OPERATORS[name](lambda x: network(x, p), x)
    assert result.requires_grad
    assert result.grad_fn is not None
    assert all(leaf.grad is None and leaf.is_leaf and leaf.requires_grad for leaf in p)
    assert plain or not x.requires_grad
    (result**2).sum().backward()
    assert all(float(leaf.grad.abs().max()) > 0 for leaf in p[:-1])


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
@pytest.mark.parametrize("inner", ["autograd", "jax"])
def test_numpy_stays_numpy_over_a_bridge(inner: str, mode: str) -> None:
    """The seeds of a pullback inside are no captured parameters: nothing outside records."""
    pytest.importorskip("torch")
    pytest.importorskip(inner)
    t = np.array([1.0, 2.0])

    def inside(a: Any) -> Any:
        return di.pushforward(lambda a: a[0] ** 2 * a[1], inner, a, t) * a[0]

    def between(z: Any) -> Any:
        return di.pushforward(lambda a: inside(a) * z[1], "torch", z, t)

    got = di.gradient(between, di.AutoTorch(mode=mode), np.array([3.0, 5.0]))
    assert type(got) is np.ndarray
    # Inside is 2 x^2 y + 2 x^3; along (1, 2), times y, that is 4 x y^2 + 10 x^2 y.
    np.testing.assert_allclose(got, [4 * 25 + 20 * 15, 8 * 15 + 10 * 9], rtol=1e-12)
