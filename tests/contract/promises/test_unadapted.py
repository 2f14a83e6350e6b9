"""Arrays of a library without an adapter, which follow the array-API standard: given and got back."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.arrays.trees import map_leaves
from diffinterface.declare.strings import parse
from diffinterface.testing import default_scenarios
from diffinterface.testing.scenario import (
    OPERATORS,
    Scenario,
    operator_named,
    prepare_named,
    value_and_named,
)

from ...backends import ENGINES, skip_if_missing

strict = pytest.importorskip("array_api_strict")

KINDS = (
    "vector_to_scalar",
    "vector_to_longer",
    "scalar_to_vector",
    "tree_to_tree",
    "tree_to_scalar",
    "samples",
    "samples_of_trees",
    "batch2",
    "holomorphic",
    "empty_x",
    "argnums_tuple",
    "contexts",
    "cache",
)
CASES = [s for s in default_scenarios() if s.name.endswith(KINDS)]


@pytest.fixture(autouse=True)
def _no_warning() -> Iterator[None]:
    """The library warns of each comparison with what is NumPy's."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def given(tree: Any) -> Any:
    """NumPy leaves, those of wrapped contexts too, as arrays of the library."""
    if isinstance(tree, di.Constant):
        return di.Constant(given(tree.value))
    if isinstance(tree, di.Cache):
        return di.Cache(given(tree.buffer))
    return tree if isinstance(tree, di.Static) else map_leaves(_given, tree)


def _given(leaf: Any) -> Any:
    return strict.from_dlpack(leaf.copy()) if isinstance(leaf, np.ndarray) else leaf


def back(tree: Any) -> Any:
    """Arrays of the library, and nothing else, in NumPy."""

    def leaf(a: Any) -> Any:
        assert type(a).__module__.startswith("array_api_strict"), type(a)
        return np.array(np.from_dlpack(a))

    return map_leaves(leaf, tree)


def same(got: Any, expected: Any) -> None:
    got, expected = (di.extend.flatten(tree) for tree in (got, expected))
    assert got[1] == expected[1]
    for a, b in zip(got[0], expected[0], strict=True):
        assert np.shape(a) == np.shape(b)
        assert a.dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


def test_the_cases_are_of_every_operator() -> None:
    assert {case.operator for case in CASES} == {*OPERATORS}
    assert {kind for kind in KINDS for case in CASES if case.name.endswith(kind)} == {*KINDS}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_operator_single_and_prepared(engine: str, case: Scenario) -> None:
    skip_if_missing(engine)
    seed = (case.tangent,) if case.seeded else ()
    arguments = (case.x, *seed, *case.contexts)
    theirs = tuple(map(given, arguments))
    call = operator_named(case.operator)
    try:
        expected = call(case.f, engine, *arguments, **case.options)
    except di.DiffInterfaceError as error:
        with pytest.raises(type(error)):
            call(case.f, engine, *theirs, **case.options)
        return
    same(back(call(case.f, engine, *theirs, **case.options)), expected)
    prep = prepare_named(case.operator)(case.f, engine, *theirs, **case.options)
    for _ in range(2):
        same(back(prep(*theirs)), expected)
    valued = value_and_named(case.operator)
    expected = valued(case.f, engine, *arguments, **case.options)
    same(back(valued(case.f, engine, *theirs, **case.options)), expected)
    same(back(prep.value_and(*theirs)), expected)


@pytest.mark.parametrize("engine", ENGINES)
def test_single_precision_device_and_auxiliary_output(engine: str) -> None:
    skip_if_missing(engine)

    def f(x: Any) -> Any:
        xp = di.array_namespace(x)
        return xp.sum(x**3), {"twice": 2 * x, "count": 3}

    x = np.array([1.0, 2.0], "f4")
    gradient, aux = di.gradient(f, engine, given(x), has_aux=True)
    np.testing.assert_allclose(back(gradient), [3.0, 12.0], rtol=1e-2)
    assert back(gradient).dtype == "f4"
    np.testing.assert_array_equal(back(aux["twice"]), 2 * x)
    assert aux["count"] == 3
    device = strict.Device("device1")
    got = di.gradient(lambda x: f(x)[0], engine, strict.asarray([1.0, 2.0], device=device))
    assert got.device == device


@pytest.mark.parametrize("outer", ENGINES)
@pytest.mark.parametrize("inner", ENGINES)
def test_nested(outer: str, inner: str) -> None:
    skip_if_missing(outer)
    skip_if_missing(inner)

    def cubes(x: Any) -> Any:
        return di.array_namespace(x).sum(x**3)

    def squared_slope(x: Any) -> Any:
        return di.array_namespace(x).sum(di.gradient(cubes, inner, x) ** 2)

    x, both = np.array([1.0, 2.0]), di.SecondOrder(parse(outer), parse(inner))
    for call, right in (
        (lambda x: di.gradient(squared_slope, outer, x), 36 * x**3),
        (lambda x: di.hessian(cubes, both, x), np.diag(6 * x)),
    ):
        try:
            call(x)
        except di.DiffInterfaceError as error:  # what NumPy's arrays cannot either
            with pytest.raises(type(error)):
                call(given(x))
        else:
            np.testing.assert_allclose(back(call(given(x))), right, rtol=1e-4, atol=1e-4)


def test_beside_numpy() -> None:
    """Contexts and functions with engines of their own."""
    x, c = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    f = di.DifferentiateWith(lambda x: x**2, di.AutoFiniteDiff())
    np.testing.assert_allclose(back(f(given(x))), x**2)
    for a, b in ((x, given(c)), (given(x), c)):
        got = di.gradient(lambda x, c: di.array_namespace(x).sum(x**2 * c), "forwarddiff", a, b)
        np.testing.assert_allclose(got if a is x else back(got), 2 * x * c)


class Closed:
    """An array that nobody outside its library can read."""

    dtype, shape, ndim, size = np.dtype(float), (2,), 1, 2

    def __array_namespace__(self, api_version: Any = None) -> Any:
        return strict

    def __dlpack__(self, **options: Any) -> Any:
        raise BufferError("on another machine")

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise TypeError("on another machine")


@pytest.mark.parametrize("engine", ENGINES)
def test_one_that_cannot_be_read_is_refused_by_name(engine: str) -> None:
    skip_if_missing(engine)
    with pytest.raises(di.InputError, match=r"Closed.*write a Framework for tests.*frameworks"):
        di.gradient(lambda x: x.sum(), engine, Closed())
