"""The conditions ``c(x, y) = 0`` that define y, as a flat function, and how they are solved for."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from ..arrays.facts import dtype_name, shape_of, size_of
from ..arrays.framework import framework_of
from ..arrays.namespace import array_namespace
from ..arrays.trees import LEAF, Leaves, Structure
from ..declare.adtypes import ADType
from ..engine.contract import AbstractBackend
from ..engine.registry import resolve
from ..errors import OutputError, ShapeError
from ..operators import value_and_pushforward
from .arguments import Arguments
from .captured import refuse_traced
from .errors import ConditionsWarning, SolveError
from .solvers import LinearSolver, Representation, check


@dataclass(frozen=True)
class Options:
    """What the user chose; see `ImplicitFunction`."""

    has_aux: bool = False
    representation: Representation = "matrix"
    linear_solver: LinearSolver = None
    linear_tolerance: float | None = None
    tolerance: float | None = None
    arrays: Literal["numpy", "backend"] = "numpy"
    like: Any = None


@final
@dataclass(eq=False)
class Conditions:
    """The conditions for one kind of arguments.

    Attributes
    ----------
    engine : AbstractBackend
        What differentiates them.
    arguments : Arguments
        The layout of ``(x, *contexts)``.
    y, aux : tuple of (number of leaves, Structure), or None
        Known after the first solution.
    """

    f: Callable[..., Any]
    adtype: ADType
    arguments: Arguments
    options: Options
    y: tuple[int, Structure] | None = None
    aux: tuple[int, Structure] = 0, LEAF

    def __post_init__(self) -> None:
        self.engine: AbstractBackend = resolve(self.adtype)
        self.linear_solver = check(self.options.representation, self.options.linear_solver)

    @property
    def sizes(self) -> tuple[int, int]:
        """The numbers of leaves of x and of y."""
        assert self.y is not None
        return self.arguments.count, self.y[0]

    def residual(self, x: Leaves, y: Leaves, contexts: Leaves) -> Leaves:
        """The conditions the leaves of aux, then the constant arrays."""
        assert self.y is not None
        n = self.aux[0]
        first, *rest = self.arguments.join(x, contexts[n:])
        aux = (self.aux[1].unflatten(contexts[:n]),) if self.options.has_aux else ()
        c = self.f(first, self.y[1].unflatten(y), *aux, *rest)
        return _shaped(flat_output(c, self.engine)[0], y)

    def linear_tolerance(self, y: Leaves) -> float:
        """The relative residual that a linear solver may leave."""
        return self.options.linear_tolerance or _eps(y) ** (2 / 3)

    def norm(self, x: Leaves, y: Leaves, contexts: Leaves) -> float:
        """The norm of the conditions."""
        t = tuple(map(np.zeros_like, y))
        return _norm(
            value_and_pushforward(self.residual, self.adtype, y, t, x, contexts, argnums=1)[0]
        )

    def check(self, x: Leaves, y: Leaves, contexts: Leaves) -> None:
        """Whether a solution satisfies the conditions, as far as its precision allows.

        Their norm is compared with what they change by when y, or x, changes by all of itself: with the
        size of the terms that cancel.

        Raises
        ------
        SolveError
            If the solution or the conditions are not finite.
        NestedDifferentiationError
            If the conditions captured a value that an engine is differentiating.

        Warns
        -----
        ConditionsWarning
            If they are not satisfied.
        """
        if not all(np.all(np.isfinite(leaf)) for leaf in y):
            raise SolveError("solve returned a solution that is not finite.", residual=math.nan)
        tangents = tuple(
            tuple(np.stack([leaf, 0 * leaf] if own else [0 * leaf, leaf]) for leaf in leaves)
            for leaves, own in ((x, True), (y, False))
        )
        c, changes = value_and_pushforward(
            self.residual, self.adtype, (x, y), tangents, contexts, argnums=(0, 1), batched=True
        )
        refuse_traced((*c, *changes), "The conditions")
        residual = _norm(c)
        if not math.isfinite(residual):
            raise SolveError("The conditions are not finite at the solution.", residual=residual)
        scale = max(_norm(tuple(change[k] for change in changes)) for k in (0, 1))
        tolerance = self.options.tolerance
        tolerance = _eps((*x, *y)) ** 0.25 if tolerance is None else tolerance
        if residual > tolerance * scale:
            warnings.warn(
                ConditionsWarning(
                    f"The solution does not satisfy the conditions: they are {residual:.1e} in norm, "
                    f"where terms of size {scale:.1e} ought to cancel (tolerance {tolerance:.1e} of "
                    "that). The derivative is no better. Solve more precisely, or pass a wider "
                    "tolerance=.",
                    residual=residual,
                    scale=scale,
                    tolerance=tolerance,
                ),
                stacklevel=2,
            )


def _shaped(c: Leaves, y: Leaves) -> Leaves:
    """Conditions cut into arrays of the shapes of y.

    Raises
    ------
    OutputError
        If they are no arrays.
    ShapeError
        If there are not as many as y has entries.
    """
    for leaf in c:
        if framework_of(leaf) is None:
            raise OutputError(
                f"The conditions returned a {type(leaf).__qualname__}, expected arrays.", got=leaf
            )
    if [shape_of(leaf) for leaf in c] == [shape_of(leaf) for leaf in y]:
        return c
    sizes = [size_of(leaf) for leaf in y]
    got, expected = sum(map(size_of, c)), sum(sizes)
    if got != expected:
        raise ShapeError(
            f"The conditions are {got} equations for the {expected} entries of y; expected as many "
            "equations as entries.",
            got=got,
            expected=expected,
        )
    xp = array_namespace(*c)
    vector = xp.concat([xp.reshape(leaf, (-1,)) for leaf in c])
    stops = [sum(sizes[: k + 1]) for k in range(len(sizes))]
    return tuple(
        xp.reshape(vector[stop - size : stop], shape_of(leaf))
        for stop, size, leaf in zip(stops, sizes, y, strict=True)
    )


def _eps(leaves: Leaves) -> float:
    return max(float(np.finfo(dtype_name(leaf)).eps) for leaf in leaves)


def _norm(leaves: Leaves) -> float:
    return math.sqrt(sum(float(np.sum(np.abs(leaf) ** 2)) for leaf in leaves))


def flat_output(tree: Any, engine: AbstractBackend) -> tuple[Leaves, Structure]:
    """Leaves and structure of what a solver returned."""
    if framework_of(tree) is not None:
        return (tree,), LEAF
    return engine.flatten_output(tree)
