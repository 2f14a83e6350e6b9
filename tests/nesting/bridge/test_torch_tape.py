"""What users of torch's tape do beside asking for a gradient: bridged functions take part in it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .common import EXACT, INNERS, Inner, T, X, close, every_inner, exact_inner, model

torch = pytest.importorskip("torch")

FORWARD = INNERS["forwarddiff"]


def _leaf(values: Any = X) -> Any:
    return torch.tensor(values, requires_grad=True)


@every_inner
def test_nothing_is_recorded_where_nothing_is_tracked(inner: Inner) -> None:
    f = inner.bridged(model)
    y = f(torch.tensor(X))
    assert isinstance(y, torch.Tensor)
    assert not y.requires_grad
    with torch.no_grad():
        assert not f(_leaf()).requires_grad
    with torch.inference_mode():
        close(f(torch.tensor(X)), y)
    close(f(_leaf().detach()), y)
    assert f(_leaf()).requires_grad


@exact_inner
def test_gradients_accumulate_in_parameters(inner: Inner) -> None:
    """A bridged layer between two of torch: ``.backward()`` twice, an optimizer's step, again."""
    torch.manual_seed(0)
    layers = torch.nn.ModuleList([torch.nn.Linear(3, 3), torch.nn.Linear(2, 1)]).double()
    x = torch.tensor(X)

    def gradients(f: Any, passes: int) -> Any:
        layers.zero_grad()
        for _ in range(passes):
            layers[1](f(layers[0](x))).sum().backward()
        return [p.grad.clone() for p in layers.parameters()]

    f = inner.bridged(model)
    for passes in (1, 2):
        for got, want in zip(gradients(f, passes), gradients(model, passes), strict=True):
            close(got, want)
    optimizer = torch.optim.SGD(layers.parameters(), lr=0.1)
    optimizer.step()
    for got, want in zip(gradients(f, 1), gradients(model, 1), strict=True):
        close(got, want)


@exact_inner
def test_a_graph_is_kept_or_freed_as_asked(inner: Inner) -> None:
    f = inner.bridged(lambda x: x**3)
    x = _leaf()
    y = f(x).sum()
    for times in (1, 2):
        y.backward(retain_graph=True)
        close(x.grad, times * 3 * X**2)
    assert not x.grad.requires_grad
    y.backward()
    if inner is not INNERS["torch"]:
        with pytest.raises(RuntimeError, match="second time"):
            y.backward()


def test_some_inputs_are_tracked() -> None:
    """The gradient goes to those that ask for it, and a constant's place stays empty."""
    f = FORWARD.bridged(lambda a, b, n: a**2 * b**3 * n)
    a, b = _leaf(), torch.tensor(2 * X)
    n = torch.tensor([1, 2, 3])
    f(a, b, n).sum().backward()
    close(a.grad, 2 * X * (2 * X) ** 3 * np.array([1, 2, 3]))
    assert b.grad is None
    close(
        torch.func.grad(lambda b: f(a.detach(), b, n).sum())(b), 3 * X**2 * (2 * X) ** 2 * [1, 2, 3]
    )
    both = torch.func.jacrev(f, argnums=(0, 1))(a.detach(), b, n)
    close(both[0], np.diag(2 * X * (2 * X) ** 3 * [1, 2, 3]))
    close(both[1], np.diag(3 * X**2 * (2 * X) ** 2 * [1, 2, 3]))


def test_an_unused_input_has_a_gradient_of_zero() -> None:
    f = FORWARD.bridged(lambda a, b: (a**2, b * 0 + 1.0))
    a, b = _leaf(), _leaf(2 * X)
    first, second = f(a, b)
    close(torch.autograd.grad(first.sum(), b, retain_graph=True, materialize_grads=True)[0], 0 * X)
    close(torch.autograd.grad(second.sum(), a, materialize_grads=True)[0], 0 * X)


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoint(reentrant: bool) -> None:
    from torch.utils.checkpoint import checkpoint

    f = FORWARD.bridged(model)
    x, twin = _leaf(), _leaf()
    (checkpoint(lambda x: f(torch.sin(x)), x, use_reentrant=reentrant) ** 2).sum().backward()
    (model(torch.sin(twin)) ** 2).sum().backward()
    close(x.grad, twin.grad)


def test_hooks_and_retained_gradients() -> None:
    f = FORWARD.bridged(lambda x: x**3)
    x = _leaf()
    y = f(x)
    y.retain_grad()
    x.register_hook(lambda g: 2 * g)
    (y**2).sum().backward()
    close(y.grad, 2 * X**3)
    close(x.grad, 2 * 6 * X**5)


def test_writing_into_an_input_or_an_output_afterwards() -> None:
    """As for torch's own functions: the input's write is noticed, the output's does no harm."""
    f = FORWARD.bridged(lambda x: x**3)
    x = _leaf()
    y = f(x)
    y += 1.0
    y.sum().backward()
    close(x.grad, 3 * X**2)
    kept = (x * 1.0).requires_grad_()
    y = f(kept)
    with torch.no_grad():
        kept += 1.0
    with pytest.raises(RuntimeError, match="inplace operation"):
        y.sum().backward()


