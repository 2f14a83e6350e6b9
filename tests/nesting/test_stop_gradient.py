"""A stopped value is a constant to every engine, at every level; where it cannot be, an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import diffinterface as di

X = np.array([0.3, -0.7, 1.2])
ENGINES = ["forwarddiff", "complexstep", "jax", "torch", "autograd"]
FIRST_AND_SECOND = ["forwarddiff", "jax", "torch", "autograd"]
MODED = [di.AutoJax(mode=m) for m in ("forward", "reverse")]
MODED += [di.AutoTorch(mode=m) for m in ("forward", "reverse")]
MODED += [di.AutoAutograd(mode=m) for m in ("forward", "reverse")]


def need(engine: di.ADType | str) -> None:
    if not di.check_available(engine):
        pytest.skip(f"{engine} is not installed")


def stopped_twice(x: Any) -> Any:
    """x^3 c with c = x held: gradient 3 x^3, Hessian 6 x^2 on the diagonal."""
    return (x**3 * di.stop_gradient(x)).sum()


@pytest.mark.parametrize("engine", [*ENGINES, *MODED], ids=repr)
def test_gradient(engine: Any) -> None:
    need(engine)
    assert_allclose(di.gradient(stopped_twice, engine, X), 3 * X**3, rtol=1e-13)
    assert_allclose(di.prepare_gradient(stopped_twice, engine, X)(X), 3 * X**3, rtol=1e-13)


@pytest.mark.parametrize("engine", [*FIRST_AND_SECOND, *MODED], ids=repr)
def test_hessian(engine: Any) -> None:
    need(engine)
    assert_allclose(di.hessian(stopped_twice, engine, X), np.diag(6 * X**2), atol=1e-12)
    assert_allclose(di.hvp(stopped_twice, engine, X, X), 6 * X**3, rtol=1e-12)


PAIRS = [(engine, engine) for engine in FIRST_AND_SECOND]
PAIRS += [(engine, "forwarddiff") for engine in ("jax", "torch", "autograd")]


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_a_captured_outer_value(outer: str, inner: str) -> None:
    """The inner derivative is a times a held: by a, the held one is left."""
    need(outer)

    def slope(a: Any) -> Any:
        return di.derivative(lambda x: x * di.stop_gradient(a) * a, inner, a)

    assert_allclose(di.derivative(slope, outer, 1.5), 1.5, rtol=1e-13)


@pytest.mark.parametrize("transform", ["grad", "jvp", "dual level", "vmap of grad", "tape"])
def test_torch_itself(transform: str) -> None:
    torch = pytest.importorskip("torch")
    from torch.autograd import forward_ad

    x = torch.tensor(X)
    if transform == "grad":
        got = torch.func.grad(stopped_twice)(x)
    elif transform == "jvp":
        got = torch.func.jvp(lambda x: x**3 * di.stop_gradient(x), (x,), (torch.ones(3),))[1]
    elif transform == "vmap of grad":
        got = torch.func.vmap(torch.func.grad(stopped_twice))(x[:, None])[:, 0]
    elif transform == "tape":
        x = x.requires_grad_()
        stopped_twice(x).backward()
        got = x.grad
    else:
        with forward_ad.dual_level():
            dual = forward_ad.make_dual(x, torch.ones_like(x))
            got = forward_ad.unpack_dual(dual**3 * di.stop_gradient(dual)).tangent
    assert_allclose(got, 3 * X**3, rtol=1e-13)


@pytest.mark.parametrize("first", ["grad", "jvp"])
@pytest.mark.parametrize("second", ["grad", "jvp"])
def test_torch_levels(first: str, second: str) -> None:
    torch = pytest.importorskip("torch")

    def slope(f: Callable[[Any], Any], way: str) -> Callable[[Any], Any]:
        one = torch.ones((), dtype=torch.float64)
        if way == "grad":
            return torch.func.grad(f)
        return lambda x: torch.func.jvp(f, (x,), (one,))[1]

    inner = slope(lambda x: x**3 * di.stop_gradient(x), first)
    got = slope(inner, second)(torch.tensor(1.5, dtype=torch.float64))
    assert_allclose(got, 6 * 1.5**2, rtol=1e-13)


def test_jax_itself() -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        assert_allclose(jax.jit(jax.grad(stopped_twice))(X), 3 * X**3, rtol=1e-13)
        assert_allclose(jax.hessian(stopped_twice)(X), np.diag(6 * X**2), atol=1e-12)


def test_duals_over_tensors() -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor(X, requires_grad=True)
    got = di.gradient(lambda x: (x**3 * di.stop_gradient(x)).sum(), "forwarddiff", x)
    assert_allclose(got.detach(), 3 * X**3, rtol=1e-13)
    got.sum().backward()
    assert_allclose(x.grad, 6 * X**2, rtol=1e-13)


def test_trees_and_plain_values() -> None:
    held = di.stop_gradient({"a": X, "b": [1.5, None]})
    assert held["a"] is X
    assert held["b"] == [1.5, None]


def test_trees_of_duals() -> None:
    def f(p: Any) -> Any:
        held = di.stop_gradient(p)
        return np.sum(p["a"] * held["b"] * p["b"])

    got = di.gradient(f, "forwarddiff", {"a": X, "b": 2 * X})
    assert_allclose(got["a"], 4 * X**2)
    assert_allclose(got["b"], 2 * X**2)


@pytest.mark.parametrize("leaf", ["text", object(), np.array([X, None], dtype=object)])
def test_what_cannot_be_stopped_is_refused(leaf: Any) -> None:
    with pytest.raises(di.InputError, match="stop_gradient got"):
        di.stop_gradient((X, leaf))


def test_a_module_is_refused() -> None:
    """JAX would see its arrays; a tree of ours does not, and they would not be stopped."""
    equinox = pytest.importorskip("equinox")
    jax = pytest.importorskip("jax")
    with pytest.raises(di.InputError, match="stop_gradient got a Linear"):
        di.stop_gradient(equinox.nn.Linear(2, 2, key=jax.random.key(0)))


DIFFERENCES: dict[str, Callable[[], Any]] = {
    "gradient": lambda: di.gradient(stopped_twice, "finitediff", X),
    "prepared": lambda: di.prepare_gradient(stopped_twice, "finitediff", X)(X),
    "hessian": lambda: di.hessian(stopped_twice, "finitediff", X),
    "outer": lambda: di.hessian(
        stopped_twice, di.SecondOrder(di.AutoFiniteDiff(), di.AutoForwardDiff()), X
    ),
    "inner": lambda: di.gradient(
        lambda x: di.gradient(stopped_twice, "finitediff", x).sum(), "forwarddiff", X
    ),
    "second order of the complex step": lambda: di.hvp(stopped_twice, "complexstep", X, X),
}


@pytest.mark.parametrize("call", DIFFERENCES.values(), ids=DIFFERENCES)
def test_differences_refuse(call: Callable[[], Any]) -> None:
    """They would see the value move, and answer with a wrong derivative."""
    with pytest.raises(di.UnsupportedOperatorError, match="cannot stop"):
        call()


def test_a_refusal_leaves_nothing_behind() -> None:
    with pytest.raises(di.UnsupportedOperatorError):
        di.gradient(stopped_twice, "finitediff", X)
    assert_allclose(di.gradient(stopped_twice, "forwarddiff", X), 3 * X**3)


@pytest.mark.parametrize("engine", [*ENGINES, "finitediff"])
def test_the_shift_of_logsumexp(engine: str) -> None:
    """It is held, but that is no matter: every engine gives the softmax."""
    need(engine)
    x = 300 * X
    expected = np.exp(x - x.max()) / np.exp(x - x.max()).sum()
    assert_allclose(di.gradient(di.special.logsumexp, engine, x), expected, atol=1e-7)


@pytest.mark.parametrize("engine", FIRST_AND_SECOND)
def test_the_hessian_of_logsumexp(engine: str) -> None:
    need(engine)
    p = np.exp(X) / np.exp(X).sum()
    got = di.hessian(di.special.logsumexp, engine, X)
    assert_allclose(got, np.diag(p) - np.outer(p, p), atol=1e-13)
