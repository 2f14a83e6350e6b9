"""Prepared operators: decide once, call many times, and never answer for something else.

A prepared call checks that its arguments are of the kind that it was prepared for, and that nothing
an engine may have compiled in was rebound since.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast, final

from ..arrays.perturbations import tracing
from ..arrays.trees import Leaves
from ..declare.adtypes import ADType
from ..engine.arguments import callables
from ..engine.capture import Captured, reached
from ..engine.registry import resolve
from ..errors import InputError, PreparationMismatchError
from ..evaluations import name_of
from . import fast as hotpath
from .arrival import Arrival
from .call import Call
from .crossing import BridgedCall, bind, crosses
from .out import check, into
from .request import Request
from .signature import flatten_any

if TYPE_CHECKING:
    from .explanation import Explanation

OnMismatch = Literal["error", "reprepare"]
_CHOICES = ("error", "reprepare")
_MOST_VARIANTS = 64


class Prepared:
    """An operator prepared for one function and one kind of arguments.

    Call it as the operator was called, without f and the backend. It is immutable, and threads may
    share it. It pickles as what was asked, and for what kind of arguments: where it arrives, the first
    call prepares.

    Raises
    ------
    PreparationMismatchError
        On a call whose arguments differ in structure, shape, dtype or device from those of the
        preparation, or after a captured variable of f was rebound (engines that compile), unless
        prepared with ``on_mismatch="reprepare"``.
    """

    # JAX needs a weak reference to what it jits.
    __slots__ = (
        "__weakref__",
        "_both",
        "_bound",
        "_bridged",
        "_call",
        "_captured",
        "_endings",
        "_on_mismatch",
        "_variants",
    )

    def __init__(
        self,
        request: Request,
        x: Any,
        contexts: tuple[Any, ...],
        t: Any = None,
        *,
        on_mismatch: OnMismatch = "error",
    ) -> None:
        if on_mismatch not in _CHOICES:
            raise InputError(
                f"on_mismatch={on_mismatch!r}, expected 'error' or 'reprepare'.", got=on_mismatch
            )
        self._on_mismatch: OnMismatch = on_mismatch
        self._bridged: BridgedCall | None = None
        self._variants: dict[str, Prepared] = {}
        self._prepare(request, x, contexts, t)

    def _prepare(self, request: Request, x: Any, contexts: tuple[Any, ...], t: Any) -> None:
        backend = resolve(request.adtype)
        captured = Captured(request.f, *callables(contexts, backend.flatten))
        self._endings = captured.endings()
        self._captured = captured if backend.compiles or backend.watches else Captured()
        self._bound: Call | BridgedCall
        self._bound, arguments = bind(request, x, contexts, t)
        self._call: Callable[..., Any] = self._spread
        self._both: Callable[..., tuple[Any, ...]] = self._spread_both
        bound = self._bound
        if (
            isinstance(bound, Call)
            and not self._endings
            and hotpath.applies(bound, self._captured, arguments, x, contexts, t)
        ):
            build = hotpath.unseeded if request.operator.tangent is None else hotpath.seeded
            self._call = build(bound, self._captured, self._general)
            self._both = build(bound, self._captured, self._general_both, valued=True)

    def __repr__(self) -> str:
        request, kinds = self._bound.request, "traced arrays"
        signature = getattr(self._bound, "signature", None)
        if signature is not None:
            kinds = repr(signature.x)
        name = name_of(request.f)
        return f"<prepared {request.operator.name} of {name} by {request.adtype!r} at {kinds}>"

    def __copy__(self) -> Prepared:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Prepared:
        request = self._bound.request
        f = copy.deepcopy(request.f, memo)
        if f is request.f:
            return self
        return type(self)._of(Arrival.of(self._bound, replace(request, f=f)), self._on_mismatch)

    def __reduce__(self) -> Any:
        return type(self)._of, (Arrival.of(self._bound), self._on_mismatch)

    @classmethod
    def _of(cls, arrival: Arrival, on_mismatch: OnMismatch) -> Prepared:
        prep = cls.__new__(cls)
        prep._on_mismatch, prep._bridged, prep._variants = on_mismatch, None, {}
        prep._captured, prep._endings = Captured(), []
        prep._bound = cast("Call", arrival)  # the first call replaces it
        prep._call, prep._both = prep._first, prep._first_both
        return prep

    def _first(self, *arguments: Any) -> Any:
        self._arrive(*self._bound.request.parts(*arguments))
        return self._spread(*arguments)

    def _first_both(self, *arguments: Any) -> tuple[Any, ...]:
        self._arrive(*self._bound.request.parts(*arguments))
        return self._spread_both(*arguments)

    def _arrive(self, x: Any, contexts: tuple[Any, ...], t: Any = None) -> None:
        arrival: Any = self._bound
        if isinstance(arrival, Arrival) and arrival.fits(x, contexts, t):
            self._prepare(arrival.request, x, contexts, t)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(getattr(self, "__call__"))  # noqa: B004, B009 - the subclass's

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        """f: who watches what a function captured looks through its derivative."""
        return self._bound.request.f

    @property
    def backend(self) -> ADType:
        """The declaration that it was prepared with."""
        return self._bound.request.adtype

    def explain(self, x: Any, *others: Any) -> Explanation:
        """What a call with these arguments would do; see `diffinterface.explain`."""
        from .explaining import explained

        request = self._bound.request
        return explained(request, *request.parts(x, *others))

    @property
    def details(self) -> Any:
        """What the backend tells of its `Prep`: a `SparsePlan` for `AutoSparse`; None of most."""
        return self._bound.prep.details if isinstance(self._bound, Call) else None

    def _spread(self, *arguments: Any) -> Any:
        return self._general(*self._bound.request.parts(*arguments))

    def _spread_both(self, *arguments: Any) -> tuple[Any, ...]:
        return self._general_both(*self._bound.request.parts(*arguments))

    def _general(self, x: Any, contexts: tuple[Any, ...], t: Any = None) -> Any:
        bound, arguments = self._arguments(x, contexts, t)
        return bound.result(arguments)

    def _general_both(self, x: Any, contexts: tuple[Any, ...], t: Any = None) -> tuple[Any, ...]:
        bound, arguments = self._arguments(x, contexts, t)
        return bound.value_and(arguments)

    def _arguments(
        self, x: Any, contexts: tuple[Any, ...], t: Any
    ) -> tuple[Call | BridgedCall, tuple[Leaves, ...]]:
        """The call that serves these arguments, and the arguments as it takes them."""
        request, rebound = self._bound.request, self._rebound()
        if not rebound:
            arguments = self._bound.arguments(x, contexts, t)
            if arguments is not None:
                return self._bound, arguments
            if crosses(request, x, contexts, t):
                if self._bridged is None:
                    self._bridged = BridgedCall(request, x, contexts)
                return self._bridged, self._bridged.arguments(x, contexts, t)
        lines = [f"{name}: rebound since preparation" for name in rebound]
        lines += self._bound.differences(x, contexts, t)
        if self._on_mismatch == "reprepare":
            return self._variant("\n".join(lines), x, contexts, t)._arguments(x, contexts, t)
        raise PreparationMismatchError(
            f"{request.operator.name} was prepared for other arguments:\n  "
            + "\n  ".join(lines)
            + "\nPrepare again, pass the changing value as a context, or prepare with "
            "on_mismatch='reprepare'.",
            differences=lines,
        )

    def _rebound(self) -> list[str]:
        """What f captured and holds no more."""
        rebound = self._captured.rebound()
        if self._endings and any(ended() for ended in self._endings):
            rebound.append("a captured array, of a transform that has ended")
        return rebound

    def _variant(self, key: str, x: Any, contexts: tuple[Any, ...], t: Any) -> Prepared:
        variant = self._variants.get(key)
        if len(self._variants) > _MOST_VARIANTS:
            self._variants.clear()
        if variant is None or not variant._captured.unchanged():
            request = self._bound.request
            variant = type(self)(request, x, contexts, t, on_mismatch=self._on_mismatch)
            if variant._lasts(x, contexts, t):
                self._variants[key] = variant
        return variant

    def _lasts(self, *arguments: Any) -> bool:
        """Whether it may serve a later call: what holds values of a trace must end with it.

        So does what was prepared at traced arguments: their kind does not tell one trace from another.
        """
        flatten = resolve(self._bound.request.adtype).flatten
        leaves, _ = flatten_any(arguments, flatten)
        return tracing(leaves) is None and self._captured.traced(reached) is None


@final
class PreparedOperator(Prepared):
    """A prepared operator without a seed: call ``prep(x, *contexts)``."""

    __slots__ = ()

    def __call__(self, x: Any, *contexts: Any, out: Any = None, accumulate: bool = False) -> Any:
        """The result at x.

        Parameters
        ----------
        x : tree of array
            The point.
        *contexts : any
            Further arguments of f, not differentiated.
        out : tree of array, optional
            Arrays like the result's, to write it into; returned in its place.
        accumulate : bool
            Whether to add the result to what `out` holds.
        """
        if out is None and not accumulate:
            return self._call(x, *contexts)
        check(out)
        return into(self._bound.request, False, self._call(x, *contexts), out, accumulate)

    def value_and(
        self, x: Any, *contexts: Any, out: Any = None, accumulate: bool = False
    ) -> tuple[Any, ...]:
        """The value of f (for second order: and its derivative), then the result at x.

        Parameters
        ----------
        x : tree of array
            The point.
        *contexts : any
            Further arguments of f, not differentiated.
        out : tree of array, optional
            Arrays like the result's, to write it into; returned in its place.
        accumulate : bool
            Whether to add the result to what `out` holds.
        """
        if out is None and not accumulate:
            return self._both(x, *contexts)
        check(out)
        return into(self._bound.request, True, self._both(x, *contexts), out, accumulate)


@final
class PreparedSeeded(Prepared):
    """A prepared operator with a seed: call ``prep(x, t, *contexts)``."""

    __slots__ = ()

    def __call__(
        self, x: Any, t: Any, *contexts: Any, out: Any = None, accumulate: bool = False
    ) -> Any:
        """The result at x for the tangent or cotangent t.

        Parameters
        ----------
        x : tree of array
            The point.
        t : tree of array
            The tangent (like x) or cotangent (like f(x)).
        *contexts : any
            Further arguments of f, not differentiated.
        out : tree of array, optional
            Arrays like the result's, to write it into; returned in its place.
        accumulate : bool
            Whether to add the result to what `out` holds.
        """
        if out is None and not accumulate:
            return self._call(x, t, *contexts)
        check(out)
        return into(self._bound.request, False, self._call(x, t, *contexts), out, accumulate)

    def value_and(
        self, x: Any, t: Any, *contexts: Any, out: Any = None, accumulate: bool = False
    ) -> tuple[Any, ...]:
        """The value of f (for hvp: the gradient), then the result at x for t.

        Parameters
        ----------
        x : tree of array
            The point.
        t : tree of array
            The tangent (like x) or cotangent (like f(x)).
        *contexts : any
            Further arguments of f, not differentiated.
        out : tree of array, optional
            Arrays like the result's, to write it into; returned in its place.
        accumulate : bool
            Whether to add the result to what `out` holds.
        """
        if out is None and not accumulate:
            return self._both(x, t, *contexts)
        check(out)
        return into(self._bound.request, True, self._both(x, t, *contexts), out, accumulate)
