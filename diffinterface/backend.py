"""What a backend is: preparation methods, each of which returns the plan that will be run.

Give one primitive, `prepare_pushforward` or `prepare_pullback`, and inherit every operator from
`diffinterface.derived`; override what the engine does better.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable
from typing import Any, ClassVar

from . import derived, modes
from .adtypes import ADType
from .arrays import NUMPY, Array, Framework, framework_of
from .errors import OutputError
from .functions import Function
from .modes import Levels
from .prep import Prep
from .trees import Leaves, Structure, flatten, flatten_with_none

Program = Callable[[Leaves, Leaves], Leaves]


class Backend(ABC):
    """An engine behind the one interface.

    A subclass sets `adtype_class`, and implements `prepare_pushforward` or `prepare_pullback`. All
    arguments are flat: `x`, `contexts` and `t` are tuples of leaves, f is a `Function` whose call gives
    ``(y_leaves, aux)``. The plans that the methods return give:

    ============================= ================ ===================================== ===============
    method                        run takes        result                                value
    ============================= ================ ===================================== ===============
    ``prepare_pushforward``       (x, contexts, t) like y                                y
    ``prepare_pullback``          (x, contexts, t) like x                                y
    ``prepare_derivative``        (x, contexts)    like y                                y
    ``prepare_gradient``          (x, contexts)    like x                                y
    ``prepare_jacobian``          (x, contexts)    rows[j][i]: ``y[j].shape+x[i].shape`` y
    ``prepare_second_derivative`` (x, contexts)    like y                                (y, derivative)
    ``prepare_hvp``               (x, contexts, t) like x                                (y, gradient)
    ``prepare_hessian``           (x, contexts)    rows[j][i]: ``x[j].shape+x[i].shape`` (y, gradient)
    ``prepare_batched_jacobian``  (x, contexts)    rows[j][i]: ``(batch, *y_j, *x_i)``   y
    ============================= ================ ===================================== ===============

    With ``batched=True`` the leaves of t carry one extra leading axis, and so does the result.
    ``prepare_*_same_point`` fixes x and the contexts; its plan takes ``(t,)``.

    Attributes
    ----------
    framework : Framework or None
        The arrays that the engine computes with; None if it runs on the caller's own.
    accepts : frozenset of str
        Names of the frameworks whose arrays the engine takes as they are.
    compiles : bool
        Whether a plan may compile in what f captured; a prepared call then watches for rebinding.
    watches : bool
        Whether a plan depends otherwise on what f captured, so that it must be watched too.
    exact : bool
        Whether derivatives are exact to rounding.
    stops : bool
        Whether f can keep a value from being differentiated; see `stop_gradient`.
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
    stops: bool = True
    column_evaluations: float = (
        1.5  # Griewank and Walther, "Evaluating Derivatives", 2008, section 3.2
    )
    chunk_size: int | None = 64

    def __init__(self, adtype: ADType) -> None:
        self.adtype = adtype

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.adtype!r})"

    @property
    def has_forward(self) -> bool:
        """Whether this backend gives its own pushforward."""
        return type(self).prepare_pushforward is not Backend.prepare_pushforward

    @property
    def has_reverse(self) -> bool:
        """Whether this backend gives its own pullback."""
        return type(self).prepare_pullback is not Backend.prepare_pullback

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

        Asked once for a lone array of each type, dtype and shape.
        """
        got = framework_of(leaf)
        native = self.framework
        if native is None or got is native or got is NUMPY or (got is not None and got.wraps):
            return leaf
        raise OutputError(
            f"f returned a {type(leaf).__module__}.{type(leaf).__qualname__} under {self.adtype!r}, "
            f"expected arrays of {native.name}: a conversion inside f loses the derivative.",
            got=leaf,
            expected=native.name,
        )

    # --- what `explain` asks ---------------------------------------------------------------------

    def member(self, operator: str, fn: Function, x: Leaves, contexts: Leaves) -> Backend:
        """The engine that runs an operator: this one, unless it is made of others."""
        return self

    def probe(self, fn: Function, x: Leaves, contexts: Leaves) -> tuple[Leaves, Leaves]:
        """F's outputs, or stand-ins of their shapes; and arrays recorded by what records f's captures.

        Here one plain evaluation at constants, whose output only a captured value can make traced.
        """
        y, _ = fn(x, contexts)
        return y, y

    def levels(
        self,
        operator: str,
        fn: Function,
        x: Leaves,
        contexts: Leaves,
        y: Leaves,
        seeds: int,
        recorded: bool,
    ) -> Levels:
        """What an operator pushes and pulls, for so many `seeds`, where f gives outputs like `y`.

        `recorded` tells whether anything around the call is recording it.
        """
        return modes.usual(self, operator, x, y, seeds)

    # --- what a bridge asks ----------------------------------------------------------------------

    def program(self, fn: Function, x: Leaves, contexts: Leaves) -> Program:
        """``fn`` alone, for arguments of these kinds, in the fastest form that the engine has."""
        return lambda x, contexts: fn(x, contexts)[0]

    def vectorized(self, fn: Function, x: tuple[bool, ...], contexts: tuple[bool, ...]) -> Program:
        """``fn`` over a leading axis of the inputs named, which every output has then."""
        return derived.looped(fn, x, contexts)

    # --- what second order asks ------------------------------------------------------------------

    def pair(self, x: Leaves) -> tuple[Backend, Backend]:
        """The engine that differentiates a derivative at x, and the one that gives it."""
        return self, self

    # --- primitives and derived operators --------------------------------------------------------

    def prepare_pushforward(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return derived.pushforward_by_pullback(self, fn, x, contexts, t, batched)

    def prepare_pullback(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return derived.pullback_by_pushforward(self, fn, x, contexts, t, batched)

    def prepare_pushforward_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return derived.fix_point(self.prepare_pushforward(fn, x, contexts, t, batched), x, contexts)

    def prepare_pullback_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return derived.fix_point(self.prepare_pullback(fn, x, contexts, t, batched), x, contexts)

    def prepare_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return derived.derivative(self, fn, x, contexts)

    def prepare_gradient(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return derived.gradient(self, fn, x, contexts)

    def prepare_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return derived.jacobian(self, fn, x, contexts)

    def prepare_batched_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return derived.batched_jacobian(self, fn, x, contexts)

    def prepare_second_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return derived.second_derivative(*self.pair(x), fn, x, contexts)

    def prepare_hvp(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return derived.hvp(*self.pair(x), fn, x, contexts, t, batched)

    def prepare_hvp_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return derived.fix_point(self.prepare_hvp(fn, x, contexts, t, batched), x, contexts)

    def prepare_hessian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return derived.hessian(*self.pair(x), fn, x, contexts)
