"""An ODE as a flat function, and the products with its Jacobians."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, final

import numpy as np

from ..adtypes import ADType, AutoFiniteDiff
from ..arrays import NUMPY, framework_of, shape_of, size_of
from ..backend import Backend
from ..bridge import Bridge
from ..differentiate_with import DifferentiateWith
from ..functions import Function
from ..operators.jacobian import prepare_jacobian
from ..operators.pullback import prepare_pullback
from ..operators.pushforward import prepare_pushforward, value_and_pushforward
from ..registry import resolve
from ..trees import LEAF, Leaves

Seeding = Literal["product", "jacobian", "finite"]
#: States plus parameters up to which "auto" integrates forward sensitivities; above, the adjoint.
CROSSOVER = 100

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
        self.engine: Backend = resolve(adtype)
        self._prepared: dict[str, Any] = {}

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

        return Ode(rhs, 2 * self.n, self.adtype, self.options)

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
            return value, tuple(
                sum((_forward(b, s) for b, s in zip(row, (*along[0], *along[1]), strict=True)), 0.0)
                for row in blocks
            )
        if "push" not in self._prepared:
            self._prepared["push"] = prepare_pushforward(
                self.rhs,
                self.adtype,
                (u, p),
                along,
                _time(t, u),
                data,
                argnums=(1, 2),
                batched=True,
                on_mismatch="reprepare",
            )
        return self._prepared["push"].value_and((u, p), along, _time(t, u), data)

    def pull(self, t: Any, u: Leaves, p: Leaves, c: Leaves, data: Leaves) -> Any:
        """``(df/du^T c, df/dp^T c)``."""
        if self.options.seeding != "product":
            _, blocks = self._jacobian("both", t, u, p, data)
            pulled = tuple(
                sum((_reverse(row[k], leaf) for row, leaf in zip(blocks, c, strict=True)), 0.0)
                for k in range(len(u) + len(p))
            )
            return pulled[: len(u)], pulled[len(u) :]
        if "pull" not in self._prepared:
            self._prepared["pull"] = prepare_pullback(
                self.rhs,
                self.adtype,
                (u, p),
                c,
                _time(t, u),
                data,
                argnums=(1, 2),
                on_mismatch="reprepare",
            )
        return self._prepared["pull"]((u, p), c, _time(t, u), data)

    def matrix(self, by: Literal["u", "both"], t: Any, u: Leaves, p: Leaves, data: Leaves) -> Any:
        """``df/du``, or the same beside ``df/dp``, as one matrix."""
        _, blocks = self._jacobian(by, t, u, p, data)
        columns = list(map(size_of, u if by == "u" else (*u, *p)))
        rows = [
            np.concatenate(
                [np.reshape(b, (size_of(leaf), k)) for b, k in zip(row, columns, strict=True)],
                axis=1,
            )
            for row, leaf in zip(blocks, u, strict=True)
        ]
        return np.concatenate(rows)

    def _jacobian(self, by: str, t: Any, u: Leaves, p: Leaves, data: Leaves) -> tuple[Any, Any]:
        """The value, and the blocks of the Jacobian by u, or by u and p."""
        both = by == "both"
        arguments = ((u, p), _time(t, u), data) if both else (u, _time(t, u), p, data)
        if by not in self._prepared:
            finite = self.options.seeding == "finite"
            self._prepared[by] = prepare_jacobian(
                self.rhs,
                AutoFiniteDiff() if finite else self.adtype,
                *arguments,
                argnums=(1, 2) if both else 1,
                on_mismatch="reprepare",
            )
        value, blocks = self._prepared[by].value_and(*arguments)
        return value, tuple((*row[0], *row[1]) for row in blocks) if both else blocks


class _Flat(Function):
    """The right-hand side as a function of ``(t, *u, *p)``."""

    def __init__(self, ode: Ode) -> None:
        super().__init__(ode.rhs, ode.engine, LEAF, reuse=False)
        self._n = ode.n

    def call(self, x: Leaves, contexts: Leaves) -> Any:
        return self.f(x[0], x[1 : 1 + self._n], x[1 + self._n :], contexts)


def _time(t: Any, u: Leaves) -> Any:
    return np.asarray(t, u[0].dtype)


def _forward(block: Any, s: Any) -> Any:
    """A batch of tangents s times one block of the Jacobian."""
    out = block.shape[: block.ndim - (s.ndim - 1)]
    flat = np.reshape(s, (len(s), -1)) @ np.reshape(block, (int(np.prod(out)), -1)).T
    return np.reshape(flat, (len(s), *out))


def _reverse(block: Any, c: Any) -> Any:
    into = shape_of(block)[c.ndim :]
    return np.reshape(np.ravel(c) @ np.reshape(block, (c.size, -1)), into)
