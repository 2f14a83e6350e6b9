"""What is tested: an operator, a function, its arguments, and what must come out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import operators as _operators
from ..errors import InputError
from ..prepare.operator import OPERATORS as _TABLE

OPERATORS = tuple(operator.name for operator in _TABLE)
SEEDED = tuple(operator.name for operator in _TABLE if operator.tangent is not None)
_VALUED = {
    "second_derivative": "value_derivative_and_second_derivative",
    "hvp": "gradient_and_hvp",
    "hessian": "value_gradient_and_hessian",
}


def check_known(what: str, name: str, known: Collection[str]) -> None:
    """Raise `InputError` unless a name is one of those that are known."""
    if name not in known:
        raise InputError(
            f"Unknown {what} {name!r}; known are {', '.join(known)}.", got=name, expected=known
        )


@dataclass(frozen=True, eq=False)
class Arguments:
    """One call's arguments, and what must come out of it.

    Attributes
    ----------
    x : tree of array
        The point.
    tangent : tree of array
        The tangent or cotangent, for `pushforward`, `pullback` and `hvp`.
    contexts : tuple
        Further arguments of f.
    result : tree of array
        The derivative, in NumPy arrays; None where it is not known.
    values : tuple of tree
        What the ``value_and`` variant gives before the result; None where it is not known.
    aux : any
        The auxiliary output, with ``has_aux``; None where it is not known.
    """

    x: Any
    tangent: Any = None
    contexts: tuple[Any, ...] = ()
    result: Any = None
    values: tuple[Any, ...] | None = None
    aux: Any = None


@dataclass(frozen=True, eq=False)
class Scenario:
    """A row of a test: any backend that claims to differentiate must give its result.

    Parameters
    ----------
    operator : str
        "gradient", "jacobian", ...: a name from the table of operators.
    f : callable
        ``f(x, *contexts)``, in the form that the options ask for.
    x, tangent, contexts, result, values, aux
        See `Arguments`. Where `result` is None, `test_differentiation` takes extrapolated finite
        differences of f for it.
    prepare_with : Arguments, optional
        Other arguments of the same kind, at which to prepare; by default those of the scenario.
        With other values a stale cache shows.
    options : mapping
        Keywords of the operator.
    features : tuple of str
        What the scenario is about beyond its operator; see `Unsupported`.
    max_calls : int, optional
        How often a prepared call may evaluate f.
    error : float or tree of array
        What the reference itself may be wrong by, absolutely; added to the tolerance.
    source : str
        Where the reference comes from, for messages.
    name : str
        By default the operator and the name of f.

    Raises
    ------
    InputError
        If the operator is unknown, or its seed is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from diffinterface.testing import Arguments, Scenario, test_differentiation
    >>> x, other = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    >>> cubes = Scenario(
    ...     "gradient",
    ...     lambda x: (x**3).sum(),
    ...     x,
    ...     result=3 * x**2,
    ...     prepare_with=Arguments(other, result=3 * other**2),
    ...     name="cubes",
    ... )
    >>> print(test_differentiation("forwarddiff", [cubes]))
    1 of 1 cells passed
    """

    operator: str
    f: Callable[..., Any]
    x: Any
    tangent: Any = None
    contexts: tuple[Any, ...] = ()
    result: Any = None
    values: tuple[Any, ...] | None = None
    aux: Any = None
    prepare_with: Arguments | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    max_calls: int | None = None
    error: Any = 0.0
    source: str = "the scenario"
    name: str = ""

    def __post_init__(self) -> None:
        check_known("operator", self.operator, OPERATORS)
        for arguments in (self.here, self.there):
            if self.seeded != (arguments.tangent is not None):
                needs = "needs a tangent" if self.seeded else "takes no tangent"
                raise InputError(
                    f"Scenario: {self.operator} {needs}, got tangent={arguments.tangent!r}.",
                    got=arguments.tangent,
                )
        if not self.name:
            what = getattr(self.f, "__name__", type(self.f).__name__)
            object.__setattr__(self, "name", f"{self.operator}-{what}")

    def __repr__(self) -> str:
        return f"<Scenario {self.name}>"

    @property
    def seeded(self) -> bool:
        """Whether the operator takes a tangent or cotangent."""
        return self.operator in SEEDED

    @property
    def here(self) -> Arguments:
        """The arguments that the scenario is about."""
        return Arguments(self.x, self.tangent, self.contexts, self.result, self.values, self.aux)

    @property
    def there(self) -> Arguments:
        """The arguments to prepare with."""
        return self.here if self.prepare_with is None else self.prepare_with


def operator_named(operator: str) -> Callable[..., Any]:
    """The public operator."""
    found: Callable[..., Any] = getattr(_operators, operator)
    return found


def value_and_named(operator: str) -> Callable[..., Any]:
    """Its ``value_and`` variant."""
    return operator_named(_VALUED.get(operator, f"value_and_{operator}"))


def prepare_named(operator: str, same_point: bool = False) -> Callable[..., Any]:
    """Its preparation."""
    return operator_named(f"prepare_{operator}{'_same_point' * same_point}")
