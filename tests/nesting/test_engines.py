"""Duals, finite differences and the complex step over arrays that an outer engine is tracing."""

from __future__ import annotations

import numpy as np
import pytest

import diffinterface as di

from ..outers import FIRST, OUTERS
from .asking import Ask
from .losses import CASES, Case
from .test_losses import check, every_case, every_framework

# The inner error is amplified where the outer engine differentiates the difference itself.
ENGINES = {
    "forwarddiff": (di.AutoForwardDiff(), 1e-9),
    "complexstep": (di.AutoComplexStep(), 1e-9),
    "central": (di.AutoFiniteDiff(), 1e-6),
    "richardson": (di.AutoFiniteDiff("richardson"), 1e-8),
}
# One program is compiled sooner than every operation by itself.
AROUND = {**FIRST, "jax": next(outer for outer in OUTERS if outer.name == "jax.jit(jax.grad)")}


@pytest.mark.parametrize("engine", ENGINES)
@every_framework
@pytest.mark.parametrize("way", ["traced", "plain"])
@every_case
def test_over_traced_arrays(case: Case, way: str, framework: str, engine: str) -> None:
    """The parameters are captured, and traced; the inputs are traced too, or plain NumPy data."""
    if framework == "jax" and (engine == "richardson" or (way, engine) == ("plain", "central")):
        pytest.skip("a large program to compile, of what the others cover")
    if (way, framework) == ("plain", "torch") and engine in ("forwarddiff", "complexstep"):
        pytest.skip("refused: see test_numpy_inputs_beside_captured_tensors_are_refused")
    backend, tolerance = ENGINES[engine]
    ask = Ask(backend, captured=True)
    check(case, AROUND[framework], ask, plain_x=way == "plain", tolerance=tolerance)


@pytest.mark.parametrize("backend", [di.AutoForwardDiff(), di.AutoComplexStep()], ids=str)
@pytest.mark.parametrize("framework", ["torch", "autograd", "forwarddiff"])
def test_parameters_as_contexts(framework: str, backend: di.ADType) -> None:
    for case in CASES[1:3]:
        check(case, FIRST[framework], Ask(backend, "prepared outside"))


@pytest.mark.parametrize("backend", [di.AutoForwardDiff(), di.AutoComplexStep()], ids=str)
def test_numpy_inputs_beside_captured_tensors_are_refused(backend: di.ADType) -> None:
    """The engine wraps NumPy arrays, which torch's functions do not take."""
    torch = pytest.importorskip("torch")
    w = torch.ones(3, 2, dtype=torch.float64, requires_grad=True)
    for f in (lambda x: (x @ w).sum(), lambda x: (w.T @ x).sum(), lambda x: torch.sum(x @ w)):
        with pytest.raises((TypeError, di.DiffInterfaceError)):
            di.gradient(f, backend, np.ones(3))
