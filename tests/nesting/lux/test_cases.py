"""Each case in each framework and across two, parameters passed or captured: finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ...outers import scope
from .outers import OUTERS, differentiate, native
from .problems import CASES, POINT, Inner, dense, hutchinson, layer, normalised, total, truth, value

every_case = pytest.mark.parametrize("case", CASES)
captured_or_not = pytest.mark.parametrize("captured", [False, True], ids=["passed", "captured"])

#: Outer derivatives, and inner engines of another framework.
ACROSS = [
    ("jax.grad", "torch"),
    ("jax.jit(jax.grad)", "torch"),
    ("jax.jit(jax.grad)", "autograd"),
    ("backward", "jax"),
    ("backward", "autograd"),
    ("torch.func.grad", "jax"),
    ("autograd.grad", "jax"),
    ("autograd.grad", "torch"),
    ("di[forwarddiff]", "torch"),
]
#: An engine that runs on the arrays of the outer one.
OVER = [(outer, "forwarddiff") for outer in ("jax.jit(jax.grad)", "backward", "autograd.grad")]


def check(case: str, outer: str, inner: Inner, **options: Any) -> None:
    got, slopes = differentiate(outer, lambda p, x: CASES[case](inner, p, x, **options), POINT)
    np.testing.assert_allclose(got, value(case), rtol=1e-12)
    largest = max(np.abs(leaf).max() for leaf in truth(case).values())
    for name, expected in truth(case).items():
        np.testing.assert_allclose(slopes[name], expected, rtol=1e-8, atol=1e-9 * largest)


@captured_or_not
@pytest.mark.parametrize("outer", OUTERS)
@every_case
def test_within_a_framework(case: str, outer: str, captured: bool) -> None:
    check(case, outer, Inner(OUTERS[outer][0], captured))


@captured_or_not
@pytest.mark.parametrize(("outer", "inner"), OVER)
@every_case
def test_over_the_arrays_of_the_outer(case: str, outer: str, inner: str, captured: bool) -> None:
    check(case, outer, Inner(inner, captured))


@pytest.mark.parametrize(("outer", "inner"), ACROSS)
@every_case
def test_across_two_frameworks(case: str, outer: str, inner: str) -> None:
    check(case, outer, Inner(inner))


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # NumPy's, of torch
@pytest.mark.parametrize("case", ["jacobian_norm", "pinn"])
@pytest.mark.parametrize(("outer", "inner"), ACROSS)
def test_captured_across_two_frameworks_is_refused(case: str, outer: str, inner: str) -> None:
    """A bridge carries arguments; what f captured would be lost to the derivative."""
    pytest.importorskip(inner)
    with pytest.raises((di.DiffInterfaceError, TypeError, RuntimeError)):
        check(case, outer, Inner(inner, captured=True))


@pytest.mark.parametrize("engine", ["jax", "torch", "autograd", "forwarddiff"])
def test_autograds_own_containers(engine: str) -> None:
    """The parameters as autograd hands them to a loss: one box around the dict."""
    autograd = pytest.importorskip("autograd")

    def slope(p: Any) -> Any:
        inner = di.gradient(lambda x, p: total(p["w"] * x**3), engine, POINT["x"], p)
        return total(inner**2)

    got = autograd.grad(slope)({"w": POINT["x"] + 2})
    expected = 18 * (POINT["x"] + 2) * POINT["x"] ** 4
    np.testing.assert_allclose(got["w"], expected, rtol=1e-12)


@captured_or_not
@pytest.mark.parametrize("mode", ["pullback", "pushforward", "jacobian"])
@pytest.mark.parametrize("outer", ["jax.jit(jax.grad)", "backward", "autograd.grad"])
def test_three_ways_to_one_trace(outer: str, mode: str, captured: bool) -> None:
    """Hutchinson's trace by VJP, by JVP and by the whole Jacobian: one value, one gradient."""
    check("hutchinson", outer, Inner(OUTERS[outer][0], captured), mode=mode)


@captured_or_not
@pytest.mark.parametrize("outer", OUTERS)
def test_mixed_samples_in_a_loss_are_refused(outer: str, captured: bool) -> None:
    inner = Inner(OUTERS[outer][0], captured)

    def loss(p: Any, x: Any) -> Any:
        rows = inner("batched_jacobian", lambda p, x: layer(normalised, p)(x), x, p)
        return total(rows**2)

    with pytest.raises(di.OutputError, match="mixes the samples"):
        differentiate(outer, loss, POINT)


@pytest.mark.parametrize("framework", ["jax", "torch", "autograd", "forwarddiff"])
def test_the_layer_counts_each_derivative_once(framework: str) -> None:
    """Not each evaluation of the engine, nor of the check that samples do not mix."""
    with scope(framework):
        p = {name: native(framework, leaf) for name, leaf in POINT["p"].items()}
        x, counted = native(framework, POINT["x"]), layer(dense, p)
        counted(x)
        di.jacobian(counted, framework, x)
        di.jacobian(counted.with_input(x), framework, p)
        di.batched_jacobian(counted, framework, x)
    assert counted.state == 4


def test_the_truth_is_smooth() -> None:
    """The yardstick itself: the complex step inside agrees with central differences inside."""
    for mode in ("pullback", "jacobian"):
        fine = hutchinson(Inner("forwarddiff"), **POINT, mode=mode)
        coarse = hutchinson(Inner(di.AutoFiniteDiff()), **POINT, mode=mode)
        np.testing.assert_allclose([fine, coarse], value("hutchinson"), rtol=1e-8)
