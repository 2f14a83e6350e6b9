"""What f captured while another engine tracks it: kept, or refused; never a derivative dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .common import EXACT, INNERS, DifferentiateWith, X, close

#: Engines that compute on the caller's arrays, and so could meet a tracked one unawares.
PLAIN = ("forwarddiff", "finitediff", "complexstep", "autograd")
W = np.array([2.0, -1.0, 0.5])
#: Ours where we meet the tracked value, else the framework's own where it meets NumPy.
REFUSALS = (di.DiffInterfaceError, RuntimeError, TypeError, ValueError)

# NumPy warns where it asks a tensor for its values.
pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")


@pytest.fixture(params=PLAIN)
def plain(request: Any) -> di.ADType:
    adtype = INNERS[request.param].adtype
    if not di.check_available(adtype):
        pytest.skip(f"{adtype} is not installed")
    return adtype


FORMS: dict[str, Callable[[Any, Any], Any]] = {
    "right": lambda x, w: x * w,
    "left": lambda x, w: w * x,
    "alone": lambda x, w: w,
}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@pytest.mark.parametrize("tracked", [True, False], ids=["x too", "x plain"])
@every_form
def test_a_captured_tensor_under_an_engine_of_numpy(
    plain: di.ADType, tracked: bool, form: Any
) -> None:
    torch = pytest.importorskip("torch")
    w = torch.tensor(W, requires_grad=True)
    f = DifferentiateWith(lambda x: form(x, w), plain)
    with pytest.raises(REFUSALS):
        f(torch.tensor(X, requires_grad=tracked))


@every_form
def test_a_captured_tracer_under_an_engine_of_numpy(plain: di.ADType, form: Any) -> None:
    jax = pytest.importorskip("jax")

    def loss(w: Any, x: Any) -> Any:
        return jax.numpy.sum(DifferentiateWith(lambda x: form(x, w), plain)(x))

    w, x = jax.numpy.asarray(W), jax.numpy.asarray(X)
    with pytest.raises(REFUSALS):
        jax.grad(loss, argnums=(0, 1))(w, x)
    with pytest.raises(REFUSALS):
        jax.jit(jax.grad(loss))(w, x)


@every_form
def test_a_captured_tracer_beside_a_plain_x(plain: di.ADType, form: Any) -> None:
    """Nothing is handed over: f runs on what it captured, and JAX differentiates its operations."""
    jax = pytest.importorskip("jax")

    def loss(w: Any) -> Any:
        return jax.numpy.sum(DifferentiateWith(lambda x: form(x, w), plain)(X) ** 2)

    with jax.enable_x64(True):
        w = jax.numpy.asarray(W)
        want = jax.grad(lambda w: jax.numpy.sum(form(X, w) ** 2))(w)
        close(jax.grad(loss)(w), want)
        close(jax.jit(jax.grad(loss))(w), want)


@pytest.mark.parametrize("x_is_boxed", [True, False])
@pytest.mark.parametrize("engine", ["torch", "jax", "forwarddiff", "finitediff", "complexstep"])
def test_a_captured_box(engine: str, x_is_boxed: bool) -> None:
    autograd = pytest.importorskip("autograd")
    adtype = INNERS[engine].adtype
    if not di.check_available(adtype):
        pytest.skip(f"{adtype} is not installed")

    def loss(w: Any) -> Any:
        y = DifferentiateWith(lambda x: x * w, adtype)(w * X if x_is_boxed else X)
        return autograd.numpy.sum(y)

    want = 2 * W * X if x_is_boxed else X
    try:
        got = autograd.grad(loss)(W)
    except REFUSALS:
        return
    close(got, want, 1e-8)


@pytest.mark.parametrize("x_is_dual", [True, False])
@pytest.mark.parametrize("engine", ["torch", "jax", "autograd", "finitediff", "complexstep"])
def test_a_captured_dual(engine: str, x_is_dual: bool) -> None:
    adtype = INNERS[engine].adtype
    if not di.check_available(adtype):
        pytest.skip(f"{adtype} is not installed")

    def loss(w: Any) -> Any:
        return np.sum(DifferentiateWith(lambda x: x * w, adtype)(w * X if x_is_dual else X))

    want = 2 * W * X if x_is_dual else X
    try:
        got = di.gradient(loss, "forwarddiff", W)
    except REFUSALS:
        return
    close(got, want, 1e-8)


def test_captured_weights_of_the_same_framework_keep_their_gradient() -> None:
    """A torch module behind the bridge, called by torch: with a tracked x, and with a plain one."""
    torch = pytest.importorskip("torch")
    w = torch.tensor(W, requires_grad=True)
    f = DifferentiateWith(lambda x: w * x**2, "torch")
    for tracked in (True, False):
        w.grad = None
        x = torch.tensor(X, requires_grad=tracked)
        f(x).sum().backward()
        close(w.grad, X**2)


def test_captured_tracers_of_jax_keep_their_gradient() -> None:
    jax = pytest.importorskip("jax")
    jnp = jax.numpy

    def loss(w: Any, x: Any) -> Any:
        return jnp.sum(DifferentiateWith(lambda x: w * x**2, "jax")(x))

    with jax.enable_x64(True):
        w, x = jnp.asarray(W), jnp.asarray(X)
        close(jax.grad(loss)(w, x), X**2)
        close(jax.grad(loss, argnums=1)(w, x), 2 * W * X)
        close(jax.grad(lambda w: loss(w, x))(w), X**2)
        close(jax.jit(jax.grad(lambda w: loss(w, x)))(w), X**2)


def test_captured_boxes_and_duals_keep_their_gradient() -> None:
    def loss(adtype: di.ADType) -> Any:
        return lambda w: np.sum(DifferentiateWith(lambda x: w * x**2, adtype)(X)) ** 2

    want = 2 * np.sum(W * X**2) * X**2
    close(di.gradient(loss(di.AutoForwardDiff()), "forwarddiff", W), want)
    autograd = pytest.importorskip("autograd")

    def boxed(w: Any) -> Any:
        return autograd.numpy.sum(DifferentiateWith(lambda x: w * x**2, "autograd")(X)) ** 2

    close(autograd.grad(boxed)(W), want)


def test_weights_that_ask_for_gradients_are_numbers_to_another_engine() -> None:
    """JAX asks nothing about torch's parameters: a module as it is serves, and its .grad stays empty."""
    torch, jax = pytest.importorskip("torch"), pytest.importorskip("jax")
    layer = torch.nn.Linear(3, 2).double()
    f = DifferentiateWith(layer, "torch")
    weights = layer.weight.detach().numpy()
    with jax.enable_x64(True):
        x = jax.numpy.asarray(X)
        close(jax.jacrev(f)(x), weights)
        close(jax.jit(jax.jacfwd(f))(x), weights)
        close(f(x), weights @ X + layer.bias.detach().numpy())
    close(f(X), weights @ X + layer.bias.detach().numpy())
    assert layer.weight.grad is None


