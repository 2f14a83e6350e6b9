"""Backends with one fault each, made from a right one: what the kit must catch and name."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any, ClassVar

import numpy as np

import diffinterface as di
from diffinterface.extend import Backend, Prep
from diffinterface_forwarddiff import ForwardDiffBackend


def _mapped(plan: Prep, change: Any) -> Prep:
    """A plan whose results are changed."""

    def run(*args: Any) -> Any:
        value, result, aux = plan.run(*args)
        return value, change(result), aux

    return Prep(run)


class _Broken(Backend):
    """Duals do the work; a subclass spoils one operator."""

    def __init__(self, adtype: Any) -> None:
        super().__init__(adtype)
        self.right = ForwardDiffBackend(di.AutoForwardDiff())

    def prepare_pushforward(self, fn: Any, *args: Any) -> Prep:
        return self.right.prepare_pushforward(fn.on(self.right), *args)

    def prepare_jacobian(self, fn: Any, *args: Any) -> Prep:
        return self.right.prepare_jacobian(fn.on(self.right), *args)

    def prepare_gradient(self, fn: Any, *args: Any) -> Prep:
        return self.right.prepare_gradient(fn.on(self.right), *args)


@dataclass(frozen=True)
class AutoRight(di.ADType):
    name: ClassVar[str] = "right"


class Right(_Broken):
    """Without a fault: the kit must find none."""

    adtype_class = AutoRight


@dataclass(frozen=True)
class AutoTransposed(di.ADType):
    name: ClassVar[str] = "transposed"


class Transposed(_Broken):
    """The Jacobian of a vector by a vector is transposed, and so are products with it."""

    adtype_class = AutoTransposed

    def prepare_jacobian(self, fn: Any, *args: Any) -> Prep:
        plan = super().prepare_jacobian(fn, *args)
        return _mapped(plan, lambda rows: [[block.T for block in row] for row in rows])

    def prepare_pushforward(self, fn: Any, x: Any, contexts: Any, t: Any, batched: bool) -> Prep:
        jacobian = self.right.prepare_jacobian(fn.on(self.right), x, contexts)

        def run(x: Any, contexts: Any, t: Any) -> Any:
            value, ((matrix,),), aux = jacobian.run(x, contexts)
            return value, (t[0] @ matrix,), aux

        return Prep(run)


@dataclass(frozen=True)
class AutoStale(di.ADType):
    name: ClassVar[str] = "stale"


class Stale(_Broken):
    """The gradient is kept from the first call, or from the preparation."""

    adtype_class = AutoStale

    def prepare_gradient(self, fn: Any, *args: Any) -> Prep:
        known: list[Any] = []
        plan = super().prepare_gradient(fn, *args)

        def run(*given: Any) -> Any:
            if not known:
                known.append(plan.run(*given))
            value, result, aux = known[0]
            return value, tuple(np.copy(leaf) for leaf in result), aux

        return Prep(run)


@dataclass(frozen=True)
class AutoIdentity(di.ADType):
    name: ClassVar[str] = "identity"


class Identity(_Broken):
    """The gradient is kept by the identity of x's array, which may hold other values by now."""

    adtype_class = AutoIdentity

    def prepare_gradient(self, fn: Any, *args: Any) -> Prep:
        known: list[
            Any
        ] = []  # the array last seen, and its result: nothing else is freed or reused
        plan = super().prepare_gradient(fn, *args)

        def run(x: Any, contexts: Any) -> Any:
            if not known or known[0] is not x[0]:
                known[:] = x[0], plan.run(x, contexts)
            value, result, aux = known[1]
            return value, tuple(np.copy(leaf) for leaf in result), aux

        return Prep(run)


@dataclass(frozen=True)
class AutoRacy(di.ADType):
    name: ClassVar[str] = "racy"


class Racy(_Broken):
    """A prepared gradient keeps its argument where another thread finds it."""

    adtype_class = AutoRacy

    def prepare_gradient(self, fn: Any, *args: Any) -> Prep:
        plan = super().prepare_gradient(fn, *args)
        shared: dict[str, Any] = {}

        def run(*given: Any) -> Any:
            shared["arguments"] = given
            time.sleep(1e-4)
            return plan.run(*shared["arguments"])

        return Prep(run)


@dataclass(frozen=True)
class AutoSingle(di.ADType):
    name: ClassVar[str] = "single"


class Single(_Broken):
    """The gradient is computed in float32 and returned in x's dtype."""

    adtype_class = AutoSingle

    def prepare_gradient(self, fn: Any, *args: Any) -> Prep:
        plan = super().prepare_gradient(fn, *args)
        return _mapped(plan, lambda r: tuple(a.astype(np.float32).astype(a.dtype) for a in r))


@dataclass(frozen=True)
class AutoNegative(di.ADType):
    name: ClassVar[str] = "negative"


class Negative(_Broken):
    """The sign of the gradient is wrong."""

    adtype_class = AutoNegative

    def prepare_gradient(self, fn: Any, *args: Any) -> Prep:
        return _mapped(super().prepare_gradient(fn, *args), lambda r: tuple(-a for a in r))


@dataclass(frozen=True)
class AutoHalf(di.ADType):
    name: ClassVar[str] = "half"


class Half(_Broken):
    """The gradient is half of what it should be."""

    adtype_class = AutoHalf

    def prepare_gradient(self, fn: Any, *args: Any) -> Prep:
        return _mapped(super().prepare_gradient(fn, *args), lambda r: tuple(a / 2 for a in r))


@dataclass(frozen=True)
class AutoLeaky(di.ADType):
    name: ClassVar[str] = "leaky"


class Leaky(_Broken):
    """Every result is kept."""

    adtype_class = AutoLeaky

    def prepare_gradient(self, fn: Any, *args: Any) -> Prep:
        log: list[Any] = []

        def keep(result: Any) -> Any:
            log.append(result)
            return tuple(np.copy(leaf) for leaf in result)

        return _mapped(super().prepare_gradient(fn, *args), keep)


@dataclass(frozen=True)
class AutoWasteful(di.ADType):
    name: ClassVar[str] = "wasteful"


class Wasteful(_Broken):
    """Each call evaluates f once more than the one before."""

    adtype_class = AutoWasteful

    def prepare_gradient(self, fn: Any, *args: Any) -> Prep:
        plan = super().prepare_gradient(fn, *args)
        calls: list[None] = []

        def run(*given: Any) -> Any:
            calls.append(None)
            for _ in calls:
                out = plan.run(*given)
            return out

        return Prep(run)


@dataclass(frozen=True)
class AutoWriting(di.ADType):
    name: ClassVar[str] = "writing"


class Writing(_Broken):
    """The gradient is written into x."""

    adtype_class = AutoWriting

    def prepare_gradient(self, fn: Any, *args: Any) -> Prep:
        plan = super().prepare_gradient(fn, *args)

        def run(x: Any, contexts: Any) -> Any:
            value, result, aux = plan.run(x, contexts)
            np.copyto(x[0], result[0])
            return value, result, aux

        return Prep(run)


KINDS = (
    Right,
    Transposed,
    Stale,
    Identity,
    Racy,
    Single,
    Negative,
    Half,
    Leaky,
    Wasteful,
    Writing,
)


def entries() -> dict[str, EntryPoint]:
    """The entry points by which an installed distribution would declare these backends."""
    return {
        kind.adtype_class.name: EntryPoint(
            kind.adtype_class.name, f"{__name__}:{kind.__name__}", "diffinterface.backends"
        )
        for kind in KINDS
    }
