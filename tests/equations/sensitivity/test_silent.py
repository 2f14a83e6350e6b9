"""Inputs that could give a wrong number without a word: each is right, or refused."""

from __future__ import annotations

import functools
import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.sensitivity import adjoint_sensitivity, forward_sensitivity, odeint

from .problems import available

pytest.importorskip("scipy")
TS = np.array([0.0, 1.0])


def decay(t: Any, u: Any, p: Any) -> Any:
    return -p * u


def final(p: Any, **options: Any) -> Any:
    return odeint(decay, np.ones(1), TS, p, backend="forwarddiff", **options)[-1, 0]


@pytest.mark.parametrize("size", [1e-13, 1e13])
@pytest.mark.parametrize("variant", ["interpolating", "checkpointed", "backsolve", "forward"])
def test_the_units_of_a_loss(size: float, variant: str) -> None:
    """A loss far below ``atol`` has a gradient as exact as any other."""

    def loss(p: Any) -> Any:
        return size * final(p, sensitivity=variant, rtol=1e-6)

    got = di.gradient(loss, "autograd", np.array([2.0]))
    np.testing.assert_allclose(got, [-size * np.exp(-2.0)], rtol=1e-5)


@pytest.mark.parametrize("size", [1e-10, 1e10])
@pytest.mark.parametrize("variant", ["interpolating", "checkpointed", "backsolve", "forward"])
def test_the_units_of_a_parameter(size: float, variant: Any) -> None:
    """A derivative by a large number is small, and as exact as any other."""

    def f(t: Any, u: Any, p: Any) -> Any:
        return -p / size * u

    def loss(p: Any) -> Any:
        u = odeint(f, np.ones(1), TS, p, backend="forwarddiff", rtol=1e-6, sensitivity=variant)
        return u[-1, 0]

    p, want = np.array([2.0 * size]), [-np.exp(-2.0) / size]
    np.testing.assert_allclose(di.gradient(loss, "autograd", p), want, rtol=1e-5)
    np.testing.assert_allclose(di.gradient(loss, "forwarddiff", p), want, rtol=1e-5)
    all_of_it = forward_sensitivity(f, np.ones(1), TS, p, backend="forwarddiff", rtol=1e-6)
    np.testing.assert_allclose(all_of_it.by_p[-1, 0], want, rtol=1e-5)


def test_the_units_of_a_second_derivative() -> None:
    size = 1e8
    got = di.second_derivative(
        lambda p: odeint(
            lambda t, u, p: -p / size * u, np.ones(1), TS, p, backend="forwarddiff", rtol=1e-6
        )[-1, 0],
        "forwarddiff",
        2.0 * size,
    )
    np.testing.assert_allclose(got, np.exp(-2.0) / size**2, rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"events": lambda t, u: u[0] - 0.5}, "events= is no option"),
        ({"vectorized": True}, "vectorized= is no option"),
        ({"t_eval": [0.5]}, "t_eval= is no option"),
        ({"rtol": 0.0}, "expected a positive number"),
        ({"atol": np.array([1e-9])}, "expected a positive number"),
        ({"method": "Euler"}, "'DOP853'"),
        ({"sensitivity": "checkpointed", "checkpoints": 0}, "expected a positive integer"),
        ({"sensitivity": "discrete", "method": "rk4", "steps": 0}, "expected a positive integer"),
        ({"sensitivity": "discrete", "method": "rk4", "rtol": 1e-9}, "keeps no tolerance"),
        ({"sensitivity": "discrete", "max_step": 0.1}, "none beside those of odeint"),
        ({"sensitivity": "discrete", "seeding": "finite"}, "forms no Jacobians"),
    ],
)
def test_options_that_would_change_the_answer_or_do_nothing(options: Any, match: str) -> None:
    with pytest.raises(di.InputError, match=match):
        final(1.0, **options)


def test_the_steps_of_the_integrator_can_be_bounded() -> None:
    seen = []

    def f(t: Any, u: Any, p: Any) -> Any:
        seen.append(t)
        return -p * u

    u = odeint(f, np.ones(1), TS, 1.0, backend="forwarddiff", max_step=0.01)
    assert len(seen) > 100
    np.testing.assert_allclose(u[-1, 0], np.exp(-1.0), rtol=1e-10)


def test_more_precision_than_the_dtype_has() -> None:
    u0 = np.ones(1, np.float32)
    with pytest.raises(di.InputError, match="finer than float32"):
        odeint(decay, u0, TS, np.float32(1.0), backend="forwarddiff", rtol=1e-9)


@pytest.mark.parametrize("engine", ["forwarddiff", "jax", "torch"])
def test_single_precision(engine: str) -> None:
    available(engine)
    p = np.array([2.0], np.float32)

    def loss(p: Any) -> Any:
        return odeint(decay, np.ones(1, np.float32), TS, p, backend=engine)[-1, 0]

    for outer in ("forwarddiff", "autograd"):
        got = di.gradient(loss, outer, p)
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, [-np.exp(-2.0)], rtol=1e-4)


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(di.InputError, match="p holds complex"):
        final(np.array([1.0 + 1j]))
    with pytest.raises(di.InputError, match="ts holds complex"):
        odeint(decay, np.ones(1), TS + 0j, 1.0, backend="forwarddiff")
    with pytest.raises(di.OutputError, match="complex slopes"):
        odeint(lambda t, u, p: 1j * p * u, np.ones(1), TS, 1.0, backend="forwarddiff")


