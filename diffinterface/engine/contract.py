"""What a backend promises to the core, engine or composite: the questions it answers, and one door."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from ..arrays.facts import Array
from ..arrays.framework import NUMPY, Framework, framework_of
from ..arrays.trees import Leaves, Structure, flatten, flatten_with_none
from ..declare.adtypes import ADType, Mode
from ..errors import OutputError
from .cost import EVEN, Costs
from .function import Function, looped
from .prep import Level, Prep

#: ``(x, contexts) -> y``, on leaves.
Program = Callable[[Leaves, Leaves], Leaves]
#: From cotangents like y to ones like x, at a point that is fixed.
Pullback = Callable[[Leaves], Leaves]


class AbstractBackend(ABC):
    """An engine behind the one interface, or several engines behind one declaration.

    All arguments are flat: `x`, `contexts` and `t` are tuples of leaves, f is a `Function` whose call
    gives ``(y_leaves, aux)``.

    Attributes
    ----------
    framework : Framework or None
        The arrays that the engine computes with; None if it runs on the caller's own.
    accepts : frozenset of str
        Names of the frameworks whose arrays the engine takes as they are.
    compiles : bool
        Whether a prep may compile in what f captured; a prepared call then watches for rebinding.
    watches : bool
        Whether a prep depends otherwise on what f captured, so that it must be watched too.
    exact : bool
        Whether derivatives are exact to rounding.
    orders : int or None
        Up to which order its derivatives are of use, by second-order operators too; None means any.
    dtypes : frozenset of str or None
        Names of the dtypes of x that it differentiates; None means all that its arrays can have.
    stops : bool
        Whether f can keep a value from being differentiated; see `stop_gradient`.
    costs : Costs
        What forward mode costs, measured against reverse mode.
    column_evaluations : float
        What a column of a Jacobian costs in evaluations of f, at most; see `explain`.
    chunk_size : int or None
        How many seeds one evaluation should carry in the derived operators; None means all.
    """

    adtype_class: ClassVar[type[ADType]]
    framework: Framework | None = None
    accepts: frozenset[str] = frozenset()
    compiles: bool = False
    watches: bool = False
    exact: bool = True
    orders: int | None = None
    dtypes: frozenset[str] | None = None
    stops: bool = True
    costs: Costs = EVEN
    column_evaluations: float = 1.5
    chunk_size: int | None = 64

    def __init__(self, adtype: ADType) -> None:
        self.adtype = adtype

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.adtype!r})"

    @classmethod
    def of(cls, adtype: ADType) -> AbstractBackend:
        """The backend of a declaration of this class's kind."""
        return cls(adtype)

    @property
    @abstractmethod
    def has_forward(self) -> bool:
        """Whether this backend gives its own pushforward."""

    @property
    @abstractmethod
    def has_reverse(self) -> bool:
        """Whether this backend gives its own pullback."""

    @abstractmethod
    def prepare(
        self,
        operator: str,
        fn: Function,
        x: Leaves,
        contexts: Leaves,
        t: Leaves | None = None,
        /,
        *,
        batched: bool = False,
        same_point: bool = False,
    ) -> Prep:
        """The prep of an operator, by its name.

        Parameters
        ----------
        operator : str
            "gradient", "pushforward" ...; see `Backend` for what the prep of each takes and gives.
        fn : Function
            f, as this backend meets it.
        x, contexts : tuple of array
            The point and f's further arguments, or examples of them.
        t : tuple of array, optional
            The seed, or an example of it, for the operators that take one.
        batched : bool
            Whether the leaves of t carry one extra leading axis, and so does the result.
        same_point : bool
            Whether x and the contexts are fixed: the prep takes ``(t,)`` alone.
        """

    # --- what the core asks about arrays ---------------------------------------------------------

    def flatten(self, tree: Any) -> tuple[Leaves, Structure]:
        """Leaves and structure of x, a tangent or a context; an engine may know more containers."""
        return flatten(tree)

    def flatten_output(self, tree: Any) -> tuple[Leaves, Structure]:
        """The same for f's output, where None is a leaf, so that a missing return is seen."""
        return flatten_with_none(tree)

    def scratch(self, buffer: Array, x: Leaves) -> Array:
        """A fresh copy of `buffer` that can hold values computed from `x`; see `Cache`."""
        framework = framework_of(x[0]) if x else self.framework
        return (framework or NUMPY).scratch(buffer, x[0] if x else buffer)

    def check_output(self, leaf: Array) -> Array:
        """`leaf` of f's output, if the engine can differentiate it; raises `OutputError` if not.

        Asked of arrays of other frameworks than the engine's own: once for a lone array of each type,
        dtype and shape.
        """
        got, native = framework_of(leaf), self.framework
        if native is None or got is NUMPY or (got is not None and got.wraps):
            return leaf
        raise OutputError(
            f"f returned a {type(leaf).__module__}.{type(leaf).__qualname__} under {self.adtype!r}, "
            f"expected arrays of {native.name}: a conversion inside f loses the derivative.",
            got=leaf,
            expected=native.name,
        )

    # --- what `explain` asks ---------------------------------------------------------------------

    def member(self, operator: str, fn: Function, x: Leaves, contexts: Leaves) -> AbstractBackend:
        """The engine that runs an operator: this one, unless it is made of others."""
        return self

    def probe(self, fn: Function, x: Leaves, contexts: Leaves) -> tuple[Leaves, Leaves]:
        """f's outputs, or stand-ins of their shapes; and arrays recorded by what records f's captures.

        Here one plain evaluation at constants, whose output only a captured value can make traced.
        """
        y, _ = fn(x, contexts)
        return y, y

    def level(self, mode: Mode, directions: int) -> Level:
        """So many columns or rows by this engine, with their cost: an upper bound, as a rule.

        A. Griewank and A. Walther, "Evaluating Derivatives", 2nd ed., 2008, sections 3.2 and 3.3: a
        tangent adds at most 1.5 evaluations, a cotangent at most 3.
        """
        each = self.column_evaluations if mode == "forward" else 3.0
        return Level(mode, directions, 1 + each * directions)

    # --- what a bridge asks ----------------------------------------------------------------------

    def program(self, fn: Function, x: Leaves, contexts: Leaves) -> Program:
        """``fn`` alone, for arguments of these kinds, in the fastest form that the engine has."""
        return lambda x, contexts: fn(x, contexts)[0]

    def with_pullback(
        self, fn: Function, x: Leaves, contexts: Leaves
    ) -> tuple[Leaves, Pullback] | None:
        """The outputs of ``fn`` at x, and its pullback there, by one evaluation that is not compiled.

        None where the engine, or ``fn``, has no such way: then a pullback evaluates anew.
        """
        return None

    def vectorized(self, fn: Function, x: tuple[bool, ...], contexts: tuple[bool, ...]) -> Program:
        """``fn`` over a leading axis of the inputs named, which every output has then."""
        return looped(fn, x, contexts)
