"""The table of measurements, the rule that it gives, and that engines do what `explain` says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.engine.cost import EVEN, Costs
from diffinterface.engine.modes import prefers_forward
from diffinterface.engine.registry import resolve

from .measured import MEASURED as TABLE
from .measured import Measurement

BETTER = 1.15  # how far "auto" may stay behind the better mode
ADTYPES: dict[str, Any] = {"jax": di.AutoJax, "torch": di.AutoTorch}


ENGINES = [engine for engine in ADTYPES if di.check_available(engine)]
MEASURED = [(engine, row) for engine in ENGINES for row in TABLE[engine]]
measured = pytest.mark.parametrize(
    ("engine", "row"), MEASURED, ids=[f"{e}-{r.m}x{r.n}-{r.samples}" for e, r in MEASURED]
)


@measured
def test_auto_is_near_the_better_mode_wherever_it_was_measured(
    engine: str, row: Measurement
) -> None:
    x, y = (
        np.empty((row.samples, row.n // row.samples)),
        np.empty((row.samples, row.m // row.samples)),
    )
    samples = row.samples > 1
    forward = prefers_forward(resolve(ADTYPES[engine]()), (x,), (y,), samples=samples)
    assert (row.nested if forward else 1 / row.nested) <= BETTER


@measured
def test_the_model_is_of_the_right_size(engine: str, row: Measurement) -> None:
    predicted = row.predicted(resolve(ADTYPES[engine]()).costs)
    assert 1 / 3 < predicted / row.nested < 3


def test_the_mode_asked_for_is_the_mode() -> None:
    tall, wide = (np.empty(1), np.empty(1000)), (np.empty(1000), np.empty(1))
    for engine, adtype in ADTYPES.items():
        pytest.importorskip(engine)
        for x, y in (tall, wide):
            assert prefers_forward(resolve(adtype(mode="forward")), (x,), (y,))
            assert not prefers_forward(resolve(adtype(mode="reverse")), (x,), (y,))
        for (x, y), forward in ((tall, True), (wide, False)):
            assert prefers_forward(resolve(adtype()), (x,), (y,)) is forward


def test_engines_without_a_row_are_even() -> None:
    assert resolve(di.AutoAutograd()).costs is EVEN
    assert Costs().forward(3, 3) == Costs().reverse(3, 3)
    assert not prefers_forward(resolve(di.AutoAutograd()), (np.empty(4),), (np.empty(3),))
    assert prefers_forward(resolve(di.AutoAutograd()), (np.empty(3),), (np.empty(3),))


class Watched:
    """``x -> w * x`` by torch, with rules that note which of them ran."""

    def __init__(self) -> None:
        torch = pytest.importorskip("torch")
        ran = self.ran = set[str]()

        class Double(torch.autograd.Function):
            @staticmethod
            def forward(x: Any) -> Any:
                return 2 * x

            @staticmethod
            def setup_context(ctx: Any, inputs: Any, output: Any) -> None: ...

            @staticmethod
            def backward(ctx: Any, t: Any) -> Any:
                ran.add("reverse")
                return 2 * t

            @staticmethod
            def jvp(ctx: Any, t: Any) -> Any:
                ran.add("forward")
                return 2 * t

            @staticmethod
            def vmap(info: Any, dims: Any, x: Any) -> Any:
                return Double.apply(x), dims[0]

        self.double = Double.apply


SHAPES = [("jacobian", 2, 3), ("jacobian", 2, 800), ("jacobian", 800, 2), ("gradient", 5, 1)]


@pytest.mark.parametrize(("operator", "n", "m"), SHAPES)
@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
def test_torch_runs_the_mode_that_is_explained(operator: str, n: int, m: int, mode: Any) -> None:
    torch = pytest.importorskip("torch")
    watched, backend = Watched(), di.AutoTorch(mode=mode)
    weights = torch.ones(n, m, dtype=torch.float64)

    def f(x: Any) -> Any:
        y = watched.double(x) @ weights
        return y.sum() if operator == "gradient" else y

    x = torch.ones(n, dtype=torch.float64)
    plan = di.explain(operator, f, backend, x)
    assert watched.ran == set()
    getattr(di, operator)(f, backend, x)
    assert watched.ran == set(plan.modes)


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("n", [3, 2**14 + 1])
@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
def test_torch_pushforwards_run_as_explained(mode: Any, n: int, recorded: bool) -> None:
    """Two pullbacks for few entries, or inside another derivative; forward mode otherwise."""
    torch = pytest.importorskip("torch")
    watched, backend = Watched(), di.AutoTorch(mode=mode)
    x = torch.linspace(0, 1, n, dtype=torch.float64, requires_grad=recorded)
    plan = di.explain("pushforward", watched.double, backend, x, x.detach())
    got = di.pushforward(watched.double, backend, x, x.detach())
    np.testing.assert_allclose(got.detach(), 2 * x.detach())
    assert watched.ran == set(plan.modes)
    if mode == "auto":
        assert plan.modes == (("reverse",) * 2 if recorded or n == 3 else ("forward",))


@pytest.mark.parametrize(("operator", "n", "m"), SHAPES)
@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
def test_jax_runs_the_mode_that_is_explained(
    monkeypatch: pytest.MonkeyPatch, operator: str, n: int, m: int, mode: Any
) -> None:
    pytest.importorskip("jax")
    from diffinterface_jax import transforms

    ran: set[str] = set()

    def note(name: str, kind: str) -> None:
        real = getattr(transforms, name)

        def noting(*args: Any) -> Any:
            ran.add(kind)
            return real(*args)

        monkeypatch.setattr(transforms, name, noting)

    note("pull", "reverse")
    note("linearize", "forward")
    weights, backend = np.ones((n, m)), di.AutoJax(mode=mode)

    def f(x: Any) -> Any:
        return (x @ weights).sum() if operator == "gradient" else x @ weights

    plan = di.explain(operator, f, backend, np.ones(n))
    assert ran == set()
    getattr(di, operator)(f, backend, np.ones(n))
    assert ran == set(plan.modes)


def test_jax_functions_with_a_rule_for_reverse_mode_only() -> None:
    jax = pytest.importorskip("jax")

    @jax.custom_vjp
    def f(x: Any) -> Any:
        return x**2

    f.defvjp(lambda x: (x**2, x), lambda x, t: (2 * x * t,))
    plan = di.explain(di.pushforward, f, "jax", np.ones(3), np.ones(3))
    assert plan.modes == ("reverse", "reverse")


def test_relative_cost_is_of_the_other_mode() -> None:
    pytest.importorskip("jax")
    (forward, reverse) = (
        di.explain(di.jacobian, lambda x: x[:2], di.AutoJax(mode=mode), np.ones(500))
        for mode in ("forward", "reverse")
    )
    assert forward.relative * reverse.relative == pytest.approx(1)
    assert forward.relative > 1 > reverse.relative
    assert (forward.evaluations, reverse.evaluations) == (1 + 1.5 * 500, 1 + 3 * 2)


@pytest.mark.parametrize("has_jvp", [True, False])
def test_a_backward_that_detaches_is_not_pulled_back_twice(has_jvp: bool) -> None:
    """Its second pullback would be zero in silence: the forward rule takes over, or the call raises."""
    torch = pytest.importorskip("torch")

    class Tripled(torch.autograd.Function):
        @staticmethod
        def forward(x: Any) -> Any:
            return 3 * x

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None: ...

        @staticmethod
        def backward(ctx: Any, t: Any) -> Any:
            return 3 * t.detach()

        if has_jvp:

            @staticmethod
            def jvp(ctx: Any, t: Any) -> Any:
                return 3 * t

    x = torch.ones(2, dtype=torch.float64)
    if has_jvp:
        np.testing.assert_allclose(di.pushforward(Tripled.apply, "torch", x, x), 3 * np.ones(2))
    else:
        with pytest.raises((RuntimeError, NotImplementedError), match="jvp"):
            di.pushforward(Tripled.apply, "torch", x, x)


@pytest.mark.parametrize("name", ["tanh", "softplus", "gelu", "silu", "log_softmax", "mish"])
def test_torch_rows_in_one_batch_are_the_rows_one_by_one(name: str) -> None:
    """Against torch's own gradients, row by row, and the outer gradient of their squares."""
    torch = pytest.importorskip("torch")
    activation = getattr(torch.nn.functional, name, None) or getattr(torch, name)
    options = {"dim": -1} if name == "log_softmax" else {}
    w = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(3, 4).requires_grad_()

    def f(x: Any) -> Any:
        return activation(x @ w, **options)

    x = torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64, requires_grad=True)
    want = torch.stack([torch.autograd.grad(y, x, create_graph=True)[0] for y in f(x)])
    got = di.jacobian(f, di.AutoTorch(mode="reverse"), x)
    torch.testing.assert_close(got, want)
    losses = (got**2).sum(), (want**2).sum()
    ours, theirs = (torch.autograd.grad(loss, (x, w)) for loss in losses)
    torch.testing.assert_close(ours, theirs)
