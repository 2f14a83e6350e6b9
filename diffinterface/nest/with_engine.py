"""A callable of any framework, differentiated by the backend of one's choice."""

from __future__ import annotations

import sys
from collections.abc import Callable
from operator import is_
from typing import Any, final

from ..arrays.facts import NUMBERS
from ..arrays.framework import NUMPY, Framework, framework_of
from ..arrays.perturbations import tracing
from ..arrays.trees import LEAF, Leaves
from ..declare.adtypes import ADType
from ..declare.config import as_adtype
from ..engine.capture import Captured
from ..engine.contract import AbstractBackend
from ..engine.function import Function
from ..engine.latest import Latest
from ..engine.registry import resolve
from ..engine.roles import Arguments
from ..errors import InputError
from .bridge import Bridge
from .hosts import through

#: A call of lone arrays: their framework, the engine's, what the arguments are, and the way over.
_Known = tuple[Framework, Framework, Arguments, Bridge]


@final
class DifferentiateWith:
    """A function that keeps its own engine, whatever surrounds it.

    Call it with arrays of any framework, traced by any engine: f gets its engine's arrays, the caller
    gets his own back, and the derivatives that the caller's engine asks for are computed by `backend`.
    Any order, both modes, several inputs and outputs, trees. f is evaluated again for a derivative, so
    what it captured must not change in between. ``torch.compile`` breaks its graph at a call.

    Parameters
    ----------
    f : callable
        ``f(*args)``, over the arrays of `backend`. Differentiable in every floating array among its
        arguments; other arrays, numbers and objects are constants.
    backend : ADType or str or None
        The engine of f.
    reuse : bool
        False for a single call, where compiling f would not pay.

    Raises
    ------
    NestedDifferentiationError
        On a call that another engine is tracing, and which it cannot hand over.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = di.DifferentiateWith(lambda x: np.floor(x) + x**2, di.AutoFiniteDiff())
    >>> g = lambda x: f(x)[0] * f(x)[1]
    >>> np.round(di.gradient(g, "forwarddiff", np.array([0.5, 1.5])), 6)
    array([3.25, 0.75])
    """

    def __init__(
        self, f: Callable[..., Any], backend: ADType | str | None, *, reuse: bool = True
    ) -> None:
        if not callable(f):
            raise InputError(f"DifferentiateWith expects a callable f, got {f!r}.", got=f)
        self.f, self.adtype, self._reuse = f, as_adtype(backend), reuse
        self.__name__ = getattr(f, "__name__", type(f).__name__)
        self.__wrapped__ = f
        self._bridges: Latest[tuple[Arguments, Bridge]] = Latest()
        self._arrays: dict[Any, _Known] = {}
        self._captured: Captured | None = None

    def __repr__(self) -> str:
        return f"DifferentiateWith({self.__name__}, {self.adtype!r})"

    def __call__(self, *args: Any) -> Any:
        """f's value, in the caller's arrays."""
        if _COMPILER in sys.modules:
            return _opaque()(self, *args)
        return self._call(*args)

    def _call(self, *args: Any) -> Any:
        # The commonest call by far: arrays alone, of kinds that were here before.
        try:
            key = tuple([(type(a), a.dtype) for a in args])
        except AttributeError:
            return self._general(None, args)
        found = self._arrays.get(key)
        if found is not None and not self._stale():
            framework, native, arguments, bridge = found
            outer = framework if any(map(framework.is_traced, args)) else None
            if outer is None or outer is not native:
                return _cross(outer, arguments, bridge, args)
        return self._general(key, args)

    def _general(self, key: Any, args: tuple[Any, ...]) -> Any:
        backend = resolve(self.adtype)
        leaves, structure = backend.flatten(args)
        outer, native = tracing(leaves), backend.framework or NUMPY
        if outer is not None and outer is native:
            return self.f(*structure.unflatten(_native(leaves, backend)))
        if outer is None and all(framework_of(leaf) in (None, native) for leaf in leaves):
            return self.f(*args)  # nothing to hand over; what f captured nests as f's own code does
        arguments = Arguments(leaves, structure)
        if not arguments.count:
            raise InputError("DifferentiateWith was called without any floating array.", got=leaves)
        bridge = self._bridge(arguments, backend)
        if key is None or not arguments.arrays:
            return _cross(outer, arguments, bridge, leaves)
        framework, *others = set(map(framework_of, leaves))
        if not others and framework is not None and all(map(is_, args, leaves)):
            self._arrays[key] = framework, native, arguments, bridge
        return _cross(outer, arguments, bridge, leaves)

    def _stale(self) -> bool:
        """Whether programs were compiled with what f had captured before."""
        return self._captured is not None and not self._captured.unchanged()

    def _bridge(self, arguments: Arguments, backend: AbstractBackend) -> Bridge:
        if self._stale() or (backend.compiles and self._captured is None):
            self._captured, self._bridges = Captured(self.__wrapped__), Latest()
            self._arrays = {}
        known = self._bridges.find(lambda pair: pair[0].same(arguments))
        if known is not None:
            return known[1]
        flat = _Flat(self.f, backend, arguments)
        bridge = Bridge(flat, backend, captured=self._captured, reuse=self._reuse)
        return self._bridges.keep((arguments, bridge))[1]


def _cross(outer: Framework | None, arguments: Arguments, bridge: Bridge, leaves: Leaves) -> Any:
    y = through(outer, bridge, *arguments.split(leaves))
    structure = bridge.fn.y_structure
    return y[0] if structure is LEAF or structure is None else structure.unflatten(y)


#: What traces Python code, where it is loaded, and would trace the bridge and f's engine as well.
_COMPILER = "torch._dynamo"
_opaque_call: list[Callable[..., Any]] = []


def _opaque() -> Callable[..., Any]:
    """The call as one at which ``torch.compile`` breaks its graph, whatever f's engine is."""
    if not _opaque_call:
        disable = sys.modules["torch"].compiler.disable
        reason = "DifferentiateWith hands its arguments to another engine"
        _opaque_call.append(disable(DifferentiateWith._call, reason=reason))
    return _opaque_call[0]


class _Flat(Function):
    """f as a function of its differentiable leaves and its constant arrays."""

    def __init__(
        self, f: Callable[..., Any], backend: AbstractBackend, arguments: Arguments
    ) -> None:
        super().__init__(f, backend, LEAF, reuse=False)
        self._arguments = arguments

    def call(self, x: Leaves, contexts: Leaves) -> Any:
        return self.f(*self._arguments.join(x, contexts))


def _native(leaves: Leaves, backend: AbstractBackend) -> Leaves:
    """NumPy arrays among the leaves as arrays of the engine."""
    native = backend.framework
    assert native is not None
    like = next(leaf for leaf in leaves if framework_of(leaf) is native)
    return tuple(
        native.from_numpy(leaf, like)
        if framework_of(leaf) is NUMPY and not isinstance(leaf, NUMBERS)
        else leaf
        for leaf in leaves
    )
