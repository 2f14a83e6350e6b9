"""Trees, contexts, frameworks and functions of other engines; and the detectors without a tracer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse

import diffinterface as di
from diffinterface.sparse.detection import (
    DenseDetector,
    KnownPattern,
    TracerDetector,
    ValueDependenceError,
)

from .checks import dense

DETECTOR = TracerDetector()
EYE = np.eye(3, dtype=bool)


def test_trees_in_order() -> None:
    x = {"b": np.ones(2), "a": (np.ones((1, 2)), 3.0)}

    def f(p: Any) -> Any:
        (a, s), b = p["a"], p["b"]
        return [b * s, {"z": a[0, 0], "y": a.ravel() + b}]

    # Columns: a (2), s, b (2). Rows: b * s (2), y (2), z.
    expected = [[2, 3], [2, 4], [0, 3], [1, 4], [0]]
    got = dense(DETECTOR.jacobian_pattern(f, x))
    assert [np.flatnonzero(row).tolist() for row in got] == expected
    h = dense(DETECTOR.hessian_pattern(lambda p: np.sum(p["b"] * p["a"][1]), x))
    assert [np.flatnonzero(row).tolist() for row in h] == [[], [], [3, 4], [2], [2]]


def test_scalars() -> None:
    assert dense(DETECTOR.jacobian_pattern(lambda x: np.sin(x), 2.0)).tolist() == [[True]]
    assert dense(DETECTOR.jacobian_pattern(lambda x: 1.0, 2.0)).tolist() == [[False]]
    assert dense(DETECTOR.hessian_pattern(lambda x: x**2, np.float32(2.0))).tolist() == [[True]]


def test_empty() -> None:
    assert dense(DETECTOR.jacobian_pattern(lambda x: x[:0], np.ones(3))).shape == (0, 3)
    assert dense(DETECTOR.jacobian_pattern(lambda x: np.sum(x), np.ones(0))).shape == (1, 0)
    assert dense(DETECTOR.hessian_pattern(lambda x: np.sum(x**2), np.ones(0))).shape == (0, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.complex128, np.longdouble])
def test_dtypes(dtype: Any) -> None:
    def f(x: Any) -> Any:
        assert x.dtype == dtype
        assert (2.0 * x).dtype == dtype
        return np.real(x * 2.0) + np.abs(x)

    np.testing.assert_array_equal(dense(DETECTOR.jacobian_pattern(f, np.ones(3, dtype))), EYE)
    g = lambda x: np.sum(np.abs(x))  # noqa: E731
    curved = np.issubdtype(dtype, np.complexfloating)
    np.testing.assert_array_equal(
        dense(DETECTOR.hessian_pattern(g, np.ones(3, dtype))), EYE & curved
    )


def test_x_is_not_written() -> None:
    x = np.ones(3)

    def f(x: Any) -> Any:
        x += 1
        x[0] = 0.0
        return x

    expected = EYE.copy()
    expected[0] = False
    np.testing.assert_array_equal(dense(DETECTOR.jacobian_pattern(f, x)), expected)
    assert (x == 1).all()


# --- contexts --------------------------------------------------------------------------------------


def test_a_pattern_holds_for_all_values_of_floating_contexts() -> None:
    def f(x: Any, weights: Any, shift: float) -> Any:
        return np.where(weights > shift, x, x[::-1]) * weights

    both = EYE | EYE[::-1]
    for weights in (np.zeros(3), np.ones(3)):
        got = DETECTOR.jacobian_pattern(f, np.ones(3), weights, 0.5)
        np.testing.assert_array_equal(dense(got), both)
    # Zeros of a context are not zeros of the next one.
    got = DETECTOR.jacobian_pattern(lambda x, a: a @ x, np.ones(3), np.eye(3))
    assert dense(got).all()


def test_contexts_do_not_decide_unless_static() -> None:
    def f(x: Any, p: Any) -> Any:
        return x if p > 0 else x[::-1]

    for p in (1.0, np.float64(1.0), di.Constant(1.0)):
        with pytest.raises(ValueDependenceError, match=r"di\.Static"):
            DETECTOR.jacobian_pattern(f, np.ones(3), p)
    with pytest.raises(ValueDependenceError):
        DETECTOR.jacobian_pattern(lambda x, p: x * float(p), np.ones(3), 1.0)
    np.testing.assert_array_equal(
        dense(DETECTOR.jacobian_pattern(f, np.ones(3), di.Static(1.0))), EYE
    )
    local = TracerDetector("local").jacobian_pattern(f, np.ones(3), -1.0)
    np.testing.assert_array_equal(dense(local), EYE[::-1])


def test_integers_masks_and_other_contexts_are_values() -> None:
    def f(x: Any, index: Any, mask: Any, n: int, name: str) -> Any:
        assert name == "sum"
        return np.where(mask, x[index], 0.0)[:n]

    got = DETECTOR.jacobian_pattern(
        f, np.ones(3), np.array([2, 1, 0]), np.array([True, False, True]), 3, "sum"
    )
    assert [np.flatnonzero(row).tolist() for row in dense(got)] == [[2], [], [0]]


def test_caches_take_what_depends_on_x() -> None:
    buffer = np.zeros(3)

    def f(x: Any, work: Any) -> Any:
        work[:] = x
        work *= 2
        return work[::-1]

    got = DETECTOR.jacobian_pattern(f, np.ones(3), di.Cache(buffer))
    np.testing.assert_array_equal(dense(got), EYE[::-1])
    assert not buffer.any()


def test_contexts_are_read_only() -> None:
    def f(x: Any, c: Any) -> Any:
        c[0] = 1.0
        return x

    with pytest.raises(ValueError, match="read-only"):
        DETECTOR.jacobian_pattern(f, np.ones(3), np.ones(3))


# --- frameworks ------------------------------------------------------------------------------------


def neutral(x: Any) -> Any:
    xp = di.array_namespace(x)
    y = xp.concat([x[1:], x[:1]])
    return xp.where(x > 0, x, y) + xp.sum(xp.zeros_like(x))


def test_points_of_other_frameworks() -> None:
    torch = pytest.importorskip("torch")
    jnp = pytest.importorskip("jax.numpy")
    expected = EYE | np.roll(EYE, 1, 1)
    for x in (np.ones(3), torch.ones(3), torch.ones(3, requires_grad=True), jnp.ones(3)):
        np.testing.assert_array_equal(dense(DETECTOR.jacobian_pattern(neutral, x)), expected)


def test_captured_arrays_of_other_frameworks() -> None:
    torch = pytest.importorskip("torch")
    w = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    for f in (lambda x: w @ x, lambda x: x @ w.T, lambda x: np.matmul(w, x)):
        assert dense(DETECTOR.jacobian_pattern(f, torch.ones(3, dtype=torch.float64))).all()
    got = dense(DETECTOR.jacobian_pattern(lambda x: w[0] * x + x / w[1] - w[0] ** 2, np.ones(3)))
    np.testing.assert_array_equal(got, EYE)


def test_inside_the_trace_of_jax() -> None:
    """Values are hidden there; a global pattern needs none, and a local one refuses."""
    jax = pytest.importorskip("jax")
    found = []

    def outer(p: Any) -> Any:
        f = lambda x, c: np.where(c > 0, x, x[::-1]) * p  # noqa: E731
        found.append(DETECTOR.jacobian_pattern(f, p * np.ones(3), p))
        with pytest.raises(di.InputError, match="local"):
            TracerDetector("local").jacobian_pattern(f, p * np.ones(3), p)
        with pytest.raises(di.InputError, match="local"):
            TracerDetector("local").jacobian_pattern(lambda x: x * p, np.ones(3))
        return p * 1.0

    jax.jit(jax.grad(outer))(2.0)
    np.testing.assert_array_equal(dense(found[0]), EYE | EYE[::-1])


@pytest.mark.parametrize("name", ["torch", "autograd", "forwarddiff"])
def test_inside_a_derivative(name: str) -> None:
    if not di.check_available(name):
        pytest.skip(f"{name} is not installed")
    found = []

    def outer(p: Any) -> Any:
        found.append(DETECTOR.jacobian_pattern(lambda x: x * x[::-1], p))
        return p[0]

    di.gradient(outer, name, np.ones(3))
    np.testing.assert_array_equal(dense(found[0]), EYE | EYE[::-1])


def test_functions_with_an_engine_of_their_own() -> None:
    """Their outputs depend on all their inputs."""
    pytest.importorskip("jax")
    import jax.numpy as jnp

    inner = di.DifferentiateWith(lambda x: jnp.cumsum(x), "jax")
    got = dense(
        DETECTOR.jacobian_pattern(lambda x: np.concatenate([inner(x[:2]), x[2:]]), np.ones(3))
    )
    np.testing.assert_array_equal(got, [[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    h = dense(DETECTOR.hessian_pattern(lambda x: np.sum(inner(x[:2])), np.ones(3)))
    np.testing.assert_array_equal(h, [[1, 1, 0], [1, 1, 0], [0, 0, 0]])


@pytest.mark.parametrize("name", ["forwarddiff", "finitediff"])
def test_derivatives_inside(name: str) -> None:
    """A gradient that f takes of another function."""

    def f(x: Any) -> Any:
        return di.gradient(lambda y: np.sum(y[1:] * y[:-1] ** 2), name, x)

    got = dense(DETECTOR.jacobian_pattern(f, np.array([1.0, 2.0, 3.0])))
    truth = abs(np.subtract.outer(np.arange(3), np.arange(3))) <= 1
    truth[2, 2] = False
    assert (got >= truth).all()


# --- the other detectors ---------------------------------------------------------------------------


def test_dense_detector() -> None:
    detector = DenseDetector()
    assert dense(detector.jacobian_pattern(lambda x: x[:2], np.ones(3))).shape == (2, 3)
    assert dense(detector.jacobian_pattern(lambda x: x["a"], {"a": np.ones(3)})).all()
    assert dense(detector.hessian_pattern(lambda x: np.sum(x), np.ones(3))).all()
    assert detector == DenseDetector()
    assert hash(TracerDetector("local")) == hash(TracerDetector("local"))


def test_known_pattern() -> None:
    stored = scipy.sparse.coo_array(([0.0, 1.0, 2.0], ([1, 0, 0], [2, 1, 1])), shape=(2, 3))
    got = dense(KnownPattern(stored).jacobian_pattern(lambda x: x[:2], np.ones(3)))
    np.testing.assert_array_equal(got, [[0, 1, 0], [0, 0, 1]])
    got = dense(KnownPattern([[1.0, 0, np.nan]]).jacobian_pattern(np.sum, np.ones(3)))
    np.testing.assert_array_equal(got, [[1, 0, 1]])
    np.testing.assert_array_equal(dense(KnownPattern(EYE).hessian_pattern(np.sum, np.ones(3))), EYE)


def test_known_patterns_are_checked() -> None:
    with pytest.raises(di.ShapeError, match="2 columns, expected 3"):
        KnownPattern(np.eye(2)).jacobian_pattern(np.sin, np.ones(3))
    with pytest.raises(di.ShapeError, match="rows"):
        KnownPattern(np.ones((2, 3))).hessian_pattern(np.sum, np.ones(3))
    with pytest.raises(di.InputError, match="symmetric"):
        KnownPattern(np.eye(3, k=1)).hessian_pattern(np.sum, np.ones(3))
    for wrong in (np.ones(3), "pattern", [["a"]]):
        with pytest.raises(di.InputError, match="matrix"):
            KnownPattern(wrong)


def test_a_known_pattern_is_not_changed_by_its_users() -> None:
    known = KnownPattern(EYE)
    known.jacobian_pattern(np.sin, np.ones(3)).data[:] = False
    assert dense(known.jacobian_pattern(np.sin, np.ones(3))).sum() == 3
