"""Estimates equal ``v^T J v`` of a Jacobian by hand; the exact mode its trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import diffinterface as di

ENGINES = ["forwarddiff", "finitediff", "complexstep", "jax", "torch", "autograd"]
MODES = ["pushforward", "pullback", "jacobian", "exact"]
X = np.array([0.3, -0.7, 1.2])
V = np.array([[1.0, -1.0, 1.0], [1.0, 1.0, -1.0]])

every_engine = pytest.mark.parametrize("engine", ENGINES)
every_mode = pytest.mark.parametrize("mode", MODES)


def need(engine: str) -> None:
    if not di.check_available(engine):
        pytest.skip(f"{engine} is not installed")


def f(x: Any) -> Any:
    """Of one point, or of a point in each row."""
    xp = di.array_namespace(x)
    return xp.sin(x) * xp.sum(x, axis=-1, keepdims=True)


def jacobian(x: Any) -> Any:
    return np.diag(np.cos(x) * x.sum()) + np.sin(x)[:, None]


def expected(x: Any, probes: Any, mode: str) -> Any:
    J = jacobian(x)
    return np.trace(J) if mode == "exact" else np.mean([v @ J @ v for v in probes])


def given(probes: Any, mode: str) -> dict[str, Any]:
    """The exact mode takes no probes."""
    return {} if mode == "exact" else {"probes": probes}


def tolerance(engine: str) -> float:
    return 1e-8 if engine == "finitediff" else 1e-13


@every_mode
@every_engine
def test_given_probes(engine: str, mode: Any) -> None:
    need(engine)
    got = di.hutchinson_trace(f, engine, X, **given(V, mode), mode=mode)
    assert_allclose(got, expected(X, V, mode), rtol=tolerance(engine))
    assert np.shape(got) == ()


@every_mode
@every_engine
def test_samples(engine: str, mode: Any) -> None:
    need(engine)
    xs = np.stack([X, 2 * X, X[::-1], X**2])
    probes = np.random.default_rng(5).choice([-1.0, 1.0], size=(2, 4, 3))
    got = di.hutchinson_trace(f, engine, xs, **given(probes, mode), mode=mode, batched=True)
    want = [expected(x, probes[:, k], mode) for k, x in enumerate(xs)]
    assert_allclose(got, want, rtol=tolerance(engine), atol=tolerance(engine))


@every_engine
def test_the_mean_over_all_probes_is_the_trace(engine: str) -> None:
    """Over every sign pattern the entries off the diagonal cancel."""
    need(engine)
    signs = np.array([[a, b, c] for a in (-1.0, 1.0) for b in (-1.0, 1.0) for c in (-1.0, 1.0)])
    got = di.hutchinson_trace(f, engine, X, probes=signs)
    assert_allclose(got, np.trace(jacobian(X)), rtol=tolerance(engine))


def test_drawn_probes_are_signs() -> None:
    """A diagonal Jacobian has no variance under them."""
    for key in range(5):
        assert_allclose(di.hutchinson_trace(np.sin, "forwarddiff", X, key=key), np.cos(X).sum())


@every_engine
def test_every_product_sees_the_same_probes(engine: str) -> None:
    need(engine)
    push = di.hutchinson_trace(f, engine, X, key=3, probes=4)
    for mode in ("pullback", "jacobian"):
        other = di.hutchinson_trace(f, engine, X, key=3, probes=4, mode=mode)
        assert_allclose(push, other, rtol=tolerance(engine))


def test_keys() -> None:
    A = np.random.default_rng(0).normal(size=(20, 20))

    def estimate(**options: Any) -> Any:
        return di.hutchinson_trace(lambda x: A @ x, "forwarddiff", np.ones(20), **options)

    assert estimate(key=7) == estimate(key=7) == estimate(key=np.random.default_rng(7))
    assert estimate(key=7) != estimate(key=8)
    assert len({float(estimate()) for _ in range(8)}) > 1
    # The variance of one probe: the squared entries off the diagonal of the symmetric part, twice.
    S = (A + A.T) / 2
    deviation = np.sqrt(2 * (np.sum(S**2) - np.sum(np.diag(S) ** 2)))
    assert abs(estimate(key=1, probes=20_000) - np.trace(A)) < 4 * deviation / np.sqrt(20_000)


@every_mode
@pytest.mark.parametrize("engine", ["forwarddiff", "jax", "torch", "autograd"])
def test_trees_and_contexts(engine: str, mode: Any) -> None:
    need(engine)

    def g(p: Any, c: Any) -> Any:
        return {"a": c * p["a"] ** 2 + 3 * p["b"][0], "b": p["b"] * p["a"] + p["b"] ** 3}

    a, b, c = 0.5, np.array([2.0, -1.0]), 4.0
    probes = {"a": np.array([1.0]), "b": np.array([[1.0, -1.0]])}
    J = np.array([[2 * c * a, 3, 0], [b[0], a + 3 * b[0] ** 2, 0], [b[1], 0, a + 3 * b[1] ** 2]])
    v = np.array([1.0, 1.0, -1.0])
    got = di.hutchinson_trace(g, engine, {"a": a, "b": b}, c, **given(probes, mode), mode=mode)
    assert_allclose(got, np.trace(J) if mode == "exact" else v @ J @ v, rtol=1e-13)


@every_mode
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_native_arrays_keep_their_precision(dtype: str, mode: Any) -> None:
    jax, torch = pytest.importorskip("jax"), pytest.importorskip("torch")
    with jax.enable_x64(dtype == "float64"):
        x = jax.numpy.asarray(X, dtype)
    points = {"jax": x, "torch": torch.tensor(X.astype(dtype)), "forwarddiff": X.astype(dtype)}
    for engine, point in points.items():
        got = di.hutchinson_trace(f, engine, point, **given(V, mode), mode=mode)
        assert str(got.dtype).endswith(dtype)
        assert_allclose(
            float(got), expected(X, V, mode), rtol=1e-13 if dtype == "float64" else 1e-6
        )


@every_mode
def test_wrong_shapes_of_f(mode: Any) -> None:
    with pytest.raises(di.ShapeError):
        di.hutchinson_trace(lambda x: x[:2], "forwarddiff", X, mode=mode)
    with pytest.raises(di.ShapeError):
        di.hutchinson_trace(lambda x: (x, x), "forwarddiff", X, mode=mode)


@pytest.mark.parametrize(
    ("error", "options"),
    [
        (di.ShapeError, {"probes": V[0]}),
        (di.ShapeError, {"probes": V[:, :2]}),
        (di.ShapeError, {"probes": V[:0]}),
        (di.InputError, {"probes": 0}),
        (di.InputError, {"key": "seed"}),
        (di.InputError, {"mode": "forward"}),
        (di.InputError, {"mode": "exact", "probes": V}),
        (di.InputError, {"mode": "exact", "key": 1}),
    ],
)
def test_wrong_options(error: type[Exception], options: Any) -> None:
    with pytest.raises(error):
        di.hutchinson_trace(f, "forwarddiff", X, **options)


@pytest.mark.parametrize("mode", ["jacobian", "exact"])
@every_engine
def test_mixed_samples_are_refused(engine: str, mode: Any) -> None:
    need(engine)
    with pytest.raises(di.OutputError, match="mixes the samples"):
        di.hutchinson_trace(
            lambda x: x * x[0], engine, np.stack([X, 2 * X]), mode=mode, batched=True
        )


@every_mode
def test_a_complex_point_is_refused(mode: Any) -> None:
    with pytest.raises(di.InputError, match="real x"):
        di.hutchinson_trace(np.sin, "forwarddiff", X + 0j, mode=mode)
