"""What f may not return."""

from __future__ import annotations

from importlib import import_module
from itertools import count
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ...backends import Entry
from .common import Case, X, on_every_engine, square, table, total


class Opaque:
    """A container that no tree library knows."""


def ones_of(framework: str) -> Any:
    if framework == "numpy":
        return np.ones(3)
    return import_module({"torch": "torch", "jax": "jax.numpy"}[framework]).ones(3)


OUTPUTS = [
    Case("none", lambda b: di.gradient(lambda x: None, b, X), di.OutputError, "`return` missing"),
    Case("empty_list", lambda b: di.jacobian(lambda x: [], b, X), di.OutputError, "empty list"),
    Case("empty_dict", lambda b: di.jacobian(lambda x: {}, b, X), di.OutputError, "empty dict"),
    Case(
        "none_in_a_tree",
        lambda b: di.jacobian(lambda x: (x, None), b, X),
        di.OutputError,
        "returned None",
    ),
    Case("text", lambda b: di.gradient(lambda x: "1.0", b, X), di.OutputError, "a str"),
    Case(
        "text_in_a_tree",
        lambda b: di.jacobian(lambda x: {"y": x, "unit": "m"}, b, X),
        di.OutputError,
        "a str",
    ),
    Case("object", lambda b: di.jacobian(lambda x: Opaque(), b, X), di.OutputError, "a Opaque"),
    Case("set", lambda b: di.jacobian(lambda x: {1.0, 2.0}, b, X), di.OutputError, "a set"),
    Case(
        "generator",
        lambda b: di.jacobian(lambda x: (a for a in [x]), b, X),
        di.OutputError,
        "a generator",
    ),
    Case("function", lambda b: di.gradient(lambda x: total, b, X), di.OutputError, "a function"),
    Case("type", lambda b: di.gradient(lambda x: float, b, X), di.OutputError, "a type"),
    Case(
        "comparison",
        lambda b: di.jacobian(lambda x: x > 1, b, X),
        di.DiffInterfaceError,
        "dtype bool|not analytic|tensors",
    ),
    Case(
        "vector_for_gradient",
        lambda b: di.gradient(square, b, X),
        di.NonScalarOutputError,
        r"shape \(3,\); reduce it",
    ),
    Case(
        "one_entry_for_gradient",
        lambda b: di.gradient(lambda x: x[:1], b, X),
        di.NonScalarOutputError,
        r"shape \(1,\)",
    ),
    Case(
        "list_for_gradient",
        lambda b: di.gradient(lambda x: [x[0], x[1]], b, X),
        di.NonScalarOutputError,
        "got list",
    ),
    Case(
        "vector_for_hvp",
        lambda b: di.hvp(square, b, X, X),
        di.NonScalarOutputError,
        "scalar",
    ),
    Case(
        "vector_for_hessian", lambda b: di.hessian(square, b, X), di.NonScalarOutputError, "scalar"
    ),
    Case(
        "no_aux",
        lambda b: di.gradient(total, b, X, has_aux=True),
        di.OutputError,
        r"pair \(y, aux\)",
    ),
    Case(
        "aux_in_a_list",
        lambda b: di.gradient(lambda x: [total(x), 1], b, X, has_aux=True),
        di.OutputError,
        r"pair \(y, aux\), got a list of 2",
    ),
    Case(
        "aux_twice",
        lambda b: di.gradient(lambda x: (total(x), 1, 2), b, X, has_aux=True),
        di.OutputError,
        r"pair \(y, aux\), got a tuple of 3",
    ),
    Case(
        "aux_not_announced",
        lambda b: di.gradient(lambda x: (total(x), x), b, X),
        di.NonScalarOutputError,
        "got tuple",
    ),
]


@on_every_engine
@table(OUTPUTS)
def test_output(backend: Entry, case: Case) -> None:
    case.check(backend.adtype)


INTEGERS = [
    Case("integer", lambda b: di.gradient(lambda x: 3, b, X), di.OutputError, "int64|tensors"),
    Case(
        "integers",
        lambda b: di.jacobian(lambda x: np.arange(3), b, X),
        di.OutputError,
        "int64|tensors",
    ),
    Case("boolean", lambda b: di.gradient(lambda x: True, b, X), di.OutputError, "bool|tensors"),
]


@on_every_engine
@table(INTEGERS)
def test_values_without_a_derivative(backend: Entry, case: Case) -> None:
    case.check(backend.adtype)


@pytest.mark.parametrize("native", ["jax", "torch"])
@pytest.mark.parametrize("foreign", ["numpy", "jax", "torch"])
def test_arrays_of_another_framework(native: str, foreign: str) -> None:
    pytest.importorskip(native)
    f = lambda x: ones_of(foreign) * 1.0  # noqa: E731
    if (foreign in (native, "numpy") and native != "torch") or foreign == native:
        np.testing.assert_array_equal(di.jacobian(f, native, X), np.zeros((3, 3)))
        return
    with pytest.raises(di.OutputError, match=f"expected (arrays of {native}|tensors)"):
        di.jacobian(f, native, X)


def test_numbers_under_torch() -> None:
    pytest.importorskip("torch")
    with pytest.raises(di.OutputError, match=r"returned a float .*expected tensors"):
        di.gradient(lambda x: 3.0, "torch", X)


@on_every_engine
def test_structure_that_depends_on_values(backend: Entry) -> None:
    calls = count()

    def f(x: Any) -> Any:
        return x if next(calls) % 2 else (x, x)

    def twice() -> None:
        prep = di.prepare_jacobian(f, backend.adtype, X)
        prep(X)
        prep(X)

    if backend.id == "jax":
        pytest.skip("compiled, f runs only when it is traced")
    with pytest.raises(di.OutputError, match="must not depend on values"):
        twice()


@on_every_engine
def test_shape_that_depends_on_values(backend: Entry) -> None:
    """More outputs at the second point than the preparation saw: all of them, or an error."""

    def f(x: Any) -> Any:
        return x[: int(calls())] ** 2

    sizes = iter([1] * 3 + [3] * 30)
    current = [1]

    def calls() -> int:
        return current[0]

    prep = di.prepare_jacobian(f, backend.adtype, X)
    prep(X)
    current[0] = next(s for s in sizes if s > 1)
    try:
        jacobian = prep(X)
    except (di.DiffInterfaceError, IndexError, ValueError):
        return
    if backend.id == "jax":
        assert jacobian.shape == (1, 3)  # compiled: f was not asked again
        return
    np.testing.assert_allclose(jacobian, np.diag(2 * X), rtol=1e-6, atol=1e-6)
