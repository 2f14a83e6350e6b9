"""One scenario on one backend for one caller: how to call it, and what to say where it is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays.framework import framework_of
from ..arrays.trees import flatten, map_leaves
from ..declare.adtypes import AutoFiniteDiff
from .backends import SINGLE_DTYPES, Entry
from .callers import NUMPY, Caller
from .causes import Alternative, likely_cause
from .deviation import Deviation, deviation, numpy_leaves
from .scenario import Arguments, Scenario, operator_named, prepare_named, value_and_named


@dataclass(frozen=True)
class Failure:
    """One thing that a backend does wrong.

    Attributes
    ----------
    backend, operator, scenario, check : str
        Where: the id of the backend, the names of the others.
    way : str
        How the operator was called.
    entry, got, expected : str
        The entry of the result that is farthest off, what stands there, and what should.
    detail : str
        How large and how widespread the difference is.
    cause : str
        The likely cause.
    source : str
        Where the expected value comes from.
    """

    backend: str
    operator: str
    scenario: str
    check: str
    way: str
    entry: str = ""
    got: str = ""
    expected: str = ""
    detail: str = ""
    cause: str = ""
    source: str = ""

    def __str__(self) -> str:
        lines = [
            f"{self.backend}: {self.operator} fails the check {self.check!r} ({self.scenario})"
        ]
        facts = {
            "call": self.way,
            "entry": self.entry,
            "got": self.got,
            "expected": f"{self.expected}, by {self.source}" if self.source else self.expected,
            "difference": self.detail,
            "likely cause": self.cause,
        }
        lines += [f"  {name:<13} {fact}" for name, fact in facts.items() if fact]
        return "\n".join(lines)


class DerivativeError(AssertionError):
    """A derivative is wrong; `failures` lists each `Failure`."""

    def __init__(self, *failures: Failure, heading: str = "") -> None:
        self.failures = failures
        super().__init__("\n\n".join([heading] * bool(heading) + [*map(str, failures)]))


@dataclass(frozen=True)
class Cell:
    """A scenario on a backend, called with one kind of arrays."""

    scenario: Scenario
    entry: Entry
    caller: Caller = NUMPY
    check: str = "correct"

    def named(self, check: str) -> Cell:
        """The same for another check."""
        return replace(self, check=check)

    @property
    def _head(self) -> tuple[Any, Any]:
        return self.scenario.f, self.entry.adtype

    @property
    def tolerance(self) -> float:
        """How close results must come, for the precision of x."""
        names = {np.asarray(a).dtype.name for a in numpy_leaves(self.scenario.x)}
        single = self.caller.single or bool(names & {*SINGLE_DTYPES})
        dtype = "float32" if single else "float64"
        return self.entry.tolerance(self.scenario.operator, dtype)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """In which the caller's arrays keep their precision."""
        with self.caller.scope(self.scenario.x):
            yield

    def given(self, arguments: Arguments) -> tuple[Any, ...]:
        """The point, the seed and the contexts, as the caller's own arrays."""
        seed = (arguments.tangent,) if self.scenario.seeded else ()
        return tuple(map(self.caller.give, (arguments.x, *seed, *arguments.contexts)))

    def once(self, arguments: Arguments) -> Any:
        """The operator, called without preparation."""
        return self.at(*self.given(arguments))

    def at(self, *given: Any) -> Any:
        """The operator, called without preparation at these very arrays."""
        return operator_named(self.scenario.operator)(*self._head, *given, **self.scenario.options)

    def value_and(self, arguments: Arguments) -> Any:
        """The ``value_and`` variant, called without preparation."""
        return value_and_named(self.scenario.operator)(
            *self._head, *self.given(arguments), **self.scenario.options
        )

    def prepare(self, arguments: Arguments, *given: Any, **options: Any) -> Any:
        """The operator prepared at these arguments (or at `given`, as they are)."""
        return prepare_named(self.scenario.operator)(
            *self._head, *(given or self.given(arguments)), **self.scenario.options, **options
        )

    def prepare_same_point(self, at: Arguments, tangent: Any, *given: Any) -> Any:
        """The operator linearised at `at` (or at `given`), prepared with a tangent of any value."""
        x, _, *contexts = given or self.given(at)
        return prepare_named(self.scenario.operator, same_point=True)(
            *self._head, x, self.caller.give(tangent), *contexts, **self.scenario.options
        )

    # --- judging ---------------------------------------------------------------------------------

    def expect(
        self,
        way: str,
        got: Any,
        arguments: Arguments,
        *,
        valued: bool = False,
        instead: Sequence[Alternative] = (),
        before: Arguments | None = None,
    ) -> None:
        """Raise `DerivativeError` unless a result is that of `arguments`.

        `instead` lists what else it could be by mistake, before the usual mistakes; `before` are the
        arguments of an earlier call, whose values could have been kept.
        """
        scenario = self.scenario
        pairs = self._pairs(got, arguments, valued)
        kept = {} if before is None else {w: v for w, _, v in self._pairs(got, before, valued)}
        for what, ours, theirs in pairs:
            if theirs is None:  # not known
                continue
            theirs = self.caller.narrow(_as_arrays(theirs))
            like = self._like(what)
            error = scenario.error if what == "result" else 0.0
            found = deviation(
                ours, theirs, self.tolerance, error, like=like, floor=self._floor(what)
            )
            if found is None:
                continue
            cause = ""
            if what == "result":
                others = [*instead, *self._mistakes(arguments)]
                cause = likely_cause(ours, theirs, self.entry.adtype, others)
            elif kept.get(what) is not None:
                old = self.caller.narrow(_as_arrays(kept[what]))
                if deviation(ours, old, self.tolerance, like=like) is None:
                    cause = f"stale cache: this is the {what} of an earlier call"
            self.fail(way if what == "result" else f"{way}, {what}", found, cause)

    def _floor(self, what: str) -> float:
        """What counts as large for a leaf whose entries are all small.

        One, for a function of the size of one. The size of a derivative is that of f over that of x;
        f is looked at where it was prepared too, since here it may be small at a minimum.
        """
        scenario = self.scenario
        here, there = scenario.here, scenario.there
        if what == "aux" or here is there or not (here.values and there.values):
            return 1.0
        y, x = (
            max(map(_size, pair)) for pair in ((here.values[0], there.values[0]), (here.x, there.x))
        )
        if not (y and x) or not np.isfinite(y):
            return 1.0
        order = 0 if what in ("value", "gradient") else 1
        if scenario.operator in ("hessian", "second_derivative") and what == "result":
            order = 2
        seed = _size(here.tangent) if scenario.seeded and what == "result" else 1.0
        return float(min(1.0, y / x**order * (seed or 1.0)))

    def _pairs(self, got: Any, arguments: Arguments, valued: bool) -> list[tuple[str, Any, Any]]:
        has_aux = bool(self.scenario.options.get("has_aux"))
        if not valued and not has_aux:
            return [("result", got, arguments.result)]
        parts = list(got)
        pairs = [("aux", parts.pop(), arguments.aux)] if has_aux else []
        pairs.append(("result", parts.pop(), arguments.result))
        known = arguments.values if arguments.values else (None,) * len(parts)
        names = ("value", "first derivative") if self.scenario.operator != "hvp" else ("gradient",)
        return [*pairs, *zip(names, parts, known, strict=False)]

    def _like(self, what: str) -> Any:
        """An array of the kind that results must have; those of aux may be any."""
        leaves, _ = flatten(self.scenario.x)
        return self.caller.give(leaves[0]) if leaves and what != "aux" else None

    def _mistakes(self, arguments: Arguments) -> Iterator[Alternative]:
        """A Jacobian used the wrong way round, in a product with it."""
        scenario = self.scenario
        if scenario.operator not in ("pushforward", "pullback") or scenario.options:
            return
        other = "pullback" if scenario.operator == "pushforward" else "pushforward"

        def turned() -> Any:
            scheme = AutoFiniteDiff("richardson")
            a = arguments
            return operator_named(other)(scenario.f, scheme, a.x, a.tangent, *a.contexts)

        matrix = "J^H t" if other == "pullback" else "J t"
        yield f"transposed Jacobian: the result is {matrix}, the {other} of the same seed", turned

    def fail(self, way: str, found: Deviation | str, cause: str = "") -> None:
        """Raise `DerivativeError` for what was found."""
        raise DerivativeError(self.failure(way, found, cause))

    def failure(self, way: str, found: Deviation | str, cause: str = "") -> Failure:
        """What was found, and where."""
        facts = (
            {"detail": found}
            if isinstance(found, str)
            else {
                "entry": found.entry or "the number",
                "got": found.got,
                "expected": found.expected,
                "detail": found.detail,
                "source": self.scenario.source,
            }
        )
        name = f"{self.scenario.name}, {self.caller.id}"
        where = self.entry.id, self.scenario.operator, name, self.check
        return Failure(*where, way, cause=cause, **facts)


def counted(f: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[[], int]]:
    """`f`, and how often it has been called; safe in threads."""
    calls: list[None] = []

    def counting(*args: Any) -> Any:
        calls.append(None)
        return f(*args)

    return counting, lambda: len(calls)


def _size(tree: Any) -> float:
    arrays = (a for a in numpy_leaves(tree) if isinstance(a, np.ndarray))
    return max((float(np.max(np.abs(a), initial=0.0)) for a in arrays), default=0.0)


def _as_arrays(tree: Any) -> Any:
    return map_leaves(lambda a: a if framework_of(a) is None else np.asarray(a), tree)
