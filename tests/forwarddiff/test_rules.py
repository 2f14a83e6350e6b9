"""Every rule of the tables, at several points and orders, against derivatives from outside."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface_forwarddiff import Dual
from diffinterface_forwarddiff.table import ALIASES, RULES

from . import cases_elementwise, cases_linear, cases_products, cases_selection, truth
from .cases_constant import CONSTANT, UNREACHABLE
from .cases_special import SPECIAL
from .truth import Case, close

MODULES = (cases_elementwise, cases_linear, cases_products, cases_selection)
CASES = [case for module in MODULES for case in module.CASES]
BACKEND = di.AutoForwardDiff()


def ids(cases: list[Case]) -> list[str]:
    return [f"{case.name}-{i}" for i, case in enumerate(cases)]


def with_namespace(case: Case) -> Callable[[Any], Any]:
    return lambda x: case.f(di.array_namespace(x), x)


def with_numpy(case: Case) -> Callable[[Any], Any]:
    return lambda x: case.f(np, x)


@cache
def jacobian(case: Case) -> Any:
    return truth.jacobian(with_numpy(case), case.x, case.how)


def test_every_rule_has_a_case() -> None:
    ours = {n for n, r in RULES.items() if not r.__module__.endswith("define")}
    assert ours - UNREACHABLE == {case.name for case in CASES} | set(CONSTANT) | set(SPECIAL)


@pytest.mark.parametrize("style", [with_numpy, with_namespace])
@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_first_derivative(case: Case, style: Any) -> None:
    value, got = di.value_and_jacobian(style(case), BACKEND, case.x)
    close(value, case.f(np, case.x), 1e-13)
    close(got, jacobian(case), truth.tolerance(case.how, 1))


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_second_derivative(case: Case) -> None:
    f = with_numpy(case)
    inner, got = di.value_and_jacobian(lambda x: di.jacobian(f, BACKEND, x), BACKEND, case.x)
    close(inner, jacobian(case), truth.tolerance(case.how, 1))
    scale = float(np.max(np.abs(jacobian(case)), initial=1e-3))
    # Along one direction of many unlike entries, in which every second derivative counts.
    t = np.reshape(0.3 + np.arange(case.x.size) * 0.618034 % 1, case.x.shape)
    got = np.tensordot(got, t, axes=case.x.ndim) if case.x.ndim else got * t
    close(got, truth.second(f, case.x, case.how, t), truth.tolerance(case.how, 2), scale)


@pytest.mark.parametrize("name", CONSTANT)
def test_constant(name: str) -> None:
    """Functions without a derivative: of duals they are what they are of the values."""
    seen = []

    def f(xp: Any, x: Any) -> Any:
        seen.append(CONSTANT[name](xp, x))
        return x

    x = np.array([[0.3, -1.2, 2.5], [1.5, 0.3, -0.7]])
    for xp in (lambda x: np, di.array_namespace):
        di.jacobian(lambda p: di.jacobian(lambda q: f(xp(q), q), BACKEND, p), BACKEND, x)
    expected = CONSTANT[name](np, x)
    for got in seen:
        assert not isinstance(got, Dual)
        assert type(got) is type(expected)
        np.testing.assert_equal(got, expected)


class Renamed:
    """A namespace in which the function `target` is the one that is called `alias`."""

    def __init__(self, target: str, alias: str) -> None:
        self.target, self.alias, self.used = target, alias, False

    def __getattr__(self, name: str) -> Any:
        self.used = self.used or name == self.target
        found: Any = np
        for part in (self.alias if name == self.target else name).split("."):
            found = getattr(found, part)
        return found


def _aliased() -> list[Any]:
    """Each other name that NumPy knows, with the cases that call the function by its name."""
    result = []
    for alias, target in ALIASES.items():
        for i, case in enumerate(case for case in CASES if case.name == target):
            xp = Renamed(target, alias)
            try:
                case.f(xp, case.x)
            except (
                AttributeError,
                TypeError,
                ValueError,
            ):  # no such name, or not of these arguments
                continue
            if xp.used:
                result.append(pytest.param(xp, case, id=f"{alias}-{i}"))
    return result


@pytest.mark.parametrize(("xp", "case"), _aliased())
def test_other_names(xp: Renamed, case: Case) -> None:
    def f(x: Any) -> Any:
        return case.f(xp, x)

    value, got = di.value_and_jacobian(f, BACKEND, case.x)
    close(value, f(case.x), 1e-13)
    close(got, truth.jacobian(f, case.x, "double"), 1e-8)


def test_the_other_names_are_covered() -> None:
    covered = {p.values[0].alias for p in _aliased()}
    assert {"acos", "pow", "concat", "permute_dims", "add.reduce", "linalg.outer"} <= covered