@pytest.mark.parametrize("engine", EXACT)
def test_a_captured_variable_that_is_rebound(engine: str) -> None:
    """A later call reads it anew, also where the engine had compiled it in."""
    factor = 2.0
    f = EXACT[engine].bridged(lambda x: factor * x**2)
    for value in (2.0, 5.0, 2.0):
        factor = value
        close(di.jacobian(f, "forwarddiff", X), np.diag(2 * value * X))
        if engine != "torch" and di.check_available("torch"):
            close(di.jacobian(f, "torch", X), np.diag(2 * value * X))


def test_rebound_between_a_call_and_its_derivative() -> None:
    """What JAX has not compiled by then would be the derivative of another function: refused."""
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    factor = 2.0
    f = DifferentiateWith(lambda x: factor * jnp.sin(x), "jax")
    x = torch.tensor(X, requires_grad=True)
    y = f(x)
    factor = 5.0
    with pytest.raises(di.NestedDifferentiationError, match="factor: rebound"):
        y.sum().backward()
    f(x).sum().backward()
    close(x.grad, 5.0 * np.cos(X))
    y = f(x)
    factor, x.grad = 3.0, None
    y.sum().backward()  # compiled with 5.0, as y was
    close(x.grad, 5.0 * np.cos(X))


def test_what_f_itself_rebinds_is_no_mismatch() -> None:
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    count = 0

    def f(x: Any) -> Any:
        nonlocal count
        count += 1
        return jnp.sin(x)

    bridged, x = DifferentiateWith(f, "jax"), torch.tensor(X, requires_grad=True)
    for times in (1, 2, 3):
        bridged(x).sum().backward()
        close(x.grad, times * np.cos(X))
    assert count <= 3  # a trace of f, and those of its pullback


