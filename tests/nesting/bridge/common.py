"""What the tests of the bridge share: one function, its engines, and how close each must come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.nest.with_engine import DifferentiateWith

__all__ = [
    "EXACT",
    "INNERS",
    "DifferentiateWith",
    "Inner",
    "T",
    "X",
    "close",
    "every_inner",
    "every_operator",
    "exact_inner",
    "model",
    "numbers",
]

MATRIX = np.array([[0.7, -0.3, 0.2], [0.5, 0.9, -0.4]])
X = np.array([0.3, -0.8, 1.1])
T = np.array([0.6, 0.2, -0.5])


@dataclass(frozen=True)
class Inner:
    """An engine behind the bridge, and the tolerances of first, second, ... derivatives by it."""

    adtype: di.ADType
    tolerances: tuple[float, ...] = (1e-12, 1e-11, 1e-10)

    def bridged(self, f: Callable[..., Any]) -> DifferentiateWith:
        """F with this engine; skips where it is not installed."""
        if not di.check_available(self.adtype):
            pytest.skip(f"{self.adtype} is not installed")
        return DifferentiateWith(f, self.adtype)

    def tolerance(self, order: int) -> float:
        """Of derivatives of this order, or of values; skips orders that are not the engine's."""
        if order > len(self.tolerances):
            pytest.skip(f"{self.adtype} gives {len(self.tolerances)} order(s)")
        return self.tolerances[max(order, 1) - 1]


INNERS: dict[str, Inner] = {
    "torch": Inner(di.AutoTorch()),
    "jax": Inner(di.AutoJax()),
    "autograd": Inner(di.AutoAutograd()),
    "forwarddiff": Inner(di.AutoForwardDiff()),
    "finitediff": Inner(di.AutoFiniteDiff(), (1e-8, 1e-4)),
    "complexstep": Inner(di.AutoComplexStep(), (1e-12,)),
}
EXACT = {name: inner for name, inner in INNERS.items() if len(inner.tolerances) > 2}

every_inner = pytest.mark.parametrize("inner", INNERS.values(), ids=INNERS)
exact_inner = pytest.mark.parametrize("inner", EXACT.values(), ids=EXACT)


def every_operator(operators: dict[str, tuple[int, Any]], by_all: tuple[str, ...]) -> Any:
    """Parametrises ``(inner, order, op)``: the quickest engine takes all, every engine `by_all`."""
    pairs = [
        (name, engine)
        for name in operators
        for engine in INNERS
        if engine == "forwarddiff" or name in by_all
    ]
    return pytest.mark.parametrize(
        ("inner", "order", "op"),
        [(INNERS[engine], *operators[name]) for name, engine in pairs],
        ids=[f"{engine}-{name}" for name, engine in pairs],
    )


def model(x: Any) -> Any:
    """Two outputs of three inputs, all coupled: ``M sin(x) + |x|**2 tanh(x[0])``."""
    xp = di.array_namespace(x)
    return xp.sum(xp.asarray(MATRIX) * xp.sin(x), axis=-1) + xp.sum(x**2) * xp.tanh(x[0])


def close(got: Any, want: Any, tolerance: float = 1e-12) -> None:
    """Equal arrays, of whatever frameworks, up to `tolerance` of the largest entry."""
    got, want = numbers(got), numbers(want)
    assert got.shape == want.shape
    scale = max(1.0, float(np.max(np.abs(want), initial=0.0)))
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * scale)


def numbers(a: Any) -> Any:
    """The values of an array of any framework."""
    return np.asarray(a.detach() if hasattr(a, "detach") else a)
