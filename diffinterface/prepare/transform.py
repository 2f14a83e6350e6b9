"""An operator without a point: a function of x, prepared at the first call for each kind of arguments.

What it prepared it keeps, and finds again by what the arguments are; an engine that compiles so
compiles once for each kind. Like a prepared object it watches what f captured, and calls at arrays that
another engine is tracing go over the bridge.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from inspect import Signature, signature
from threading import Lock
from typing import TYPE_CHECKING, Any, final

from ..arrays.trees import Leaves
from ..declare.adtypes import ADType
from ..declare.config import chosen, setting
from ..errors import InputError
from ..evaluations import name_of
from .call import Call
from .crossing import BridgedCall, bind, crosses
from .operator import valued_name
from .out import check, into
from .prepared import Prepared
from .request import ABSENT, Request

if TYPE_CHECKING:
    from .explanation import Explanation

_MOST_KINDS = 64


def without_point(request: Request, valued: bool, *given: Any, **options: Any) -> Transform:
    """The function that an operator called without x is; `given` are its x, contexts and seed.

    Raises
    ------
    InputError
        If something was given that goes with x, or the seed alone is missing.
    """
    (x, contexts, t), operator = given, request.operator
    name, seed = valued_name(operator) if valued else operator.name, operator.tangent
    point = "x" if seed is None else "x, t"
    if x is not ABSENT:
        what = "tangent t, like x" if seed == "x" else "cotangent t, like f(x)"
        raise InputError(
            f"{name} got x without its {what}: write {name}(f, backend, x, t), or "
            f"{name}(f, backend)(x, t).",
            got=None,
        )
    surplus = [key for key, value in options.items() if not (value is None or value is False)]
    surplus += [] if t is None or t is ABSENT else ["t"]
    surplus += ["contexts"] if contexts else []
    if surplus:
        raise InputError(
            f"{name} got {' and '.join(surplus)} without x. Give them with x: {name}(f, backend, "
            f"{point}, ...), or {name}(f, backend)({point}, ...).",
            got=surplus,
        )
    kind = PlainTransform if seed is None else SeededTransform
    return kind(replace(request, reuse=True), valued)


class Transform:
    """A derivative as a function of x, the contexts, and the seed where there is one.

    It is immutable, so that threads may share it, and pickles where f does, or where cloudpickle is
    installed. It remembers what it prepared for the latest 64 kinds of arguments.
    """

    __slots__ = (
        "__weakref__",
        "_bridged",
        "_call",
        "_configured",
        "_kinds",
        "_lock",
        "_request",
        "_valued",
    )

    def __init__(self, request: Request, valued: bool) -> None:
        self._request, self._valued = request, valued
        self._configured: ADType | None = None
        self._kinds: tuple[_Kind, ...] = ()  # replaced and never changed, because of the threads
        self._bridged: dict[ADType, BridgedCall] = {}
        self._lock = Lock()
        self._call: Callable[..., Any] = self._spread

    def __repr__(self) -> str:
        request, operator = self._request, self._request.operator
        name = valued_name(operator) if self._valued else operator.name
        by = "the configured backend" if request.configured else repr(request.adtype)
        seed = "" if operator.tangent is None else " and t"
        return f"<{name} of {name_of(request.f)} by {by}: call me with x{seed}>"

    @property
    def __signature__(self) -> Signature:
        return signature(getattr(self, "__call__"))  # noqa: B004, B009 - that of the subclass

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        """f: who watches what a function captured looks through its derivative."""
        return self._request.f

    def __copy__(self) -> Transform:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Transform:
        f = copy.deepcopy(self._request.f, memo)
        if f is self._request.f:
            return self
        return type(self)(replace(self._request, f=f), self._valued)

    def __reduce__(self) -> Any:
        return type(self), (self._request, self._valued)

    @property
    def backend(self) -> ADType:
        """The declaration by which a call differentiates now."""
        return self._now()[1].adtype

    def explain(self, x: Any, *others: Any) -> Explanation:
        """What a call with these arguments would do; see `diffinterface.explain`."""
        from .explaining import explained

        request = self._now()[1]
        return explained(request, *request.parts(x, *others))

    # --- calls -----------------------------------------------------------------------------------

    def _spread(self, x: Any, *others: Any) -> Any:
        return self._general(*self._request.parts(x, *others))

    def _general(self, x: Any, contexts: tuple[Any, ...], t: Any = None) -> Any:
        bound, arguments = self._find(x, contexts, t)
        return bound.value_and(arguments) if self._valued else bound.result(arguments)

    def _find(
        self, x: Any, contexts: tuple[Any, ...], t: Any
    ) -> tuple[Call | BridgedCall, tuple[Leaves, ...]]:
        """The call that serves these arguments, and the arguments as it takes them."""
        setting_then, request = self._now()
        for kind in self._kinds:
            if kind.request.adtype == request.adtype:
                arguments = kind.matching(x, contexts, t)
                if arguments is not None:
                    self._next(kind, setting_then)
                    return kind.bound, arguments
        if crosses(request, x, contexts, t):
            bridged = self._bridged.get(request.adtype)
            if bridged is None:
                bridged = self._bridged[request.adtype] = BridgedCall(request)
            return bridged, bridged.arguments(x, contexts, t)
        kind = _Kind(self, request, x, contexts, t)
        arguments = kind.bound.arguments(x, contexts, t)
        if arguments is None:
            return bind(request.once(), x, contexts, t)
        if kind.lasts(x, contexts, t):
            with self._lock:
                kept = [known for known in self._kinds if not known.stale()]
                self._kinds = (kind, *kept[: _MOST_KINDS - 1])
            self._next(kind, setting_then)
        return kind.bound, arguments

    def _now(self) -> tuple[Any, Request]:
        """The configured backend, where one is, and the request by the backend of this call."""
        request = self._request
        if not request.configured:
            return None, request
        backend = chosen("backend")
        if backend is None and self._configured is None:
            self._configured = setting("backend")  # of the environment, which is read once
        adtype: Any = backend or self._configured
        return backend, replace(request, adtype=adtype)

    def _next(self, kind: _Kind, setting_then: Any) -> None:
        """Try this kind first in the next call; where others alternate with it, `_find` serves them."""
        if kind is not self._kinds[0]:
            with self._lock:
                self._kinds = (kind, *[known for known in self._kinds if known is not kind])
        call = kind.both if self._valued else kind.call
        self._call = _while(setting_then, call, self._spread) if self._request.configured else call


@final
class PlainTransform(Transform):
    """That of an operator without a seed: call it as ``g(x, *contexts)``."""

    __slots__ = ()

    def __call__(self, x: Any, *contexts: Any, out: Any = None, accumulate: bool = False) -> Any:
        """What the operator gives at x."""
        if out is None and not accumulate:
            return self._call(x, *contexts)
        check(out)
        return into(self._request, self._valued, self._call(x, *contexts), out, accumulate)


@final
class SeededTransform(Transform):
    """That of an operator with a seed: call it as ``h(x, t, *contexts)``."""

    __slots__ = ()

    def __call__(
        self, x: Any, t: Any, *contexts: Any, out: Any = None, accumulate: bool = False
    ) -> Any:
        """What the operator gives at x for the tangent or cotangent t."""
        if out is None and not accumulate:
            return self._call(x, t, *contexts)
        check(out)
        return into(self._request, self._valued, self._call(x, t, *contexts), out, accumulate)


def _while(setting_then: Any, call: Callable[..., Any], otherwise: Callable[..., Any]) -> Any:
    """`call`, as long as the configuration is what it was."""

    def follow(x: Any, *others: Any) -> Any:
        return (call if chosen("backend") is setting_then else otherwise)(x, *others)

    return follow


@final
class _Kind(Prepared):
    """What a transform prepared for one kind of arguments; whatever it does not fit goes back there."""

    __slots__ = ("_transform",)

    def __init__(self, transform: Transform, request: Request, *arguments: Any) -> None:
        self._transform = transform
        super().__init__(request, *arguments)

    def _general(self, x: Any, contexts: tuple[Any, ...], t: Any = None) -> Any:
        return self._transform._general(x, contexts, t)

    _general_both = _general

    @property
    def bound(self) -> Call | BridgedCall:
        return self._bound

    @property
    def request(self) -> Request:
        return self._bound.request

    @property
    def call(self) -> Callable[..., Any]:
        return self._call

    @property
    def both(self) -> Callable[..., Any]:
        return self._both

    def matching(self, x: Any, contexts: tuple[Any, ...], t: Any) -> tuple[Leaves, ...] | None:
        """The arguments as the call takes them, where they are of its kind and nothing was rebound."""
        return None if self.stale() else self._bound.arguments(x, contexts, t)

    def lasts(self, *arguments: Any) -> bool:
        """Whether it may serve a later call, having been prepared at these arguments."""
        return not isinstance(self._bound, BridgedCall) and self._lasts(*arguments)

    def stale(self) -> bool:
        """Whether something that f captured was rebound."""
        return bool(self._rebound())
