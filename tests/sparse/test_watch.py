"""A prepared pattern after the program changed, where no context tells: mixed entries are an error."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.sparse import KnownPattern, PatternError

from .problems import energy, laplacian, point

pytest.importorskip("numba")
pytest.importorskip("scipy")

DUAL = di.AutoForwardDiff()
SPARSE = di.AutoSparse(DUAL)
X = point(6)
PICK, OTHER = [4, 0, 2], [1, 1, 5]


class Model:
    def __init__(self) -> None:
        self.pick = np.array(PICK)
        self.nested = {"options": ["square", (np.array(PICK),)]}

    def __call__(self, x: Any) -> Any:
        return x[self.pick] ** 2

    def method(self, x: Any) -> Any:
        power = 2 if self.nested["options"][0] == "square" else 3
        return x[self.nested["options"][1][0]] ** power


def picked(pick: Any, x: Any) -> Any:
    return x[pick] ** 2


def changes() -> dict[str, Any]:
    """For each kind a function, and what changes on which entries it depends."""
    called, method, inside = Model(), Model(), Model()
    array, held, first = np.array(PICK), [np.array(PICK)], np.array([1.0, 0.0])

    def overwrite(array: Any) -> Any:
        return lambda: array.__setitem__(slice(None), OTHER)

    return {
        "captured array": (lambda x: x[array] ** 2, overwrite(array)),
        "item of a list": (lambda x: x[held[0]] ** 2, lambda: held.__setitem__(0, np.array(OTHER))),
        "branch by a captured number": (
            lambda x: x**2 if first[0] > 0 else x[::-1] ** 2,
            lambda: first.__setitem__(0, -1.0),
        ),
        "attribute": (called, lambda: setattr(called, "pick", np.array(OTHER))),
        "attribute overwritten": (method.__call__, overwrite(method.pick)),
        "nested attribute": (inside.method, overwrite(inside.nested["options"][1][0])),
        "partial": (partial(picked, array), overwrite(array)),
    }


@pytest.mark.parametrize("kind", changes())
def test_changed_after_preparation(kind: str) -> None:
    f, change = changes()[kind]
    prep = di.prepare_jacobian(f, SPARSE, X)
    np.testing.assert_array_equal(prep(X).toarray(), di.jacobian(f, DUAL, X))
    change()
    for _ in range(2):
        with pytest.raises(PatternError):
            prep(X)
    np.testing.assert_array_equal(di.jacobian(f, SPARSE, X).toarray(), di.jacobian(f, DUAL, X))


def test_of_a_hessian() -> None:
    pick = np.array([0, 1])
    f = lambda x: (x[pick[0]] * x[pick[1]] + (x**2).sum()) ** 1  # noqa: E731
    prep = di.prepare_hessian(f, SPARSE, X)
    assert prep(X).nnz == 8
    pick[:] = [2, 5]
    with pytest.raises(PatternError):
        prep(X)


def test_changes_that_keep_the_pattern() -> None:
    """New numbers, and counters, are nobody's mistake."""
    weights, counts = np.ones(6), [0]

    def f(x: Any) -> Any:
        counts[0] += 1
        return weights * x**2

    prep = di.prepare_jacobian(f, SPARSE, X)
    weights[:] = [5.0, 0.0, -1.0, 2.0, 3.0, 4.0]
    for _ in range(2):
        np.testing.assert_array_equal(prep(X).toarray(), np.diag(2 * weights * X))


def test_integers_of_torch() -> None:
    torch = pytest.importorskip("torch")
    pick = torch.tensor(PICK)
    f = lambda x: x[pick.numpy()] ** 2  # noqa: E731
    prep = di.prepare_jacobian(f, SPARSE, X)
    assert prep(X).nnz == 3
    pick[:] = torch.tensor(OTHER)
    with pytest.raises(PatternError):
        prep(X)


# --- the user's own word -------------------------------------------------------------------------


def mirrored(x: Any) -> Any:
    """Its derivative vanishes at zero, and with it whatever a pattern has missed."""
    return di.array_namespace(x).flip(x, axis=0) ** 2


WORD = KnownPattern(np.eye(6))
ENGINES = [DUAL, di.AutoFiniteDiff(), di.AutoJax(), di.AutoTorch(), di.AutoAutograd()]


@pytest.mark.parametrize("dense", ENGINES, ids=repr)
def test_prepared_where_entries_vanish(dense: di.ADType) -> None:
    if not di.check_available(dense):
        pytest.skip(f"{dense!r} is not installed")
    prep = di.prepare_jacobian(mirrored, di.AutoSparse(dense, detector=WORD), np.zeros(6))
    with pytest.raises(PatternError):
        prep(X)


def test_hessian_prepared_where_entries_vanish() -> None:
    f = energy(lambda x: laplacian(x) ** 2)
    backend = di.AutoSparse(DUAL, detector=WORD)
    prep = di.prepare_hessian(f, backend, np.zeros(6))
    with pytest.raises(PatternError):
        prep(X)


def test_a_plan_of_another_function() -> None:
    plan = di.prepare_jacobian(lambda x: x**2, SPARSE, X).details
    prep = di.prepare_jacobian(mirrored, di.AutoSparse(DUAL, plan=plan), np.zeros(6))
    with pytest.raises(PatternError):
        prep(X)


def test_how_often_a_word_is_tested() -> None:
    """In calls 1, 2, 4, 8, ...: a long run pays for a few."""
    clock = count()  # which nothing can look into

    def f(x: Any) -> Any:
        next(clock)
        return x**2

    prep = di.prepare_jacobian(f, di.AutoSparse(di.AutoFiniteDiff(), detector=WORD), X)
    counts = []
    for _ in range(9):
        before = next(clock)
        prep(X)
        counts.append(next(clock) - before)
    assert {k for k, n in enumerate(counts, 1) if n > min(counts)} == {1, 2, 4, 8}
