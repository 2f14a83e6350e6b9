"""``torch.nn.Module`` taken apart: its parameters, and its buffers as the state."""

from __future__ import annotations

from typing import Any, final

import torch

from diffinterface.extend import NestedDifferentiationError
from diffinterface.extend.frameworks import LayerParts

from .outer import plain_torch

_functorch: Any = torch._C._functorch


@final
class ModuleParts(LayerParts):
    """A module, called functionally; parameters and state are those that it has at the time."""

    def __init__(self, module: torch.nn.Module) -> None:
        self._module = module
        self.apply = self._call
        self.constant = not self.state

    @property
    def params(self) -> dict[str, torch.nn.Parameter]:
        return dict(self._module.named_parameters())

    @property
    def state(self) -> dict[str, torch.Tensor]:
        return dict(self._module.named_buffers())

    def _call(self, params: Any, state: Any, *inputs: Any, **options: Any) -> tuple[Any, Any]:
        # Forward writes into buffers. Copies made here belong to the transforms that are active,
        # which refuse to let it write into any others.
        tensors = {**params, **{name: buffer.clone() for name, buffer in state.items()}}
        y = torch.func.functional_call(self._module, tensors, inputs, options)
        return y, {name: tensors[name] for name in state}

    def read(self) -> dict[str, torch.Tensor]:
        with plain_torch():
            return {name: buffer.detach().clone() for name, buffer in self.state.items()}

    def write(self, state: Any) -> None:
        with torch.no_grad(), plain_torch():
            for name, buffer in self.state.items():
                # A buffer that stays the same is left alone: a graph may have saved it.
                if not torch.equal(buffer, state[name]):
                    buffer.copy_(state[name])

    def settled(self, state: Any) -> dict[str, torch.Tensor]:
        return {name: _outside(buffer.detach()) for name, buffer in state.items()}


def _outside(x: torch.Tensor) -> torch.Tensor:
    """A tensor without the wrappers of the transforms that it was computed in."""
    while _functorch.is_functorch_wrapped_tensor(x):
        if _functorch.is_batchedtensor(x):
            raise NestedDifferentiationError(
                "The state of a layer would differ from sample to sample under torch.func.vmap; "
                "give the layer the whole batch, or put the module into eval mode.",
                outer="torch.func.vmap",
            )
        x = _functorch.get_unwrapped(x)
    return x
