"""Normalisations, which torch differentiates wrong the third time: ours are right, late ones too."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .cube import Cube

torch = pytest.importorskip("torch")
functional = torch.nn.functional

RNG = np.random.default_rng(0)
X, T = (torch.tensor(RNG.standard_normal((4, 3))) for _ in range(2))
W = RNG.standard_normal((3, 3))

Norm = Callable[[Any], Any]


def _by_hand(axes: tuple[int, ...]) -> Norm:
    """From elementary operations, which torch differentiates right any number of times."""

    def norm(x: Any) -> Any:
        centred = x - x.mean(axes, keepdim=True)
        return centred * (centred.square().mean(axes, keepdim=True) + 1e-5).rsqrt()

    return norm


NORMS: dict[str, tuple[Norm, Norm]] = {
    "layer": (lambda x: functional.layer_norm(x, (3,)), _by_hand((1,))),
    "torch.layer": (lambda x: torch.layer_norm(x, (3,)), _by_hand((1,))),
    "batch": (lambda x: functional.batch_norm(x, None, None, training=True), _by_hand((0,))),
    "instance": (lambda x: functional.instance_norm(x[:, None])[:, 0], _by_hand((1,))),
}


class Switched:
    """A network that normalises, or squares, as `norm` says at the time."""

    def __init__(self, w: Any) -> None:
        self.w, self.norm = w, torch.square

    def __call__(self, x: Any) -> Any:
        return torch.tanh(self.norm(x @ self.w))

    def scalar(self, x: Any) -> Any:
        return (self(x) ** 3).sum()


OPERATORS: dict[str, tuple[Any, str, tuple[Any, ...]]] = {
    "pushforward": (di.prepare_pushforward, "__call__", (T,)),
    "hvp": (di.prepare_hvp, "scalar", (T,)),
    "gradient": (di.prepare_gradient, "scalar", ()),
    "hessian": (di.prepare_hessian, "scalar", ()),
}


def outer(net: Switched, prep: Any, seeds: tuple[Any, ...]) -> Any:
    """The gradient, by what f captured, of a loss that holds the prepared derivative."""
    return torch.autograd.grad((prep(X, *seeds) ** 2).sum(), net.w)[0]


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("warm", [0, 3])
def test_a_normalisation_that_comes_late(name: str, operator: str, warm: int) -> None:
    """Control flow may reach one only after calls that met none."""
    prepare, method, seeds = OPERATORS[operator]
    nets = [Switched(torch.tensor(W, requires_grad=True)) for _ in range(2)]
    mode = di.AutoTorch(mode="reverse")
    preps = [prepare(getattr(net, method), mode, X, *seeds) for net in nets]

    def both() -> list[Any]:
        return [outer(net, prep, seeds) for net, prep in zip(nets, preps, strict=True)]

    for _ in range(warm):
        torch.testing.assert_close(*both())
    for net, norm in zip(nets, NORMS[name], strict=True):
        net.norm = norm
    for _ in range(2):
        torch.testing.assert_close(*both(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("operator", ["pushforward", "hvp", "hessian"])
def test_nothing_is_kept_after_a_call(operator: str) -> None:
    """Parameters die with their function, without the help of the garbage collector."""
    operate, method, seeds = getattr(di, operator), OPERATORS[operator][1], OPERATORS[operator][2]
    gc.collect()
    gc.disable()
    try:
        for norm in (torch.square, NORMS["layer"][0]):
            net = Switched(torch.tensor(W, requires_grad=True))
            net.norm = norm
            f = getattr(net, method)
            (operate(lambda x, f=f: f(x), "torch", X, *seeds) ** 2).sum().backward()
            alive = weakref.ref(net)
            del net, f
            assert alive() is None
    finally:
        gc.enable()


def test_forward_mode_of_torch_inside_f() -> None:
    """Each call as the first one: nothing is learnt from it."""
    x, jvp = torch.tensor([0.3, 0.7, 1.1], dtype=torch.float64), torch.func.jvp
    one = torch.ones_like(x)

    def six_x(x: Any) -> Any:
        return jvp(lambda y: jvp(Cube.apply, (y,), (one,))[1], (x,), (one,))[1]

    prep = di.prepare_pushforward(six_x, "torch", x, one)
    for _ in range(3):
        torch.testing.assert_close(prep(x, one), 6 * one)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("called", [False, True])
def test_a_normalisation_inside_a_transform_of_f(first: int, called: bool) -> None:
    v, z = X[0], X[1]

    def g(x: Any, flag: int, norm: Norm) -> Any:
        inner = torch.func.jvp(lambda q: norm(q[None])[0], (x,), (v,))[1]
        return (inner**2).sum() if flag else (x**2).sum()

    results = []
    for norm in NORMS["layer"]:
        prep = di.prepare_hessian(g, "torch", z, first, di.Static(norm))
        if called:
            prep(z, first, di.Static(norm))
        hessian = prep(z, 1, di.Static(norm))
        slope = di.prepare_gradient(g, "torch", z, 1, di.Static(norm))
        if called:
            slope(z, 1, di.Static(norm))
        nested = di.jacobian(lambda q, slope=slope, n=norm: slope(q, 1, di.Static(n)), "torch", z)
        results.append((hessian, nested))
    for got, want in zip(*results, strict=True):
        torch.testing.assert_close(got, want)


def _statically(x: Any, layer: Any) -> Any:
    return torch.tanh(layer(x @ torch.tensor(W)))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: getattr(torch, "layer_norm")(x, (3,)),  # noqa: B009 - the very case
        lambda x: functional.layer_norm(x, (3,)),
        torch.nn.LayerNorm(3).double(),
        NORMS["batch"][0],
    ],
)
def test_what_is_not_plain(f: Any) -> None:
    repairs = pytest.importorskip("diffinterface_torch.repairs")
    functions = pytest.importorskip("diffinterface.engine.function")
    leaf = pytest.importorskip("diffinterface.arrays.trees").LEAF
    assert repairs._plain(functions.Function(f, None, leaf)) is None
    assert repairs._plain(functions.Function(lambda x: torch.tanh(x) * 2, None, leaf))()


def test_a_layer_that_comes_as_a_context() -> None:
    results = []
    for norm in NORMS["layer"]:
        t = T.clone().requires_grad_()
        pushed = di.pushforward(_statically, di.AutoTorch(mode="reverse"), X, t, di.Static(norm))
        slope = di.gradient(
            lambda x, norm=norm: (di.hvp(_cubed, "torch", x, T, di.Static(norm)) ** 2).sum(),
            "torch",
            X,
        )
        results.append((pushed.detach(), slope))
    for got, want in zip(*results, strict=True):
        torch.testing.assert_close(got, want)


def _cubed(x: Any, layer: Any) -> Any:
    return (_statically(x, layer) ** 3).sum()


def test_running_statistics_advance_once() -> None:
    mean, var = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    calls = []

    def f(z: Any) -> Any:
        calls.append(1)
        return (functional.batch_norm(z, mean, var, training=True, momentum=0.5) ** 3).sum()

    prep = di.prepare_gradient(f, "torch", X)
    prep(X)
    mean.zero_()
    calls.clear()
    di.gradient(lambda z: (prep(z) * z).sum(), "torch", X)
    assert len(calls) == 1
    torch.testing.assert_close(mean, X.mean(0) / 2)


def test_torch_itself_is_wrong() -> None:
    """The reason for all this; if it ever passes, the repairs can go."""
    results = []
    for norm in NORMS["layer"]:
        w = torch.tensor(W, requires_grad=True)
        x = X.clone().requires_grad_()
        y = torch.tanh(norm(x @ w))
        seed = torch.ones_like(y, requires_grad=True)
        (pulled,) = torch.autograd.grad(y, x, seed, create_graph=True)
        (pushed,) = torch.autograd.grad(pulled, seed, T, create_graph=True)
        results.append(torch.autograd.grad((pushed**2).sum(), w)[0])
    assert not torch.allclose(*results)


def test_a_repaired_function_goes_with_the_caller() -> None:
    def used() -> weakref.ref[Any]:
        class Cube(torch.autograd.Function):
            generate_vmap_rule = True

            @staticmethod
            def forward(x: Any) -> Any:
                return x**3

            @staticmethod
            def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
                ctx.save_for_forward(*inputs)
                ctx.save_for_backward(*inputs)

            @staticmethod
            def jvp(ctx: Any, t: Any) -> Any:
                return 3 * ctx.saved_tensors[0] ** 2 * t

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return 3 * ctx.saved_tensors[0] ** 2 * g

        x = torch.tensor([1.0, 2.0], dtype=torch.float64)
        hessian = di.hessian(lambda x: Cube.apply(x).sum(), "torch(mode='forward')", x)
        assert hessian.tolist() == [[6.0, 0.0], [0.0, 12.0]]
        return weakref.ref(Cube)

    cube = used()
    gc.collect()
    assert cube() is None
