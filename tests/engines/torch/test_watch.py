"""Python numbers taken from x inside f: a term would be lost, so they are refused."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .common import close, every_mode

torch = pytest.importorskip("torch")

X = np.array([2.0, 3.0])

# Torch's own words, once a process, where the number is one of a constant.
torch_warns = pytest.mark.filterwarnings(
    "ignore:Converting a tensor with requires_grad:UserWarning"
)

LOSING = {
    "float()": lambda x: float(x[0]) * x[1],
    "math": lambda x: math.sin(x[0]) * x[1],
    "item()": lambda x: x[0].item() * x[1],
    "tolist()": lambda x: x.tolist()[0] * x[1],
    "torch.tensor()": lambda x: (torch.tensor([x[0], x[1]]) * x).sum(),
    "torch.as_tensor()": lambda x: (torch.as_tensor([x[0] ** 2, 1.0]) * x).sum(),
    "later": lambda x: x.sum() * float((x**2).sum()),
}


@every_mode
@pytest.mark.parametrize("name", LOSING)
def test_numbers_of_x_are_refused(backend: di.ADType, name: str) -> None:
    f, x = LOSING[name], torch.tensor(X)
    match = {"math": r"float\(\)", "later": r"float\(\)"}.get(name, name.replace("()", r"\(\)"))
    for call in (
        lambda: di.gradient(f, backend, x),
        lambda: di.gradient(f, backend, X),
        lambda: di.prepare_gradient(f, backend, x)(x),
        lambda: di.pullback(f, backend, x, torch.tensor(1.0)),
        lambda: di.pushforward(f, backend, x, x),
        lambda: di.jacobian(f, backend, x),
        lambda: di.hvp(f, backend, x, x),
        lambda: di.hessian(f, backend, x),
    ):
        with pytest.raises(di.OutputError, match=f"f called {match} on a tensor that depends on x"):
            call()


def test_it_stays_refused() -> None:
    x = torch.tensor(X)
    prep = di.prepare_gradient(LOSING["float()"], "torch", x)
    for _ in range(3):
        with pytest.raises(di.OutputError):
            prep(x)


@torch_warns
@every_mode
def test_numbers_of_constants_are_welcome(backend: di.ADType) -> None:
    """What does not depend on x, what is detached, and what only decides or is shown."""
    scale, x = torch.nn.Parameter(torch.tensor(3.0, dtype=torch.float64)), torch.tensor(X)
    seen = []

    def f(x: Any) -> Any:
        seen.append(f"{x[0]:.1f} {x.detach()[0].item()}")
        with torch.no_grad():
            seen.append(float(x[1]))
        factor = float(scale) * torch.tensor([1.0, 2.0], dtype=torch.float64)
        return (factor * x).sum() if x[0] > 0 else x.sum()

    close(di.gradient(f, backend, x), [3.0, 6.0])
    assert seen[:2] == ["2.0 2.0", 3.0]


def test_compiled_functions_are_watched_before_they_are_compiled() -> None:
    with pytest.raises(di.OutputError, match=r"float\(\)"):
        di.prepare_gradient(LOSING["float()"], di.AutoTorch(compile=True), torch.tensor(X))


@torch_warns
def test_inside_an_outer_tape() -> None:
    """A tracked x: the numbers are refused, and a number of another tracked tensor is not ours."""
    x = torch.tensor(X, requires_grad=True)
    with pytest.raises(di.OutputError):
        di.gradient(LOSING["float()"], "torch", x * 1.0)
    other = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    got = di.gradient(lambda x: float(other) * (x**2).sum(), "torch", x)
    close(got, 4 * X)


def test_threads_watch_for_themselves() -> None:
    """One thread's watch does not see another's conversions."""
    stop, errors = threading.Event(), []

    def convert() -> None:
        mine = torch.tensor(X, requires_grad=True)
        try:
            while not stop.is_set():
                mine.sum().item()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=convert)
    thread.start()
    try:
        for _ in range(50):
            close(di.gradient(lambda x: (x**2).sum(), "torch", torch.tensor(X)), 2 * X)
    finally:
        stop.set()
        thread.join()
    assert not errors