def test_an_integer_among_arrays_is_named() -> None:
    p = {"a": np.ones(2), "n": np.array([1, 2])}
    with pytest.raises(di.InputError, match=r"p holds array\(\[1, 2\]\)"):
        forward_sensitivity(lambda t, u, p: u * p["a"], np.ones(2), TS, p, backend="forwarddiff")


def test_times_that_are_not_numbers() -> None:
    with pytest.raises(di.InputError, match="strictly increasing"):
        odeint(decay, np.ones(1), [0.0, np.nan], 1.0, backend="forwarddiff")


@pytest.mark.parametrize("what", ["cost", "running"])
def test_what_a_cost_captured_is_refused(what: str) -> None:
    torch = pytest.importorskip("torch")
    c = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)

    def by(c: Any) -> Any:
        functions: Any = {
            "cost": {"cost": lambda u, p: c * u[-1, 0]},
            "running": {"running": lambda t, u, p: c * u[0]},
        }
        return adjoint_sensitivity(
            decay, np.ones(1), TS, np.ones(1), backend="forwarddiff", **functions[what]
        ).by_p[0]

    with pytest.raises(di.NestedDifferentiationError, match=f"{what} captured"):
        by(c)
    with pytest.raises(di.NestedDifferentiationError, match=f"{what} captured"):
        di.derivative(by, "forwarddiff", 2.0)


class Model:
    """A right-hand side that reads an attribute and an array."""

    def __init__(self) -> None:
        self.rate, self.table = 1.0, np.array([1.0, 0.0])

    def __call__(self, t: Any, u: Any, p: Any) -> Any:
        return -self.rate * self.table[0] * p * u


def test_what_a_compiled_model_reads_is_read_again() -> None:
    """Attributes and contents of arrays, which no closure shows."""
    available("jax")
    model = Model()

    def both() -> Any:
        return di.value_and_gradient(
            lambda p: odeint(model, np.ones(1), TS, p, backend="jax")[-1, 0],
            "autograd",
            np.ones(1),
        )

    for rate, entry in ((1.0, 1.0), (2.0, 1.0), (2.0, 0.25)):
        model.rate, model.table[0] = rate, entry
        value, slope = both()
        k = rate * entry
        np.testing.assert_allclose(value, np.exp(-k), rtol=1e-6)
        np.testing.assert_allclose(slope, [-k * np.exp(-k)], rtol=1e-6)


def test_what_a_running_cost_captured_is_read_again() -> None:
    available("jax")
    weight = 1.0

    def running(t: Any, u: Any, p: Any) -> Any:
        return weight * u[0]

    for weight in (1.0, 3.0):
        found = adjoint_sensitivity(
            decay, np.ones(1), TS, np.ones(1), running=running, backend="jax"
        )
        np.testing.assert_allclose(found.value, weight * (1 - np.exp(-1.0)), rtol=1e-6)
        np.testing.assert_allclose(found.by_u0, [weight * (1 - np.exp(-1.0))], rtol=1e-6)


def test_cotangents_that_are_not_finite() -> None:
    def loss(p: Any) -> Any:
        xp = di.array_namespace(p)
        u = odeint(decay, np.ones(1), TS, p, backend="forwarddiff", sensitivity="interpolating")
        return xp.sum(u[-1] * np.inf)

    with pytest.raises(di.DiffInterfaceError, match="not finite"):
        di.gradient(loss, "autograd", np.ones(1))


@pytest.mark.parametrize("kind", ["function", "partial", "object", "method"])
def test_what_is_kept_of_f_goes_with_f(kind: str) -> None:
    """Repeated calls compile once; yet nothing that f captured outlives it."""

    class Decay:
        def __init__(self) -> None:
            self.rates = np.array([1.0, 2.0])

        def __call__(self, t: Any, u: Any, p: Any) -> Any:
            return -p * self.rates * u

    def used() -> list[weakref.ref[Any]]:
        decay = Decay()
        f: Any = {
            "function": lambda t, u, p: decay(t, u, p),
            "partial": functools.partial(lambda rates, t, u, p: -p * rates * u, decay.rates),
            "object": decay,
            "method": decay.__call__,
        }[kind]
        problems = set()
        for _ in range(2):
            u = odeint(f, np.ones(2), np.array([0.0, 1.0]), 1.0, backend="forwarddiff")
            np.testing.assert_allclose(u[-1], np.exp(-decay.rates), rtol=1e-5)
            carried = vars(decay if kind == "method" else f)["_di_problems"]
            problems |= {id(problem) for problem in carried._items}
        assert len(problems) == 1
        pickle.loads(pickle.dumps(carried))
        return [weakref.ref(decay), weakref.ref(decay.rates)]

    watched = used()
    gc.collect()
    assert [value() for value in watched] == [None, None]
