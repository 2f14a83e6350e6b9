"""Each kind of fault is caught, by the check that is meant for it, with a message that names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.prepare.prepared import PreparedOperator
from diffinterface.testing import (
    CHECKS,
    Arguments,
    Failure,
    Scenario,
    check_scenario,
    default_scenarios,
    test_differentiation,
)
from diffinterface_forwarddiff.table import RULES

Failures = Callable[..., tuple[Failure, ...]]
X, OTHER = np.array([0.3, 0.7, 1.1]), np.array([-0.4, 0.9, 0.2])


def _f(x: Any) -> Any:
    xp = di.array_namespace(x)
    return xp.sum(xp.tanh(x)) + xp.sum(x * xp.exp(x))


def _slope(x: np.ndarray) -> np.ndarray:
    return 1 / np.cosh(x) ** 2 + np.exp(x) * (1 + x)


GRADIENT = Scenario(
    "gradient", _f, X, result=_slope(X), prepare_with=Arguments(OTHER, result=_slope(OTHER))
)


def test_a_right_backend_passes_every_check() -> None:
    assert "all cells" not in str(test_differentiation("right", [GRADIENT]))
    check_scenario("right", GRADIENT, *CHECKS)


def test_one_wrong_rule(failures: Failures, monkeypatch: pytest.MonkeyPatch) -> None:
    right = RULES["tanh"]

    def wrong(name: str, function: Any, args: Any, options: Any) -> Any:
        y = right(name, function, args, options)
        return type(y)(y.value, y.tangent * (1 + y.value), y.level)  # (1 - y^2) (1 + y)

    monkeypatch.setitem(RULES, "tanh", wrong)
    (found,) = failures(test_differentiation, "forwarddiff", [GRADIENT])
    assert (found.backend, found.operator, found.check) == ("forwarddiff", "gradient", "correct")
    assert found.cause.startswith("wrong rule of tanh (at ")
    worst = int(np.argmax(np.tanh(X) / np.cosh(X) ** 2))
    assert found.entry == f"[{worst}]"
    assert float(found.expected) == pytest.approx(_slope(X)[worst])
    assert float(found.got) == pytest.approx((_slope(X) + np.tanh(X) / np.cosh(X) ** 2)[worst])


def test_a_rule_with_a_wrong_sign(failures: Failures, monkeypatch: pytest.MonkeyPatch) -> None:
    right = RULES["cos"]

    def wrong(*args: Any) -> Any:
        y = right(*args)
        return type(y)(y.value, -y.tangent, y.level)

    monkeypatch.setitem(RULES, "cos", wrong)

    def f(x: Any) -> Any:
        xp = di.array_namespace(x)
        return xp.sum(xp.cos(x)) + x[0]

    scenario = Scenario("gradient", f, X, result=-np.sin(X) + np.eye(3)[0])
    (found,) = failures(test_differentiation, "forwarddiff", [scenario])
    assert found.cause == "wrong rule of cos (the sign)"


def test_a_dropped_term(failures: Failures, monkeypatch: pytest.MonkeyPatch) -> None:
    """The product rule without its second term."""
    right = RULES["multiply"]

    def wrong(name: str, function: Any, args: Any, options: Any) -> Any:
        a, b = args
        return right(name, function, (a, getattr(b, "value", b)), options)

    monkeypatch.setitem(RULES, "multiply", wrong)
    (found,) = failures(test_differentiation, "forwarddiff", [GRADIENT])
    assert found.cause == "dropped term of multiply (a term is dropped)"


def test_a_dependence_that_is_lost(failures: Failures) -> None:
    """A term of f that one engine does not see: the others are zero there."""

    def f(x: Any) -> Any:
        return di.array_namespace(x).sum(x[:2] ** 2) + di.stop_gradient(x[2]) ** 2

    scenario = Scenario("gradient", f, X, result=2 * X)
    (found,) = failures(test_differentiation, "forwarddiff", [scenario])
    assert found.entry == "[2]"
    assert (float(found.got), float(found.expected)) == (0.0, 2.2)
    assert found.cause.startswith("dropped term: 1 entries are zero")


@pytest.mark.parametrize("operator", ["jacobian", "pushforward"])
def test_a_transposed_jacobian(failures: Failures, operator: str) -> None:
    matrix = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 0.0], [4.0, 0.25, 2.0]])
    tangent = None if operator == "jacobian" else np.array([1.0, 2.0, -1.0])
    result = matrix if tangent is None else matrix @ tangent
    scenario = Scenario(operator, lambda x: matrix @ x, X, tangent, result=result)
    (found,) = failures(test_differentiation, "transposed", [scenario])
    assert found.cause.startswith("transposed Jacobian")


def test_a_transposed_jacobian_of_another_shape(failures: Failures) -> None:
    matrix = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 0.0]])
    scenario = Scenario("jacobian", lambda x: matrix @ x, X, result=matrix)
    (found,) = failures(test_differentiation, "transposed", [scenario])
    assert (found.got, found.expected) == ("shape (3, 2)", "shape (2, 3)")
    assert found.cause.startswith("transposed Jacobian")


def test_a_stale_cache(failures: Failures) -> None:
    (found,) = failures(test_differentiation, "stale", [GRADIENT])
    assert found.way == "prepared, second call"
    assert found.cause == "stale cache: this is the result of the first call"


def test_a_stale_cache_without_a_result_at_the_second_point(failures: Failures) -> None:
    """Then the backend's own unprepared result says what the second call must give."""
    scenario = Scenario("gradient", _f, X, result=_slope(X), prepare_with=Arguments(OTHER))
    (found,) = failures(test_differentiation, "stale", [scenario], checks=["reuse"])
    assert found.cause == "stale cache: this is the result of an earlier call"