def test_gradcheck() -> None:
    """Torch's own check by finite differences, of first and second order and in batches."""
    f = FORWARD.bridged(model)
    assert torch.autograd.gradcheck(f, (_leaf(),), check_forward_ad=True, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(f, (_leaf(),), check_fwd_over_rev=True)


def test_views_conjugates_and_strides() -> None:
    """What torch stores lazily reaches f as the values that it stands for."""
    f = FORWARD.bridged(lambda x: x**2)
    x = torch.arange(6.0, dtype=torch.float64).reshape(2, 3)
    for view in (x.T, x[:, ::2], x.expand(2, 2, 3), x.flip(0), torch._neg_view(x)):
        close(f(view.clone().requires_grad_()), numbers_of(view) ** 2)
        close(f(view), numbers_of(view) ** 2)
    z = torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex128)
    close(f(z.conj()), np.array([1 - 2j, 3 + 1j]) ** 2)
    close(f(z.conj().clone().requires_grad_()), np.array([1 - 2j, 3 + 1j]) ** 2)


def numbers_of(tensor: Any) -> Any:
    return tensor.detach().resolve_neg().resolve_conj().contiguous().numpy()


@exact_inner
def test_a_scalar_brings_its_gradient_along(inner: Inner) -> None:
    """One evaluation of f a step, forward and backward; the orders above it are as right."""
    calls = []

    def loss(x: Any, n: Any) -> Any:
        calls.append(1)
        return n * (x**3).sum()

    f, n = inner.bridged(loss), torch.tensor(2)
    for step in range(4):
        x = _leaf((step + 1) * X)
        point = numbers_of(x)
        calls.clear()
        f(x, n).backward()
        # The first step finds out that f is scalar; without reverse mode a gradient waits for backward.
        assert len(calls) <= (4 if not step else 2 if inner is FORWARD else 1)
        close(x.grad, 6 * point**2)
        y = f(x, n)
        first = torch.autograd.grad(torch.sin(y), x, create_graph=True)[0]
        second = torch.autograd.grad(first.sum(), x, retain_graph=True)[0]
        total, slope = 2 * np.sum(point**3), 6 * point**2
        close(first, np.cos(total) * slope)
        want = -np.sin(total) * slope * slope.sum() + np.cos(total) * 12 * point
        close(second, want, 1e-11)
        rows = torch.autograd.grad(f(x, n), x, torch.tensor([1.0, -2.0]), is_grads_batched=True)[0]
        close(rows, np.stack([slope, -2 * slope]))
    x = _leaf()
    assert torch.autograd.gradcheck(lambda x: f(x, n), (x,), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(lambda x: f(x, n), (x,))
    y = f(x, n)
    y.backward()
    if inner is not INNERS["torch"]:
        with pytest.raises(RuntimeError, match="second time"):
            y.backward()


def test_batched_gradients_take_one_call() -> None:
    """``is_grads_batched`` and ``vectorize=True`` run on an older vmap of torch than ``torch.func``."""
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return model(x)

    bridged = INNERS["autograd"].bridged(f)
    x = _leaf()
    y = bridged(x)
    del calls[:]
    rows = torch.autograd.grad(y, x, torch.eye(2, dtype=y.dtype), is_grads_batched=True)[0]
    assert len(calls) <= 2  # the pullback of both rows, and the plan for it
    close(rows, torch.func.jacrev(model)(torch.tensor(X)))


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
@exact_inner
def test_vectorized_functional(inner: Inner, strategy: str) -> None:
    functional = torch.autograd.functional
    f, x = inner.bridged(model), torch.tensor(X)
    options = {"vectorize": True, "strategy": strategy}
    close(functional.jacobian(f, x, **options), functional.jacobian(model, x))

    def scalar(f: Any) -> Any:
        return lambda x: (f(torch.sin(x)) ** 2).sum()

    want = functional.hessian(scalar(model), x)
    close(functional.hessian(scalar(f), x, vectorize=True), want, 1e-11)
    if strategy == "forward-mode":
        got = functional.hessian(scalar(f), x, vectorize=True, outer_jacobian_strategy=strategy)
        close(got, want, 1e-11)


# --- forward mode --------------------------------------------------------------------------------


def _along(f: Any) -> Any:
    return lambda x: torch.func.jvp(f, (x,), (torch.tensor(T),))[1]


def _at_a_level(inside: Any) -> Any:
    """An operator whose argument is a dual tensor: the tangent of what it gives."""

    def run(f: Any, x: Any) -> Any:
        forward = torch.autograd.forward_ad
        with forward.dual_level():
            return forward.unpack_dual(inside(f, forward.make_dual(x, torch.tensor(T)))).tangent

    return run


def _scalar(f: Any) -> Any:
    return lambda x: (f(x) ** 2).sum()


def _tape_inside(f: Any, x: Any) -> Any:
    x = x + torch.zeros_like(x, requires_grad=True)
    return torch.autograd.grad(_scalar(f)(x), x, create_graph=True)[0]


def _captured_level(f: Any, x: Any) -> Any:
    """The inner direction meets the outer one in what it captured."""
    return _along(lambda a: _along(lambda b: f(a * b))(x))(x)


MIXED: dict[str, Any] = {
    "grad at a level": _at_a_level(lambda f, x: torch.func.grad(_scalar(f))(x)),
    "tape at a level": _at_a_level(_tape_inside),
    "vmap at a level": _at_a_level(lambda f, x: torch.func.vmap(f)(torch.stack([x, -x]))),
    "jvp at a level": _at_a_level(lambda f, x: _along(f)(x)),
    "level in jvp": lambda f, x: _along(lambda x: _at_a_level(lambda f, x: f(x))(f, x))(x),
    "captured in jvp of jvp": _captured_level,
}


@pytest.mark.parametrize("op", MIXED.values(), ids=MIXED)
@pytest.mark.parametrize("engine", ["jax", "autograd", "forwarddiff"])
def test_modes_in_each_other(engine: str, op: Any) -> None:
    """Right, or refused as torch refuses its own; never a tangent of zero."""
    x = torch.tensor(X)
    try:
        want = op(model, x)
    except RuntimeError as error:
        with pytest.raises(RuntimeError, match=str(error)):
            op(EXACT[engine].bridged(model), x)
    else:
        close(op(EXACT[engine].bridged(model), x), want, 1e-11)


def test_a_tensor_left_of_a_transform() -> None:
    """Torch unwraps what an ended transform wrapped; what it depends on keeps its derivative."""
    kept: list[Any] = []
    weight = torch.tensor(T, requires_grad=True)

    def f(x: Any) -> Any:
        kept.append(x * weight)
        return kept[-1].sum()

    torch.func.grad(f)(torch.tensor(X))
    bridged = FORWARD.bridged(lambda x: (x**2).sum())
    (got,) = torch.autograd.grad(bridged(kept[0]), weight)
    close(got, 2 * T * X**2)


# --- graphs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{}, {"pre_dispatch": True}, {"tracing_mode": "symbolic"}], ids=str
)
@pytest.mark.parametrize("tracked", [False, True])
def test_a_graph_holds_no_numbers(options: dict[str, Any], tracked: bool) -> None:
    """`make_fx` would replay the values of its one call at every x: refused, nobody tracking or not."""
    make_fx = import_module("torch.fx.experimental.proxy_tensor").make_fx
    x = torch.tensor(X, requires_grad=tracked)
    bridged = FORWARD.bridged(model)
    calls: list[Callable[[Any], Any]] = [bridged]
    if not tracked and di.check_available("autograd"):
        calls.append(lambda x: di.jacobian(model, "autograd", x))
    for call in calls:
        call(x)
        with pytest.raises(di.NestedDifferentiationError, match="keep this call's numbers"):
            make_fx(call, **options)(x)


