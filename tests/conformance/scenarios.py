"""The scenarios: an operator, a function, two sets of arguments, and what must come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import optree

from . import problems as p
from . import special as s
from .problems import Problem, xp_of
from .truth import expected, plain

SEEDED = ("pushforward", "pullback", "hvp")
OPERATORS = (
    "pushforward",
    "pullback",
    "derivative",
    "gradient",
    "jacobian",
    "second_derivative",
    "hvp",
    "hessian",
    "batched_jacobian",
)


@dataclass(frozen=True)
class Arguments:
    """One call's arguments, and what its ``value_and`` variant must give, the result last."""

    x: Any
    t: Any
    contexts: tuple[Any, ...]
    expected: tuple[Any, ...]
    aux: Any = None


@dataclass(frozen=True)
class Scenario:
    """One row of the conformance suite, for any backend and any caller.

    Attributes
    ----------
    f : callable
        The function, in the form that the options ask for.
    here, there : Arguments
        Two calls of one kind: a preparation at one must serve the other.
    options : mapping
        Keywords of the operator.
    features : tuple of str
        What the scenario is about beyond its operator: rows of the capability table.
    """

    name: str
    operator: str
    f: Callable[..., Any]
    here: Arguments
    there: Arguments
    options: Mapping[str, Any] = field(default_factory=dict)
    features: tuple[str, ...] = ()

    @property
    def seeded(self) -> bool:
        """Whether the operator takes a tangent or cotangent."""
        return self.operator in SEEDED


def make(
    problem: Problem, operators: str, *features: str, batch: int | None = None
) -> list[Scenario]:
    """Scenarios of some operators (names in one string) on one problem."""
    options = {} if batch is None else {"batched": True}
    lead = () if batch is None else (batch,)
    return [
        Scenario(
            "-".join([operator, problem.name, *(f"batch{size}" for size in lead)]),
            operator,
            problem.f,
            _arguments(problem, operator, 0, lead),
            _arguments(problem, operator, 1, lead),
            options,
            features,
        )
        for operator in operators.split()
    ]


def _arguments(problem: Problem, operator: str, at: int, lead: tuple[int, ...]) -> Arguments:
    x, contexts, t = problem.points[at], problem.contexts[at], None
    if operator in SEEDED:
        like = problem.f(x, *map(plain, contexts)) if operator == "pullback" else x
        t = seed_like(like, lead, phase=at)
    return Arguments(x, t, contexts, expected(problem, operator, x, t, contexts, bool(lead)))


def seed_like(tree: Any, lead: tuple[int, ...] = (), phase: int = 0) -> Any:
    """A seed for a tree: multiples of 1/8 with no symmetry, complex where the tree is."""

    def leaf(a: Any) -> np.ndarray:
        shape = (*lead, *np.shape(a))
        count = np.arange(np.prod(shape, dtype=int)).reshape(shape)
        seed = np.asarray((count * 5 + 3 + phase) % 11 / 8 - 0.5)
        return seed + 1j * ((count * 3 + 1) % 7 / 8 - 0.25) if np.iscomplexobj(a) else seed

    return optree.tree_map(leaf, tree)


# --- the same scenarios, called in other ways ----------------------------------------------------


def with_aux(scenario: Scenario) -> Scenario:
    """f also returns a tree of arrays and text."""

    def f(x: Any, *contexts: Any) -> Any:
        return scenario.f(x, *contexts), {"twice": 2 * x, "text": "as it is"}

    def add(a: Arguments) -> Arguments:
        return replace(a, aux={"twice": 2 * a.x, "text": "as it is"})

    return replace(
        scenario,
        name=f"{scenario.name}-aux",
        f=f,
        here=add(scenario.here),
        there=add(scenario.there),
        options={**scenario.options, "has_aux": True},
        features=("has_aux",),
    )


def with_argnums(scenario: Scenario, argnums: int) -> Scenario:
    """x is f's second of three parameters."""

    def f(a: Any, x: Any, b: Any) -> Any:
        return scenario.f(x * (b / a))

    def add(arguments: Arguments) -> Arguments:
        return replace(arguments, contexts=(np.array(0.5), 0.5))

    return replace(
        scenario,
        name=f"{scenario.name}-argnums{argnums}",
        f=f,
        here=add(scenario.here),
        there=add(scenario.there),
        options={**scenario.options, "argnums": argnums},
        features=("argnums",),
    )


def with_tuple_argnums(scenario: Scenario) -> Scenario:
    """The parts of x, a tree of two, are f's third and first parameters."""

    def f(b: Any, c: Any, a: Any) -> Any:
        return scenario.f({"a": a * c, "b": b})

    def add(arguments: Arguments) -> Arguments:
        as_pair = [
            (tree["a"], tree["b"]) if isinstance(tree, dict) else tree
            for tree in (arguments.x, *arguments.expected)
        ]
        return replace(arguments, x=as_pair[0], contexts=(1.0,), expected=tuple(as_pair[1:]))

    return replace(
        scenario,
        name=f"{scenario.name}-argnums_tuple",
        f=f,
        here=add(scenario.here),
        there=add(scenario.there),
        options={**scenario.options, "argnums": (2, 0)},
        features=("argnums",),
    )