def test_a_cache_by_the_identity_of_x(failures: Failures) -> None:
    """Only an array that is overwritten between two calls shows it."""
    assert test_differentiation("identity", [GRADIENT], checks=["correct"]).passed
    (found,) = failures(test_differentiation, "identity", [GRADIENT])
    assert (found.check, found.way) == ("reuse", "prepared, after x was overwritten")
    assert found.cause.startswith("stale cache: this is the result of the values")


def test_a_preparation_that_threads_cannot_share(failures: Failures) -> None:
    (found,) = failures(test_differentiation, "racy", [GRADIENT])
    assert found.check == "threads"
    assert found.cause.startswith("thread-unsafe preparation: this is the answer to another thread")


def test_a_float32_downcast(failures: Failures) -> None:
    (found,) = failures(test_differentiation, "single", [GRADIENT], checks=["correct"])
    assert found.cause.startswith("float32 downcast")


def test_a_sign(failures: Failures) -> None:
    (found,) = failures(test_differentiation, "negative", [GRADIENT], checks=["correct"])
    assert found.cause == "sign: the result is the negative of what is expected"


def test_a_factor(failures: Failures) -> None:
    (found,) = failures(test_differentiation, "half", [GRADIENT], checks=["correct"])
    assert found.cause == "a constant factor: the result is 0.5 times what is expected"


def test_a_leak(failures: Failures) -> None:
    (found,) = failures(test_differentiation, "leaky", [GRADIENT])
    assert found.check == "memory"
    assert found.cause.startswith("memory leak")


def test_too_many_evaluations(failures: Failures) -> None:
    (found,) = failures(test_differentiation, "wasteful", [GRADIENT])
    assert found.check == "calls"
    assert "then 1, 2, 3 times" in found.detail


def test_a_limit_of_evaluations(failures: Failures) -> None:
    """Central differences evaluate f twice for each entry of x, and once for the value."""
    limits = {n: Scenario("gradient", _f, X, result=_slope(X), max_calls=n) for n in (5, 8)}
    test_differentiation("finitediff", [limits[8]], checks=["calls"])
    (found,) = failures(test_differentiation, "finitediff", [limits[5]], checks=["calls"])
    assert found.cause == "f is evaluated too often"


def test_an_argument_that_is_overwritten(failures: Failures) -> None:
    (found,) = failures(test_differentiation, "writing", [GRADIENT], checks=["reuse"])
    assert found.detail.startswith("x[")
    assert "was overwritten" in found.detail


def test_a_preparation_that_takes_anything(
    failures: Failures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PreparedOperator, "__call__", lambda self, x, *contexts: X)
    (found,) = failures(test_differentiation, "right", [GRADIENT], checks=["mismatch"])
    assert found.way == "prepared, then called with another shape"
    assert found.detail == "no PreparationMismatchError was raised"


def test_the_message_has_all_that_one_asks_for(failures: Failures) -> None:
    (found,) = failures(test_differentiation, "half", [GRADIENT], checks=["correct"])
    at = int(np.argmax(np.abs(_slope(X))))
    facts = dict(line.strip().split("  ", 1) for line in str(found).splitlines()[1:])
    facts = {name: fact.strip() for name, fact in facts.items()}
    assert str(found).startswith("half: gradient fails the check 'correct' (gradient-_f, ")
    assert facts["entry"] == f"[{at}]"
    assert float(facts["got"]) == pytest.approx(_slope(X)[at] / 2)
    assert facts["expected"] == f"{_slope(X)[at].item()!r}, by the scenario"
    assert "3 of 3 entries differ" in facts["difference"]
    assert facts["likely cause"] == found.cause


def test_every_failure_is_reported(failures: Failures) -> None:
    found = failures(
        test_differentiation, ["negative", "right", "half"], [GRADIENT], checks=["correct"]
    )
    assert [failure.backend for failure in found] == ["negative", "half"]


def test_the_default_scenarios_find_the_faults(failures: Failures) -> None:
    scenarios = default_scenarios("arrays")
    for name, word in (("transposed", "transposed"), ("negative", "sign"), ("stale", "stale")):
        found = failures(test_differentiation, name, scenarios, checks=["correct"])
        assert any(word in failure.cause for failure in found), name
