"""Softmax regression of the iris data: a tree of parameters, `di.special`, and every engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import diffinterface as di

datasets = pytest.importorskip("sklearn.datasets")
linear_model = pytest.importorskip("sklearn.linear_model")
minimize = pytest.importorskip("scipy.optimize").minimize

FEATURES, CLASSES = datasets.load_iris(return_X_y=True)
FEATURES = (FEATURES - FEATURES.mean(axis=0)) / FEATURES.std(axis=0)
TARGETS = np.eye(3)[CLASSES]
ENGINES = ["forwarddiff", "finitediff", "complexstep", "jax", "torch", "autograd"]


def loss(model: Any, features: Any, targets: Any, strength: Any) -> Any:
    """Half the squared weights, and `strength` times the cross-entropy."""
    xp = di.array_namespace(model["weights"], model["intercepts"])
    scores = features @ model["weights"] + model["intercepts"]
    entropy = -xp.sum(targets * di.special.log_softmax(scores, axis=1))
    return xp.sum(model["weights"] ** 2) / 2 + strength * entropy


def slope(model: Any, strength: float) -> dict[str, Any]:
    """Its gradient by hand."""
    scores = FEATURES @ model["weights"] + model["intercepts"]
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    errors = chances / chances.sum(axis=1, keepdims=True) - TARGETS
    return {
        "intercepts": strength * errors.sum(axis=0),
        "weights": strength * FEATURES.T @ errors + model["weights"],
    }


@pytest.mark.parametrize("scale", [1.0, 1e3], ids=["moderate", "where exp overflows"])
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine(engine: str, scale: float) -> None:
    if not di.check_available(engine):
        pytest.skip(f"{engine} is not installed")
    draw = np.random.default_rng(7)
    model = {"intercepts": draw.normal(size=3), "weights": scale * draw.normal(size=(4, 3))}
    got = di.gradient(loss, engine, model, FEATURES, TARGETS, 0.5)
    value = loss(model, FEATURES, TARGETS, 0.5)
    for name, expected in slope(model, 0.5).items():
        exact = 1e-12 * np.max(np.abs(expected))
        # Differences of f lose what rounding takes from f.
        tolerance = 1e-10 * value if engine == "finitediff" else exact
        assert_allclose(got[name], expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("engine", ["forwarddiff", "jax", "torch", "autograd"])
def test_the_optimum_is_that_of_scikit_learn(engine: str) -> None:
    """Up to a shift of the intercepts, which changes no probability; the penalty fixes the weights."""
    if not di.check_available(engine):
        pytest.skip(f"{engine} is not installed")
    zero = {"intercepts": np.zeros(3), "weights": np.zeros((4, 3))}
    prep = di.prepare_gradient(loss, engine, zero, FEATURES, TARGETS, 1.0)

    def value_and_slope(p: Any) -> tuple[float, Any]:
        model = {"intercepts": p[:3], "weights": p[3:].reshape(4, 3)}
        value, g = prep.value_and(model, FEATURES, TARGETS, 1.0)
        return float(value), np.concatenate([g["intercepts"], g["weights"].ravel()])

    options = {"ftol": 0.0, "gtol": 1e-6, "maxiter": 1000}
    found = minimize(value_and_slope, np.zeros(15), jac=True, method="L-BFGS-B", options=options)
    assert np.max(np.abs(value_and_slope(found.x)[1])) < 1e-5
    model = linear_model.LogisticRegression(C=1.0, tol=1e-10, max_iter=5000).fit(FEATURES, CLASSES)
    assert_allclose(found.x[3:].reshape(4, 3).T, model.coef_, rtol=0, atol=1e-4)
    centred = found.x[:3] - found.x[:3].mean()
    assert_allclose(centred, model.intercept_ - model.intercept_.mean(), rtol=0, atol=1e-4)
