"""An ODE as a flat function, and the products with its Jacobians."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, final

import numpy as np

from ..arrays import assembly
from ..arrays.facts import shape_of, size_of
from ..arrays.framework import NUMPY, framework_of
from ..arrays.trees import LEAF, Leaves
from ..declare.adtypes import ADType, AutoFiniteDiff
from ..engine.contract import AbstractBackend
from ..engine.function import Function
from ..engine.registry import resolve
from ..errors import InputError
from ..nest.bridge import Bridge
from ..nest.with_engine import DifferentiateWith
from ..operators import (
    prepare_jacobian,
    prepare_pullback,
    prepare_pushforward,
    value_and_pushforward,
)

Seeding = Literal["product", "jacobian", "finite"]
SEEDINGS = ("product", "jacobian", "finite")
METHODS = ("DOP853", "RK45", "RK23", "Radau", "BDF", "LSODA")
DISCRETE = ("dopri5", "rk4")
#: The options of `scipy.integrate.solve_ivp` that only bound its steps.
STEPS = ("first_step", "max_step", "min_step")
REAL = (int, float, np.integer, np.floating)
#: States plus parameters up to which "auto" integrates forward sensitivities, and above which the
#: adjoint. Measured, as forward time over adjoint time: JAX 0.7 at 10, 0.8 at 20, 1.3 at 40, 2.7 at 320;
#: torch 1.3 at 4, 1.8 at 10 to 160, 3.3 at 320; autograd 1.2 at 4, 1.9 at 10, 4.5 at 40. Dual numbers,
#: whose pullback is made of pushforwards: 0.7 at 10, 0.5 at 160, 0.85 at 320.
CROSSOVER = 10
CROSSOVER_WITHOUT_REVERSE = 400

Rhs = Callable[[Any, Leaves, Leaves, Leaves], Leaves]


@dataclass(frozen=True)
class Options:
    """How an ODE is solved and differentiated; see `odeint`."""

    method: str = "DOP853"
    rtol: float | None = None
    atol: float | None = None
    sensitivity: str = "auto"
    seeding: Seeding = "product"
    checkpoints: int = 10
    more: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        discrete = self.sensitivity == "discrete"
        check_choice(self.seeding, SEEDINGS, "seeding")
        check_choice(self.method, DISCRETE if discrete else METHODS, "method")
        for name in ("rtol", "atol"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, REAL) and 0 < value < np.inf):
                raise InputError(f"{name}={value!r}, expected a positive number.", got=value)
        check_count(self.checkpoints, "checkpoints")
        # Anything else changes what is solved (events) or how f is called (vectorized, args).
        for name in self.more.keys() - ({} if discrete else STEPS):
            raise InputError(
                f"{name}= is no option here; expected "
                + ("none beside those of odeint." if discrete else f"one of {', '.join(STEPS)}."),
                got=name,
            )
        if discrete and self.seeding != "product":
            raise InputError("'discrete' forms no Jacobians: leave seeding= out.", got=self.seeding)
        if self.method == "rk4" and not (self.rtol is None and self.atol is None):
            raise InputError("'rk4' keeps no tolerance; give steps= instead of rtol= and atol=.")


def check_choice(value: Any, choices: tuple[str, ...], name: str) -> None:
    """Raise `InputError` unless an option has one of its values."""
    if value not in choices:
        raise InputError(
            f"{name}={value!r}, expected one of {', '.join(map(repr, choices))}.", got=value
        )


def check_count(value: Any, name: str) -> None:
    """Raise `InputError` unless an option is a positive integer."""
    if not (isinstance(value, int | np.integer) and value > 0):
        raise InputError(f"{name}={value!r}, expected a positive integer.", got=value)


@final
class Ode:
    """``u' = rhs(t, u, p, data)``, of flat tuples of leaves over the engine's arrays.

    Its methods take and give NumPy arrays: u and p as leaves, tangents and cotangents too.

    Attributes
    ----------
    n : int
        The number of leaves of u.
    """

    def __init__(self, rhs: Rhs, n: int, adtype: ADType, options: Options) -> None:
        self.rhs, self.n, self.adtype, self.options = rhs, n, adtype, options
        self.engine: AbstractBackend = resolve(adtype)
        self._prepared: dict[str, Any] = {}
        self._plain: Ode | None = None  # what this is the extension of
        self._fans = False  # by many directions

    def chosen(self, entries: int) -> str:
        """The sensitivity for so many states plus parameters."""
        if self.options.sensitivity != "auto":
            return self.options.sensitivity
        most = CROSSOVER if self.engine.has_reverse else CROSSOVER_WITHOUT_REVERSE
        return "forward" if entries <= most else "interpolating"

    @cached_property
    def extended(self) -> Ode:
        """The ODE of ``(u, s)``, where s is the derivative of u along ``(du0, dp)``: s' = df."""
        return self._extended(False)

    @cached_property
    def fanned(self) -> Ode:
        """The same for many directions at once: s and dp carry one leading axis."""
        return self._extended(True)

    def _extended(self, batched: bool) -> Ode:
        def rhs(t: Any, both: Leaves, parameters: Leaves, data: Leaves) -> Leaves:
            n, m = len(both) // 2, len(parameters) // 2
            point, along = (both[:n], parameters[:m]), (both[n:], parameters[m:])
            f, df = value_and_pushforward(
                self.rhs, self.adtype, point, along, t, data, argnums=(1, 2), batched=batched
            )
            return (*f, *df)

        more = Ode(rhs, 2 * self.n, self.adtype, self.options)
        more._plain, more._fans = self, batched
        return more

    def units(self, u: Leaves, p: Leaves) -> Any:
        """The units of ``atol`` for each entry of u: ones, and for tangents the size of their seeds.

        A derivative by an entry of size 1e7 is 1e-7 of what it is the derivative of: without its own
        unit it would hide below ``atol``, and nothing would control its error.
        """
        if self._plain is None:
            return np.ones(sum(map(size_of, u)))
        n, m = len(u) // 2, len(p) // 2
        inner = self._plain.units(u[:n], p[:m])
        pairs = list(zip((*u[:n], *p[:m]), (*u[n:], *p[m:]), strict=True))
        if not self._fans:
            return np.concatenate([inner, inner * _size(pairs)])
        count = len(u[n])
        rows = np.stack([inner * _size([(a, b[k]) for a, b in pairs]) for k in range(count)])
        sizes = np.cumsum([size_of(leaf) for leaf in u[:n]])[:-1]
        return np.concatenate([inner, *map(np.ravel, np.split(rows, sizes, axis=1))])

    @cached_property
    def anywhere(self) -> DifferentiateWith:
        """The right-hand side at arrays of any framework, traced or not."""
        return DifferentiateWith(self.rhs, self.adtype)

    @cached_property
    def _program(self) -> Bridge:
        return Bridge(_Flat(self), self.engine)

    def f(self, t: Any, u: Leaves, p: Leaves, data: Leaves) -> Leaves:
        """The right-hand side."""
        if self.engine.framework is None:
            slopes = self.rhs(_time(t, u), u, p, data)
            if all(framework_of(leaf) is NUMPY for leaf in slopes):
                return slopes
        return self._program((_time(t, u), *u, *p), data)

    def push(self, t: Any, u: Leaves, p: Leaves, along: tuple[Leaves, Leaves], data: Leaves) -> Any:
        """``df/du s + df/dp dp`` for a batch of ``(s, dp)``: the value, and the products."""
        if self.options.seeding != "product":
            value, blocks = self._jacobian("both", t, u, p, data)
            return value, assembly.apply(blocks, value, (*along[0], *along[1]), batched=True)
        call = (u, p), along, _time(t, u), data
        return self._ready("push", prepare_pushforward, *call, batched=True).value_and(*call)

    def pull(self, t: Any, u: Leaves, p: Leaves, c: Leaves, data: Leaves) -> Any:
        """``(df/du^T c, df/dp^T c)``."""
        if self.options.seeding != "product":
            _, blocks = self._jacobian("both", t, u, p, data)
            pulled = tuple(
                sum((_reverse(row[k], leaf) for row, leaf in zip(blocks, c, strict=True)), 0.0)
                for k in range(len(u) + len(p))
            )
            return pulled[: len(u)], pulled[len(u) :]
        call = (u, p), c, _time(t, u), data
        return self._ready("pull", prepare_pullback, *call)(*call)

    def matrix(self, by: Literal["u", "both"], t: Any, u: Leaves, p: Leaves, data: Leaves) -> Any:
        """``df/du``, or the same beside ``df/dp``, as one matrix."""
        _, blocks = self._jacobian(by, t, u, p, data)
        return assembly.as_matrix(blocks, u, u if by == "u" else (*u, *p))

    def _jacobian(self, by: str, t: Any, u: Leaves, p: Leaves, data: Leaves) -> tuple[Any, Any]:
        """The value, and the blocks of the Jacobian by u, or by u and p."""
        if by == "u":
            call: Any = u, _time(t, u), p, data
            return self._ready(by, prepare_jacobian, *call, argnums=1).value_and(*call)
        call = (u, p), _time(t, u), data
        value, blocks = self._ready(by, prepare_jacobian, *call).value_and(*call)
        return value, tuple((*row[0], *row[1]) for row in blocks)

    def _ready(
        self, name: str, prepare: Any, *call: Any, argnums: Any = (1, 2), **more: Any
    ) -> Any:
        """An operator of the right-hand side, by u and p or by u alone, prepared at its first call."""
        if name not in self._prepared:
            finite = self.options.seeding == "finite" and prepare is prepare_jacobian
            adtype = AutoFiniteDiff() if finite else self.adtype
            more |= {"argnums": argnums, "on_mismatch": "reprepare"}
            self._prepared[name] = prepare(self.rhs, adtype, *call, **more)
        return self._prepared[name]


class _Flat(Function):
    """The right-hand side as a function of ``(t, *u, *p)``."""

    def __init__(self, ode: Ode) -> None:
        super().__init__(ode.rhs, ode.engine, LEAF, reuse=False)
        self._n = ode.n

    def call(self, x: Leaves, contexts: Leaves) -> Any:
        return self.f(x[0], x[1 : 1 + self._n], x[1 + self._n :], contexts)


def _size(pairs: list[tuple[Any, Any]]) -> float:
    """How large seeds are beside what they are tangents of."""
    ratios = [np.abs(b) / size_like(a) for a, b in pairs if size_of(a)]
    return max((float(np.max(r)) for r in ratios), default=0.0) or 1.0


def size_like(a: Any) -> Any:
    """The usual size of each entry: its own, or where it is zero the largest of all, or one."""
    size = np.abs(a)
    return np.where(size > 0, size, size.max(initial=0.0) or 1.0)


def _time(t: Any, u: Leaves) -> Any:
    return np.asarray(t, u[0].dtype)


def _reverse(block: Any, c: Any) -> Any:
    into = shape_of(block)[c.ndim :]
    return np.reshape(np.ravel(c) @ np.reshape(block, (c.size, -1)), into)
