"""Errors: one base, the builtin that fits, facts as attributes, and a way to other processes."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface import errors

BUILTINS = {
    di.BackendNotInstalledError: ImportError,
    di.UnknownBackendError: ValueError,
    di.UnsupportedOperatorError: TypeError,
    di.InputError: TypeError,
    di.ShapeError: ValueError,
    di.OutputError: TypeError,
    di.NonScalarOutputError: ValueError,
    di.PreparationMismatchError: ValueError,
    di.NonAnalyticError: ValueError,
    di.NestedDifferentiationError: RuntimeError,
}


def test_each_error_has_its_builtin_and_its_name() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, di.DiffInterfaceError)
    ]
    assert set(kinds) == {di.DiffInterfaceError, *BUILTINS}
    for kind, builtin in BUILTINS.items():
        assert issubclass(kind, builtin)
        assert getattr(di, kind.__name__) is kind
        assert kind.__doc__


def test_facts_are_attributes() -> None:
    error = di.ShapeError("wrong shape", got=(2,), expected=(3,))
    assert str(error) == "wrong shape"
    assert (error.got, error.expected) == ((2,), (3,))
    with pytest.raises(AttributeError, match="ShapeError carries no 'leaf'"):
        _ = error.leaf


X = np.ones(3)


def square(x: Any) -> Any:
    return x**2


def energy(x: Any) -> Any:
    return np.sum(x**2)


def forgotten(x: Any) -> None:
    np.sum(x)


def prepared_for_three(x: Any) -> Any:
    return di.prepare_gradient(energy, "forwarddiff", X)(x)


# What raises, and the facts that a program would ask the error for.
RAISING: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "UnknownBackendError": (lambda: di.gradient(energy, "jaxx", X), {"got": "jaxx"}),
    "UnsupportedOperatorError": (
        lambda: di.hessian(energy, "forwarddiff", X + 0j),
        {"backend": di.AutoForwardDiff(), "operator": "hessian"},
    ),
    "InputError": (lambda: di.AutoJax("both"), {"got": "both"}),  # type: ignore[arg-type]
    "ShapeError": (
        lambda: di.pushforward(square, "forwarddiff", X, X[:2]),
        {"got": (2,), "expected": (3,)},
    ),
    "OutputError": (lambda: di.jacobian(forgotten, "forwarddiff", X), {"got": None}),
    "NonScalarOutputError": (lambda: di.gradient(square, "forwarddiff", X), {"got": "(3,)"}),
    "PreparationMismatchError": (
        lambda: prepared_for_three(X[:2]),
        {"differences": ["x: prepared for numpy float64[3], got numpy float64[2]"]},
    ),
    "NonAnalyticError": (lambda: di.jacobian(np.conj, "forwarddiff", X + 0j), {}),
}


def raised(name: str) -> di.DiffInterfaceError:
    call, _ = RAISING[name]
    with pytest.raises(di.DiffInterfaceError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("name", RAISING)
def test_facts_of_what_the_library_raises(name: str) -> None:
    error = raised(name)
    assert type(error) is getattr(di, name)
    for fact, want in RAISING[name][1].items():
        assert getattr(error, fact) == want


@pytest.mark.parametrize("name", RAISING)
@pytest.mark.parametrize(
    "travel", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy]
)
def test_errors_travel(name: str, travel: Callable[[Any], Any]) -> None:
    """A worker process sends its error home: pickling must lose neither the words nor the facts."""
    error = raised(name)
    other = travel(error)
    assert type(other) is type(error)
    assert str(other) == str(error)
    for fact, want in RAISING[name][1].items():
        assert getattr(other, fact) == want


@pytest.mark.parametrize(
    "call",
    [
        lambda: di.gradient(energy, "forwarddiff", lambda x: x),
        lambda: di.gradient(lambda x: lambda: x, "forwarddiff", X),
        lambda: di.pushforward(square, "forwarddiff", {"a": X}, (X,)),
        lambda: di.gradient(energy, lambda: 0, X),  # type: ignore[arg-type]
    ],
    ids=["function_as_x", "function_as_output", "structures", "function_as_backend"],
)
def test_errors_about_things_that_cannot_travel(call: Callable[[], Any]) -> None:
    """Facts that pickle cannot take are left behind; the message arrives."""
    with pytest.raises(di.DiffInterfaceError) as caught:
        call()
    other = pickle.loads(pickle.dumps(caught.value))
    assert type(other) is type(caught.value)
    assert str(other) == str(caught.value)


def test_an_error_of_f_is_not_touched() -> None:
    class OwnError(Exception):
        pass

    error = OwnError("mine")

    def f(x: Any) -> Any:
        raise error

    for backend in ("forwarddiff", "finitediff", "complexstep", "zero"):
        with pytest.raises(OwnError) as caught:
            di.gradient(f, backend, X)
        assert caught.value is error
