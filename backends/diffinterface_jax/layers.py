"""Modules of Equinox and Flax NNX taken apart. Neither is imported: a module's class says it was."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import Any, final

import jax

from diffinterface.extend.frameworks import LayerParts, stopped


def parts_of(module: Any, state: Any) -> LayerParts | None:
    """The parts of a module of either library."""
    equinox = sys.modules.get("equinox")
    if equinox is not None and isinstance(module, equinox.Module):
        return EquinoxParts(equinox, module, state)
    nnx = sys.modules.get("flax.nnx")
    if nnx is not None and isinstance(module, nnx.Module):
        return NnxParts(nnx, module)
    return None


@final
class EquinoxParts(LayerParts):
    """An Equinox module, which is a tree; its state travels beside it."""

    def __init__(self, equinox: Any, module: Any, state: Any) -> None:
        params, rest = equinox.partition(module, equinox.is_inexact_array)
        stateful = bool(jax.tree_util.tree_leaves(state))

        def apply(params: Any, state: Any, *inputs: Any, **options: Any) -> tuple[Any, Any]:
            whole = equinox.combine(params, rest)
            if not stateful:
                return whole(*inputs, **options), state
            # Equinox invalidates the state that it is given.
            own = jax.tree_util.tree_map(lambda leaf: leaf, state)
            return whole(*inputs, own, **options)

        super().__init__(apply, params, state)
        self.constant = not stateful

    def settled(self, state: Any) -> Any:
        return jax.tree_util.tree_map(stopped, state)


@final
class NnxParts(LayerParts):
    """A Flax NNX module: its ``nnx.Param`` variables, and all others as the state."""

    constant = False  # an optimizer updates the module in place

    def __init__(self, nnx: Any, module: Any) -> None:
        self._nnx, self._module = nnx, module
        self._held: Any = None  # a state that the module cannot take at this trace level
        self.apply = self._call

    def _split(self, module: Any) -> Any:
        return self._nnx.split(module, self._nnx.Param, ...)

    @property
    def params(self) -> Any:
        return self._split(self._module)[1]

    @property
    def state(self) -> Any:
        return self._split(self._module)[2] if self._held is None else self._held

    def _call(self, params: Any, state: Any, *inputs: Any, **options: Any) -> tuple[Any, Any]:
        graph, _, _ = self._split(self._module)
        copy = self._nnx.merge(graph, params, state, copy=True)
        y = copy(*inputs, **options)
        return y, self._split(copy)[2]

    def read(self) -> Any:
        return jax.tree_util.tree_map(lambda leaf: leaf, self.state)

    def write(self, state: Any) -> None:
        # NNX lets a variable be written at the trace level of its creation only: usually at none.
        traced = any(isinstance(a, jax.core.Tracer) for a in jax.tree_util.tree_leaves(state))
        level = nullcontext() if traced else jax.core.eval_context()
        self._held = None
        try:
            with level:
                self._nnx.update(self._module, state)
        except sys.modules["flax.errors"].TraceContextError:
            self._held = state

    def settled(self, state: Any) -> Any:
        return jax.tree_util.tree_map(stopped, state)
