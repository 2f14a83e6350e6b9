"""NumPy arrays that f captured, beside arrays of another framework: right or refused, never wrong."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .common import INNERS, Inner, T, X, close, every_inner

torch = pytest.importorskip("torch")

W = np.array([1.5, -0.5, 2.0])
#: A function of x with the constant W, and its derivative along T.
FORMS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "W * x": (lambda x: W * x, W * T),
    "x * W": (lambda x: x * W, W * T),
    "W - x": (lambda x: W - x, -T),
    "x + W": (lambda x: x + W, T),
    "x / W": (lambda x: x / W, T / W),
    "W @ x": (lambda x: W @ x, np.sum(W * T)),
    "x @ W": (lambda x: x @ W, np.sum(W * T)),
    "exp(x * W)": (lambda x: di.array_namespace(x).exp(x * W), np.exp(W * X) * W * T),
    "np.exp(x)": (lambda x: np.exp(x), np.exp(X) * T),
    "W[1] * x": (lambda x: W[1] * x, W[1] * T),
    "sum(W * x)": (lambda x: di.array_namespace(x).sum(W * x), np.sum(W * T)),
    "where": (lambda x: di.array_namespace(x).where(W > 0, x, W), np.where(W > 0, T, 0.0)),
    "assigned": (lambda x: _assigned(x), np.array([T[0], 0.0, T[2]])),
}


def _assigned(x: Any) -> Any:
    y = W.copy()
    y[0], y[2] = x[0], x[2]
    return y


def _right_or_refused(op: Callable[[], Any], want: Any) -> None:
    """As a user meets it, whose warnings are no errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            got = op()
        except (TypeError, RuntimeError, AttributeError, ValueError):
            return
    close(got, want, 1e-7)


@every_inner
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("operator", ["pushforward", "gradient"])
def test_beside_tensors(inner: Inner, form: str, operator: str) -> None:
    """The caller has tensors, and f a NumPy constant: some products torch refuses, by any engine."""
    if not di.check_available(inner.adtype):
        pytest.skip(f"{inner.adtype} is not installed")
    f, want = FORMS[form]
    x, t = torch.tensor(X), torch.tensor(T)
    if operator == "pushforward":
        _right_or_refused(lambda: di.pushforward(f, inner.adtype, x, t), want)
        return

    def along(s: Any) -> Any:
        return di.array_namespace(s).sum(f(x + s * t))

    s = torch.tensor(0.0, dtype=torch.float64)
    _right_or_refused(lambda: di.gradient(along, inner.adtype, s), np.sum(want))


@every_inner
@pytest.mark.parametrize("form", sorted(set(FORMS) - {"np.exp(x)", "assigned", "where"}))
def test_inside_a_bridge(inner: Inner, form: str) -> None:
    """F gets its engine's arrays, so that what goes there goes inside a loss of torch too."""
    f, want = FORMS[form]
    bridged = inner.bridged(f)
    x, t = torch.tensor(X, requires_grad=True), torch.tensor(T)

    def slope() -> Any:
        return torch.autograd.grad(bridged(x).sum(), x)[0] @ t

    if inner is INNERS["torch"]:
        _right_or_refused(slope, np.sum(want))
        return
    close(slope(), np.sum(want), inner.tolerance(1))
    close(torch.func.jvp(bridged, (x.detach(),), (t,))[1], want, inner.tolerance(1))


@every_inner
@pytest.mark.parametrize("form", ["np.exp(x)", "assigned", "where"])
def test_numpy_functions_inside_a_bridge(inner: Inner, form: str) -> None:
    f, want = FORMS[form]
    bridged = inner.bridged(f)
    x, t = torch.tensor(X, requires_grad=True), torch.tensor(T)
    _right_or_refused(lambda: torch.autograd.grad(bridged(x).sum(), x)[0] @ t, np.sum(want))


def test_torch_behind_a_bridge_of_jax() -> None:
    """NumPy times a tensor is torch's own error there; converted, it is right."""
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        x = jax.numpy.asarray(X)
        refused = di.DifferentiateWith(lambda x: (W * x).sum(), "torch")
        with pytest.raises(TypeError, match="numpy"):
            jax.grad(refused)(x)
        taken = di.DifferentiateWith(lambda x: (torch.asarray(W) * x).sum(), "torch")
        close(jax.grad(taken)(x), W)
