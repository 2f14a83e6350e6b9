"""Random functions: every pattern covers the derivatives, wherever they are taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import optree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import diffinterface as di
from diffinterface.sparse.detection import TracerDetector

from ... import tiers
from ...contract.properties import truth
from ...contract.properties.programs import Problem, problems
from .checks import ENGINE, covers, dense

MANY = settings(
    max_examples=tiers.examples(120),
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
DETECTORS = {mode: TracerDetector(mode) for mode in ("global", "local")}


def jacobian(f: Callable[[Any], Any], x: Any) -> Any:
    return truth.matrix(di.jacobian(f, ENGINE, x), x, f(x)) != 0


def hessian(f: Callable[[Any], Any], x: Any) -> Any:
    return truth.matrix(di.hessian(f, ENGINE, x), x, x) != 0


@MANY
@given(problems(steps=10))
def test_jacobians_of_standard_programs(p: Problem) -> None:
    everywhere = dense(DETECTORS["global"].jacobian_pattern(p.f, p.x))
    for x in (p.x, p.other):
        here = jacobian(p.f, x)
        covers(everywhere, here)
        covers(dense(DETECTORS["local"].jacobian_pattern(p.f, x)), here)


@MANY
@given(problems(steps=8, scalar=True))
def test_hessians_of_standard_programs(p: Problem) -> None:
    everywhere = dense(DETECTORS["global"].hessian_pattern(p.f, p.x))
    assert (everywhere == everywhere.T).all()
    for x in (p.x, p.other):
        here = hessian(p.f, x)
        covers(everywhere, here)
        covers(dense(DETECTORS["local"].hessian_pattern(p.f, x)), here)


# --- plain NumPy, written in place -------------------------------------------------------------------

SIZE = 6


@dataclass(frozen=True)
class Steps:
    """A NumPy function of a vector: steps on a growing list of vectors of that length."""

    steps: tuple[tuple[str, int, int, int], ...]

    def __call__(self, x: Any) -> Any:
        known = [x.copy()]
        for name, first, second, k in self.steps:
            known.append(ACTIONS[name](known[first % len(known)], known[second % len(known)], k))
        return known[-1] + 0.5 * known[len(known) // 2]


def _in_place(a: Any, b: Any, k: int) -> Any:
    y = np.zeros_like(a)
    y[k:] = a[: SIZE - k]
    y[::2] += b[::2]
    y *= 0.5
    return y


def _views(a: Any, b: Any, k: int) -> Any:
    y = a.copy()
    grid = y.reshape(2, 3)
    grid[0] = b[3:]
    grid.T[k % 3] -= 1.0
    tail = y[k:]
    tail += tail[::-1]
    return y


def _masked(a: Any, b: Any, k: int) -> Any:
    y = a.copy()
    y[y < 0.1 * k] = 0.3
    return np.where(a > b, y, b[::-1])


def _aliased(a: Any, b: Any, k: int) -> Any:
    a = a + b
    a[1:] = a[:-1]  # shifts, as NumPy does with overlapping memory
    a[k] = b[SIZE - 1 - k]
    return a


def _banded(a: Any, b: Any, k: int) -> Any:
    return np.convolve(a, [0.2, 0.5, 0.3], mode="same") + np.pad(b, k)[: 2 * SIZE][:SIZE]


def _square(a: Any, b: Any, k: int) -> Any:
    m = np.outer(a, np.roll(b, k)) / 4
    return np.diagonal(m @ m.T) + np.einsum("ij,j->i", m, np.ones(SIZE))


ACTIONS: dict[str, Callable[[Any, Any, int], Any]] = {
    "sine": lambda a, b, k: np.sin(a),
    "product": lambda a, b, k: np.tanh(a) * b,
    "quotient": lambda a, b, k: a / (2 + np.cos(b)),
    "power": lambda a, b, k: (1.5 + np.tanh(a)) ** np.tanh(b),
    "roll": lambda a, b, k: np.roll(a, k) - b,
    "gather": lambda a, b, k: a[[k, 0, 0, SIZE - 1, 2, 1]] + b,
    "cumsum": lambda a, b, k: np.cumsum(a) / 3,
    "maximum": lambda a, b, k: np.maximum(a, b[::-1]),
    "sort": lambda a, b, k: np.sort(a) + b,
    "clip": lambda a, b, k: np.clip(a, -0.5, 0.8) + 0.1 * b,
    "blocks": lambda a, b, k: np.repeat(np.sum(a.reshape(3, 2), axis=1), 2) * 0.5,
    "scalar": lambda a, b, k: a * b[k] + np.mean(a[:k]) if k else a,
    "concatenate": lambda a, b, k: np.concatenate([b[k:], a[:k]]),
    "floor": lambda a, b, k: a * np.floor(b * 3) + np.sign(a),
    "product of all": lambda a, b, k: np.prod(np.cos(a[: k + 1])) + b,
    "difference": lambda a, b, k: np.diff(a, prepend=b[:1]),
    "in place": _in_place,
    "views": _views,
    "masked": _masked,
    "aliased": _aliased,
    "banded": _banded,
    "square": _square,
}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(sorted(ACTIONS)), st.integers(0, 9), st.integers(0, 9), st.integers(0, 5)
    ),
    min_size=1,
    max_size=7,
).map(lambda steps: Steps(tuple(steps)))


def points(seed: int) -> list[Any]:
    return list(np.random.default_rng(seed).normal(size=(3, SIZE)))


@MANY
@given(STEPS, st.integers(0, 1000))
def test_jacobians_of_numpy_programs(f: Steps, seed: int) -> None:
    first, *others = points(seed)
    everywhere = dense(DETECTORS["global"].jacobian_pattern(f, first))
    for x in (first, *others):
        here = jacobian(f, x)
        covers(everywhere, here)
        covers(dense(DETECTORS["local"].jacobian_pattern(f, x)), here)
        # The same pattern from everywhere: no value has decided it.
        np.testing.assert_array_equal(dense(DETECTORS["global"].jacobian_pattern(f, x)), everywhere)


@MANY
@given(STEPS, st.integers(0, 1000))
def test_hessians_of_numpy_programs(f: Steps, seed: int) -> None:
    first, *others = points(seed)
    weights = np.linspace(0.5, 1.5, SIZE)

    def total(x: Any) -> Any:
        return np.sum(weights * f(x))

    everywhere = dense(DETECTORS["global"].hessian_pattern(total, first))
    for x in (first, *others):
        here = hessian(total, x)
        covers(everywhere, here)
        covers(dense(DETECTORS["local"].hessian_pattern(total, x)), here)


@MANY
@given(STEPS, st.integers(0, 1000))
def test_the_linear_part_of_a_hessian_is_a_jacobian(f: Steps, seed: int) -> None:
    """Squares of f's entries couple all that one of them depends on, and no more than f itself does."""
    x = points(seed)[0]
    j = dense(DETECTORS["global"].jacobian_pattern(f, x)).astype(int)
    h = dense(DETECTORS["global"].hessian_pattern(lambda x: np.sum(f(x) ** 2), x))
    np.testing.assert_array_equal(h, j.T @ j > 0)


def test_trees_of_any_depth_are_flattened_alike() -> None:
    x = {"q": [np.ones(2), (3.0,)], "p": np.ones((2, 2))}
    got = dense(DETECTORS["global"].jacobian_pattern(lambda x: x, x))
    n = sum(np.size(leaf) for leaf in optree.tree_leaves(x))
    np.testing.assert_array_equal(got, np.eye(n))
