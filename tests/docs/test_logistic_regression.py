"""Logistic regression of the breast-cancer data: one objective, every engine, scikit-learn's optimum.

The penalty is that of ``sklearn.linear_model.LogisticRegression``: half the squared weights plus C
times the log-losses, with a free intercept. The objective is strongly convex here, so a small gradient
(taken by hand below) bounds the distance to the one optimum.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import diffinterface as di

minimize = pytest.importorskip("scipy.optimize").minimize
datasets = pytest.importorskip("sklearn.datasets")
linear_model = pytest.importorskip("sklearn.linear_model")
preprocessing = pytest.importorskip("sklearn.preprocessing")

FEATURES, CLASSES = datasets.load_breast_cancer(return_X_y=True)
FEATURES = preprocessing.StandardScaler().fit_transform(FEATURES)
SIGNS = 2.0 * CLASSES - 1.0

ENGINES = ["forwarddiff", "finitediff", "complexstep", "jax", "torch", "autograd"]
# One evaluation of f, in complex arithmetic, for each parameter: fewer of them will do.
COLUMNS = {"complexstep": 8}


def objective(p: Any, design: Any, strength: Any) -> Any:
    """At weights and intercept p; a row of `design` is the features and 1, times the label's sign."""
    xp = di.array_namespace(p)
    margins = design @ p
    weights = p[:-1]
    return xp.sum(weights**2) / 2 + strength * xp.sum(xp.logaddexp(0 * margins, -margins))


def slope(p: Any, design: Any, strength: float) -> Any:
    """Its gradient by hand."""
    losses = -strength * design.T @ (1 / (1 + np.exp(design @ p)))
    return losses + np.append(p[:-1], 0.0)


def curvature(p: Any, design: Any, strength: float) -> Any:
    """Its Hessian by hand."""
    margins = design @ p
    weights = strength / (2 + np.exp(margins) + np.exp(-margins))
    return (design.T * weights) @ design + np.diag([1.0] * (len(p) - 1) + [0.0])


def fitted(features: Any, strength: float) -> Any:
    """The optimum by scikit-learn's Newton method, to a gradient of less than 1e-8."""
    model = linear_model.LogisticRegression(
        C=strength, solver="newton-cholesky", tol=1e-12, max_iter=200
    )
    model.fit(features, CLASSES)
    return np.append(model.coef_[0], model.intercept_)


def designed(features: Any) -> Any:
    return SIGNS[:, None] * np.column_stack([features, np.ones(len(features))])


def check(found: Any, features: Any, strength: float) -> None:
    """That `found` is scikit-learn's optimum.

    A step down a slope g lowers the objective by ``|g|^2 / 2L``, which rounding hides where it is less
    than about ``eps f``: with f and L (the largest curvature) below 100, a line search on values of f
    cannot promise less than ``|g|`` of some 1e-6, whatever the engine. At a slope of 1e-5 the
    parameters are within ``|g|`` over the smallest curvature of the optimum, and the objective within
    ``|g|^2`` over twice that.
    """
    design, best = designed(features), fitted(features, strength)
    curvatures = np.linalg.eigvalsh(curvature(best, design, strength))
    assert curvatures[-1] < 100
    assert np.linalg.norm(slope(best, design, strength)) < 1e-8
    assert np.linalg.norm(slope(found.x, design, strength)) < 1e-5
    assert_allclose(found.x, best, rtol=0, atol=2e-5 / curvatures[0])
    assert_allclose(found.fun, objective(best, design, strength), rtol=1e-11, atol=0)


def close(got: Any, expected: Any, tolerance: float) -> None:
    """Relative to the largest entry."""
    assert_allclose(got, expected, rtol=0, atol=tolerance * np.max(np.abs(expected)))


@pytest.fixture(params=ENGINES)
def engine(request: Any) -> str:
    if not di.check_available(request.param):
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


def test_prepared_gradients_reach_the_optimum(engine: str) -> None:
    """One preparation serves two strengths of the penalty: they are contexts."""
    features = FEATURES[:, : COLUMNS.get(engine)]
    design = designed(features)
    start = np.zeros(design.shape[1])
    prep = di.prepare_gradient(objective, engine, start, design, 1.0)
    for strength in (1.0, 0.05):
        found = minimize(
            lambda p, strength=strength: prep.value_and(p, design, strength),
            start,
            jac=True,
            method="L-BFGS-B",
            options={"ftol": 0.0, "gtol": 1e-6, "maxiter": 1000},
        )
        check(found, features, strength)


@pytest.mark.parametrize("name", ["forwarddiff", "jax", "torch", "autograd"])
def test_hessian_vector_products_reach_the_optimum(name: str) -> None:
    """Newton's method with conjugate gradients: no Hessian, no more than 30 steps."""
    if not di.check_available(name):
        pytest.skip(f"{name} is not installed")
    design = designed(FEATURES)
    start = np.zeros(design.shape[1])
    grad = di.prepare_gradient(objective, name, start, design, 1.0)
    hvp = di.prepare_hvp(objective, name, start, start, design, 1.0)
    found = minimize(
        lambda p: float(objective(p, design, 1.0)),
        start,
        jac=lambda p: grad(p, design, 1.0),
        hessp=lambda p, t: hvp(p, t, design, 1.0),
        method="Newton-CG",
        options={"xtol": 1e-7},
    )
    assert found.nit <= 30
    check(found, FEATURES, 1.0)


def test_derivatives_at_a_point(engine: str) -> None:
    """Where the data are no optimum's: the gradient, and the curvature along one direction."""
    design = designed(FEATURES[:, :5])
    p, t = np.linspace(-1.0, 1.0, 6), np.linspace(2.0, -1.0, 6)
    gradient, product = di.gradient_and_hvp(objective, engine, p, t, design, 0.5)
    close(gradient, slope(p, design, 0.5), 1e-9 if engine == "finitediff" else 1e-12)
    # The complex step takes its second derivatives by finite differences of the first.
    differences = engine in ("finitediff", "complexstep")
    close(product, curvature(p, design, 0.5) @ t, 1e-6 if differences else 1e-12)


def test_parameters_as_a_tree(engine: str) -> None:
    """The model as one writes it, with data that are not folded together."""

    def loss(model: Any, features: Any, signs: Any) -> Any:
        xp = di.array_namespace(model["weights"], model["intercept"])
        margins = signs * (features @ model["weights"] + model["intercept"])
        penalty = xp.sum(model["weights"] ** 2) / 2
        return penalty + xp.sum(xp.log1p(xp.exp(-margins)))

    features = FEATURES[:, :5]
    model = {"weights": np.linspace(-1.0, 1.0, 5), "intercept": 0.3}
    got = di.gradient(loss, engine, model, features, SIGNS)
    p = np.append(model["weights"], model["intercept"])
    gradient = np.append(got["weights"], got["intercept"])
    close(gradient, slope(p, designed(features), 1.0), 1e-9 if engine == "finitediff" else 1e-12)
