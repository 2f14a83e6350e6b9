"""Random derivatives of derivatives: programs, the links between them, and the truth about the whole.

A composition is a chain of functions of two numbers, where F_0 is a program and

    F_(k+1)(x) = after(x, D F_k(before(x)))

for a derivative D (a gradient, a Jacobian times a vector, ...) that an engine drawn for this link takes:
by an operator of ours, or by one of its own behind a bridge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import diffinterface as di

from .native import NATIVE
from .nilpotent import Namespace, along, lift, stacked

SIZE = 2
TRUTH: Any = Namespace

#: Functions of two vectors: smooth, and of moderate size near the points that are drawn.
STEPS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "sin": lambda xp, a, b: xp.sin(a),
    "cos": lambda xp, a, b: xp.cos(a + b),
    "tanh": lambda xp, a, b: xp.tanh(a),
    "exp": lambda xp, a, b: xp.exp(0.3 * xp.sin(a)),
    "square": lambda xp, a, b: 0.5 * a * a,
    "product": lambda xp, a, b: xp.sin(a) * b,
    "difference": lambda xp, a, b: a - 0.5 * b,
    "sum": lambda xp, a, b: a * xp.sum(xp.sin(b)),
    "first": lambda xp, a, b: xp.sin(a) * b[0],
    "last": lambda xp, a, b: xp.cos(b) * xp.sin(a[1]),
}


@dataclass(frozen=True)
class Program:
    """Steps (name, operand, operand) over the values so far; the last value is the result."""

    steps: tuple[tuple[str, int, int], ...]

    def __call__(self, xp: Any, *x: Any) -> Any:
        values = list(x)
        for name, a, b in self.steps:
            values.append(STEPS[name](xp, values[a], values[b]))
        return values[-1]


@dataclass(frozen=True)
class Link:
    """A derivative, who takes it and how, and the programs around it."""

    operator: str
    engine: str
    way: str
    before: Program
    after: Program
    weights: tuple[float, ...]
    moving: bool  # whether the weights depend on x

    def __call__(self, f: Callable[[Any], Any], x: Any) -> Any:
        xp = di.array_namespace(x)
        y, t = self._inputs(xp, x, xp.asarray(np.array(self.weights)))
        if self.way == "native":
            own = NATIVE[self.engine][self.operator]
            bridged = di.DifferentiateWith(lambda y, t: own(f, y, t), ADTYPES[self.engine])
            return self.after(xp, x, bridged(y, t))
        adtype = ADTYPES[self.engine]
        return self.after(xp, x, OPERATORS[self.operator](f, _caller(self.way, adtype), y, t))

    def truth(self, f: Callable[[Any], Any], x: Any) -> Any:
        y, t = self._inputs(TRUTH, x, lift(self.weights))
        return self.after(TRUTH, x, TRUTHS[self.operator](f, y, t))

    def _inputs(self, xp: Any, x: Any, t: Any) -> tuple[Any, Any]:
        """The point, and the tangent, cotangent or weights."""
        return self.before(xp, x), t * x if self.moving else t


@dataclass(frozen=True)
class Composition:
    first: Program
    links: tuple[Link, ...]
    x: tuple[float, ...]

    def value(self) -> Any:
        def f(x: Any, links: tuple[Link, ...] = self.links) -> Any:
            if not links:
                return self.first(di.array_namespace(x), x)
            return links[-1](lambda x: f(x, links[:-1]), x)

        return f(np.array(self.x))

    def truth(self) -> Any:
        def f(x: Any, links: tuple[Link, ...] = self.links) -> Any:
            if not links:
                return self.first(TRUTH, x)
            return links[-1].truth(lambda x: f(x, links[:-1]), x)

        return f(lift(self.x)).value


# --- who differentiates --------------------------------------------------------------------------

#: Engines whose second derivatives are differences, or none.
NUMERICAL = ("finitediff", "complexstep")
ADTYPES: dict[str, di.ADType] = {
    "forwarddiff": di.AutoForwardDiff(),
    "autograd": di.AutoAutograd(),
    "autograd.forward": di.AutoAutograd("forward"),
    "torch": di.AutoTorch(),
    "torch.forward": di.AutoTorch("forward"),
    "torch.reverse": di.AutoTorch("reverse"),
    "jax": di.AutoJax(jit=False),
    "jax.forward": di.AutoJax("forward", jit=False),
    "jax.reverse": di.AutoJax("reverse", jit=False),
    "complexstep": di.AutoComplexStep(),
    "finitediff": di.AutoFiniteDiff(),
}


def _caller(way: str, adtype: di.ADType) -> Callable[..., Any]:
    """``call(name, f, *arguments)``: an operator by its name, prepared or not."""
    if way == "prepared":
        return lambda name, f, *args: getattr(di, f"prepare_{name}")(f, adtype, *args)(*args)
    return lambda name, f, *args: getattr(di, name)(f, adtype, *args)


def _total(f: Any) -> Any:
    """The sum of what f returns, weighed where weights are given."""
    return lambda x, t=1.0: di.array_namespace(x).sum(t * f(x))


def _times(rows: Any, t: Any) -> Any:
    return di.array_namespace(rows, t).sum(rows * t, axis=-1)


def _zero(x: Any) -> Any:
    """Of x's framework."""
    return di.array_namespace(x).asarray(np.array(0.0))