# --- torch.compile -------------------------------------------------------------------------------

# Torch's own, from importing its compiler, and from its look at a tensor that is no leaf.
compiler = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore:The .grad attribute of a Tensor:UserWarning"
)


def _compiled(f: Any, **options: Any) -> tuple[Any, Any]:
    """A loss around f as it is, and compiled as far as the code generator."""

    def loss(x: Any) -> Any:
        return (f(torch.sin(x)) ** 2).sum() * 2

    torch._dynamo.reset()
    return loss, torch.compile(loss, backend="eager", **options)


@compiler
@pytest.mark.parametrize("engine", [name for name in EXACT if name != "torch"])
def test_compiled_around(engine: str) -> None:
    """`torch.compile` breaks its graph at the bridge: values and gradients are those without it."""
    _, compiled = _compiled(EXACT[engine].bridged(model))
    loss, _ = _compiled(model)
    for scale in (1.0, -0.5):
        x, twin = _leaf(scale * X), _leaf(scale * X)
        y = compiled(x)
        y.backward()
        loss(twin).backward()
        close(y, loss(twin))
        close(x.grad, twin.grad)


@compiler
def test_the_graph_break_tells_its_reason() -> None:
    """Dynamo never traces into the bridge, and says so to who asked for one whole graph."""
    loss, whole = _compiled(FORWARD.bridged(model), fullgraph=True)
    with pytest.raises(
        torch._dynamo.exc.Unsupported, match="hands its arguments to another engine"
    ):
        whole(_leaf())
    torch._dynamo.reset()
    explained = torch._dynamo.explain(loss)(_leaf())
    reasons = [str(reason.reason) for reason in explained.break_reasons]
    assert reasons
    assert all("hands its arguments to another engine" in reason for reason in reasons[1:])


def test_a_prepared_operator_around() -> None:
    f = FORWARD.bridged(model)
    prep = di.prepare_jacobian(f, "torch", torch.tensor(X))
    for point in (X, 2 * X):
        close(prep(torch.tensor(point)), torch.func.jacrev(model)(torch.tensor(point)))
