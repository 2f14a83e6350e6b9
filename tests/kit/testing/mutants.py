"""Backends that are wrong in one situation only: right wherever a careless test would look.

Duals do the work. Each kind is a function that spoils what one call gives.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

import diffinterface as di
from diffinterface.extend import Backend, Prep
from diffinterface_forwarddiff import ForwardDiffBackend
from diffinterface_forwarddiff.dual import Dual


@dataclass(frozen=True)
class AutoMutant(di.ADType):
    """Which mutant: a name of `KINDS`."""

    name: ClassVar[str] = "mutant"
    kind: str = "right"


@dataclass
class Call:
    """One call of a plan, and what the right answer is.

    `number` counts the calls of one preparation; `kept` lives as long as it, `forever` as long as the
    process.
    """

    operator: str
    fn: Any
    args: tuple[Any, ...]
    batched: bool
    number: int
    plan: Prep
    kept: dict[str, Any]
    value: Any = None
    result: Any = None
    aux: Any = None

    @property
    def x(self) -> Any:
        return self.args[0]


Spoil = Callable[[Call], None]
FOREVER: dict[Any, Any] = {}
KINDS: dict[str, Spoil] = {"right": lambda call: None}
# Kinds that look at the arguments before the right answer is computed.
BEFORE: dict[str, Spoil] = {}


def kind(function: Spoil) -> Spoil:
    KINDS[function.__name__] = function
    return function


def before(function: Spoil) -> Spoil:
    BEFORE[function.__name__] = function
    return function


def mapped(tree: Any, change: Callable[[Any], Any]) -> Any:
    """Leaves of a row, or of rows of them."""
    return tuple(mapped(a, change) if isinstance(a, tuple | list) else change(a) for a in tree)


def wrong(call: Call) -> None:
    call.result = mapped(call.result, lambda a: a * 1.01)


@dataclass
class _Counter:
    calls: int = 0
    kept: dict[str, Any] = field(default_factory=dict)


class MutantBackend(Backend):
    """The backend of each mutant."""

    adtype_class = AutoMutant
    adtype: AutoMutant

    def __init__(self, adtype: AutoMutant) -> None:
        super().__init__(adtype)
        self.right = ForwardDiffBackend(di.AutoForwardDiff())

    def _prepare(self, operator: str, fn: Any, *args: Any) -> Prep:
        plan = getattr(self.right, f"prepare_{operator}")(fn.on(self.right), *args)
        counter, name = _Counter(), self.adtype.kind
        batched = len(args) > 3 and bool(args[3])

        def run(*given: Any) -> Any:
            counter.calls += 1
            call = Call(operator, fn, given, batched, counter.calls, plan, counter.kept)
            if name in BEFORE:
                BEFORE[name](call)
            call.value, call.result, call.aux = plan.run(*call.args)
            KINDS.get(name, KINDS["right"])(call)
            return call.value, call.result, call.aux

        return Prep(run)


def _operator(name: str) -> Any:
    def prepare(self: MutantBackend, fn: Any, *args: Any, batched: bool = False) -> Prep:
        more = (batched,) if batched else ()
        return self._prepare(name, fn, *args, *more)

    return prepare


for _name in (
    *("pushforward", "pullback", "derivative", "gradient", "jacobian", "second_derivative"),
    *("hvp", "hessian", "batched_jacobian"),
):
    setattr(MutantBackend, f"prepare_{_name}", _operator(_name))


# --- wrong for some arguments --------------------------------------------------------------------


@kind
def single_only(call: Call) -> None:
    """Wrong in float32 only."""
    if any(np.asarray(a).dtype == np.float32 for a in call.x):
        wrong(call)


@kind
def hvp_without_cross_terms(call: Call) -> None:
    """Each entry of the product knows only its own second derivative."""
    if call.operator != "hvp" or call.batched or not all(isinstance(a, np.ndarray) for a in call.x):
        return
    out = []
    for i, t in enumerate(call.args[2]):
        diagonal = np.zeros_like(t)
        for at in np.ndindex(t.shape):
            seeds = [np.zeros_like(s) for s in call.args[2]]
            seeds[i][at] = 1.0
            diagonal[at] = call.plan.run(call.args[0], call.args[1], tuple(seeds))[1][i][at]
        out.append(diagonal * t)
    call.result = tuple(out)


@kind
def hessian_without_cross_blocks(call: Call) -> None:
    """The blocks of a leaf with another are zero."""
    if call.operator == "hessian":
        call.result = tuple(
            tuple(block if i == j else 0 * block for i, block in enumerate(row))
            for j, row in enumerate(call.result)
        )


@kind
def hessian_upper_triangle(call: Call) -> None:
    """Only one triangle is filled in."""
    if call.operator == "hessian":
        call.result = mapped(call.result, lambda a: np.triu(a) if np.ndim(a) == 2 else a)


@kind
def batched_first_seed(call: Call) -> None:
    """The last seed of a batch gives the result of the first."""
    if call.batched and len(call.args[2][0]) > 1:
        call.result = mapped(call.result, lambda a: np.concatenate([a[:-1], a[:1]]))


@kind
def unconjugated(call: Call) -> None:
    """The pullback is J^T, not J^H."""
    if call.operator in ("pullback", "gradient"):
        call.result = mapped(call.result, np.conj)


@kind
def unconjugated_batches(call: Call) -> None:
    if call.operator == "pullback" and call.batched:
        call.result = mapped(call.result, np.conj)


@kind
def beyond_one_chunk(call: Call) -> None:
    """What is beyond the first 64 columns is lost."""
    if call.operator in ("jacobian", "gradient", "hessian"):

        def cut(a: Any) -> Any:
            if np.ndim(a) and np.shape(a)[-1] > 64:
                a = np.array(a)
                a[..., 64:] = 0
            return a

        call.result = mapped(call.result, cut)


@kind
def square_matrices_turned(call: Call) -> None:
    """The gradient at a square matrix is transposed."""
    if call.operator == "gradient":
        call.result = mapped(
            call.result, lambda a: a.T if np.ndim(a) == 2 and a.shape[0] == a.shape[1] else a
        )


@before
def in_order_of_memory(call: Call) -> None:
    """x is read as it lies in memory."""
    x = tuple(np.reshape(a.ravel("K"), a.shape) if isinstance(a, np.ndarray) else a for a in call.x)
    call.args = (x, *call.args[1:])


@before
def as_if_contiguous(call: Call) -> None:
    """x is read from its first byte on, without strides."""

    def read(a: Any) -> Any:
        if not isinstance(a, np.ndarray) or a.ndim != 1 or a.size < 2 or a.strides[0] >= 0:
            return a
        return a[::-1].copy()

    call.args = (tuple(map(read, call.x)), *call.args[1:])


@kind
def one_dtype_for_all(call: Call) -> None:
    """All leaves in the widest dtype."""
    if call.operator in ("gradient", "pullback") and len(call.x) > 1:
        widest = np.result_type(*(np.asarray(a).dtype for a in call.x))
        call.result = mapped(call.result, lambda a: np.asarray(a).astype(widest))


@kind
def small_results(call: Call) -> None:
    """What is small is not accurate: a factor of two."""
    call.result = mapped(call.result, lambda a: np.where(np.abs(a) < 1e-13, 2 * a, a))


# --- wrong after a while -------------------------------------------------------------------------


@kind
def second_call(call: Call) -> None:
    if call.number == 2:
        wrong(call)


@kind
def from_third_call_on(call: Call) -> None:
    if call.number > 2:
        wrong(call)


@before
def contexts_of_the_first_call(call: Call) -> None:
    if len(call.args) > 1 and isinstance(call.args[1], tuple):
        contexts = call.kept.setdefault("contexts", call.args[1])
        call.args = (call.args[0], contexts, *call.args[2:])


@kind
def aux_of_the_first_call(call: Call) -> None:
    call.aux = call.kept.setdefault("aux", call.aux)


@kind
def value_of_the_first_call(call: Call) -> None:
    call.value = call.kept.setdefault("value", call.value)


@before
def seed_of_the_first_call(call: Call) -> None:
    if len(call.args) == 3:
        call.args = (*call.args[:2], call.kept.setdefault("seed", call.args[2]))


@kind
def known_by_code(call: Call) -> None:
    """Remembered by the code of f and the point, so closures over other values are confused."""
    code = getattr(call.fn.f, "__code__", None)
    leaves = [a for part in call.args for a in part if isinstance(a, np.ndarray)]
    key = call.operator, code, call.batched, *(a.tobytes() for a in leaves)
    if call.operator == "gradient" and not call.fn.has_aux and call.fn.layout == ():
        call.result = FOREVER.setdefault(key, call.result)


@before
def after_an_error(call: Call) -> None:
    """An f that raised leaves something behind."""
    call.kept["wrong"] = call.kept.get("open", False) or call.kept.get("wrong", False)
    call.kept["open"] = True


def _after_an_error(call: Call) -> None:
    call.kept["open"] = False
    if call.kept["wrong"]:
        wrong(call)


KINDS["after_an_error"] = _after_an_error


# --- wrong in company ----------------------------------------------------------------------------


@kind
def values_race(call: Call) -> None:
    """The value stands a moment where another thread writes its own."""
    call.kept["value"] = call.value
    time.sleep(1e-4)
    call.value = call.kept["value"]


@kind
def constant_to_others(call: Call) -> None:
    """What surrounds the call sees a constant."""
    call.result = mapped(call.result, _constant)


def _constant(a: Any) -> Any:
    return _constant(a.value) if isinstance(a, Dual) else a
