"""A callable of any framework, differentiated by the backend of one's choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from .adtypes import ADType
from .arrays import NUMBERS, NUMPY, framework_of, is_inexact
from .backend import Backend
from .bridge import Bridge, apply, tracing
from .config import as_adtype
from .contexts import read_only, same
from .errors import InputError
from .functions import Function
from .registry import resolve
from .trees import LEAF, Leaves, Structure

_MOST_BRIDGES = 64


@final
class DifferentiateWith:
    """A function that keeps its own engine, whatever surrounds it.

    Call it with arrays of any framework, traced by any engine: f gets its engine's arrays, the caller
    gets his own back, and the derivatives that the caller's engine asks for are computed by `backend`.
    Any order, both modes, several inputs and outputs, trees.

    Parameters
    ----------
    f : callable
        ``f(*args)``, over the arrays of `backend`. Differentiable in every floating array among its
        arguments; other arrays, numbers and objects are constants.
    backend : ADType or str or None
        The engine of f.

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

    def __init__(self, f: Callable[..., Any], backend: ADType | str | None) -> None:
        if not callable(f):
            raise InputError(f"DifferentiateWith expects a callable f, got {f!r}.", got=f)
        self.f, self.adtype = f, as_adtype(backend)
        self.__name__ = getattr(f, "__name__", type(f).__name__)
        self.__wrapped__ = f
        self._bridges: list[tuple[_Arguments, Bridge]] = []

    def __repr__(self) -> str:
        return f"DifferentiateWith({self.__name__}, {self.adtype!r})"

    def __call__(self, *args: Any) -> Any:
        """F's value, in the caller's arrays."""
        backend = resolve(self.adtype)
        leaves, structure = backend.flatten(args)
        outer, native = tracing(leaves), backend.framework or NUMPY
        if outer is not None and outer is native:
            return self.f(*structure.unflatten(_native(leaves, backend)))
        if outer is None and all(framework_of(leaf) in (None, native) for leaf in leaves):
            return self.f(*args)  # nothing to hand over; what f captured nests as f's own code does
        arguments = _Arguments(leaves, structure)
        bridge = self._bridge(arguments, backend)
        y = apply(bridge, *arguments.split(leaves))
        return (bridge.fn.y_structure or LEAF).unflatten(y)

    def _bridge(self, arguments: _Arguments, backend: Backend) -> Bridge:
        for known, bridge in self._bridges:
            if known.same(arguments):
                return bridge
        bridge = Bridge(_Flat(self.f, backend, arguments), backend)
        self._bridges = [*self._bridges[1 - _MOST_BRIDGES :], (arguments, bridge)]
        return bridge


_X, _CONTEXT = object(), object()


class _Arguments:
    """Which leaves of a call are differentiable, which are constant arrays, and what the others are."""

    def __init__(self, leaves: Leaves, structure: Structure) -> None:
        self._structure = structure
        self._roles = tuple(map(_role, leaves))
        if _X not in self._roles:
            raise InputError("DifferentiateWith was called without any floating array.", got=leaves)

    def same(self, other: _Arguments) -> bool:
        """Whether calls of both kinds run the same program."""
        return self._structure == other._structure and same(self._roles, other._roles)

    def split(self, leaves: Leaves) -> tuple[Leaves, Leaves]:
        """The differentiable leaves, and the constant arrays."""
        pairs = list(zip(leaves, self._roles, strict=True))
        x = tuple(leaf for leaf, role in pairs if role is _X)
        return x, tuple(leaf for leaf, role in pairs if role is _CONTEXT)

    def join(self, x: Leaves, contexts: Leaves) -> Any:
        """The arguments of f: the inverse of `split`."""
        parts = {_X: iter(x), _CONTEXT: map(read_only, contexts)}
        return self._structure.unflatten(
            [next(parts[role]) if role in (_X, _CONTEXT) else role for role in self._roles]
        )


def _role(leaf: Any) -> Any:
    if framework_of(leaf) is None or isinstance(leaf, NUMBERS):
        return leaf
    return _X if is_inexact(leaf) else _CONTEXT


class _Flat(Function):
    """F as a function of its differentiable leaves and its constant arrays."""

    def __init__(self, f: Callable[..., Any], backend: Backend, arguments: _Arguments) -> None:
        super().__init__(f, backend, LEAF, reuse=False)
        self._arguments = arguments

    def call(self, x: Leaves, contexts: Leaves) -> Any:
        return self.f(*self._arguments.join(x, contexts))


def _native(leaves: Leaves, backend: Backend) -> Leaves:
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
