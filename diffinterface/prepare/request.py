"""What the user asked for, arguments aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..declare.adtypes import ADType
from ..declare.config import as_adtype
from ..engine.function import Argnums
from ..errors import InputError
from .operator import Operator


@dataclass(frozen=True)
class Request:
    """What the user asked for, arguments aside: enough to ask again at other arguments."""

    operator: Operator
    f: Callable[..., Any]
    adtype: ADType
    argnums: Argnums = 0
    has_aux: bool = False
    batched: bool = False
    same_point: bool = False
    reuse: bool = True

    def once(self) -> Request:
        """The same for a single call at any point."""
        return replace(self, same_point=False, reuse=False)

    @classmethod
    def of(cls, operator: Operator, f: Any, backend: Any, *options: Any, **others: Any) -> Request:
        """A request from the operator's own arguments."""
        if not callable(f):
            raise InputError(f"f must be callable, got {f!r}; call op(f, backend, x, ...).", got=f)
        return cls(operator, f, as_adtype(backend), *options, **others)
