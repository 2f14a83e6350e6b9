"""What a function captured: which rebindings are seen, and which names are said to have changed."""

from __future__ import annotations

import copy
import functools
import pickle
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.engine.capture import Captured


class Settings:
    scale = 2.0


class Other:
    scale = 3.0


def module(source: str) -> types.ModuleType:
    """A module of its own, whose globals a test may rebind."""
    made = types.ModuleType("captured")
    exec(source, vars(made))
    for value in vars(made).values():
        if callable(value) and hasattr(value, "__module__"):
            value.__module__ = "captured"
    return made


def test_nothing_changed() -> None:
    held, unused = 2.0, 1.0

    def f(x: Any) -> Any:
        return x * held * Settings.scale

    capture = Captured(f)
    unused = 2.0  # noqa: F841 - f does not refer to it
    assert capture.rebound() == []
    assert Captured(np.sin).rebound() == []
    assert Captured(len).rebound() == []


def test_a_cell_is_named_until_it_holds_the_old_object_again() -> None:
    held = first = [1.0]

    def f(x: Any) -> Any:
        return x * held[0]

    capture = Captured(f)
    held = [1.0]  # equal, but another object
    assert capture.rebound() == ["held"]
    held = first
    assert capture.rebound() == []


def test_a_cell_filled_or_emptied_later() -> None:
    def f(x: Any) -> Any:
        return x * later  # noqa: F821 - filled below

    capture = Captured(f)
    assert capture.rebound() == []
    later = 2.0
    assert capture.rebound() == ["later"]
    capture = Captured(f)
    del later
    assert capture.rebound() == ["later"]


GLOBALS = {
    "number": ("a = 2.0\ndef f(x): return x * a", {"a": 3.0}, ["a"]),
    "equal_object": ("a = (2.0,)\ndef f(x): return x * a[0]", {"a": (1.0 + 1.0,)}, ["a"]),
    "nested_function": (
        "a = 2.0\ndef f(x):\n def g(): return a\n return x * g()",
        {"a": 1.0},
        ["a"],
    ),
    "helper": ("a = 2.0\ndef g(x): return x * a\ndef f(x): return g(x)", {"a": 3.0}, ["a"]),
    "helper_itself": ("def g(x): return x\ndef f(x): return g(x)", {"g": np.sin}, ["g"]),
    "recursive": (
        "a = 2.0\ndef f(x, n=1): return x * a if n == 0 else f(x, n - 1)",
        {"a": 1.0},
        ["a"],
    ),
    "unrelated": ("a = 2.0\nb = 1.0\ndef f(x): return x * a", {"b": 2.0}, []),
    "class": ("class C: a = 2.0\ndef f(x): return x * C.a", {"C": Other}, ["C"]),
    "module": ("import math as m\ndef f(x): return x * m.pi", {"m": Settings}, ["m"]),
}


@pytest.mark.parametrize("case", GLOBALS)
def test_globals(case: str) -> None:
    source, changes, want = GLOBALS[case]
    made = module(source)
    capture = Captured(made.f)
    assert capture.rebound() == []
    vars(made).update(changes)
    assert capture.rebound() == want


def test_a_deleted_global_is_a_change() -> None:
    made = module("a = 2.0\ndef f(x): return x * a")
    capture = Captured(made.f)
    del made.a
    assert capture.rebound() == ["a"]


def test_defaults() -> None:
    def f(x: Any, a: float = 2.0, *, b: float = 3.0) -> Any:
        return x * a * b

    capture = Captured(f)
    assert capture.rebound() == []
    f.__defaults__ = (5.0,)
    assert capture.rebound() == ["a default of f"]


def test_renewed() -> None:
    held = 1.0
    capture = Captured(lambda x: x * held)
    held = 2.0
    assert capture.rebound() == ["held"]
    capture.renew()
    assert capture.unchanged()
    assert capture.values() == [2.0]


def test_a_copy_reads_anew() -> None:
    capture = copy.deepcopy(Captured(scaled))
    assert capture.unchanged()
    assert [name for name, _ in pickle.loads(pickle.dumps(capture)).items()] == ["HELD"]


def test_a_function_in_a_tuple_is_reached() -> None:
    held = 1.0
    pair = (lambda x: x * held), None
    capture = Captured(lambda x: pair[0](x))
    held = 2.0
    assert capture.rebound() == ["held"]


HELD = 2.0


def scaled(x: Any) -> Any:
    return x * HELD


class Model:
    def __init__(self, inner: Callable[..., Any] = scaled) -> None:
        self.inner = inner

    def method(self, x: Any) -> Any:
        return scaled(x)

    def __call__(self, x: Any) -> Any:
        return scaled(x)


def apply(function: Callable[..., Any], x: Any) -> Any:
    return function(x)


@functools.wraps(scaled)
def wrapper(*args: Any) -> Any:
    return scaled(*args)


REACHED: dict[str, Callable[..., Any]] = {
    "function": scaled,
    "partial": functools.partial(scaled),
    "partial_of_partial": functools.partial(functools.partial(apply), scaled),
    "partial_argument": functools.partial(apply, scaled),
    "partial_keyword": functools.partial(lambda x, function: function(x), function=scaled),
    "method": Model().method,
    "callable_object": Model(),
    "wrapped": wrapper,
    "lambda": lambda x: scaled(x),
    "closure_of_method": (lambda method: lambda x: method(x))(Model().method),
    "closure_of_object": (lambda model: lambda x: model(x))(Model()),
    "closure_of_partial": (lambda g: lambda x: g(x))(functools.partial(apply, scaled)),
    "inplace": di.inplace(lambda y, x: np.copyto(y, scaled(x)), np.zeros(2)),
}


@pytest.mark.parametrize("kind", REACHED)
def test_reached(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    capture = Captured(REACHED[kind])
    assert capture.rebound() == []
    monkeypatch.setitem(globals(), "HELD", 3.0)
    assert "HELD" in capture.rebound()
