"""What a caller lets go of goes: no memory of ours keeps what a declaration or a function holds."""

from __future__ import annotations

import copy
import gc
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from weakref import ref

import numpy as np
import pytest

import diffinterface as di
from diffinterface.engine.registry import resolve
from diffinterface.sparse import GreedyColoring, KnownPattern
from diffinterface.testing.rules import wrong_rules

X = np.arange(1.0, 5.0)


@pytest.fixture(autouse=True)
def _old_things_are_not_walked_through() -> None:
    """What the tests before left in engines' caches stays there: each collection would take a second."""
    gc.collect()
    gc.freeze()


def neighbors(x: Any) -> Any:
    return x[1:] * x[:-1]


def energy(x: Any) -> Any:
    return (neighbors(x) ** 2).sum()


def known() -> Any:
    return KnownPattern(np.ones((3, 4)))


class Progress:
    def __call__(self, done: int, total: int) -> None: ...


HELD: dict[str, Callable[[], Any]] = {
    "detector": known,
    "coloring": GreedyColoring,
    "progress": Progress,
    "executor": lambda: ThreadPoolExecutor(1),
    "plan": lambda: di.prepare_jacobian(neighbors, di.AutoSparse(di.AutoForwardDiff()), X).details,
}
USES: dict[str, Callable[[Any], Any]] = {
    "called": lambda sparse: di.jacobian(neighbors, sparse, X),
    "prepared": lambda sparse: di.prepare_jacobian(neighbors, sparse, X)(X),
    "a member": lambda sparse: di.gradient(energy, di.SecondOrder(di.AutoForwardDiff(), sparse), X),
    "a mode": lambda sparse: di.gradient(energy, di.MixedMode(di.AutoForwardDiff(), sparse), X),
    "available": di.check_available,
    "judged": wrong_rules,
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("held", HELD)
def test_what_a_declaration_holds_goes_with_it(held: str, use: str) -> None:
    pytest.importorskip("scipy")
    value = HELD[held]()
    watched = ref(value.coloring if held == "plan" else value)
    USES[use](di.AutoSparse(di.AutoForwardDiff(), **{held: value}))
    del value
    gc.collect()
    assert watched() is None


@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: di.SecondOrder(d, d)])
def test_a_backend_goes_with_its_declaration(wrap: Callable[[Any], Any]) -> None:
    declaration = wrap(di.AutoSparse(di.AutoForwardDiff(), detector=known()))
    backend = ref(resolve(declaration))
    gc.collect()
    assert backend() is resolve(declaration)
    del declaration
    gc.collect()
    assert backend() is None


def test_declarations_of_literals_share_their_backends() -> None:
    for make in (
        lambda: di.AutoFiniteDiff(relative_step=1e-3),
        lambda: di.AutoSparse(di.AutoForwardDiff(3)),
        lambda: di.SecondOrder(di.AutoForwardDiff(), di.AutoComplexStep()),
    ):
        first = resolve(make())
        gc.collect()
        assert resolve(make()) is first


def test_few_are_shared_at_a_time() -> None:
    backends = [ref(resolve(di.AutoForwardDiff(chunk_size))) for chunk_size in range(1, 1000)]
    gc.collect()
    assert sum(backend() is not None for backend in backends) <= 256


def test_a_declaration_travels_without_its_backend() -> None:
    declaration = di.AutoSparse(di.AutoForwardDiff(), coloring=GreedyColoring())
    fresh, text = pickle.dumps(declaration), repr(declaration)
    backend = resolve(declaration)
    assert pickle.dumps(declaration) == fresh
    assert repr(declaration) == text
    for other in (
        pickle.loads(fresh),
        copy.copy(declaration),
        copy.deepcopy(declaration),
        replace(declaration),
    ):
        assert other == declaration
        assert hash(other) == hash(declaration)
        assert resolve(other) is not backend
        assert resolve(other).adtype is other


def differentiated(name: str, prepared: bool) -> list[ref[Any]]:
    """What was passed, and what f captured."""
    weights, x = np.linspace(0.1, 0.4, 4), X.copy()

    def f(x: Any) -> Any:
        return (weights * x * x).sum()

    for operator in ("gradient", "jacobian", "hessian"):
        if prepared:
            getattr(di, f"prepare_{operator}")(f, name, x)(x)
        else:
            getattr(di, operator)(f, name, x)
    return [ref(f), ref(weights), ref(x)]


@pytest.mark.parametrize("name", ["forwarddiff", "finitediff", "complexstep"])
@pytest.mark.parametrize("prepared", [False, True], ids=["called", "prepared"])
def test_f_and_its_arrays_go_with_the_caller(name: str, prepared: bool) -> None:
    watched = differentiated(name, prepared)
    gc.collect()
    assert [value() for value in watched] == [None] * 3
