"""Contexts: what f is given for each kind, and what a prepared call takes for the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import diffinterface as di
from diffinterface.arrays.trees import flatten
from diffinterface.engine import arguments

from .zero import AutoExactForward, AutoExactReverse, AutoZero

X = np.array([1.0, 2.0])


def seen_by(*contexts: Any, **options: Any) -> list[Any]:
    """The further arguments that f gets at the one evaluation of a pushforward."""
    seen: list[Any] = []

    def f(x: Any, *rest: Any) -> Any:
        seen[:] = rest
        return x

    di.pushforward(f, AutoZero(), X, X, *contexts, **options)
    return seen


def test_plain_values_arrive_as_they_are() -> None:
    array = np.arange(3)
    tree = {"w": (np.ones(2), 3), "name": "relu", "f": np.sin, "n": None}
    got = seen_by(array, 2, "text", None, tree, di.Constant(4.0), di.Constant([array]))
    assert_array_equal(got[0], array)
    assert got[0].dtype == array.dtype
    assert got[1:4] == [2, "text", None]
    assert type(got[1]) is int
    assert got[4]["name"] == "relu"
    assert got[4]["f"] is np.sin
    assert got[4]["n"] is None
    assert_array_equal(got[4]["w"][0], np.ones(2))
    assert got[5] == 4.0
    assert_array_equal(got[6][0], array)


def test_static_arrives_unwrapped_and_untouched() -> None:
    values = (("a", 2), frozenset({1}), np.sin, None, 3)
    assert tuple(seen_by(*map(di.Static, values))) == values


def test_static_tuples_are_not_taken_apart() -> None:
    value = (1.0, (2.0, "x"))
    (got,) = seen_by(di.Static(value))
    assert got is value


@pytest.mark.parametrize("value", [[1.0], {"a": 1}, np.ones(2), {1}, ([],)])
def test_static_must_be_hashable(value: Any) -> None:
    with pytest.raises(di.InputError, match="not hashable; pass a hashable value"):
        di.Static(value)


def test_cache_is_fresh_at_each_evaluation() -> None:
    buffer = {"a": np.arange(2.0), "b": [np.ones(1)]}
    seen = []

    def f(x: Any, c: Any) -> Any:
        seen.append((c["a"].copy(), c["b"][0].copy()))
        c["a"][:] = 7.0
        c["b"][0][:] = 7.0
        return x

    prep = di.prepare_jacobian(f, AutoExactForward(), X, di.Cache(buffer))
    prep(X, di.Cache(buffer))
    assert len(seen) > 2
    for a, b in seen:
        assert_array_equal(a, [0.0, 1.0])
        assert_array_equal(b, [1.0])
    assert_array_equal(buffer["a"], [0.0, 1.0])
    assert_array_equal(buffer["b"][0], [1.0])


def test_caches_of_two_arguments_are_two() -> None:
    buffer = np.zeros(2)

    def f(x: Any, a: Any, b: Any) -> Any:
        a[:] = x
        return x * b[0] + a

    got = di.jacobian(f, "forwarddiff", X, di.Cache(buffer), di.Cache(buffer))
    assert_array_equal(got, np.eye(2))


@pytest.mark.parametrize("adtype", [AutoExactForward(), AutoExactReverse()], ids=repr)
@pytest.mark.parametrize("argnums", [0, 1, 2, -1, -2, -3])
def test_contexts_fill_the_places_that_x_leaves(adtype: di.ADType, argnums: int) -> None:
    def f(a: Any, b: Any, c: Any) -> Any:
        return a + 10 * b + 100 * c

    want = [1.0, 10.0, 100.0][argnums]
    value, got = di.value_and_derivative(f, adtype, 1.0, 2.0, 3.0, argnums=argnums)
    others = [weight for weight in (1.0, 10.0, 100.0) if weight != want]
    assert got == want
    assert value == want + 2 * others[0] + 3 * others[1]


@pytest.mark.parametrize("argnums", [(0, 2), (2, 0), (-1, 0), (1,), (0, 1, 2), (2, 1, 0)])
def test_tuples_of_arguments(argnums: tuple[int, ...]) -> None:
    def f(*args: Any) -> Any:
        a, b, c = args
        return a**2 + 10 * b**2 + 100 * c**2

    data = [1.0, 2.0, 3.0]
    x = tuple(data[k] for k in argnums)
    rest = [data[k] for k in range(3) if k not in [n % 3 for n in argnums]]
    value, got = di.value_and_gradient(f, AutoExactReverse(), x, *rest, argnums=argnums)
    assert value == 1 + 40 + 900
    assert got == tuple([2.0, 40.0, 600.0][k] for k in argnums)


def test_split_and_join_are_inverse() -> None:
    contexts = (
        np.ones(2),
        {"w": 2.0, "mode": "fast"},
        di.Static("s"),
        di.Cache(np.zeros(1)),
        (),
        None,
        "text",
    )
    layout, data = arguments.split(contexts, flatten)
    assert [np.shape(leaf) for leaf in data] == [(2,), (), (1,)]
    copied = []
    back = arguments.join(layout, data, lambda buffer: copied.append(buffer) or buffer + 5)
    # The caller's memory, which f may read and not write.
    assert np.shares_memory(back[0], contexts[0])
    assert not back[0].flags.writeable
    assert back[1] == contexts[1]
    assert back[2] == "s"
    assert_array_equal(back[3], [5.0])
    assert back[4:] == ((), None, "text")
    assert len(copied) == 1


def test_layouts_compare_as_programs_do() -> None:
    def layout(*contexts: Any) -> Any:
        return arguments.split(contexts, flatten)[0]

    assert layout(1.0, {"a": 2.0}) == layout(3.0, {"a": np.ones(5)})
    assert layout(di.Constant(1.0)) == layout(1.0)
    assert layout("a") != layout("b")
    assert layout(di.Static(1.0)) != layout(1.0)
    assert layout(di.Static(1.0)) != layout(di.Static(2.0))
    assert layout(di.Cache(1.0)) != layout(1.0)
    assert layout({"a": 1.0}) != layout({"b": 1.0})
    assert layout(np.sin) != layout(np.cos)
