"""The scenarios that every backend is tested on, in groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from ..arrays.namespace import array_namespace as xp_of
from ..declare.adtypes import ADType, AutoForwardDiff
from . import hard as h
from . import problems as p
from . import special as s
from .nested import nested_problems
from .problems import Problem
from .scenario import SEEDED, Arguments, Scenario, check_known
from .seeds import seed_like
from .truth import expected, plain

FIRST = "pushforward pullback jacobian"
SCALAR_X = f"{FIRST} derivative second_derivative"
SCALAR_Y = f"{FIRST} gradient hvp hessian"


def make(
    problem: Problem, operators: str, *features: str, batch: int | None = None
) -> list[Scenario]:
    """Scenarios of some operators (names in one string) on one problem.

    Parameters
    ----------
    problem : Problem
        A function with its derivatives by hand.
    operators : str
        Names, separated by blanks.
    *features : str
        See `Scenario`.
    batch : int, optional
        How many seeds, for ``batched=True``.
    """
    lead = () if batch is None else (batch,)
    return [
        _scenario(
            operator,
            problem.f,
            _arguments(problem, operator, 0, lead),
            _arguments(problem, operator, 1, lead),
            options={} if batch is None else {"batched": True},
            features=features,
            source="derivatives by hand",
            name="-".join([operator, problem.name, *(f"batch{size}" for size in lead)]),
        )
        for operator in operators.split()
    ]


def _scenario(
    operator: str, f: Callable[..., Any], here: Arguments, there: Arguments, **facts: Any
) -> Scenario:
    return Scenario(operator, f, **vars(here), prepare_with=there, **facts)


def _arguments(problem: Problem, operator: str, at: int, lead: tuple[int, ...]) -> Arguments:
    x, contexts, t = problem.points[at], problem.contexts[at], None
    if operator in SEEDED:
        like = problem.f(x, *map(plain, contexts)) if operator == "pullback" else x
        t = seed_like(like, lead, phase=at)
    *values, result = expected(problem, operator, x, t, contexts, bool(lead))
    return Arguments(x, t, contexts, result, tuple(values))


# --- the same scenarios, called in other ways ----------------------------------------------------


def _varied(
    scenario: Scenario,
    f: Callable[..., Any],
    change: Callable[[Arguments], Arguments],
    suffix: str,
    feature: str,
    **options: Any,
) -> Scenario:
    return replace(
        scenario,
        f=f,
        **vars(change(scenario.here)),
        prepare_with=change(scenario.there),
        name=f"{scenario.name}-{suffix}",
        options={**scenario.options, **options},
        features=(feature,),
    )


def with_aux(scenario: Scenario) -> Scenario:
    """The same with an f that also returns a tree of arrays and text."""

    def f(x: Any, *contexts: Any) -> Any:
        return scenario.f(x, *contexts), {"twice": 2 * x, "text": "as it is"}

    def change(a: Arguments) -> Arguments:
        return replace(a, aux={"twice": 2 * a.x, "text": "as it is"})

    return _varied(scenario, f, change, "aux", "has_aux", has_aux=True)


def with_argnums(scenario: Scenario, argnums: int) -> Scenario:
    """The same where x is f's second of three parameters."""

    def f(a: Any, x: Any, b: Any) -> Any:
        return scenario.f(x * (b / a))

    def change(a: Arguments) -> Arguments:
        return replace(a, contexts=(np.array(0.5), 0.5))

    return _varied(scenario, f, change, f"argnums{argnums}", "argnums", argnums=argnums)


def with_tuple_argnums(scenario: Scenario) -> Scenario:
    """The same where the parts of x, a tree of two, are f's third and first parameters."""

    def f(b: Any, c: Any, a: Any) -> Any:
        return scenario.f({"a": a * c, "b": b})

    def pair(tree: Any) -> Any:
        return (tree["a"], tree["b"]) if isinstance(tree, dict) else tree

    def change(a: Arguments) -> Arguments:
        values = tuple(map(pair, a.values or ()))
        return replace(a, x=pair(a.x), contexts=(1.0,), result=pair(a.result), values=values)

    return _varied(scenario, f, change, "argnums_tuple", "argnums", argnums=(2, 0))


_of_pair = Problem(
    "pair",
    lambda q: xp_of(q["b"]).sum(q["a"] ** 2) * q["b"],
    lambda q: [[2 * q["a"] * q["b"], np.sum(q["a"] ** 2)]],
    tuple({"a": v, "b": w} for v, w in zip(p.V, p.S, strict=True)),
)


def _of_two_precisions() -> Scenario:
    (here, slope), (there, other) = map(h.two_precisions, (0, 1))
    return Scenario(
        "gradient",
        h.product_of_two,
        here,
        result=slope,
        prepare_with=Arguments(there, result=other),
        features=("trees",),
        source="derivatives by hand",
        name="gradient-two_precisions",
    )


