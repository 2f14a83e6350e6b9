"""Trees: every container goes apart into leaves and comes back as what it was."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import optree
import pytest

import diffinterface as di
from diffinterface.arrays.trees import LEAF, flatten, flatten_with_none, map_leaves, paths


class Point(NamedTuple):
    x: Any
    y: Any


@optree.register_pytree_node_class(namespace=optree.registry.__GLOBAL_NAMESPACE)
@dataclass
class Segment:
    """A class of the caller's own: `label` is no array, so it belongs to the structure."""

    start: Any
    stop: Any
    label: str

    def tree_flatten(self) -> tuple[tuple[Any, ...], str]:
        return (self.start, self.stop), self.label

    @classmethod
    def tree_unflatten(cls, label: str, leaves: Any) -> Segment:
        return cls(*leaves, label)


TREES: dict[str, tuple[Any, int]] = {
    "tuple": ((1.0, 2.0), 2),
    "list": ([1.0, [2.0, [3.0]]], 3),
    "dict": ({"b": 1.0, "a": {"c": 2.0}}, 2),
    "ordered_dict": (OrderedDict([("b", 1.0), ("a", 2.0)]), 2),
    "default_dict": (defaultdict(float, {"b": 1.0, "a": 2.0}), 2),
    "deque": (deque([1.0, 2.0], maxlen=3), 2),
    "namedtuple": (Point(1.0, [2.0, 3.0]), 3),
    "own_class": (Segment(1.0, {"a": 2.0}, "edge"), 2),
    "nones": ((None, 1.0, {"a": None}), 1),
    "mixed": ({"p": Point(1.0, (2.0, Segment(3.0, 4.0, "s"))), "q": [5.0]}, 5),
    "one_leaf": ({"a": 1.0}, 1),
    "integer_keys": ({2: 1.0, 10: 2.0, 1: 3.0}, 3),
}
each = pytest.mark.parametrize("name", TREES)


@each
def test_there_and_back(name: str) -> None:
    tree, count = TREES[name]
    leaves, structure = flatten(tree)
    assert sorted(leaves) == [float(k + 1) for k in range(count)]
    back = structure.unflatten(leaves)
    assert back == tree
    assert type(back) is type(tree)
    assert map_leaves(lambda a, b: a + b, tree, tree) == structure.unflatten(
        [2 * a for a in leaves]
    )


@each
@pytest.mark.parametrize("backend", ["forwarddiff", "exactforward", "exactreverse"])
def test_gradient_has_the_tree_of_x(name: str, backend: str) -> None:
    """With a weight for each leaf, so that no two of them can be exchanged unseen."""
    tree, count = TREES[name]
    weights = np.arange(2.0, 2.0 + count)

    def f(x: Any) -> Any:
        leaves, structure = flatten(x)
        assert structure == flatten(tree)[1]
        return sum(w * leaf**2 for w, leaf in zip(weights, leaves, strict=True))

    result = di.gradient(f, backend, tree)
    assert type(result) is type(tree)
    want = [2 * w * leaf for w, leaf in zip(weights, flatten(tree)[0], strict=True)]
    assert list(flatten(result)[0]) == want
    assert flatten(result)[1] == flatten(tree)[1]


def test_structures_compare() -> None:
    def of(tree: Any) -> Any:
        return flatten(tree)[1]

    assert of((1.0, 2.0)) == of((3.0, 4.0))
    assert of((1.0, 2.0)) != of([1.0, 2.0])
    assert of({"a": 1.0}) != of({"b": 1.0})
    assert of({"a": 1.0, "b": 2.0}) == of({"b": 2.0, "a": 1.0})
    assert of(Segment(1.0, 2.0, "a")) != of(Segment(1.0, 2.0, "b"))
    assert of(Point(1.0, 2.0)) != of((1.0, 2.0))
    assert of((1.0, None)) != of((1.0,))


def test_a_lone_leaf() -> None:
    x = np.ones(2)
    leaves, structure = flatten(x)
    assert leaves[0] is x
    assert structure is LEAF
    assert LEAF.unflatten([x]) is x
    with pytest.raises(ValueError, match="unpack"):
        LEAF.unflatten([x, x])


def test_none_is_seen_in_outputs_only() -> None:
    assert flatten((1.0, None))[0] == (1.0,)
    assert flatten_with_none((1.0, None))[0] == (1.0, None)
    assert flatten_with_none((1.0, 2.0)) == flatten((1.0, 2.0))
    assert flatten_with_none(None) == ((None,), LEAF)
    with pytest.raises(di.OutputError, match=r"returned None.*return"):
        di.jacobian(lambda x: (x, None), "forwarddiff", 1.0)


def test_paths_name_leaves_as_code_does() -> None:
    assert paths({"b": (1.0, 2.0), "a": [3.0]}) == ["['a'][0]", "['b'][0]", "['b'][1]"]
    assert paths(1.0) == [""]
    assert paths(Segment(1.0, {"k": 2.0}, "s"))[1].endswith("['k']")


def test_an_unregistered_class_is_named() -> None:
    class Plain:
        pass

    with pytest.raises(di.InputError, match=r"Plain.*optree\.register_pytree_node"):
        di.gradient(lambda x: 0.0, "forwarddiff", {"a": Plain()})


@pytest.mark.parametrize("backend", ["forwarddiff", "finitediff", "exactreverse"])
def test_trees_of_outputs(backend: str) -> None:
    def f(x: Any) -> Any:
        return Segment(x**2, [Point(3 * x, x * 0)], "out")

    result = di.derivative(f, backend, 2.0)
    assert result.label == "out"
    assert type(result.stop[0]) is Point
    np.testing.assert_allclose([result.start, *result.stop[0]], [4, 3, 0], atol=1e-9)
