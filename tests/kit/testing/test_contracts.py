"""`check_framework` and `check_host`: those that ship pass, and each wrong answer is found by name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import array_api_compat.numpy
import numpy as np
import pytest

import diffinterface as di
from diffinterface.extend import Framework
from diffinterface.extend.frameworks import NumPyLike
from diffinterface.nest.hosts import apply
from diffinterface.testing import ContractError, check_framework, check_host
from diffinterface.testing.framework_contract import _Questions
from diffinterface.testing.host_contract import QUESTIONS
from diffinterface_forwarddiff import framework as duals
from diffinterface_forwarddiff.dual import Dual
from diffinterface_forwarddiff.levels import primal, tangent, top
from diffinterface_forwarddiff.values import back, front

from ...backends import ENGINES, skip_if_missing


def _named(case: Any) -> str:
    return case if isinstance(case, str) else "-".join(case)


class Field(np.ndarray):
    """Arrays of a framework of the test's own."""


class Right(Framework):
    name = "field"

    def to_numpy(self, x: Any) -> Any:
        return np.array(x, subok=False)

    def from_numpy(self, a: Any, like: Any) -> Any:
        return np.array(a).view(Field)

    def scratch(self, buffer: Any, like: Any) -> Any:
        return np.array(buffer).view(Field)

    def stop_gradient(self, x: Any) -> Any:
        return x

    scan = staticmethod(lambda step, carry, xs: _scan(step, carry, xs))


def _scan(step: Any, carry: Any, xs: Any) -> Any:
    ys = []
    for x in xs:
        carry, y = step(carry, x)
        ys.append(y)
    return carry, np.stack(ys).view(Field)


class Thin:
    """A namespace that lacks two functions."""

    def __getattr__(self, name: str) -> Any:
        if name in ("tanh", "stack"):
            raise AttributeError(name)
        return getattr(np, name)


#: question: an answer that breaks it
FRAMEWORKS: list[tuple[str, dict[str, Any]]] = [
    ("name", {"name": ""}),
    ("owns", {"owns": lambda self, kind: False}),
    ("namespace", {"namespace": lambda self, x: Thin()}),
    ("is_traced", {"is_traced": lambda self, x: True}),
    ("recorders", {"recorders": lambda self, x: ("somebody",)}),
    ("ending", {"ending": lambda self, x: lambda: True}),
    ("inside", {"inside": lambda self, x: np.asarray(x)}),
    ("stop_gradient", {"stop_gradient": lambda self, x: 0 * x}),
    ("values", {"values": lambda self, x: np.array(x).T[::-1].T}),
    ("values", {"values": lambda self, x: list(x)}),
    ("own", {"own": lambda self, x: x}),
    ("own", {"own": lambda self, x: np.array(x)}),
    ("scope", {"scope": lambda self, x: None}),
    ("device", {"device": lambda self, x: object()}),
    ("from_numpy", {"from_numpy": lambda self, a, like: a.view(Field)}),
    ("from_numpy", {"from_numpy": lambda self, a, like: np.array(a, "float32").view(Field)}),
    ("to_numpy", {"to_numpy": lambda self, x: x}),
    ("to_numpy", {"to_numpy": lambda self, x: np.asarray(x)}),
    ("has_dtype", {"has_dtype": lambda self, name: name == "int64"}),
    ("scratch", {"scratch": lambda self, buffer, like: np.asarray(buffer).view(Field)}),
    ("scratch", {"scratch": lambda self, buffer, like: np.zeros_like(buffer).view(Field)}),
    ("put", {"put": lambda self, x, index, value: x}),
    (
        "put",
        {"mutable": False, "put": lambda self, x, i, value: Framework.put(Right(), x, i, value)},
    ),
    ("take", {"take": lambda self, x, indices: x[:2]}),
    ("concrete", {"concrete": "Field"}),
    ("scan", {"scan": staticmethod(lambda step, carry, xs: (carry, xs))}),
    ("is_dense", {"is_dense": lambda self, x: False}),
]


def test_right_frameworks_pass() -> None:
    check_framework(Right())
    for module in filter(di.check_available, ("torch", "jax")):
        check_framework(module)
    for engine in ("forwarddiff", "autograd"):
        if di.check_available(engine):
            check_traced(engine)


def check_traced(engine: str) -> None:
    def f(x: Any) -> Any:
        from diffinterface.extend import framework_of

        check_framework(framework_of(x), [x])  # type: ignore[arg-type]
        return x[0] ** 2

    di.gradient(f, engine, np.array([1.0, 2.0]))


@pytest.mark.parametrize(("question", "answers"), FRAMEWORKS, ids=_named)
def test_a_wrong_answer_of_a_framework_is_found_by_name(question: str, answers: Any) -> None:
    with pytest.raises(ContractError) as caught:
        check_framework(type("Wrong", (Right,), answers)())
    assert question in caught.value.failures
    assert f"{question}: " in str(caught.value)


WRAPPERS: list[tuple[str, dict[str, Any]]] = [
    ("inside", {"inside": lambda self, x: x}),
    ("is_traced", {"is_traced": lambda self, x: False}),
    ("stop_gradient", {"stop_gradient": lambda self, x: x}),
    ("own", {"own": lambda self, x: x.value}),
    ("refuses", {"to_numpy": lambda self, x: np.array(x.value)}),
    ("recorders", {"recorders": lambda self, x: ()}),
]


