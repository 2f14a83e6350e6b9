"""Rules of one's own: right where they are right, refused where they do not fit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface_forwarddiff import MissingRuleError
from diffinterface_forwarddiff.table import RULES

BACKEND = di.AutoForwardDiff()
X = np.array([0.3, 1.2, -0.7])


@pytest.fixture(autouse=True)
def _same_table_afterwards() -> Iterator[None]:
    before = dict(RULES)
    yield
    RULES.clear()
    RULES.update(before)


def test_a_plain_function_elementwise() -> None:
    gauss = di.extend.defrule(
        lambda x: math.exp(-x * x), elementwise=lambda x: -2 * x * np.exp(-x * x)
    )
    assert gauss(0.5) == math.exp(-0.25)
    value, slope = di.value_and_derivative(gauss, BACKEND, 0.5)
    assert value == math.exp(-0.25)
    assert slope == -math.exp(-0.25)
    # The factor is differentiated in its turn.
    assert di.second_derivative(gauss, BACKEND, 0.5) == pytest.approx(
        (4 * 0.25 - 2) * math.exp(-0.25), rel=1e-14
    )


def test_several_arguments_and_options() -> None:
    def scaled(a: Any, b: Any, *, power: int = 1) -> Any:
        return a**power * np.asarray(b) ** 2

    f = di.extend.defrule(
        scaled,
        elementwise=lambda a, b, power=1: (power * a ** (power - 1) * b**2, 2 * a**power * b),
    )
    c = np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(di.jacobian(lambda x: f(x, c), BACKEND, X), np.diag(c**2))
    np.testing.assert_allclose(
        di.jacobian(lambda x: f(c, x, power=2), BACKEND, X), np.diag(2 * c**2 * X)
    )
    np.testing.assert_allclose(
        di.jacobian(lambda x: f(x, x, power=2), BACKEND, X), np.diag(4 * X**3), rtol=1e-14
    )
    # A number against an array, and the other way round: the tangents are broadcast.
    np.testing.assert_allclose(di.jacobian(lambda x: f(x[0], c), BACKEND, X)[:, 0], c**2)
    np.testing.assert_allclose(di.jacobian(lambda x: f(c, x[0]), BACKEND, X)[:, 0], 2 * c * X[0])


def test_a_whole_rule() -> None:
    def solve(a: Any, b: Any) -> Any:
        return np.linalg.solve(a, b)

    def jvp(primals: Any, tangents: Any) -> Any:
        (a, b), (_, db) = primals, tangents
        return solve(a, b), np.linalg.solve(a, db)

    a = np.array([[2.0, 0.3, 0.1], [-0.4, 1.5, 0.2], [0.1, 0.6, -1.1]])
    f = di.extend.defrule(solve, jvp)
    value, got = di.value_and_jacobian(lambda x: f(a, x), BACKEND, X)
    np.testing.assert_allclose(value, np.linalg.solve(a, X), rtol=1e-14)
    np.testing.assert_allclose(got, np.linalg.inv(a), rtol=1e-13)
    np.testing.assert_allclose(
        di.hessian(lambda x: np.sum(f(a, x) ** 2), BACKEND, X),
        2 * np.linalg.inv(a).T @ np.linalg.inv(a),
        rtol=1e-12,
    )


def test_a_constant_argument_has_no_tangent() -> None:
    seen = []

    def jvp(primals: Any, tangents: Any, **options: Any) -> Any:
        seen.append((tangents, options))
        return primals[0] * primals[1], tangents[0] * primals[1]

    f = di.extend.defrule(lambda a, b, **options: a * b, jvp)
    assert di.derivative(lambda x: f(x, 3.0, mode="fast"), BACKEND, 2.0) == 3.0
    ((tangent, none),), options = seen[0][:1], seen[0][1]
    assert none is None
    assert tangent.shape == (1,)
    assert options == {"mode": "fast"}


def test_a_ufunc() -> None:
    ufunc = np.frompyfunc(math.sin, 1, 1)
    with pytest.raises(MissingRuleError):
        di.derivative(ufunc, BACKEND, 0.5)
    assert di.extend.defrule(np.nextafter, elementwise=lambda a, b: (1.0, 0.0)) is np.nextafter
    assert di.derivative(lambda x: np.nextafter(x, 1.0), BACKEND, 0.5) == 1.0


def test_a_function_that_dispatches() -> None:
    def jvp(primals: Any, tangents: Any, **options: Any) -> Any:
        (p,), (dp,) = primals, tangents
        roots = np.roots(p, **options)
        powers = np.stack([roots ** (len(p) - 1 - i) for i in range(len(p))], -1)
        slope = np.polyval(np.polyder(p), roots)
        return roots, -(powers @ dp) / slope[:, None]

    assert di.extend.defrule(np.roots, jvp) is np.roots
    p = np.array([1.0, -3.0, 1.5])
    got = di.jacobian(np.roots, BACKEND, p)
    expected = []
    for e in np.eye(3):
        h = 1e-6
        expected.append((np.roots(p + h * e) - np.roots(p - h * e)) / (2 * h))
    np.testing.assert_allclose(got, np.stack(expected, -1), rtol=1e-8)


def test_a_function_of_the_linear_algebra_module() -> None:
    """A rule for np.linalg.f must not land on np.f, nor be missed."""

    def jvp(primals: Any, tangents: Any) -> Any:
        return np.linalg.cond(primals[0]), 7.0 * tangents[0][0, 0]

    di.extend.defrule(np.linalg.cond, jvp)
    got = di.jacobian(np.linalg.cond, BACKEND, np.array([[2.0, 0.3], [0.1, 1.0]]))
    np.testing.assert_array_equal(got, [[7.0, 0.0], [0.0, 0.0]])


def test_a_new_rule_replaces_the_old_one() -> None:
    di.extend.defrule(np.cbrt, elementwise=lambda x: 5.0 + 0 * x)
    assert di.derivative(lambda x: np.cbrt(x), BACKEND, 8.0) == 5.0


def test_definitions_that_do_not_fit() -> None:
    with pytest.raises(di.InputError, match="both or neither"):
        di.extend.defrule(lambda x: x)
    with pytest.raises(di.InputError, match="both or neither"):
        di.extend.defrule(lambda x: x, lambda p, t: (p, t), elementwise=lambda x: x)


# Rules whose tangents have a wrong shape must not give a derivative.
WRONG = {
    "no trailing axis": lambda p, t: (p[0] * 2, t[0][..., 0]),
    "axis in front": lambda p, t: (p[0] * 2, np.moveaxis(t[0], -1, 0)[:2]),
    "summed": lambda p, t: (p[0] * 2, np.sum(t[0], axis=0)),
    "one tangent too few": lambda p, t: (p[0] * 2, t[0][..., :-1]),
    "too large": lambda p, t: (p[0] * 2, np.concatenate([t[0], t[0]])),
    "no pair": lambda p, t: p[0] * 2,
    "no tangent": lambda p, t: (p[0] * 2, None),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("after", [lambda y: y, lambda y: y * np.arange(3.0), np.sum])
def test_tangents_of_a_wrong_shape_are_refused(name: str, after: Any) -> None:
    f = di.extend.defrule(lambda x: x * 2, WRONG[name])
    with pytest.raises((ValueError, TypeError)):
        di.jacobian(lambda x: after(f(x)), BACKEND, X)


def test_too_few_partial_derivatives_are_refused() -> None:
    f = di.extend.defrule(lambda a, b: a * b, elementwise=lambda a, b: b)
    with pytest.raises((ValueError, TypeError)):
        di.jacobian(lambda x: f(x, x), BACKEND, X)
    g = di.extend.defrule(lambda a: a * 2, elementwise=lambda a: np.ones(2))
    with pytest.raises((ValueError, TypeError)):
        di.jacobian(g, BACKEND, X)
