"""The engine past torch's own checks gives what the documented calls give, and gives way to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

torch = pytest.importorskip("torch")
engine = pytest.importorskip("diffinterface_torch.engine")

X = np.linspace(0.2, 1.4, 6).reshape(2, 3)


def f(x: Any) -> Any:
    return torch.tanh(x) * x[0, 1]


def results(make: Any = torch.tensor) -> list[Any]:
    x, t = make(X), make(np.cos(X))
    operators: list[tuple[Any, Any, tuple[Any, ...]]] = [
        (di.gradient, lambda x: f(x).sum(), ()),
        (di.jacobian, f, ()),
        (di.pullback, f, (t,)),
        (di.pushforward, f, (t,)),
        (di.hessian, lambda x: f(x).sum(), ()),
        (di.batched_jacobian, lambda x: torch.sin(x) * x[:, :1], ()),
    ]
    backend = di.AutoTorch(mode="reverse")
    return [operator(g, backend, x, *seeds) for operator, g, seeds in operators]


@pytest.fixture
def documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch without the calls that are no part of its documentation."""
    monkeypatch.setattr(engine, "_RUNS", False)
    monkeypatch.setattr(engine, "_maps", lambda: False)


def test_this_torch_has_them() -> None:
    assert engine._RUNS
    assert engine._maps()


def test_with_and_without(request: pytest.FixtureRequest) -> None:
    fast = results()
    request.getfixturevalue("documented")
    for got, want in zip(fast, results(), strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=0)


def test_an_engine_that_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer is tried, not only its name."""
    monkeypatch.setattr(engine, "_run", lambda y, t, *_, **__: tuple(2 * a for a in t) * 2)
    assert not engine._runs()
    monkeypatch.setattr(engine, "_run", None)
    assert not engine._runs()


def test_unused_arrays_get_zeros() -> None:
    x = {"used": torch.tensor(X), "unused": torch.tensor(X)}
    got = di.jacobian(lambda x: torch.sin(x["used"]), "torch", x)
    assert got["unused"].shape == (2, 3, 2, 3)
    assert not got["unused"].any()
    slope = di.gradient(lambda x: x["used"].sum(), "torch", x)
    assert not slope["unused"].any()
    assert slope["used"].eq(1).all()


def test_hooks_on_saved_tensors() -> None:
    """``save_on_cpu`` cannot be combined with a batch of seeds: they are pulled back one by one."""
    want = results()
    with torch.autograd.graph.save_on_cpu():
        got = results()
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b)


def test_no_level_stays_open_after_an_error() -> None:
    class Refuses(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return 2 * x

        @staticmethod
        def backward(ctx: Any, c: Any) -> Any:
            raise ValueError("no derivative")

    with pytest.raises(ValueError, match="no derivative"):
        di.jacobian(Refuses.apply, di.AutoTorch(mode="reverse"), torch.tensor(X))
    assert torch._C._functorch.peek_interpreter_stack() is None
