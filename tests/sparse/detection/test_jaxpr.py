"""`JaxprDetector`: functions of JAX, read by asdex."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.sparse.detection import JaxprDetector, TracerDetector

from .checks import dense

DETECTOR = JaxprDetector()


def test_without_asdex(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "asdex", None)
    with pytest.raises(di.BackendNotInstalledError, match="pip install asdex") as caught:
        DETECTOR.jacobian_pattern(lambda x: x, np.ones(3))
    assert caught.value.command == "pip install asdex"


class TestWithAsdex:
    @pytest.fixture(autouse=True)
    def _needs(self) -> None:
        pytest.importorskip("asdex")

    def test_jacobian(self) -> None:
        import jax.numpy as jnp

        got = dense(DETECTOR.jacobian_pattern(lambda x: jnp.sin(x[1:]) * x[:-1], np.ones(4)))
        np.testing.assert_array_equal(got, (np.eye(4) + np.eye(4, k=1))[:3] > 0)

    def test_trees_and_contexts(self) -> None:
        import jax.numpy as jnp

        x = {"b": np.ones(2, np.float32), "a": (np.ones((1, 2)), 3.0)}

        def f(p: Any, c: Any, index: Any, n: int, s: str) -> Any:
            (a, scale), b = p["a"], p["b"]
            assert n == 2
            assert s == "text"
            return [jnp.where(c > 0, b, b[::-1]) * scale, {"z": a[0, index], "y": a.ravel() + c}]

        arguments = (x, np.ones(2), np.array([1]), di.Static(2), "text")
        got = dense(DETECTOR.jacobian_pattern(f, *arguments))
        # Columns: a (2), scale, b (2). Rows: b * scale (2), y (2), z.
        expected = [[2, 3, 4], [2, 3, 4], [0], [1], [1]]
        assert [np.flatnonzero(row).tolist() for row in got] == expected

    def test_hessian(self) -> None:
        import jax.numpy as jnp

        f = lambda p: jnp.sum(p[0][1:] * p[0][:-1] ** 2) + p[1] ** 2  # noqa: E731
        got = dense(DETECTOR.hessian_pattern(f, (np.ones(3), 2.0)))
        truth = di.hessian(lambda x: f((x[:3], x[3])), "jax", np.ones(4)) != 0
        assert (got >= truth).all()
        assert not got[0, 2]
        assert not got[:3, 3].any()
        with pytest.raises(di.NonScalarOutputError):
            DETECTOR.hessian_pattern(lambda x: x, np.ones(3))

    def test_agrees_with_the_tracer(self) -> None:
        def f(state: Any) -> Any:
            xp = di.array_namespace(state)
            u, v = state[0, ...], state[1, ...]
            around = sum(xp.roll(u, s, axis=a) for s in (1, -1) for a in (0, 1)) - 4 * u
            return xp.stack([u**2 * v + around, u - v])

        x = np.ones((2, 4, 4))
        ours, theirs = (d.jacobian_pattern(f, x) for d in (TracerDetector(), DETECTOR))
        assert (ours != theirs).nnz == 0
