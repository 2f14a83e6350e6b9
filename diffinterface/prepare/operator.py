"""What an operator is, as data: what it takes, what it gives, and how results become trees again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, final

from ..arrays.assembly import check_batch
from ..arrays.facts import shape_of
from ..arrays.trees import LEAF, Leaves
from ..engine.function import Function
from ..errors import InputError, ShapeError

Like = Literal["x", "y", "yx", "xx"]


@final
@dataclass(frozen=True)
class Operator:
    """One row of the operator table.

    Attributes
    ----------
    name : str
        The public name; ``Backend.prepare_<name>`` makes its `Prep`.
    result : {"x", "y", "yx", "xx"}
        What the result is like; "yx" and "xx" are leafwise outer products, as in a Jacobian.
    value : tuple of {"x", "y"}
        The parts of its value: y itself, and for second order its derivative.
    hidden : int
        How many of the first of these parts the ``value_and`` variant leaves out.
    tangent : {"x", "y"} or None
        What the seed is like, for operators that take one.
    scalar_x, scalar_y : bool
        Whether x, or f(x), must be a scalar.
    samples : bool
        Whether x and f(x) hold samples on a common leading axis.
    holomorphic : bool
        Whether f must be holomorphic where x is complex, for the result to be complex numbers.
    """

    name: str
    result: Like
    value: tuple[Literal["x", "y"], ...] = ("y",)
    hidden: int = 0
    tangent: Literal["x", "y"] | None = None
    scalar_x: bool = False
    scalar_y: bool = False
    samples: bool = False
    holomorphic: bool = False

    def check_x(self, x: Leaves) -> None:
        """Raise `ShapeError` if this operator cannot work at x."""
        if self.samples:
            check_batch(x)
        if self.scalar_x and (len(x) != 1 or shape_of(x[0]) != ()):
            shapes = ", ".join(str(shape_of(leaf)) for leaf in x)
            raise ShapeError(
                f"{self.name} expects a scalar x, got shape {shapes}; use jacobian or gradient.",
                got=shapes,
                expected="()",
            )

    def values(self, value: Any, fn: Function) -> tuple[Any, ...]:
        """The trees of the parts that the ``value_and`` variant shows."""
        if len(self.value) == 1:
            return (assemble(self.value[0], value, fn),)
        shown = list(zip(self.value, value, strict=True))[self.hidden :]
        return tuple([assemble(like, part, fn) for like, part in shown])


def assemble(like: Like, leaves: Any, fn: Function) -> Any:
    """The tree of a result that is like something, from its flat tuples."""
    x = fn.x_structure
    if like == "x":
        return leaves[0] if x is LEAF else x.unflatten(leaves)
    y = fn.y_structure or LEAF
    if like == "y":
        return leaves[0] if y is LEAF else y.unflatten(leaves)
    outer = y if like == "yx" else x
    if outer is LEAF and x is LEAF:
        return leaves[0][0]
    unflatten: Callable[[Any], Any] = x.unflatten
    return outer.unflatten([unflatten(row) for row in leaves])


PUSHFORWARD = Operator("pushforward", "y", tangent="x")
PULLBACK = Operator("pullback", "x", tangent="y")
DERIVATIVE = Operator("derivative", "y", scalar_x=True, holomorphic=True)
GRADIENT = Operator("gradient", "x", scalar_y=True)
JACOBIAN = Operator("jacobian", "yx", holomorphic=True)
BATCHED_JACOBIAN = Operator("batched_jacobian", "yx", samples=True, holomorphic=True)
SECOND_DERIVATIVE = Operator(
    "second_derivative", "y", value=("y", "y"), scalar_x=True, holomorphic=True
)
HVP = Operator("hvp", "x", value=("y", "x"), hidden=1, tangent="x", scalar_y=True)
HESSIAN = Operator("hessian", "xx", value=("y", "x"), scalar_y=True)

OPERATORS = (
    PUSHFORWARD,
    PULLBACK,
    DERIVATIVE,
    GRADIENT,
    JACOBIAN,
    SECOND_DERIVATIVE,
    HVP,
    HESSIAN,
    BATCHED_JACOBIAN,
)

_VARIANTS = {
    "gradient_and_hvp": "hvp",
    "value_gradient_and_hessian": "hessian",
    "value_derivative_and_second_derivative": "second_derivative",
}


def valued_name(operator: Operator) -> str:
    """The name of the variant that gives the value too."""
    names = [name for name, base in _VARIANTS.items() if base == operator.name]
    return names[0] if names else f"value_and_{operator.name}"


def operator_of(op: Any) -> Operator:
    """The row of an operator, of one of its variants, or of the name of either."""
    name = op if isinstance(op, str) else getattr(op, "__name__", "")
    base = name.removeprefix("value_and_").removeprefix("prepare_").removesuffix("_same_point")
    base = _VARIANTS.get(base, base)
    for operator in OPERATORS:
        if operator.name == base:
            return operator
    names = ", ".join(operator.name for operator in OPERATORS)
    raise InputError(f"explain got {op!r}, expected an operator: {names}.", got=op)