def _calls() -> list[Scenario]:
    gradient, hvp, pullback = make(p.vector_to_scalar, "gradient hvp pullback")
    (jacobian,) = make(p.vector_to_shorter, "jacobian")
    return [
        *map(with_aux, (gradient, jacobian, hvp, pullback)),
        with_argnums(gradient, 1),
        with_argnums(jacobian, -2),
        *map(with_tuple_argnums, make(_of_pair, "gradient jacobian")),
    ]


_INNER = AutoForwardDiff()  # which every installation has


def nested_scenarios(inner: ADType | str | None = _INNER) -> list[Scenario]:
    """Scenarios whose f takes a gradient or a Jacobian itself.

    Parameters
    ----------
    inner : ADType or str or None
        The engine that f uses; any other may surround it. None is the configured backend.
    """
    slope, squared, penalty = nested_problems(inner)
    return [
        *make(slope, FIRST, "nested"),
        *make(squared, "pushforward pullback gradient hvp hessian", "nested"),
        *make(penalty, "gradient", "nested"),
    ]


_GROUPS: dict[str, Callable[[], list[Scenario]]] = {
    "scalars": lambda: [
        *make(p.scalar_to_scalar, f"{SCALAR_X} gradient hvp hessian"),
        *make(p.scalar_to_vector, SCALAR_X),
    ],
    "arrays": lambda: [
        *make(p.vector_to_scalar, SCALAR_Y),
        *make(p.vector_to_longer, FIRST),
        *make(p.vector_to_shorter, FIRST),
        *make(p.matrix_to_matrix, FIRST),
        *make(p.matrix_to_vector, FIRST),
        *make(s.constant_y, FIRST),
        *make(s.linear_scalar, "gradient hvp hessian"),
        *make(h.square_to_scalar, "gradient hvp hessian", "contexts"),
        *make(h.tiny, "gradient hvp hessian"),
        *make(h.identity, FIRST),
    ],
    "trees": lambda: [
        *make(p.scalar_to_tree, SCALAR_X, "trees"),
        *make(p.tree_to_tree, FIRST, "trees"),
        *make(p.tree_to_scalar, SCALAR_Y, "trees"),
        *make(s.unused_leaf, "gradient hvp hessian", "trees"),
        _of_two_precisions(),
    ],
    "contexts": lambda: [
        *make(s.contexts, FIRST, "contexts"),
        *make(s.cache, FIRST, "Cache"),
        *make(s.inplace, FIRST, "inplace"),
    ],
    "empty": lambda: [
        *make(s.empty_x, FIRST, "empty arrays"),
        *make(s.empty_x_scalar, "gradient hvp hessian", "empty arrays"),
        *make(s.empty_y, FIRST, "empty arrays"),
    ],
    "complex": lambda: [
        *make(s.holomorphic, FIRST, "complex x"),
        *make(s.holomorphic_scalar, "derivative second_derivative", "complex x"),
        *make(s.steepest_ascent, "gradient", "complex x"),
        *make(s.complex_y, FIRST, "complex f(x)"),
    ],
    "batches": lambda: [
        *make(s.samples, "batched_jacobian"),
        *make(s.samples_to_longer, "batched_jacobian"),
        *make(s.samples_of_numbers, "batched_jacobian"),
        *make(s.samples_of_trees, "batched_jacobian", "trees"),
        *make(p.vector_to_shorter, "pushforward pullback", "batched", batch=3),
        *make(p.tree_to_tree, "pushforward pullback", "batched", batch=2),
        *make(p.vector_to_scalar, "hvp", "batched", batch=2),
        *make(p.vector_to_shorter, "pushforward pullback", "batched", batch=0),
        *make(s.holomorphic, "pushforward pullback", "complex x", batch=2),
    ],
    # Many entries, few of which are not zero.
    "sparse": lambda: [
        *make(h.banded, FIRST),
        *make(h.arrow, "gradient"),
        *make(h.short_arrow, "hvp hessian"),
    ],
    "calls": _calls,
    "nested": nested_scenarios,
}
GROUPS = tuple(_GROUPS)


@cache
def default_scenarios(*groups: str) -> tuple[Scenario, ...]:
    """The scenarios of some groups; of all where none is named.

    Parameters
    ----------
    *groups : str
        Among "scalars", "arrays", "trees", "contexts", "empty", "complex", "batches",
        "sparse", "calls" (``has_aux``, ``argnums``) and "nested".

    Returns
    -------
    tuple of Scenario
        Each with its derivatives by hand, at two points.

    Raises
    ------
    InputError
        If a group is unknown.

    Examples
    --------
    >>> from diffinterface.testing import default_scenarios
    >>> default_scenarios("nested")[0]
    <Scenario pushforward-nested_gradient>
    """
    for group in groups:
        check_known("group", group, GROUPS)
    return tuple(scenario for group in groups or GROUPS for scenario in _GROUPS[group]())
