"""What is refused, and what is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.implicit import SingularSystemError
from diffinterface.sensitivity import (
    SolveError,
    adjoint_sensitivity,
    forward_sensitivity,
    odeint,
    steady_state,
    steady_state_sensitivity,
)
from diffinterface.sensitivity.ode import CROSSOVER, CROSSOVER_WITHOUT_REVERSE

from .problems import ENGINES, available

pytest.importorskip("scipy")
#: Ours where we meet the value, else the framework's own where it meets NumPy.
REFUSALS = (di.DiffInterfaceError, RuntimeError, TypeError)
TS = np.array([0.0, 1.0])


def decay(t: Any, u: Any, p: Any) -> Any:
    return -p * u


def solve(**options: Any) -> Any:
    given: dict[str, Any] = {"backend": "forwarddiff", **options}
    f, u0, ts, p = (
        given.pop(name, default)
        for name, default in (("f", decay), ("u0", np.ones(2)), ("ts", TS), ("p", 1.0))
    )
    return odeint(f, u0, ts, p, **given)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"f": 3}, di.InputError, "f must be callable"),
        ({"u0": np.ones(2, int)}, di.InputError, "real floating arrays"),
        ({"u0": np.ones(2) + 0j}, di.InputError, "split complex"),
        ({"u0": np.ones(0)}, di.InputError, "no entries"),
        ({"ts": [0.0, 0.0]}, di.InputError, "strictly increasing"),
        ({"ts": [0.0, 2.0, 1.0]}, di.InputError, "strictly increasing"),
        ({"ts": 1.0}, di.InputError, "strictly increasing"),
        ({"sensitivity": "adjoint"}, di.InputError, "expected one of 'auto', 'forward'"),
        ({"seeding": "numeric"}, di.InputError, "expected one of 'product'"),
        ({"sensitivity": "discrete", "method": "Radau"}, di.InputError, "'dopri5', 'rk4'"),
        ({"f": lambda t, u, p: u[:1]}, di.ShapeError, r"shape \(1,\), expected \(2,\)"),
        ({"f": lambda t, u, p: None}, di.OutputError, "expected"),
        ({"f": lambda t, u, p: (u, u)}, di.OutputError, "structure of u"),
    ],
)
def test_arguments_are_checked(options: Any, error: Any, match: str) -> None:
    with pytest.raises(error, match=match):
        solve(**options)


def test_a_solution_that_blows_up() -> None:
    """``u' = u^2`` from 1 is infinite at 1."""
    with pytest.raises(SolveError, match="could not be integrated") as caught:
        solve(f=lambda t, u, p: u**2, ts=[0.0, 2.0])
    assert 0.9 < caught.value.reached < 1.1
    with np.errstate(all="ignore"), pytest.raises(SolveError, match="step size"):
        solve(f=lambda t, u, p: u**2, ts=[0.0, 2.0], sensitivity="discrete")


@pytest.mark.parametrize("engine", ENGINES)
def test_captured_values_are_refused(engine: str) -> None:
    torch, jax = pytest.importorskip("torch"), pytest.importorskip("jax")
    available(engine)

    def final(c: Any) -> Any:
        u = odeint(lambda t, u, p: -c * u, np.ones(2), TS, backend=engine)
        return u[-1, 0]

    c = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    with pytest.raises(REFUSALS):
        final(c)
    for outer in (lambda c: jax.grad(final)(c), lambda c: jax.jit(jax.grad(final))(c)):
        with pytest.raises(REFUSALS):
            outer(2.0)
    with pytest.raises(REFUSALS):
        di.derivative(final, "forwarddiff", 2.0)
    with pytest.raises(REFUSALS):
        torch.func.grad(final)(torch.tensor(2.0))


def test_a_captured_module_is_refused() -> None:
    torch = pytest.importorskip("torch")
    net = torch.nn.Linear(2, 2).double()
    with pytest.raises(di.NestedDifferentiationError, match="pass it as an argument"):
        odeint(lambda t, u, p: net(u), torch.ones(2).double(), TS, backend="torch")


def test_discrete_keeps_what_f_captured() -> None:
    torch = pytest.importorskip("torch")
    c = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    u = odeint(
        lambda t, u, p: -c * u,
        torch.ones(1, dtype=torch.float64),
        TS,
        backend="torch",
        sensitivity="discrete",
    )
    u[-1, 0].backward()
    assert float(c.grad) == pytest.approx(-np.exp(-2.0), rel=1e-5)


def test_a_rebound_variable_is_followed() -> None:
    """What a compiling engine read once is read again."""
    available("jax")
    rate = 1.0

    def f(t: Any, u: Any, p: Any) -> Any:
        return -rate * u + 0 * p

    for rate in (1.0, 2.0):
        u, slope = di.value_and_derivative(
            lambda s: odeint(f, s * np.ones(1), TS, 0.5, backend="jax")[-1, 0], "forwarddiff", 1.0
        )
        assert float(u) == pytest.approx(np.exp(-rate), rel=1e-6)
        assert float(slope) == pytest.approx(np.exp(-rate), rel=1e-6)


