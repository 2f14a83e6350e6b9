"""The linear system of the implicit function theorem, as a differentiable function itself.

With ``A = dc/dy`` at (x, y), `Linear` is ``z = A^-1 b`` and, adjoint, ``z = A^-H b``. It is an implicit
function: its conditions are ``A z - b = 0``, whose own linear systems are those of `Linear` again.
"""

from __future__ import annotations

from operator import neg, sub
from typing import TYPE_CHECKING, Any, TypeVar, final

import numpy as np

from ..arrays.assembly import as_matrix, split
from ..arrays.kinds import Kinds
from ..arrays.trees import Leaves
from ..errors import InputError
from ..operators import jacobian, pullback, pushforward
from ..operators.linear_operator import linear_operator
from .kept import once
from .primitive import Primitive
from .solvers import Solve, adjoint_of, factorised, krylov, verified

if TYPE_CHECKING:
    from .conditions import Conditions

T = TypeVar("T")


@final
class Linear(Primitive):
    """Arguments are ``(*x, *y, *b)``, contexts those of the conditions.

    Attributes
    ----------
    conditions : Conditions
        What A is the Jacobian of.
    adjoint : bool
        Whether the system is that of the adjoint.
    other : Linear
        The system of the other kind.
    """

    def __init__(self, conditions: Conditions, other: Linear | None = None) -> None:
        super().__init__(conditions.engine)
        self.conditions, self.adjoint = conditions, other is not None
        self.other: Linear = other or Linear(conditions, self)

    def kinds(self, x: Kinds, contexts: Kinds) -> Kinds:
        return self._parts(x)[1]

    def _parts(self, x: tuple[T, ...]) -> tuple[tuple[T, ...], ...]:
        n, m = self.conditions.sizes
        return x[:n], x[n : n + m], x[n + m :]

    # --- value -----------------------------------------------------------------------------------

    def value(self, x: Leaves, contexts: Leaves) -> Leaves:
        point, y, b = self._parts(x)
        solve = once(
            self.conditions, (*point, *y, *contexts), lambda: self._solver(point, y, contexts)
        )
        z = solve(np.concatenate([np.ravel(leaf) for leaf in b]), self.adjoint)
        return split(z, y, batched=False)

    def _solver(self, x: Leaves, y: Leaves, contexts: Leaves) -> Solve:
        conditions = self.conditions
        arguments = conditions.residual, conditions.adtype, y, x, contexts
        if conditions.options.representation == "operator":
            A = linear_operator(*arguments, argnums=1)
        else:
            A = _matrix(jacobian(*arguments, argnums=1), y)
        solver, tolerance = conditions.linear_solver, conditions.linear_tolerance(y)
        if solver == "direct":
            return factorised(A, conditions.norm(x, y, contexts))
        if callable(solver):
            return verified(
                A, lambda b, adjoint: solver(adjoint_of(A) if adjoint else A, b), tolerance
            )
        return verified(A, krylov(A, solver, tolerance), tolerance)

    # --- rules -----------------------------------------------------------------------------------

    def _product(self, point: Any, y: Leaves, z: Leaves, contexts: Leaves) -> Leaves:
        """``A z``, or ``A^H z``, as a function of the point at which A is taken."""
        conditions = self.conditions
        operator: Any = pullback if self.adjoint else pushforward
        return tuple(
            operator(conditions.residual, conditions.adtype, y, z, point, contexts, argnums=1)
        )

    def push(self, x: Leaves, contexts: Leaves, t: Leaves) -> Leaves:
        (point, y, _), (dx, dy, db) = self._parts(x), self._parts(t)
        z = self.at(x, contexts)
        moved = pushforward(
            self._product, self.conditions.adtype, (point, y), (dx, dy), z, contexts, argnums=(0, 1)
        )
        return self.at((*point, *y, *map(sub, db, moved)), contexts)

    def pull(self, x: Leaves, contexts: Leaves, c: Leaves) -> Leaves:
        point, y, _ = self._parts(x)
        z = self.at(x, contexts)
        b = self.other.at((*point, *y, *c), contexts)
        minus = tuple(map(neg, b))
        dx, dy = pullback(
            self._product, self.conditions.adtype, (point, y), minus, z, contexts, argnums=(0, 1)
        )
        return (*dx, *dy, *b)


def _matrix(blocks: Any, y: Leaves) -> Any:
    if any(hasattr(block, "tocsc") for row in blocks for block in row):
        from scipy.sparse import bmat

        return bmat(blocks, format="csc")
    return as_matrix(blocks, y, y)


def require_uniform(y: Leaves) -> None:
    """Raise where real and complex unknowns mix: A is then no matrix over one field."""
    if len({leaf.dtype.kind for leaf in y}) > 1:
        raise InputError(
            "y mixes real and complex arrays; split the complex ones into real and imaginary parts.",
            got=[leaf.dtype.name for leaf in y],
        )
