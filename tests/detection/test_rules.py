"""Every rule of dual numbers has one for patterns, and these cover the derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import diffinterface as di
from diffinterface.sparse.detection import TracerDetector, ValueDependenceError, table
from diffinterface_forwarddiff.table import RULES

from ..forwarddiff.cases_special import BINARY, PAIRS
from ..forwarddiff.cases_special import UNARY as SPECIAL
from ..forwarddiff.test_rules import CASES, ids
from .checks import covers, dense, jacobian_at

#: What the values decide, in the shape of the result or in the pieces of a function.
BY_VALUE = {"piecewise", "arange", "where"}


def everywhere(name: str, find: Callable[[TracerDetector], Any]) -> Any:
    """The global pattern; where values decide it is refused, and then every entry counts."""
    try:
        return dense(find(TracerDetector()))
    except ValueDependenceError:
        assert name in BY_VALUE
        return dense(find(TracerDetector(unknown="dense")))


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_jacobian(case: Any) -> None:
    truth = jacobian_at(lambda x: case.f(np, x), case.x)
    for f in (lambda x: case.f(np, x), lambda x: case.f(di.array_namespace(x), x)):
        here = dense(TracerDetector("local").jacobian_pattern(f, case.x))
        covers(here, truth)
        covers(everywhere(case.name, lambda d, f=f: d.jacobian_pattern(f, case.x)), here)


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_hessian(case: Any) -> None:
    def f(x: Any) -> Any:
        y = np.real(np.reshape(case.f(np, x), (-1,)))
        return np.sum(y * (0.3 + np.arange(y.shape[0]) * 0.618034 % 1))

    h = di.jacobian(lambda x: di.gradient(f, "forwarddiff", x), "forwarddiff", case.x)
    here = dense(TracerDetector("local").hessian_pattern(f, case.x))
    covers(here, np.asarray(h).reshape(np.size(case.x), -1) != 0)
    pattern = everywhere(case.name, lambda d: d.hessian_pattern(f, case.x))
    covers(pattern, here)
    assert (pattern == pattern.T).all()


@pytest.mark.parametrize("name", sorted(SPECIAL))
def test_ufuncs_of_scipy(name: str) -> None:
    function = getattr(scipy.special, name)
    x = np.array([0.3, 0.4, 0.6])
    assert (dense(TracerDetector().jacobian_pattern(function, x)) == np.eye(3)).all()
    f = lambda x: np.sum(function(x))  # noqa: E731
    assert (dense(TracerDetector().hessian_pattern(f, x)) == np.eye(3)).all()


@pytest.mark.parametrize("name", sorted(BINARY))
def test_ufuncs_of_scipy_with_two_arguments(name: str) -> None:
    function = getattr(scipy.special, name)
    x = np.array([*PAIRS[0], *PAIRS[1]])
    pattern = dense(TracerDetector().jacobian_pattern(lambda x: function(x[:2], x[2:]), x))
    assert (pattern == np.tile(np.eye(2), (1, 2))).all()


def test_every_rule_of_dual_numbers_has_one_here() -> None:
    """By its name, or because it is a ufunc."""
    from diffinterface.sparse.detection import rules  # noqa: F401 - fills the table

    # Functions that SciPy converts for, and two that have another name.
    elsewhere = {"softmax", "log_softmax", "polygamma", "multiply_outer", "zeta"}
    elsewhere |= {"add.at", "subtract.at", "sparse_matmul"}  # the tracer's own; see test_exact
    ours = {n for n, rule in RULES.items() if not rule.__module__.endswith("define")}
    missing = [
        name
        for name in ours - elsewhere
        if table.ALIASES.get(name, name) not in table.RULES
        and not isinstance(getattr(np, name, getattr(scipy.special, name, None)), np.ufunc)
    ]
    assert not missing