@pytest.mark.parametrize("call", [forward_sensitivity, adjoint_sensitivity])
def test_numbers_are_refused_to_an_outer_engine(call: Any) -> None:
    options = {} if call is forward_sensitivity else {"cost": lambda u, p: u[-1, 0]}

    def f(p: Any) -> Any:
        found = call(decay, np.ones(1), TS, p, backend="forwarddiff", **options)
        return found.by_p[..., 0].sum()

    with pytest.raises(di.NestedDifferentiationError, match="differentiate odeint"):
        di.gradient(f, "forwarddiff", np.ones(1))


def test_what_these_take() -> None:
    with pytest.raises(di.InputError, match="needs cost"):
        adjoint_sensitivity(decay, np.ones(1), TS, 1.0, backend="forwarddiff")
    with pytest.raises(di.InputError, match="p holds 3"):
        forward_sensitivity(
            lambda t, u, p: u * p["n"], np.ones(1), TS, {"n": 3}, backend="forwarddiff"
        )
    with pytest.raises(di.InputError, match="variant"):
        adjoint_sensitivity(
            decay,
            np.ones(1),
            TS,
            1.0,
            cost=lambda u, p: u[-1, 0],
            variant="forward",  # type: ignore[arg-type]
            backend="forwarddiff",
        )


@pytest.mark.parametrize("framework", ["numpy", "torch", "jax"])
def test_results_come_in_the_callers_arrays(framework: str) -> None:
    available(*[] if framework == "numpy" else [framework])
    like: Any = np.ones(2, np.float32)
    if framework == "torch":
        like = pytest.importorskip("torch").ones(2)
    if framework == "jax":
        like = pytest.importorskip("jax").numpy.ones(2)
    u = solve(u0=like, p=0 * like + 1)
    assert type(u) is type(like)
    assert u.dtype == like.dtype
    assert tuple(u.shape) == (2, 2)
    found = forward_sensitivity(decay, like, TS, 0 * like + 1, backend="forwarddiff")
    assert type(found.by_p) is type(like)
    assert tuple(found.by_p.shape) == (2, 2, 2)


def test_integers_and_words_in_p_are_constants() -> None:
    def f(t: Any, u: Any, p: Any) -> Any:
        assert p["name"] == "decay"
        return -p["rate"] * u ** p["power"]

    def final(rate: Any) -> Any:
        p = {"rate": rate, "power": 1, "name": "decay"}
        return odeint(f, np.ones(1), TS, p, backend="forwarddiff")[-1, 0]

    assert di.derivative(final, "forwarddiff", 2.0) == pytest.approx(-np.exp(-2.0), rel=1e-6)


@pytest.mark.parametrize(
    ("engine", "most"), [("torch", CROSSOVER), ("forwarddiff", CROSSOVER_WITHOUT_REVERSE)]
)
def test_auto_chooses_by_size(engine: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    import diffinterface.sensitivity.flow as flow

    available(engine, "torch")
    taken = []
    for name in ("Adjoint", "columns"):
        original = getattr(flow, name)
        monkeypatch.setattr(
            flow, name, lambda *a, name=name, original=original: taken.append(name) or original(*a)
        )

    def final(p: Any) -> Any:
        u = odeint(lambda t, u, p: u * p[:1], np.ones(1), TS, p, backend=engine, rtol=1e-3)
        return u[-1, 0]

    for n, expected in ((most - 1, "columns"), (most, "Adjoint")):  # and one state
        di.gradient(final, "torch", np.ones(n))
        assert taken.pop() == expected


# --- steady states ---


@pytest.mark.parametrize("engine", ENGINES)
def test_steady_states(engine: str) -> None:
    """The Brusselator's: ``(a, b/a)``."""
    available(engine)

    def f(t: Any, u: Any, p: Any) -> Any:
        xp = di.array_namespace(u, p)
        a, b = p[0], p[1]
        return xp.stack([a - (b + 1) * u[0] + u[0] ** 2 * u[1], b * u[0] - u[0] ** 2 * u[1]])

    p = np.array([2.0, 3.0])
    u, du = steady_state_sensitivity(f, np.array([1.8, 1.4]), p, backend=engine)
    np.testing.assert_allclose(u, [2.0, 1.5], rtol=1e-9)
    np.testing.assert_allclose(du, [[1.0, 0.0], [-3 / 4, 1 / 2]], atol=1e-8)

    def second(p: Any) -> Any:
        return steady_state(f, np.array([1.8, 1.4]), p, backend=engine)[1]

    H = di.hessian(second, "forwarddiff", p)
    np.testing.assert_allclose(H, [[3 / 4, -1 / 4], [-1 / 4, 0.0]], atol=1e-7)


def test_no_steady_state() -> None:
    with pytest.raises(SolveError, match="No steady state") as caught:
        steady_state(lambda t, u, p: 1 + u**2 * p, np.ones(1), 1.0, backend="forwarddiff")
    assert caught.value.residual >= 1


def test_a_conserved_quantity_leaves_the_state_open() -> None:
    def exchange(t: Any, u: Any, p: Any) -> Any:
        return np.stack([-p * u[0] + u[1], p * u[0] - u[1]])

    with pytest.raises(SingularSystemError):
        steady_state_sensitivity(exchange, np.array([1.0, 1.0]), 1.0, backend="forwarddiff")
