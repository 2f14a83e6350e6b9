"""Layers: functions with parameters and with a state, both made explicit.

The core knows the plain triple ``(apply, params, state)``. Modules of a library become one through
`Framework.layer`; see `Parts`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, final

from ..arrays.framework import Framework, find_framework
from ..arrays.stop import stopped
from ..arrays.trees import flatten, map_leaves
from ..declare.plugins import entries
from ..errors import (
    BackendNotInstalledError,
    InputError,
    OutputError,
    UnknownBackendError,
    UnsupportedOperatorError,
)
from ..evaluations import advancing, name_of, running


class Parts:
    """A layer taken apart; what an adapter returns from `Framework.layer`.

    Parameters
    ----------
    apply : callable
        ``apply(params, state, *inputs, **options) -> (y, state)``, without side effects.
    params : tree of array
        What a derivative with respect to parameters is taken of.
    state : tree
        What each call advances.

    Attributes
    ----------
    constant : bool
        Whether parameters and state stay what they are, so that they may be compiled in.
    """

    def __init__(self, apply: Callable[..., tuple[Any, Any]], params: Any, state: Any) -> None:
        self.apply = apply
        self._params, self._state = params, state
        self.constant = not flatten(state)[0]

    @property
    def params(self) -> Any:
        """The parameters as they are now."""
        return self._params

    @property
    def state(self) -> Any:
        """The state as it is now."""
        return self._state

    def read(self) -> Any:
        """The state as it is now, for `write` to come back to."""
        return self._state

    def write(self, state: Any) -> None:
        """Make `state` the state."""
        self._state = state

    def settled(self, state: Any) -> Any:
        """A new state as a constant to the derivatives that are being taken."""
        return map_leaves(stopped, state)


@final
class StatefulLayer:
    """A function whose parameters and whose state are explicit, after Lux.jl's StatefulLuxLayer.

    A call computes with the parameters and advances the state. An operator that evaluates the layer
    several times advances it once, from where it was to where the last evaluation took it; so does a
    derivative inside a derivative. No derivative goes through the state from one call to the next;
    where it should (a recurrent network), call `pure`.

    Under ``jax.jit`` create the layer inside the function that is traced, and return its state.
    A layer is not for several threads at once.

    Parameters
    ----------
    layer : callable or module
        ``apply(params, state, *inputs, **options) -> (y, state)``; or a ``torch.nn.Module``, an
        Equinox or a Flax NNX module. A module that holds its own state (torch, NNX) keeps it, and is
        advanced.
    params : tree of array, optional
        With a plain `layer` only: its parameters.
    state : tree, optional
        The state: of a plain `layer`, or the ``equinox.nn.State`` of an Equinox module, which then is
        called as ``module(*inputs, state)`` and returns ``(y, state)``.

    Raises
    ------
    InputError
        If `layer` is neither a module nor given with parameters.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> def apply(params, state, x):
    ...     return params["scale"] * x**2, {"calls": state["calls"] + 1}
    >>> layer = di.StatefulLayer(apply, {"scale": 3.0}, {"calls": 0})
    >>> x = np.array([1.0, 2.0])
    >>> di.jacobian(layer, "forwarddiff", x)
    array([[ 6.,  0.],
           [ 0., 12.]])
    >>> di.derivative(lambda p: layer.with_params({"scale": p})(x), "forwarddiff", 3.0)
    array([1., 4.])
    >>> di.jacobian(layer.with_input(x), "forwarddiff", layer.params)
    {'scale': array([1., 4.])}
    >>> layer.state
    {'calls': 3}
    """

    def __init__(self, layer: Any, params: Any = None, state: Any = ()) -> None:
        self._parts = _take_apart(layer, params, state)
        self._name = name_of(layer)
        self._own = params is None
        self._params = params

    def __repr__(self) -> str:
        return f"StatefulLayer({self._name})"

    @property
    def params(self) -> Any:
        """The parameters: of a module those that it has now."""
        return self._parts.params if self._own else self._params

    @property
    def state(self) -> Any:
        """The state, as the last call left it."""
        return self._parts.state

    @state.setter
    def state(self, state: Any) -> None:
        self._parts.write(state)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """The value at `inputs`, by which the state advances."""
        return self._advance(self.params, inputs, options)

    def with_input(self, *inputs: Any, **options: Any) -> Callable[[Any], Any]:
        """The layer at these inputs as a function of its parameters."""

        def of_params(params: Any) -> Any:
            return self._advance(params, inputs, options)

        return of_params

    def with_params(self, params: Any) -> StatefulLayer:
        """The same layer, its state included, with other parameters."""
        other = object.__new__(StatefulLayer)
        other._parts, other._own, other._params = self._parts, False, params
        other._name = self._name
        return other

    def pure(self, params: Any, state: Any, *inputs: Any, **options: Any) -> tuple[Any, Any]:
        """``(y, state)``, with nothing kept: everything that is given is differentiated through."""
        result = self._parts.apply(params, state, *inputs, **options)
        if not (isinstance(result, tuple) and len(result) == 2):
            raise OutputError(
                f"A layer's apply must return a pair (y, state), got a {type(result).__name__}.",
                got=result,
            )
        return result

    def _advance(self, params: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        parts = self._parts
        for fn in () if parts.constant else running():
            if fn.reuse and fn.backend.compiles:
                raise UnsupportedOperatorError(
                    # No repr: torch.compile, which traces this, cannot follow that of a dataclass.
                    f"{type(fn.backend.adtype).__name__} compiles what it prepares, and so would "
                    "the layer's state be. Prepare `layer.pure` with params and state as contexts and "
                    "has_aux=True (argnums=2 for the input), or call the operator itself.",
                    backend=fn.backend.adtype,
                )
        advancing(parts)
        y, state = self.pure(params, parts.state, *inputs, **options)
        parts.write(parts.settled(state))
        return y


def _loaded(name: str) -> Framework | None:
    """The framework of a module that is in use; one that is broken knows no layers."""
    try:
        return find_framework(name) if name in sys.modules else None
    except (UnknownBackendError, BackendNotInstalledError):
        return None


def _take_apart(layer: Any, params: Any, state: Any) -> Parts:
    if params is not None:
        return Parts(layer, params, state)
    for name in entries("frameworks"):
        framework = _loaded(name)
        parts = framework.layer(layer, state) if framework is not None else None
        if parts is not None:
            return parts
    raise InputError(
        f"StatefulLayer got a {type(layer).__qualname__} without params, expected (apply, params, "
        "state), or a module of torch, Equinox or Flax NNX.",
        got=layer,
    )
