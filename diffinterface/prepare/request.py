"""What the user asked for, arguments aside; it travels as its declaration, and f."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from ..declare.adtypes import ADType
from ..declare.config import as_adtype
from ..engine.function import Argnums
from ..errors import InputError
from .operator import Operator, operator_of
from .travel import packed, unpacked


class _Absent:
    def __repr__(self) -> str:
        return "<left out>"


#: In the place of x or of a seed that the caller left out; None is an empty tree.
ABSENT: Any = _Absent()


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
    #: Whether the backend was left to the configuration, which `adtype` is of then.
    configured: bool = False

    def once(self) -> Request:
        """The same for a single call at any point."""
        return replace(self, same_point=False, reuse=False)

    def parts(self, x: Any, *others: Any) -> tuple[Any, ...]:
        """x, the contexts, and the seed where there is one, of the arguments of a call."""
        seeds = 0 if self.operator.tangent is None else 1
        return x, others[seeds:], *others[:seeds]

    @classmethod
    def of(cls, operator: Operator, f: Any, backend: Any, *options: Any, **others: Any) -> Request:
        """A request from the operator's own arguments."""
        if not callable(f):
            raise InputError(f"f must be callable, got {f!r}; call op(f, backend, x, ...).", got=f)
        others["configured"] = backend is None
        return cls(operator, f, as_adtype(backend), *options, **others)

    def __reduce__(self) -> Any:
        facts = {field.name: getattr(self, field.name) for field in fields(self)}
        facts |= {"operator": self.operator.name, "f": packed(self.f, self.operator.name)}
        return _request, (facts,)


def _request(facts: dict[str, Any]) -> Request:
    operator, f = operator_of(facts["operator"]), unpacked(facts["f"])
    return Request(**{**facts, "operator": operator, "f": f})
