"""What conditions captured while an engine follows it: refused, never a derivative dropped."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.implicit import ImplicitFunction

from .common import ENGINES, available

every_engine = pytest.mark.parametrize("engine", ENGINES)
#: Ours where we meet the value, else the framework's own where it meets NumPy.
REFUSALS = (di.DiffInterfaceError, RuntimeError, TypeError)


def capturing(engine: str, c: Any) -> ImplicitFunction:
    return ImplicitFunction(lambda x: 2 * x, lambda x, y: y - x * c, backend=engine)


def total(f: Any, x: Any) -> Any:
    y = f(x)
    return di.array_namespace(y).sum(y)


@every_engine
def test_torch_parameters(engine: str) -> None:
    torch = pytest.importorskip("torch")
    available(engine)
    c = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    for x in (np.ones(2), torch.ones(2, dtype=torch.float64), torch.ones(2, requires_grad=True)):
        with pytest.raises(REFUSALS):
            capturing(engine, c)(x)


@every_engine
def test_inside_torch_func(engine: str) -> None:
    torch = pytest.importorskip("torch")
    available(engine)
    x = torch.ones(2)
    with pytest.raises(REFUSALS):
        torch.func.grad(lambda c: total(capturing(engine, c), x))(torch.tensor(2.0))
    with pytest.raises(REFUSALS):
        torch.func.grad(lambda c: torch.func.vmap(capturing(engine, c))(x).sum())(torch.tensor(2.0))


@every_engine
@pytest.mark.parametrize("compiled", [True, False])
def test_inside_jax(engine: str, compiled: bool) -> None:
    jax = pytest.importorskip("jax")
    available(engine)
    run = jax.jit if compiled else lambda f: f
    x = jax.numpy.ones(2)
    with pytest.raises(REFUSALS):
        run(jax.grad(lambda c: total(capturing(engine, c), x)))(2.0)
    with pytest.raises(REFUSALS):
        jax.grad(run(lambda c: total(capturing(engine, c), x)))(2.0)
    with pytest.raises(REFUSALS):
        run(jax.grad(lambda x, c: total(capturing(engine, c), x), argnums=(0, 1)))(x, 2.0)


@every_engine
@pytest.mark.parametrize("outer", ["forwarddiff", "autograd"])
def test_inside_numpy_engines(engine: str, outer: str) -> None:
    available(engine, outer)
    x = np.ones(2)
    with pytest.raises(REFUSALS):
        di.gradient(lambda c: total(capturing(engine, c), x), outer, 2.0)


def test_functions_inside_are_searched() -> None:
    torch = pytest.importorskip("torch")
    c = torch.tensor(2.0, requires_grad=True)
    nested = {
        "default": lambda x, y, c=c: y - x * c,
        "partial": partial(lambda c, x, y: y - x * c, c),
        "closure": (lambda scale: lambda x, y: y - scale(x))(lambda x: x * c),
    }
    for conditions in nested.values():
        f = ImplicitFunction(lambda x: 2 * x, conditions, backend="torch")
        with pytest.raises(di.NestedDifferentiationError, match="pass it as an argument"):
            f(torch.ones(2))


def test_a_module_with_parameters_is_noticed_by_its_output() -> None:
    torch = pytest.importorskip("torch")
    net = torch.nn.Linear(2, 2)

    def solved(x: Any) -> Any:
        return net(torch.tensor(x)).detach()

    f = ImplicitFunction(solved, lambda x, y: y - net(x), backend="torch")
    with pytest.raises(di.NestedDifferentiationError, match="pass it as an argument"):
        f(torch.ones(2))
    with torch.no_grad():  # nobody wants the derivative
        f(torch.ones(2))
