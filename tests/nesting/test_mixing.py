"""Batched Jacobians of functions that mix samples: refused, since one seed serves all samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ..outers import BACKENDS, native, scope
from .losses import CASES, batched_jacobian
from .networks import normalised

CASE = next(case for case in CASES if case.loss is batched_jacobian)
ENGINES = {
    **BACKENDS,
    "finitediff": di.AutoFiniteDiff(),
    "complexstep": di.AutoComplexStep(),
    "forward jax": di.AutoJax(mode="forward"),
    "reverse jax": di.AutoJax(mode="reverse"),
    "forward torch": di.AutoTorch(mode="forward"),
    "reverse torch": di.AutoTorch(mode="reverse"),
    "forward autograd": di.AutoAutograd(mode="forward"),
    "reverse autograd": di.AutoAutograd(mode="reverse"),
}


def parts(engine: str) -> tuple[str, di.ADType, Any, Any]:
    framework = engine.rpartition(" ")[2]
    if framework in ("jax", "torch", "autograd"):
        pytest.importorskip(framework)
    with scope(framework):
        p = tuple(native(framework, leaf) for leaf in CASE.p)
        return framework, ENGINES[engine], native(framework, CASE.x), p


@pytest.mark.parametrize("prepared", [False, True], ids=["once", "prepared"])
@pytest.mark.parametrize("engine", ENGINES)
def test_batch_normalisation(engine: str, prepared: bool) -> None:
    framework, backend, x, p = parts(engine)
    operator = di.prepare_batched_jacobian if prepared else di.batched_jacobian
    with scope(framework), pytest.raises(di.DiffInterfaceError, match="sample"):
        operator(normalised, backend, x, p)


@pytest.mark.parametrize("engine", BACKENDS)
def test_other_ways_to_mix(engine: str) -> None:
    framework, backend, x, _ = parts(engine)
    for f in (
        lambda x: x - x[:1],
        lambda x: di.array_namespace(x).flip(x, axis=0),
        lambda x: x * di.array_namespace(x).mean(x),
    ):
        with scope(framework), pytest.raises(di.DiffInterfaceError, match="sample"):
            di.batched_jacobian(f, backend, x)


@pytest.mark.parametrize("framework", ["jax", "torch", "autograd"])
def test_inside_a_loss(framework: str) -> None:
    """The check reads no values that a trace hides."""
    _, backend, x, p = parts(framework)
    outers = {
        "jax": lambda f: __import__("jax").grad(f)(p[0]),
        "torch": lambda f: __import__("torch").func.grad(f)(p[0]),
        "autograd": lambda f: __import__("autograd").grad(f)(p[0]),
    }

    def loss(first: Any) -> Any:
        rows = di.batched_jacobian(lambda x: normalised(x, (first, *p[1:])), backend, x)
        return di.array_namespace(rows).sum(rows**2)

    with scope(framework), pytest.raises(di.DiffInterfaceError, match="sample"):
        outers[framework](loss)


@pytest.mark.parametrize("engine", ENGINES)
def test_samples_on_their_own_are_not_refused(engine: str) -> None:
    """Exact zeros, equal samples and functions of no argument mix nothing."""
    framework, backend, x, _ = parts(engine)
    with scope(framework):
        for at in (x, 0 * x, x[:1], 0 * x + 1):
            rows = di.batched_jacobian(lambda x: x**3 + 0 * x, backend, at)
            one = np.asarray(at)[..., None] ** 2 * np.eye(2)
            np.testing.assert_allclose(np.asarray(rows), 3 * one, atol=1e-6)
