"""The built-in example: a Bayesian linear regression."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays.namespace import array_namespace
from ...declare.adtypes import AutoForwardDiff
from ...operators import prepare_gradient, prepare_hessian
from .problem import Problem

_rng = np.random.default_rng(20)
PREDICTOR = np.linspace(-1.0, 1.0, 20)
RESPONSE = 0.5 + 1.5 * PREDICTOR + 0.3 * _rng.standard_normal(20)
DATA = (PREDICTOR, RESPONSE)
START = {"intercept": 0.0, "noise": 1.0, "slope": 0.0}


def negative_log_posterior(p: Any, x: Any, y: Any) -> Any:
    """Unnormalised: priors Normal(0, 3), Normal(0, 3) and Exponential(1), Normal likelihood."""
    xp = array_namespace(p["intercept"], p["slope"], p["noise"])
    residual = (y - p["intercept"] - p["slope"] * x) / p["noise"]
    likelihood = 0.5 * xp.sum(residual**2) + y.shape[0] * xp.log(p["noise"])
    prior = 0.5 * (p["intercept"] / 3) ** 2 + 0.5 * (p["slope"] / 3) ** 2 + p["noise"]
    return likelihood + prior


def analytic_gradient(p: Any) -> dict[str, Any]:
    """Its gradient, derived by hand."""
    residual = RESPONSE - p["intercept"] - p["slope"] * PREDICTOR
    precision = 1 / p["noise"] ** 2
    return {
        "intercept": -precision * np.sum(residual) + p["intercept"] / 9,
        "noise": -np.sum(residual**2) / p["noise"] ** 3 + len(RESPONSE) / p["noise"] + 1,
        "slope": -precision * np.sum(residual * PREDICTOR) + p["slope"] / 9,
    }


def fit(start: dict[str, float]) -> tuple[dict[str, float], float, int]:
    """The mode of the posterior, by damped Newton steps on our own gradient and Hessian.

    Returns
    -------
    mode, norm, steps
        The parameters, the largest entry of the gradient there, and the steps taken.
    """
    names = sorted(start)
    point = dict(start)
    gradient = prepare_gradient(negative_log_posterior, AutoForwardDiff(), point, *DATA)
    hessian = prepare_hessian(negative_log_posterior, AutoForwardDiff(), point, *DATA)
    steps = 0
    while True:
        value, slope = gradient.value_and(point, *DATA)
        g = np.array([slope[name] for name in names])
        if np.max(np.abs(g)) < 1e-9 or steps == 100:
            break
        curvature = hessian(point, *DATA)
        h = np.array([[curvature[a][b] for b in names] for a in names])
        # Far from the mode the Hessian need not be positive: shift it until it is.
        shift = max(0.0, 1e-3 - float(np.linalg.eigvalsh(h)[0]))
        move = -np.linalg.solve(h + shift * np.eye(3), g)
        length = 1.0
        while length > 1e-12:
            trial = {n: float(point[n] + length * d) for n, d in zip(names, move, strict=True)}
            if trial["noise"] > 0 and negative_log_posterior(trial, *DATA) <= value + 1e-12:
                break
            length /= 2
        else:
            break
        point, steps = trial, steps + 1
    return point, float(np.max(np.abs(g))), steps


def problem() -> Problem:
    """The example as a problem to compare, with its exact derivative as the reference."""
    return Problem(
        "Bayesian linear regression: negative log posterior",
        negative_log_posterior,
        START,
        "gradient",
        (analytic_gradient(START), "derivatives by hand"),
        DATA,
    )
