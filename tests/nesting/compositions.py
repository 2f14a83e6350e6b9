"""Random compositions of derivatives: programs that call our operators, beside their exact meaning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import diffinterface as di

from .symbolic import Expression, X, Y

Direction = tuple[int, int]
Program = Callable[[Any], Any]


@dataclass(frozen=True)
class Engine:
    """A backend, and what its arrays are to the engines inside.

    Attributes
    ----------
    family : str
        Engines of one family see what their functions captured from one another.
    over : bool
        Whether it runs on the arrays of any other engine, captured ones too.
    rough : int
        The first order at which it takes differences; 0 for never.
    """

    name: str
    backend: di.ADType
    family: str
    over: bool = False
    rough: int = 0


# Without compilation: thousands of programs, each run once.
_JAX = {mode: di.AutoJax(mode=mode, jit=False) for mode in ("auto", "forward", "reverse")}
ENGINES = (
    Engine("forwarddiff", di.AutoForwardDiff(), "duals", over=True),
    Engine("forwarddiff by 1", di.AutoForwardDiff(chunk_size=1), "duals", over=True),
    Engine("complexstep", di.AutoComplexStep(), "complexstep", over=True, rough=2),
    Engine("finitediff", di.AutoFiniteDiff(), "finitediff", over=True, rough=1),
    *(Engine(f"torch {m}", di.AutoTorch(mode=m), "torch") for m in ("auto", "forward", "reverse")),
    *(
        Engine(f"autograd {m}", di.AutoAutograd(mode=m), "autograd")
        for m in ("auto", "forward", "reverse")
    ),
    *(Engine(f"jax {m}", backend, "jax") for m, backend in _JAX.items()),
    Engine("second order", di.SecondOrder(di.AutoForwardDiff(), di.AutoAutograd()), "second"),
    Engine("mixed", di.MixedMode(di.AutoForwardDiff(), di.AutoTorch()), "mixed"),
)


def _weights(jax: float) -> np.ndarray:
    """How often each engine is drawn."""
    weights = np.array([jax if engine.family == "jax" else 1.0 for engine in ENGINES])
    return weights / np.sum(weights)


# By depth: a program of JAX takes fifty times as long as any other, one of depth 3 five hundred times.
# `test_third_order` has every place of JAX among three.
_WEIGHTS = {2: _weights(0.04), 3: _weights(0.004)}
_WHOLE = ("torch", "autograd", "jax")
#: Inside a complex step nothing can compare or take moduli, and no second one can start.
REFUSED = {("complexstep", "complexstep"), ("complexstep", "finitediff")}


def _array(z: Any, parts: list[Any]) -> Any:
    return di.array_namespace(z).stack(parts)


def _gradient(h: Program, b: di.ADType, z: Any, t: Direction, w: Direction) -> Any:
    slope = di.gradient(h, b, z)
    return w[0] * slope[0] + w[1] * slope[1]


def _pushforward(h: Program, b: di.ADType, z: Any, t: Direction, w: Direction) -> Any:
    return di.pushforward(h, b, z, np.array(w, float))


def _pullback(h: Program, b: di.ADType, z: Any, t: Direction, w: Direction) -> Any:
    pulled = di.pullback(lambda z: _array(z, [h(z), z[0]]), b, z, np.array([1.0, 0.0]))
    return w[0] * pulled[0] + w[1] * pulled[1]


def _jacobian(h: Program, b: di.ADType, z: Any, t: Direction, w: Direction) -> Any:
    rows = di.jacobian(lambda z: _array(z, [z[1] * z[1], h(z), z[0]]), b, z)
    return w[0] * rows[1, 0] + w[1] * rows[1, 1]


def _hvp(h: Program, b: di.ADType, z: Any, t: Direction, w: Direction) -> Any:
    product = di.hvp(h, b, z, np.array(t, float))
    return w[0] * product[0] + w[1] * product[1]


def _hessian(h: Program, b: di.ADType, z: Any, t: Direction, w: Direction) -> Any:
    matrix = di.hessian(h, b, z)
    rows = [w[0] * matrix[0, k] + w[1] * matrix[1, k] for k in range(2)]
    return t[0] * rows[0] + t[1] * rows[1]


#: Each operator with its order: applied to h at z, contracted to ``D_w h`` or ``D_w D_t h``.
OPERATORS: dict[str, tuple[int, Callable[..., Any]]] = {
    "gradient": (1, _gradient),
    "pushforward": (1, _pushforward),
    "pullback": (1, _pullback),
    "jacobian": (1, _jacobian),
    "hvp": (2, _hvp),
    "hessian": (2, _hessian),
}


@dataclass(frozen=True)
class Level:
    """One derivative of what is inside it, times a factor."""

    engine: Engine
    operator: str
    t: Direction
    w: Direction
    #: Multiply by x: outside of the operator, or inside by the captured point, or by h itself.
    factor: str

    def __str__(self) -> str:
        return f"{self.operator}[{self.engine.name}]({self.factor}; t={self.t}, w={self.w})"

    def meaning(self, h: Expression) -> Expression:
        """What this level makes of the function inside, exactly."""
        slope = h.along(self.w)
        if OPERATORS[self.operator][0] == 2:
            slope = slope.along(self.t)
        return slope * {"h": h, "x": X, "captured": X, "captured y": Y, "1": 1}[self.factor]

    def program(self, h: Program) -> Program:
        """The same as a program that calls our operator."""
        operate = OPERATORS[self.operator][1]

        def run(z: Any) -> Any:
            if self.factor.startswith("captured"):
                k = 1 if self.factor.endswith("y") else 0
                return operate(lambda a: h(a) * z[k], self.engine.backend, z, self.t, self.w)
            slope = operate(h, self.engine.backend, z, self.t, self.w)
            return slope * {"h": lambda: h(z), "x": lambda: z[0], "1": lambda: 1.0}[self.factor]()

        return run


@dataclass(frozen=True)
class Composition:
    """Derivatives of derivatives of a function, at a point; `levels` begin with the innermost."""

    function: Expression
    levels: tuple[Level, ...]
    point: tuple[float, float]

    def __str__(self) -> str:
        inside = " in ".join(map(str, self.levels))
        return f"{self.function.terms} at {self.point}: {inside}"

    def truth(self) -> tuple[float, float]:
        """The value, and the scale of its rounding errors: at least that of the function itself."""
        h = self.function
        for level in self.levels:
            h = level.meaning(h)
        value, scale = h.value(*self.point)
        return value, max(scale, self.function.value(*self.point)[1])

    def run(self) -> float:
        """What our operators give."""
        h: Program = lambda z: self.function.program(di.array_namespace(z), z)  # noqa: E731
        for level in self.levels:
            h = level.program(h)
        result = h(np.array(self.point))
        assert isinstance(result, np.generic | np.ndarray | float), "NumPy in, NumPy out"
        return float(result)

    @property
    def tolerance(self) -> float:
        """Relative to the scale: rounding, or that of differences inside."""
        rough = [level for level in self.levels if _is_rough(level)]
        return 1e-3 if rough else 1e-10


def _is_rough(level: Level) -> bool:
    return 0 < level.engine.rough <= OPERATORS[level.operator][0]


def draw(rng: np.random.Generator) -> Composition:
    """A random composition of depth 2 or 3."""
    depth = 3 if rng.random() < 0.3 else 2
    while True:
        levels = tuple(_level(rng, depth) for _ in range(depth))
        if _possible(levels):
            point = rng.uniform(-1.2, 1.2, size=2)
            return Composition(_function(rng), levels, (float(point[0]), float(point[1])))


def _possible(levels: tuple[Level, ...]) -> bool:
    pairs = [(a, b) for i, a in enumerate(levels) for b in levels[i + 1 :]]  # a inside b
    order = sum(OPERATORS[level.operator][0] for level in levels)
    captures = all(
        a.engine.over or (a.engine.family == b.engine.family and a.engine.family in _WHOLE)
        for a, b in pairs
        if a.factor.startswith("captured")
    )
    refused = any((b.engine.family, a.engine.family) in REFUSED for a, b in pairs)
    rough = sum(map(_is_rough, levels))
    products = sum(level.factor == "h" for level in levels)
    # Differences of differences have no digits left; squares of squares are large programs.
    return captures and not refused and rough <= 1 and order <= 4 and products <= 1


def _level(rng: np.random.Generator, depth: int) -> Level:
    engine = ENGINES[rng.choice(len(ENGINES), p=_WEIGHTS[depth])]
    operator = list(OPERATORS)[rng.integers(len(OPERATORS))]
    t, w = ((int(a[0]), int(a[1])) for a in rng.integers(1, 4, size=(2, 2)))
    factor = rng.choice(["1", "x", "h", "captured", "captured y"])
    return Level(engine, operator, t, w, str(factor))


def _function(rng: np.random.Generator) -> Expression:
    total = Expression({})
    for _ in range(int(rng.integers(1, 3))):
        powers = [0] * 5
        for k in rng.integers(0, 5, size=3):
            powers[k] += 1
        total = total + Expression({tuple(powers): int(rng.integers(1, 4))})  # type: ignore[dict-item]
    return total
