"""What goes wrong inside f, or in how it is called: the caller learns what it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ...outers import JACOBIANS
from .common import EXACT, DifferentiateWith, T, X, close


def _jit(f: Any) -> Any:
    jax = pytest.importorskip("jax")
    return jax.jit(jax.jacfwd(f))(jax.numpy.asarray(X)).block_until_ready()


def _torch(f: Any) -> Any:
    torch = pytest.importorskip("torch")
    x = torch.tensor(X, requires_grad=True)
    y = f(x)
    y = y[0] if isinstance(y, tuple) else y
    return y.sum().backward()


def _whole(name: str) -> Callable[[Any], Any]:
    def jacobian(f: Any) -> Any:
        outer = JACOBIANS[name]()
        return outer.jacobian(f, outer.array(X))

    return jacobian


def _autograd(f: Any) -> Any:
    autograd = pytest.importorskip("autograd")
    return autograd.jacobian(f)(X)


OUTERS: dict[str, Callable[[Any], Any]] = {
    "jax": _whole("jax"),
    "jax.jit": _jit,
    "torch": _torch,
    "torch.func": _whole("torch.func"),
    "autograd": _autograd,
    "duals": _whole("duals"),
}
every_outer = pytest.mark.parametrize("outer", OUTERS.values(), ids=OUTERS)


@pytest.fixture(params=EXACT)
def inner(request: Any) -> di.ADType:
    adtype = EXACT[request.param].adtype
    if not di.check_available(adtype):
        pytest.skip(f"{adtype} is not installed")
    return adtype


@every_outer
def test_an_error_inside_f(outer: Any, inner: di.ADType) -> None:
    """Its message arrives, with a type that a caller can catch."""

    def f(x: Any) -> Any:
        raise ValueError("no model of this name")

    with pytest.raises(Exception, match="no model of this name"):
        outer(DifferentiateWith(f, inner))


def test_an_error_after_the_first_call() -> None:
    """In a compiled JAX program and in a recorded pass of torch: the later call's error arrives too."""
    jax = pytest.importorskip("jax")
    broken = []

    def f(x: Any) -> Any:
        if broken:
            raise ZeroDivisionError("the sensor went away")
        return x**2

    run = jax.jit(jax.grad(lambda x: DifferentiateWith(f, "forwarddiff")(x).sum()))
    x = jax.numpy.asarray(X)
    close(run(x), 2 * X, 1e-6)
    broken.append(True)
    with pytest.raises(Exception, match="the sensor went away"):
        run(x).block_until_ready()
    broken.clear()
    close(run(x), 2 * X, 1e-6)
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(X, requires_grad=True)
    y = DifferentiateWith(f, "forwarddiff")(tensor).sum()
    broken.append(True)
    with pytest.raises(ZeroDivisionError, match="the sensor went away"):
        y.backward()
    assert tensor.grad is None


@every_outer
@pytest.mark.parametrize(
    ("result", "words"),
    [
        (lambda x: None, "return"),
        (lambda x: "text", "str"),
        (lambda x: np.arange(3), "int"),
        (lambda x: (x, np.arange(3)), "int"),
        (lambda x: (), "empty tuple"),
    ],
    ids=["None", "text", "integers", "integers beside floats", "nothing"],
)
def test_outputs_that_have_no_derivative(outer: Any, result: Any, words: str) -> None:
    with pytest.raises(Exception, match=words) as caught:
        outer(DifferentiateWith(result, "forwarddiff"))
    if outer is not _jit:
        assert isinstance(caught.value, di.OutputError)


@every_outer
def test_a_structure_that_depends_on_the_call(outer: Any) -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        return x**2 if len(calls) == 1 else (x**2, x)

    with pytest.raises(Exception, match="structure"):
        outer(DifferentiateWith(f, "forwarddiff"))


def test_calls_without_any_input_to_differentiate(inner: di.ADType) -> None:
    """Numbers and integers are constants: f is called as it is, or the call is refused in words."""
    f = DifferentiateWith(lambda x: x * 2, inner)
    torch = pytest.importorskip("torch")
    for x in (torch.arange(3), np.arange(3), 2, 2.5):
        try:
            y = f(x)
        except di.InputError as error:
            assert "floating" in str(error)  # noqa: PT017 - either outcome is right
        else:
            close(y, 2 * np.asarray(x))


def test_arguments_of_f_that_are_wrong() -> None:
    f = DifferentiateWith(lambda a, b: a * b, "forwarddiff")
    for outer in (OUTERS[name] for name in OUTERS if name != "jax.jit"):
        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            outer(lambda x: f(x))


def test_what_cannot_be_built() -> None:
    with pytest.raises(di.InputError, match="callable"):
        DifferentiateWith(3, "forwarddiff")  # type: ignore[arg-type]
    with pytest.raises(di.UnknownBackendError, match="no_such_engine"):
        DifferentiateWith(lambda x: x, "no_such_engine")(X)
    assert "AutoTorch" in repr(DifferentiateWith(np.sin, "torch"))


@every_outer
def test_an_engine_that_is_told_not_to_differentiate(outer: Any) -> None:
    """`NoAutoDiff` behind the bridge is an error under every engine, and not a zero."""
    with pytest.raises(Exception, match="NoAutoDiff"):
        outer(DifferentiateWith(lambda x: x**2, di.NoAutoDiff()))


def test_a_second_order_that_the_engine_cannot_give() -> None:
    """A complex step of a complex step: an error or the truth, in each outer engine."""
    f = DifferentiateWith(lambda x: x**3, "complexstep")
    jax, torch = pytest.importorskip("jax"), pytest.importorskip("torch")
    autograd = pytest.importorskip("autograd")
    with jax.enable_x64(True):
        for hessian in (
            lambda: jax.hessian(lambda x: f(x).sum())(jax.numpy.asarray(X)),
            lambda: torch.func.hessian(lambda x: f(x).sum())(torch.tensor(X)),
            lambda: autograd.hessian(lambda x: autograd.numpy.sum(f(x)))(X),
            lambda: di.hessian(lambda x: np.sum(f(x)), "forwarddiff", X),
        ):
            try:
                got = hessian()
            except di.DiffInterfaceError:
                continue
            close(got, np.diag(6 * X), 1e-6)


def test_tangents_of_the_wrong_shape_never_pass() -> None:
    f = DifferentiateWith(lambda x: x**2, "forwarddiff")
    torch, jax = pytest.importorskip("torch"), pytest.importorskip("jax")
    with pytest.raises((RuntimeError, ValueError)):
        torch.func.jvp(f, (torch.tensor(X),), (torch.tensor(T[:2]),))
    with pytest.raises((TypeError, ValueError)):
        jax.jvp(f, (jax.numpy.asarray(X),), (jax.numpy.asarray(T[:2]),))