def test_tracers_of_two_frameworks_in_one_call() -> None:
    """Each would have to differentiate the call; neither could see the other's part."""
    torch, jax = pytest.importorskip("torch"), pytest.importorskip("jax")
    f = DifferentiateWith(lambda a, b: a * b, "forwarddiff")
    tensor = torch.tensor(X, requires_grad=True)
    for order in (lambda a, b: f(a, b), lambda a, b: f(b, a)):
        with pytest.raises(REFUSALS):
            jax.grad(lambda x, order=order: float(order(x, tensor).sum()))(jax.numpy.asarray(X))


# --- ordinary nested calls -----------------------------------------------------------------------


def squared(y: Any) -> Any:
    return (y * y).sum()


def by_jax(jitted: bool) -> Any:
    def outer(loss: Any) -> Any:
        jax = pytest.importorskip("jax")
        grad = jax.grad(lambda w: squared(loss(w)))
        with jax.enable_x64(True):
            return (jax.jit(grad) if jitted else grad)(jax.numpy.asarray(W))

    return outer


def by_tape(loss: Any) -> Any:
    torch = pytest.importorskip("torch")
    w = torch.tensor(W, requires_grad=True)
    return torch.autograd.grad(squared(loss(w)), w)[0]


def by_torch_func(loss: Any) -> Any:
    torch = pytest.importorskip("torch")
    return torch.func.grad(lambda w: squared(loss(w)))(torch.tensor(W))


def by_torch_jvp(loss: Any) -> Any:
    torch = pytest.importorskip("torch")
    rows = [
        torch.func.jvp(lambda w: squared(loss(w)), (torch.tensor(W),), (torch.tensor(row),))[1]
        for row in np.eye(3)
    ]
    return torch.stack(rows)


def by_autograd(loss: Any) -> Any:
    autograd = pytest.importorskip("autograd")
    return autograd.grad(lambda w: autograd.numpy.sum(loss(w) ** 2))(W)


def by_ours(name: str) -> Any:
    return lambda loss: di.gradient(lambda w: np.sum(loss(w) ** 2), name, W)


#: For each outer engine its name, and the inner engines that compute with what it tracks.
EVERYWHERE = ("forwarddiff", "finitediff", "complexstep")
OUTERS: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "jax.grad": (by_jax(False), "jax", ("jax", *EVERYWHERE)),
    "jax.jit": (by_jax(True), "jax", ("jax", *EVERYWHERE)),
    "tape": (by_tape, "torch", ("torch",)),
    "torch.func.grad": (by_torch_func, "torch", ("torch",)),
    "torch.func.jvp": (by_torch_jvp, "torch", ("torch",)),
    "autograd": (by_autograd, "autograd", ("autograd", *EVERYWHERE)),
    "forwarddiff": (by_ours("forwarddiff"), "forwarddiff", EVERYWHERE),
    "complexstep": (by_ours("complexstep"), "complexstep", EVERYWHERE[:2]),
}
CALLS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "gradient": lambda f, inner, x: di.gradient(lambda x: squared_sum(f, x), inner, x),
    "jacobian": lambda f, inner, x: di.jacobian(f, inner, x).sum(axis=0),
    "prepared": lambda f, inner, x: di.prepare_jacobian(f, inner, x)(x).sum(axis=0),
    "pushforward": lambda f, inner, x: di.pushforward(f, inner, x, x / x),
}