def _curve(f: Any) -> Any:
    return lambda s, x, t: f(x + s * t)


OPERATORS: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "gradient": lambda f, call, x, t: call("gradient", _total(f), x, t),
    "pushforward": lambda f, call, x, t: call("pushforward", f, x, t),
    "pullback": lambda f, call, x, t: call("pullback", f, x, t),
    "jacobian": lambda f, call, x, t: _times(call("jacobian", f, x), t),
    "derivative": lambda f, call, x, t: call("derivative", _curve(f), _zero(x), x, t),
    "second_derivative": lambda f, call, x, t: call("second_derivative", _curve(f), _zero(x), x, t),
    "hvp": lambda f, call, x, t: call("hvp", _total(f), x, t),
    "hessian": lambda f, call, x, t: _times(call("hessian", _total(f), x), t),
}
ORDERS = {name: 2 if name in ("hvp", "hessian", "second_derivative") else 1 for name in OPERATORS}


def _pulled(f: Any, x: Any, t: Any) -> Any:
    return stacked([TRUTH.sum(lift(t) * along(f, x, row)) for row in np.eye(SIZE)])


def _gradient(f: Any) -> Any:
    return lambda x: _pulled(f, x, 1.0)


TRUTHS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "gradient": _pulled,
    "pushforward": along,
    "pullback": _pulled,
    "jacobian": along,
    "derivative": along,
    "second_derivative": lambda f, x, t: along(lambda x: along(f, x, t), x, t),
    "hvp": lambda f, x, t: along(_gradient(f), x, t),
    "hessian": lambda f, x, t: along(_gradient(f), x, t),
}


# --- what is drawn -------------------------------------------------------------------------------


@st.composite
def programs(draw: st.DrawFn, inputs: int, most: int = 3) -> Program:
    steps: list[tuple[str, int, int]] = []
    for k in range(draw(st.integers(1, most))):
        last = inputs + k - 1
        name = draw(st.sampled_from(sorted(STEPS)))
        # The newest value is used, so that no step is in vain; the other operand is any.
        steps.append((name, last, draw(st.integers(0, last))))
    return Program(tuple(steps))


@st.composite
def compositions(
    draw: st.DrawFn, outer: str, inner: tuple[str, ...], depth: int, most: int = 4
) -> Composition:
    """A chain of `depth` derivatives, of which `outer` takes the last; of `most` orders in all."""
    numbers = st.integers(-8, 8).map(lambda k: k / 8 + 1 / 16)
    links, left = [], most - depth
    for level in range(depth):
        engine = outer if level == depth - 1 else draw(st.sampled_from(inner))
        highest = 1 if engine in NUMERICAL else left + 1
        operator = draw(st.sampled_from([n for n, order in ORDERS.items() if order <= highest]))
        left -= ORDERS[operator] - 1
        ways = ["once", "prepared"]
        if operator in NATIVE.get(engine, {}):
            ways += ["native", "native"]
        links.append(
            Link(
                operator,
                engine,
                draw(st.sampled_from(ways)),
                draw(programs(1, 2)),
                draw(programs(2, 2)),
                tuple(draw(numbers) for _ in range(SIZE)),
                draw(st.booleans()),
            )
        )
    return Composition(draw(programs(1)), tuple(links), tuple(draw(numbers) for _ in range(SIZE)))