FIRST = "pushforward pullback jacobian"
SCALAR_X = f"{FIRST} derivative second_derivative"
SCALAR_Y = f"{FIRST} gradient hvp hessian"

_gradient, _jacobian, _hvp, _pullback = (
    *make(p.vector_to_scalar, "gradient"),
    *make(p.vector_to_shorter, "jacobian"),
    *make(p.vector_to_scalar, "hvp"),
    *make(p.vector_to_scalar, "pullback"),
)
_of_pair = Problem(
    "pair",
    lambda q: xp_of(q["b"]).sum(q["a"] ** 2) * q["b"],
    lambda q: [[2 * q["a"] * q["b"], np.sum(q["a"] ** 2)]],
    tuple({"a": v, "b": w} for v, w in zip(p.V, p.S, strict=True)),
)

SCENARIOS: tuple[Scenario, ...] = (
    *make(p.scalar_to_scalar, f"{SCALAR_X} gradient hvp hessian"),
    *make(p.scalar_to_vector, SCALAR_X),
    *make(p.scalar_to_tree, SCALAR_X, "trees"),
    *make(p.vector_to_scalar, SCALAR_Y),
    *make(p.vector_to_longer, FIRST),
    *make(p.vector_to_shorter, FIRST),
    *make(p.matrix_to_matrix, FIRST),
    *make(p.matrix_to_vector, FIRST),
    *make(p.tree_to_tree, FIRST, "trees"),
    *make(p.tree_to_scalar, SCALAR_Y, "trees"),
    *make(s.contexts, FIRST, "contexts"),
    *make(s.cache, FIRST, "Cache"),
    *make(s.inplace, FIRST, "inplace"),
    *make(s.empty_x, FIRST, "empty arrays"),
    *make(s.empty_x_scalar, "gradient hvp hessian", "empty arrays"),
    *make(s.empty_y, FIRST, "empty arrays"),
    *make(s.constant_y, FIRST),
    *make(s.linear_scalar, "gradient hvp hessian"),
    *make(s.unused_leaf, "gradient hvp hessian", "trees"),
    *make(s.holomorphic, FIRST, "complex x"),
    *make(s.holomorphic_scalar, "derivative second_derivative", "complex x"),
    *make(s.steepest_ascent, "gradient", "complex x"),
    *make(s.complex_y, FIRST, "complex f(x)"),
    *make(s.samples, "batched_jacobian"),
    *make(s.samples_to_longer, "batched_jacobian"),
    *make(s.samples_of_numbers, "batched_jacobian"),
    *make(s.samples_of_trees, "batched_jacobian", "trees"),
    *make(p.vector_to_shorter, "pushforward pullback", "batched", batch=3),
    *make(p.tree_to_tree, "pushforward pullback", "batched", batch=2),
    *make(p.vector_to_scalar, "hvp", "batched", batch=2),
    *make(p.vector_to_shorter, "pushforward pullback", "batched", batch=0),
    *map(with_aux, (_gradient, _jacobian, _hvp, _pullback)),
    with_argnums(_gradient, 1),
    with_argnums(_jacobian, -2),
    with_tuple_argnums(make(_of_pair, "gradient")[0]),
    with_tuple_argnums(make(_of_pair, "jacobian")[0]),
)

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def _named(names: str) -> tuple[Scenario, ...]:
    return tuple(BY_NAME[name] for name in names.split())


# For variants of a backend: each operator, each direction that a Jacobian can be built in.
REPRESENTATIVE = _named("""
    pushforward-vector_to_longer pushforward-vector_to_shorter-batch3 pushforward-inplace
    pushforward-empty_x pullback-tree_to_scalar pullback-vector_to_shorter-batch3 pullback-complex_y
    pullback-cache derivative-scalar_to_tree derivative-holomorphic_scalar
    gradient-tree_to_scalar gradient-squared_modulus gradient-empty_x gradient-pair-argnums_tuple
    jacobian-vector_to_longer jacobian-vector_to_shorter jacobian-tree_to_scalar jacobian-contexts
    jacobian-holomorphic jacobian-complex_y jacobian-empty_y jacobian-vector_to_shorter-aux
    second_derivative-scalar_to_vector hvp-vector_to_scalar hvp-vector_to_scalar-batch2
    hvp-vector_to_scalar-aux hessian-vector_to_scalar hessian-unused_leaf
    batched_jacobian-samples batched_jacobian-samples_to_longer batched_jacobian-samples_of_trees
""")

# For callers with other arrays and dtypes: each kind of result.
FOR_CALLERS = _named("""
    derivative-scalar_to_tree second_derivative-scalar_to_vector gradient-tree_to_scalar
    hessian-vector_to_scalar hvp-tree_to_scalar jacobian-contexts pullback-tree_to_tree
    pushforward-tree_to_tree batched_jacobian-samples gradient-vector_to_scalar-aux
""")