def squared_sum(f: Any, x: Any) -> Any:
    return di.array_namespace(x).sum(f(x))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("inner", INNERS)
@pytest.mark.parametrize("outer", OUTERS)
def test_f_captured_what_an_outer_engine_tracks(outer: str, inner: str, call: str) -> None:
    """Right, or one error that names both engines and the variable; never a silent zero."""
    if not di.check_available(INNERS[inner].adtype):
        pytest.skip(f"{inner} is not installed")
    run, name, right = OUTERS[outer]

    def loss(w: Any) -> Any:
        return CALLS[call](lambda x: x * w, inner, X)

    if inner in right:
        close(run(loss), 2 * W, 1e-8)
        return
    with pytest.raises(di.DiffInterfaceError) as caught:
        run(loss)
    if outer == inner:
        return  # two complex steps, which say so themselves
    assert isinstance(caught.value, di.NestedDifferentiationError)
    assert caught.value.outer == name
    assert caught.value.inner.name == inner
    if inner != "autograd" or name not in ("forwarddiff", "complexstep"):
        assert "f captured 'w'" in str(caught.value)
        assert "Pass it as a context" in str(caught.value) or "Give x as" in str(caught.value)


@pytest.mark.parametrize("inner", EVERYWHERE)
def test_the_remedy_for_engines_that_compute_with_arrays_of_x(inner: str) -> None:
    torch = pytest.importorskip("torch")
    for run in (by_tape, by_torch_func, by_torch_jvp):
        close(
            run(lambda w: di.gradient(lambda x: (x * w).sum(), inner, torch.tensor(X))), 2 * W, 1e-8
        )


@pytest.mark.parametrize("inner", ["torch", "jax", "autograd"])
def test_the_remedy_for_engines_with_arrays_of_their_own(inner: str) -> None:
    for outer, (run, _, _) in OUTERS.items():
        if outer.startswith(inner) or not di.check_available(INNERS[inner].adtype):
            continue
        close(
            run(lambda w: di.gradient(lambda x, w: squared_sum(lambda x: x * w, x), inner, X, w)),
            2 * W,
        )


class Holder:
    def __init__(self, w: Any) -> None:
        self.weights = {"w": [w]}

    def __call__(self, x: Any) -> Any:
        return x @ self.weights["w"][0]


def test_it_is_found_in_attributes_and_helpers() -> None:
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    w = torch.tensor(W, requires_grad=True)
    helper = lambda x: jnp.sum(x * w)  # noqa: E731
    for f, name in ((Holder(w), "Holder"), (lambda x: 2 * helper(x), "w")):
        with pytest.raises(di.NestedDifferentiationError, match=f"captured '{name}'") as caught:
            di.gradient(f, "jax", X)
        assert isinstance(caught.value.__cause__, TypeError)


def test_errors_of_its_own_stay() -> None:
    torch = pytest.importorskip("torch")
    w = torch.tensor(W, requires_grad=True)

    def refusing(x: Any) -> Any:
        if w.requires_grad:
            raise ValueError("no weights")
        return x

    def fewer(x: Any, y: Any) -> Any:
        return x * w

    with pytest.raises(ValueError, match="no weights"):
        di.gradient(refusing, "forwarddiff", X)
    bridged = DifferentiateWith(lambda x: x @ np.ones(2), "forwarddiff")
    with pytest.raises(ValueError, match="matmul"):
        di.gradient(lambda x: bridged(x), "forwarddiff", X)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        di.gradient(fewer, "forwarddiff", X)
