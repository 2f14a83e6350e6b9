"""``AutoTorch(compile=True)``: compiled code answers for f as it is now.

All but one test stop before the code generator, which needs a C++ compiler and half a minute: what
may go stale is decided before it.
"""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ..jax.cubic import CALLS, IDS, ROWS, Row, T, W, X
from .common import close

torch = pytest.importorskip("torch")

COMPILED = di.AutoTorch(compile=True)
GRADIENT = ROWS[0]
GENERATED = f"""
import torch, diffinterface as di
x = torch.tensor({X.tolist()}, dtype=torch.float64)
prep = di.prepare_gradient(lambda x: (torch.sin(x) * x).sum(), di.AutoTorch(compile=True), x)
print([prep(scale * x).tolist() for scale in (1.0, -2.0)])
"""

# Torch's own, from importing its compiler, and from its look at a tensor that is no leaf.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning"),
]


@pytest.fixture
def _without_code(monkeypatch: pytest.MonkeyPatch) -> Any:
    torch._dynamo.reset()
    compiled = functools.partial(torch.compile, backend="aot_eager")
    monkeypatch.setattr(torch, "compile", compiled)
    yield
    torch._dynamo.reset()


without_code = pytest.mark.usefixtures("_without_code")


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_with_the_code_generator() -> None:
    # A process of its own: torch's C++ builder imports setuptools, which fails where another test
    # imported distutils before it.
    ran = subprocess.run([sys.executable, "-c", GENERATED], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    slopes = np.array(json.loads(ran.stdout.splitlines()[-1]))
    for slope, scale in zip(slopes, (1.0, -2.0), strict=True):
        close(slope, np.sin(scale * X) + scale * X * np.cos(scale * X))


@without_code
@pytest.mark.parametrize("caller", ["torch", "numpy"])
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_every_operator(row: Row, way: str, caller: str) -> None:
    w = torch.tensor(W)
    x, t = (torch.tensor(row.x), torch.tensor(T)) if caller == "torch" else (row.x, T)
    close(row.ask(way, row.f(w), COMPILED, x, t), row.result(W, row.x))


@without_code
def test_values_aux_and_contexts() -> None:
    def f(x: Any, c: Any) -> Any:
        return (c * x**3).sum(), {"double": 2 * x, "name": "kept"}

    x = torch.tensor(X)
    prep = di.prepare_gradient(f, COMPILED, x, 2.0, has_aux=True)
    for c in (2.0, 3.0, -1.0):
        value, slope, aux = prep.value_and(x, c)
        close(value, c * np.sum(X**3))
        close(slope, 3 * c * X**2)
        close(aux["double"], 2 * X)
        assert aux["name"] == "kept"


@without_code
def test_parameters_that_train() -> None:
    """In-place steps, and a layer replaced: compiled code reads both anew."""
    net = torch.nn.Sequential(torch.nn.Linear(3, 1, bias=False)).double()
    prep = di.prepare_gradient(lambda x: net(x).sum() ** 2, COMPILED, torch.tensor(X))

    def check() -> None:
        a = net[0].weight.detach().numpy()[0]
        close(prep(torch.tensor(X)), 2 * (a @ X) * a)
        assert net[0].weight.grad is None

    check()
    with torch.no_grad():
        net[0].weight.add_(1.0)
    check()
    net[0] = torch.nn.Linear(3, 1, bias=False).double()
    check()


@without_code
def test_what_f_captured_and_changed() -> None:
    """Compiled code guards what it read; rebinding is an error, as on every compiling engine."""

    class Box:
        factor = 2.0

    box, items, array = Box(), [2.0], np.full(3, 2.0)
    x, factor = torch.tensor(X), 2.0
    functions = [
        lambda x: (box.factor * x**3).sum(),
        lambda x: (items[0] * x**3).sum(),
        lambda x: (torch.from_numpy(array) * x**3).sum(),
    ]
    prepared = [di.prepare_gradient(f, COMPILED, x) for f in functions]
    rebound = di.prepare_gradient(lambda x: (factor * x**3).sum(), COMPILED, x)
    for prep in (*prepared, rebound):
        close(prep(x), 6 * X**2)
    box.factor, items[0], array[:], factor = 5.0, 5.0, 5.0, 5.0
    for prep in prepared:
        close(prep(x), 15 * X**2)
        close(prep.value_and(x)[1], 15 * X**2)
    with pytest.raises(di.PreparationMismatchError, match="factor: rebound"):
        rebound(x)


@without_code
def test_branches_on_values() -> None:
    prep = di.prepare_gradient(
        lambda x: (x**2).sum() if x[0] > 0 else (3 * x).sum(), COMPILED, torch.tensor(X)
    )
    close(prep(torch.tensor(X)), 2 * X)
    close(prep(torch.tensor(-X)), np.full(3, 3.0))
    close(prep(torch.tensor(2 * X)), 4 * X)


@without_code
@pytest.mark.parametrize("tracked", ["x", "w"])
def test_an_outer_tape(tracked: str) -> None:
    """The outer derivative is right, or torch says that compiled code allows no second one."""
    w = torch.tensor(W, requires_grad=tracked == "w")
    x = torch.tensor(X, requires_grad=tracked == "x")
    got = di.prepare_gradient(GRADIENT.f(w), COMPILED, x)(x)
    close(got, GRADIENT.result(W, X))
    assert got.requires_grad
    try:
        (got**2).sum().backward()
    except RuntimeError as error:
        if "does not currently support double backward" not in str(error):
            raise
        return
    if tracked == "w":
        close(w.grad, GRADIENT.loss_by_w(W, X))
    else:
        close(x.grad, GRADIENT.loss_by_x(W, X))


@without_code
def test_inside_transforms() -> None:
    """There f runs as it is."""
    x = torch.tensor(X)
    prep = di.prepare_gradient(lambda x: (x**3).sum(), COMPILED, x)
    close(torch.func.vmap(prep)(torch.stack([x, -x]))[1], 3 * X**2)
    close(torch.func.jacrev(prep)(x), np.diag(6 * X))


@without_code
def test_f_that_overwrites_its_argument() -> None:
    def f(x: Any) -> Any:
        x.mul_(3.0)
        return (x**2).sum()

    x = torch.tensor(X)
    prep = di.prepare_gradient(f, COMPILED, x)
    for _ in range(2):
        close(prep(x), 18 * X)
        close(x, X)


@without_code
def test_errors_keep_their_type() -> None:
    def f(x: Any) -> Any:
        raise ZeroDivisionError("from f")

    with pytest.raises(ZeroDivisionError, match="from f"):
        di.prepare_gradient(f, COMPILED, torch.tensor(X))(torch.tensor(X))
