"""Cases of selection, sorting, statistics, differences and polynomials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...truth import Case
from .cases_elementwise import points

S, V, M = points("real", (), (5,), (2, 3))
T = points("real", (2, 3, 2))[0]
HOLES = np.array([[0.3, np.nan, -1.2], [2.0, 0.7, np.nan]])
NODES = np.array([-1.0, -0.2, 0.5, 1.6])
WEIGHTS = np.array([0.2, 1.0, 2.5])


def cases(name: str, how: str, *pairs: tuple[Callable[[Any, Any], Any], Any]) -> list[Case]:
    # Times itself, so that the second derivative is not zero.
    return [Case(name, lambda xp, x, f=f: f(xp, x) * f(xp, x), x, how) for f, x in pairs]


def _keyword_forms(name: str, how: str) -> list[Case]:
    """The forms that all reductions share."""
    return cases(
        name,
        how,
        (lambda xp, x: getattr(xp, name)(x), S),
        (lambda xp, x: getattr(xp, name)(x), M),
        (lambda xp, x: getattr(xp, name)(x, axis=0), M),
        (lambda xp, x: getattr(xp, name)(x, -1), M),
        (lambda xp, x: getattr(xp, name)(x, keepdims=True, axis=1), T),
        (lambda xp, x: getattr(xp, name)(x, axis=(0, 2)), T),
    )


def _over_one_axis(name: str, how: str) -> list[Case]:
    return cases(
        name,
        how,
        (lambda xp, x: getattr(xp, name)(x), M),
        (lambda xp, x: getattr(xp, name)(x, axis=0), M),
        (lambda xp, x: getattr(xp, name)(x, axis=-2), T),
    )


PIECES = (lambda v: v**2, lambda v: 3 * v, lambda v: v**3)

CASES = [
    *cases(
        "where",
        "complex",
        (lambda xp, x: xp.where(x > 0, x**2, -x), M),
        (lambda xp, x: xp.where(x > 0, x, 1.0), V),
        (lambda xp, x: xp.where(x > 0, 2.0, x), S),
        (lambda xp, x: xp.where(np.array([True, False, True]), x, x[:, ::-1]), M),
        (lambda xp, x: xp.where(np.array([[True], [False]]), x, 2 * x[0]), V[:3]),
        (lambda xp, x: xp.where(True, x[:, None], x), V[:3]),
        (lambda xp, x: x[xp.where(x > 0)], M),
    ),
    *cases(
        "select",
        "complex",
        (lambda xp, x: xp.select([x < -0.5, x < 1.0], [x**2, 3 * x]), M),
        (lambda xp, x: xp.select([x < -0.5, x < 1.0], [x**2, 1.0], default=x), M),
        (lambda xp, x: xp.select([x < 1.0, x < -0.5], [x**2, 3 * x], 7.0), V),
    ),
    *cases(
        "piecewise",
        "long",
        (lambda xp, x: xp.piecewise(x, [x < -0.5, x >= 1.0], [PIECES[0], PIECES[1]]), V),
        (lambda xp, x: xp.piecewise(x, [x < -0.5, x >= 1.0], list(PIECES)), M),
        # Where conditions overlap, the last one that holds wins.
        (lambda xp, x: xp.piecewise(x, [x < 1.0, x < -0.5], list(PIECES)), V),
        (lambda xp, x: xp.piecewise(x, x < 0.0, [PIECES[0], PIECES[1]]), V[:2]),
    ),
    *cases(
        "choose",
        "complex",
        (lambda xp, x: xp.choose(np.array([1, 0, 2]), [x[0], x[1] ** 2, 5.0]), M),
    ),
    *(case for name in ("max", "min", "ptp") for case in _over_one_axis(name, "complex")),
    *_keyword_forms("max", "complex"),
    *_keyword_forms("min", "complex"),
    *(case for name in ("nanmax", "nanmin") for case in _over_one_axis(name, "long")),
    *(case for n in ("nansum", "nanmean") for case in _keyword_forms(n, "long")),
    *(
        Case(n, lambda xp, x, n=n: getattr(xp, n)(xp.where(np.isnan(HOLES), HOLES, x), 1) ** 2, M)
        for n in ("nansum", "nanmean")
    ),
    *(
        Case(
            n, lambda xp, x, n=n: getattr(xp, n)(xp.where(np.isnan(HOLES), HOLES, x), 1), M, "long"
        )
        for n in ("nanmax", "nanmin")
    ),
    *(case for case in _over_one_axis("sort", "complex")),
    *cases(
        "sort",
        "complex",
        (lambda xp, x: xp.sort(x, axis=None), M),
        (lambda xp, x: xp.sort(x)[..., ::-1] * x, M),
    ),
    *cases(
        "partition",
        "complex",
        (lambda xp, x: xp.partition(x, 2)[2] * xp.sum(xp.partition(x, 2)[:2]), V),
    ),
    *cases("partition", "complex", (lambda xp, x: xp.partition(x, 1, axis=0)[1], M)),
    *_over_one_axis("median", "long"),
    *cases(
        "median",
        "long",
        (lambda xp, x: xp.median(x, axis=1, keepdims=True), M),
        (lambda xp, x: xp.median(x, axis=(0, 2)), T),
    ),
    *(
        case
        for name, unit in (("quantile", 1), ("percentile", 100))
        for case in cases(
            name,
            "double",
            (lambda xp, x, n=name, u=unit: getattr(xp, n)(x, 0.3 * u), V),
            (lambda xp, x, n=name, u=unit: getattr(xp, n)(x, u, axis=0), M),
            (lambda xp, x, n=name, u=unit: getattr(xp, n)(x, [0, 0.7 * u], axis=1), M),
            (lambda xp, x, n=name, u=unit: getattr(xp, n)(x, 0.5 * u, axis=-1, keepdims=True), M),
            (lambda xp, x, n=name, u=unit: getattr(xp, n)(x, 0.2 * u, keepdims=True), M),
            (lambda xp, x, n=name, u=unit: getattr(xp, n)(x, [[0.1 * u], [0.9 * u]]), V),
        )
    ),
    *cases(
        "interp",
        "double",
        (lambda xp, x: xp.interp(x, NODES, NODES**3), M),
        (lambda xp, x: xp.interp(x, NODES, NODES**3, left=7.0, right=8.0), M),
        (lambda xp, x: xp.interp(x, NODES, NODES**3, 7.0, 8.0), V),
        (lambda xp, x: xp.interp(np.linspace(-1.3, 1.6, 7), NODES, x[:4]), V),
        (
            lambda xp, x: xp.interp(
                np.linspace(-1.3, 1.6, 7), np.arange(4.0) - 1.5 + 0.1 * x, NODES
            ),
            V[:4],
        ),
    ),
    *_keyword_forms("var", "long"),
    *_keyword_forms("std", "long")[1:],
    *(
        case
        for name in ("var", "std")
        for case in cases(
            name,
            "long",
            (lambda xp, x, n=name: getattr(xp, n)(x, ddof=1, axis=1), M),
            (lambda xp, x, n=name: getattr(xp, n)(x, correction=1), M),
            (lambda xp, x, n=name: getattr(x, n)(0), M),
        )
    ),
    # One entry is the mean.
    *(
        Case(n, lambda xp, x, n=n: getattr(xp, n)(x), np.array([1.0, 2, 3]), "long")
        for n in ("var", "std")
    ),
    *cases(
        "average",
        "complex",
        (lambda xp, x: xp.average(x), M),
        (lambda xp, x: xp.average(x, axis=0), M),
        (lambda xp, x: xp.average(x, axis=1, weights=WEIGHTS), M),
        (lambda xp, x: xp.average(x, axis=-1, weights=[1.0, 2.0, 3.0]), M),
        (lambda xp, x: xp.average(x, weights=x**2), M),
        (lambda xp, x: xp.average(np.ones(5) * np.arange(5), weights=x), V),
    ),
    *_keyword_forms("prod", "complex"),
    *cases("prod", "complex", (lambda xp, x: xp.prod(x * np.array([0.0, 1, 1, 1, 1])), V)),
    *_over_one_axis("cumprod", "complex"),
    *cases("cumprod", "complex", (lambda xp, x: xp.cumprod(x * np.array([1, 0.0, 1, 1, 1])), V)),
    *cases(
        "cumulative_prod",
        "complex",
        (lambda xp, x: xp.cumulative_prod(x), V),
        (lambda xp, x: xp.cumulative_prod(x, axis=1), T),
        (lambda xp, x: xp.cumulative_prod(x, axis=-1, include_initial=True), M),
    ),
    *_over_one_axis("diff", "complex"),
    *cases("diff", "complex", (lambda xp, x: xp.diff(x, 2), V), (lambda xp, x: xp.diff(x, n=0), V)),
    *cases(
        "trapezoid",
        "complex",
        (lambda xp, x: xp.trapezoid(x), M),
        (lambda xp, x: xp.trapezoid(x, dx=0.5, axis=0), M),
        (lambda xp, x: xp.trapezoid(x, WEIGHTS), M),
        (lambda xp, x: xp.trapezoid(x, x=np.array([1.0, 3.0]), axis=0), M),
        (lambda xp, x: xp.trapezoid(WEIGHTS, x=x), M),
        (lambda xp, x: xp.trapezoid(x**2, x=x, axis=-1), M),
    ),
    *cases(
        "gradient",
        "complex",
        (lambda xp, x: xp.gradient(x), V),
        (lambda xp, x: xp.gradient(x, 0.5), V),
        (lambda xp, x: xp.gradient(x, axis=-1), M),
        (lambda xp, x: xp.gradient(x, 0.5, 2.0)[0], M),
        (lambda xp, x: xp.gradient(x, 2.0)[1], M),
    ),
    *cases(
        "polyval",
        "complex",
        (lambda xp, x: xp.polyval(x, 1.3), V),
        (lambda xp, x: xp.polyval([2.0, -1.0, 0.5], x), M),
        (lambda xp, x: xp.polyval(x, x), V),
        (lambda xp, x: xp.polyval(x, [2.0]), V),
        (lambda xp, x: xp.polyval(x, [2.0, 1.0, 0.3]), V),
    ),
    *cases(
        "polyder", "complex", (lambda xp, x: xp.polyder(x), V), (lambda xp, x: xp.polyder(x, 2), V)
    ),
    *cases("polyint", "complex", (lambda xp, x: xp.polyint(x), V)),
    *cases(
        "vander",
        "complex",
        (lambda xp, x: xp.vander(x), V[:3]),
        (lambda xp, x: xp.vander(x, 4, increasing=True), V[:3]),
    ),
    *cases(
        "cov",
        "long",
        (lambda xp, x: xp.cov(x), V),
        (lambda xp, x: xp.cov(x), M),
        (lambda xp, x: xp.cov(x, rowvar=False, ddof=0), M),
        (lambda xp, x: xp.cov(x, None), M),
        (lambda xp, x: xp.cov(x, WEIGHTS), V[:3]),
    ),
    *cases("corrcoef", "long", (lambda xp, x: xp.corrcoef(x), np.vstack([M, WEIGHTS]))),
    *cases(
        "corrcoef", "long", (lambda xp, x: xp.corrcoef(x, rowvar=False), np.vstack([M, WEIGHTS]))
    ),
]