@pytest.mark.parametrize(("question", "answers"), WRAPPERS, ids=_named)
def test_a_wrong_answer_of_a_wrapper_is_found_by_name(question: str, answers: Any) -> None:
    wrong = type("Wrong", (type(duals),), answers)()
    found = []

    def f(x: Any) -> Any:
        with pytest.raises(ContractError) as caught:
            check_framework(wrong, [x])
        found.append(caught.value.failures)
        return x[0] ** 2

    di.gradient(f, "forwarddiff", np.array([1.0, 2.0]))
    assert question in found[0]


def test_every_question_has_a_mutant() -> None:
    asked = {q.__name__ for f in (Right(), duals) for q in _Questions(f, (), False).all()}
    assert asked == {question for question, _ in FRAMEWORKS + WRAPPERS}


def test_what_cannot_be_asked() -> None:
    with pytest.raises(di.InputError, match="no_such_module"):
        check_framework("no_such_module")
    with pytest.raises(di.InputError, match="examples"):
        check_framework(duals)


# --- hosts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [e for e in ENGINES if e != "finitediff"])
def test_right_hosts_pass(engine: str) -> None:
    skip_if_missing(engine)
    check_host(engine)


def host(
    bridge: Any,
    x: Any,
    contexts: Any,
    seed: Callable[[Any], Any] = lambda t: t,
    values: Callable[[Any], Any] = lambda y: y,
    pushed: Callable[[Any], Any] = lambda y: y,
    point: Callable[[Any], Any] = lambda x: x,
    given: Callable[[Any], Any] = lambda c: c,
    slope: Callable[[Any], Any] = lambda x: x,
) -> Any:
    """The host of dual numbers, and where to spoil it."""
    level = top(x)
    k = next(leaf.width for leaf in x if isinstance(leaf, Dual) and leaf.level == level)
    at = point(tuple(primal(leaf, level) for leaf in x))
    t = seed(tuple(front(tangent(leaf, level, k)) for leaf in x))
    n, contexts = len(x), given(contexts)
    push = bridge.pushforward.batched([False] * n + [True] * n, [False] * len(contexts))
    tangents = pushed(apply(push, (*slope(at), *t), contexts))
    y = values(apply(bridge, at, contexts))
    return tuple(Dual(a, back(b), level) for a, b in zip(y, tangents, strict=True))


def each(change: Any) -> Any:
    return lambda leaves: tuple(map(change, leaves))


#: question: what to spoil so that it is answered wrongly
HOSTS: list[tuple[str, dict[str, Any]]] = [
    ("value", {"values": each(lambda y: y + 1)}),
    ("pushforward", {"seed": each(lambda t: 2 * t)}),
    ("pullback", {"pushed": each(lambda t: -t)}),
    ("batched", {"pushed": each(lambda t: t[::-1])}),
    ("contexts", {"given": each(lambda c: 0 * c)}),
    ("traced_contexts", {"seed": lambda t: (*t[:1], *(0 * s for s in t[1:]))}),
    ("several_leaves", {"seed": lambda t: (*t[:1], *(0 * s for s in t[1:]))}),
    ("one_traced_leaf", {"seed": lambda t: (*t[:1], *(s + 1 for s in t[1:]))}),
    ("scalar", {"pushed": each(lambda t: 0 * t if t.ndim == 1 else t)}),
    ("between", {"point": each(di.stop_gradient), "slope": each(lambda x: x / 2)}),
    ("second_order", {"slope": each(di.stop_gradient)}),
    ("single_precision", {"values": each(lambda y: y.astype("float64"))}),
    ("complex", {"pushed": each(np.conj)}),
    ("value", {"values": lambda y: 1 / 0}),
]


def test_the_host_to_spoil_is_right() -> None:
    check_host("forwarddiff", host)


@pytest.mark.parametrize(("question", "spoiled"), HOSTS, ids=_named)
def test_a_wrong_answer_of_a_host_is_found_by_name(question: str, spoiled: Any) -> None:
    with pytest.raises(ContractError) as caught:
        check_host("forwarddiff", lambda *arguments: host(*arguments, **spoiled))
    assert question in caught.value.failures
    assert f"{question}: " in str(caught.value)


def test_every_question_of_a_host_has_a_mutant() -> None:
    assert {question for question, _ in HOSTS} == {*QUESTIONS}


def test_an_engine_whose_host_is_never_asked() -> None:
    with pytest.raises(ContractError, match="not asked"):
        check_host("finitediff")


def test_the_checks_load_when_asked_for() -> None:
    code = "import sys, diffinterface.testing as t; m = 'diffinterface.testing.host_contract'"
    code += "; assert m not in sys.modules; t.check_host; assert m in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_namespace_says_what_is_missing() -> None:
    class Mine(NumPyLike):
        @staticmethod
        def astype(x: Any, dtype: Any) -> Any:
            return x.astype(dtype)

    old = SimpleNamespace(concatenate=np.concatenate, sin=np.sin)
    xp = Mine(old, "mylib")
    assert xp.concat is np.concatenate
    assert {"cos", "stack"} < set(xp.missing)
    assert not {"concat", "sin", "astype"} & set(xp.missing)
    with pytest.raises(AttributeError, match=r"mylib has no function 'cos' of the array-API.*Mine"):
        _ = xp.cos
    assert not {"concat", "astype", "matmul"} & set(NumPyLike(array_api_compat.numpy).missing)
