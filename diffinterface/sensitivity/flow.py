"""The solution of an ODE as a function of ``(ts, u0, p)``, with its forward and adjoint rules.

`Flow` pushes by the flow of the extended system, and pulls by `Reverse`, an adjoint. The rules of
`Reverse` are those of any pullback: with ``J(x)`` the derivative of the flow, ``J^T c`` moves along
``(dx, dc)`` by the gradient of ``<c, J(x) dx>`` plus ``J^T dc``. So every order is right.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, final

import numpy as np

from ..arrays.kinds import Kinds
from ..arrays.namespace import array_namespace
from ..arrays.trees import Leaves
from ..implicit.primitive import Primitive
from ..operators import pullback
from .adjoint import Adjoint
from .forward import columns
from .integrate import Packing, trajectory
from .ode import Ode


@final
class Flow(Primitive):
    """Arguments ``(*u0, *p)``, contexts ``(ts, *data)``; if times move: ``(ts, *u0, *p)``, ``data``.

    Each leaf of u0 gives one of shape ``(len(ts), *u0.shape)``.

    Attributes
    ----------
    moving : bool
        Whether the times are differentiated too.
    """

    batches = True

    def __init__(self, ode: Ode, moving: bool = False) -> None:
        super().__init__(ode.engine)
        self.ode, self.moving = ode, moving

    @cached_property
    def reverse(self) -> Reverse:
        """The pullback."""
        return Reverse(self)

    @cached_property
    def _extended(self) -> Flow:
        return Flow(self.ode.extended, self.moving)

    @cached_property
    def _fanned(self) -> Flow:
        return Flow(self.ode.fanned, self.moving)

    def parts(self, x: Leaves, contexts: Leaves) -> tuple[Any, Leaves, Leaves, Leaves]:
        """ts, u0, p and data."""
        n = self.ode.n
        if self.moving:
            return x[0], x[1 : 1 + n], x[1 + n :], contexts
        return contexts[0], x[:n], x[n:], contexts[1:]

    def joined(self, ts: Any, u0: Leaves, p: Leaves, data: Leaves) -> tuple[Leaves, Leaves]:
        """The inverse of `parts`."""
        return ((ts, *u0, *p), data) if self.moving else ((*u0, *p), (ts, *data))

    def value(self, x: Leaves, contexts: Leaves) -> Leaves:
        ts, u0, p, data = self.parts(x, contexts)
        rows, _ = trajectory(self.ode, ts, u0, p, data)
        return Packing(u0).leaves(rows)

    def kinds(self, x: Kinds, contexts: Kinds) -> Kinds:
        ts, u0, _, _ = self.parts(x, contexts)
        return tuple((ts[0] + shape, dtype) for shape, dtype in u0)

    # --- rules -----------------------------------------------------------------------------------

    def push(self, x: Leaves, contexts: Leaves, t: Leaves, many: bool = False) -> Leaves:
        return self.both(x, t, contexts, many)[self.ode.n :]

    def pull(self, x: Leaves, contexts: Leaves, c: Leaves, many: bool = False) -> Leaves:
        return self.reverse.at((*x, *c), contexts, len(c) if many else 0)

    def both(self, x: Leaves, t: Leaves, contexts: Leaves, many: bool = False) -> Leaves:
        """The solution, and its tangent; or many, along the leading axis of t."""
        n = self.ode.n
        ts, u0, p, data = self.parts(x, contexts)
        dts, du, dp, _ = self.parts(t, contexts)
        start = du
        if self.moving:
            rate = self.ode.anywhere(ts[0], u0, p, data)
            start = tuple(a - _times(r, dts[..., 0]) for a, r in zip(du, rate, strict=True))
        flow = self._fanned if many else self._extended
        joined = flow.joined(ts, (*u0, *start), (*p, *dp), data)
        solved = flow.at(*joined)
        u, s = solved[:n], solved[n:]
        if self.moving:
            rates = [
                self.ode.anywhere(ts[i], tuple(leaf[i, ...] for leaf in u), p, data)
                for i in range(1, ts.shape[0])
            ]
            s = tuple(_moved(s[k], du[k], [r[k] for r in rates], dts) for k in range(n))
        return (*u, *(_axes_swapped(leaf) if many else leaf for leaf in s))


def _times(rate: Any, dt: Any) -> Any:
    """``rate dt``, for one dt or a batch of them."""
    if not dt.ndim:
        return rate * dt
    return rate[None, ...] * array_namespace(dt).reshape(dt, (-1,) + (1,) * rate.ndim)


def _moved(s: Any, du: Any, rates: list[Any], dts: Any) -> Any:
    """The tangent at moving times; at the first it is du, for there u is u0 and not a solution."""
    later = [s[i + 1, ...] + _times(rate, dts[..., i + 1]) for i, rate in enumerate(rates)]
    return array_namespace(du, *later).stack([du, *later])


def _axes_swapped(s: Any) -> Any:
    """Tangents before times."""
    return array_namespace(s).permute_dims(s, (1, 0, *range(2, s.ndim)))


@final
class Reverse(Primitive):
    """The pullback of a flow: arguments ``(*x, *c)``, contexts those of the flow; gives like x."""

    def __init__(self, flow: Flow) -> None:
        super().__init__(flow.engine)
        self._flow = flow

    def _split(self, x: Leaves) -> tuple[Leaves, Leaves]:
        return x[: len(x) - self._flow.ode.n], x[len(x) - self._flow.ode.n :]

    def kinds(self, x: Kinds, contexts: Kinds) -> Kinds:
        return x[: len(x) - self._flow.ode.n]

    def value(self, x: Leaves, contexts: Leaves) -> Leaves:
        x, c = self._split(x)
        ts, u0, p, data = self._flow.parts(x, contexts)
        ode = self._flow.ode
        variant = ode.chosen(sum(leaf.size for leaf in (*u0, *p)))
        if variant == "forward":
            found = columns(ode, ts, u0, p, data, c)
        else:
            found = Adjoint(ode, ts, u0, p, data).gradients(c, variant)
        by_u, by_p, costate, solution = found
        if not self._flow.moving:
            return (*by_u, *by_p)
        return (self._by_times(ts, u0, p, data, c, costate, solution), *by_u, *by_p)

    def _by_times(
        self, ts: Any, u0: Leaves, p: Leaves, data: Leaves, c: Leaves, costate: Any, solution: Any
    ) -> Any:
        """``c_i . f(t_i)``; for the first time, what a later start leaves out."""
        packing = Packing(u0)

        def rate(k: int) -> Any:
            return packing.vector(self._flow.ode.f(ts[k], packing.leaves(solution[k]), p, data))

        rows = [packing.vector(leaves) for leaves in zip(*c, strict=True)]
        later = [float(rows[k] @ rate(k)) for k in range(1, len(ts))]
        return np.asarray([-float(costate @ rate(0)), *later], ts.dtype)

    # --- rules -----------------------------------------------------------------------------------

    def _pulled(self, x: Leaves, along: Leaves, c: Leaves, contexts: Leaves) -> Leaves:
        """The pullback by x of the solution and of its tangent along the direction given."""
        flow = self._flow
        return tuple(pullback(flow.both, flow.ode.adtype, x, c, along, contexts))

    def push(self, x: Leaves, contexts: Leaves, t: Leaves) -> Leaves:
        (x, c), (dx, dc) = self._split(x), self._split(t)
        return self._pulled(x, dx, (*dc, *c), contexts)

    def pull(self, x: Leaves, contexts: Leaves, c: Leaves) -> Leaves:
        x, given = self._split(x)
        none = tuple(0 * leaf for leaf in given)
        by_x = self._pulled(x, c, (*none, *given), contexts)
        return (*by_x, *self._flow.push(x, contexts, c))
