"""Engines from one primitive alone: every operator is derived from it, and right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.testing import (
    AutoForwardFromPrimitive,
    AutoReverseFromPrimitive,
    default_scenarios,
    test_differentiation,
)

test_differentiation.__test__ = False  # pytest would take it for a test of this module

X = np.array([0.5, 1.0, 2.0])
# A pullback gives no pushforward at a complex x, and JAX's arrays cannot be written into.
BEYOND = {"complex x", "complex f(x)", "inplace"}
REAL = [s for s in default_scenarios() if not BEYOND & set(s.features) and "complex" not in s.name]

FIRST = list({s.operator: s for s in reversed(REAL)}.values())
FEATURES = [s for s in REAL if s.features]

FORWARD = ("forwarddiff", "finitediff", "complexstep", "jax", "torch", "autograd")
REVERSE = ("jax", "torch", "autograd")
PRIMITIVES = [
    *((AutoForwardFromPrimitive, engine) for engine in FORWARD),
    *((AutoReverseFromPrimitive, engine) for engine in REVERSE),
]


def check(kind: Any, engine: str, scenarios: list[Any]) -> None:
    if not di.check_available(engine):
        pytest.skip(f"{engine} is not installed")
    adtype = kind(di.testing.entry(engine).adtype)
    report = test_differentiation([adtype], scenarios, checks=["correct"])
    assert f"{len(scenarios)} of {len(scenarios)} cells passed" in str(report)


@pytest.mark.parametrize(("kind", "engine"), PRIMITIVES)
def test_every_operator(kind: Any, engine: str) -> None:
    assert len(FIRST) == 9
    check(kind, engine, FIRST)


@pytest.mark.parametrize(("kind", "engine"), PRIMITIVES)
def test_every_feature(kind: Any, engine: str) -> None:
    assert len(FEATURES) > 9
    check(kind, engine, FEATURES)


@pytest.mark.parametrize("engine", REVERSE)
def test_nothing_else_is_used(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's own operators may be wrong: nobody notices."""
    if not di.check_available(engine):
        pytest.skip(f"{engine} is not installed")
    from diffinterface.engine.registry import resolve

    asked: list[str] = []
    for kind, mode in (
        (AutoForwardFromPrimitive, "forward"),
        (AutoReverseFromPrimitive, "reverse"),
    ):
        adtype = kind(di.testing.entry(engine).adtype)
        inner = resolve(adtype).engine
        real = inner.prepare

        def prepare(operator: str, *args: Any, real: Any = real, **options: Any) -> Any:
            asked.append(operator)
            return real(operator, *args, **options)

        monkeypatch.setattr(inner, "prepare", prepare)
        f = lambda x: (x**3).sum()  # noqa: E731
        np.testing.assert_allclose(di.gradient(f, adtype, X), 3 * X**2)
        np.testing.assert_allclose(di.hessian(f, adtype, X), np.diag(6 * X))
        np.testing.assert_allclose(di.hvp(f, adtype, X, X), 6 * X**2)
        np.testing.assert_allclose(di.jacobian(lambda x: x**2, adtype, X), np.diag(2 * X))
        assert set(asked) == {"pushforward" if mode == "forward" else "pullback"}
        asked.clear()


def test_declarations() -> None:
    adtype = AutoForwardFromPrimitive(di.AutoForwardDiff(chunk_size=2))
    assert repr(adtype) == "AutoForwardFromPrimitive(AutoForwardDiff(chunk_size=2))"
    assert di.check_available(adtype)
    assert di.capabilities(adtype).modes == ("forward",)
    assert di.forward_counterpart(adtype) is adtype
    assert di.reverse_counterpart(adtype) == AutoReverseFromPrimitive(adtype.backend)
    assert di.capabilities(AutoForwardFromPrimitive(di.AutoComplexStep())).dtypes == (
        "float32",
        "float64",
    )


def test_an_engine_without_the_mode() -> None:
    with pytest.raises(di.InputError, match="no reverse mode of its own") as caught:
        di.gradient(np.sum, AutoReverseFromPrimitive(di.AutoForwardDiff()), X)
    assert "AutoForwardFromPrimitive(AutoForwardDiff())" in str(caught.value)
    with pytest.raises(di.InputError, match="is not an ADType"):
        AutoForwardFromPrimitive("jax")  # type: ignore[arg-type]


def test_complex_results_of_real_tangents() -> None:
    """What the derived pushforward found: torch multiplies no real by a complex matrix."""
    torch = pytest.importorskip("torch")
    got = di.pushforward(
        lambda x: torch.exp(1j * x), AutoReverseFromPrimitive(di.AutoTorch()), X, np.ones(3)
    )
    np.testing.assert_allclose(got, 1j * np.exp(1j * X))
