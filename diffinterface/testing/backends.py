"""Backends under test: how to name them, how close they must come, and what they need not do."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from typing import Any

from ..declare.adtypes import ADType, MixedMode, SecondOrder
from ..declare.config import as_adtype
from ..declare.expected import EXACT, Tolerances, Unsupported
from ..declare.strings import SHIPPED, known_backends
from ..engine.registry import check_available
from ..errors import (
    UnknownBackendError,
)
from .primitives import FromPrimitive
from .scenario import Scenario

_log = logging.getLogger("diffinterface.testing")
SECOND_ORDER = ("second_derivative", "hvp", "hessian")
SINGLE_DTYPES = ("float32", "complex64")


@dataclass(frozen=True)
class Entry:
    """A backend under test.

    Attributes
    ----------
    id : str
        Its name in test ids and in patterns: "jax", "torch:forward".
    adtype : ADType
        What is passed to the operators.
    first, second : pair of float
        Tolerance in 64 and in 32 bits of first-order and of second-order operators, relative to the
        largest entry of what is expected.
    """

    id: str
    adtype: ADType
    first: Tolerances = EXACT[0]
    second: Tolerances = EXACT[1]

    @property
    def engine(self) -> str:
        """The name before any option: "torch" of "torch:forward"."""
        return re.split(r"[:\[(]", self.id)[0]

    def tolerance(self, operator: str, dtype: str = "float64") -> float:
        """For one operator in the precision that a dtype has."""
        pair = self.second if operator in SECOND_ORDER else self.first
        return pair[dtype in SINGLE_DTYPES]

    def coarser(self, first: Tolerances, second: Tolerances) -> Entry:
        """The same, at least as tolerant as this."""
        return replace(self, first=_worse(self.first, first), second=_worse(self.second, second))

    def matches(self, pattern: str) -> bool:
        """Whether a name that a test may write means this backend.

        "torch" means torch in every mode, "torch:forward" that mode alone, "torch*" is a pattern.
        """
        return pattern in (self.id, self.engine) or fnmatchcase(self.id, pattern)


def entry(backend: ADType | str | Entry | None) -> Entry:
    """An `Entry` from what one may write for a backend.

    Parameters
    ----------
    backend : ADType or str or Entry or None
        A declaration, its string (also short, ``"torch:forward"``), or None for the configured backend.

    Examples
    --------
    >>> from diffinterface.testing import entry
    >>> entry("torch:forward").adtype
    AutoTorch(mode='forward')
    """
    if isinstance(backend, Entry):
        return backend
    adtype = as_adtype(backend)
    return Entry(_id(adtype), adtype, *_tolerances(adtype))


def _id(adtype: ADType) -> str:
    """The shortest string that tells this declaration from the others of its engine."""
    if isinstance(adtype, SecondOrder):
        return f"second[{_id(adtype.outer)},{_id(adtype.inner)}]"
    if isinstance(adtype, MixedMode):
        return f"mixed[{_id(adtype.forward)},{_id(adtype.reverse)}]"
    changed = {
        option.name: getattr(adtype, option.name)
        for option in fields(adtype)
        if getattr(adtype, option.name) != option.default
    }
    words = [o.name for o in fields(adtype) if isinstance(o.default, str)][:1]
    if not changed:
        return adtype.name
    if [*changed] == words:
        return f"{adtype.name}:{changed[words[0]]}"
    return f"{adtype.name}({', '.join(f'{key}={value!r}' for key, value in changed.items())})"


def _tolerances(adtype: ADType) -> tuple[Tolerances, Tolerances]:
    if isinstance(adtype, FromPrimitive):
        return _tolerances(adtype.backend)
    if isinstance(adtype, SecondOrder):
        outer, inner = _tolerances(adtype.outer), _tolerances(adtype.inner)
        first = inner[0]
        # Of a difference of a difference both roundings count; of one alone, that one.
        second = inner[1] if adtype.outer == adtype.inner else outer[0]
        return first, _worse(_worse(second, inner[0]), (1e-9, 1e-3) if outer != EXACT else first)
    if isinstance(adtype, MixedMode):
        forward, reverse = _tolerances(adtype.forward), _tolerances(adtype.reverse)
        return _worse(forward[0], reverse[0]), _worse(forward[1], reverse[1])
    return adtype.tolerances


def _worse(a: Tolerances, b: Tolerances) -> Tolerances:
    return max(a[0], b[0]), max(a[1], b[1])


def entries(backends: Any = "installed") -> tuple[Entry, ...]:
    """The backends that a list names.

    Parameters
    ----------
    backends : str, ADType, Entry, or iterable of these
        "installed" stands for every backend whose engine can be used here; a string may name several,
        separated by commas.

    Raises
    ------
    UnknownBackendError
        If no plugin answers to a name, or none is named.

    Examples
    --------
    >>> from diffinterface.testing import entries
    >>> [entry.id for entry in entries("forwarddiff, finitediff:richardson")]
    ['forwarddiff', 'finitediff:richardson']
    """
    if isinstance(backends, str):
        names = [part.strip() for part in re.split(r",(?![^()\[\]]*[)\]])", backends)]
        found = [e for name in names if name for e in _named(name)]
    elif isinstance(backends, Iterable):
        found = [e for backend in backends for e in _several(backend)]
    else:
        found = [entry(backends)]
    if not found:
        raise UnknownBackendError(f"No backend is named by {backends!r}.", got=backends)
    return tuple({e.id: e for e in found}.values())


def _several(backend: Any) -> Iterable[Entry]:
    return _named(backend) if isinstance(backend, str) else [entry(backend)]


def _named(name: str) -> list[Entry]:
    if name == "installed":
        return [entry(known) for known in known_backends() if _usable(known)]
    return [entry(name)]


def _usable(name: str) -> bool:
    """A plugin that is broken leaves itself out, and says so."""
    try:
        return check_available(name)
    except UnknownBackendError as error:
        _log.warning("left out: %s", error)
        return False


#: What the engines that come with the library declare.
EXPECTED_FAILURES: tuple[Unsupported, ...] = tuple(
    row for kind in SHIPPED for row in kind.expected_failures
)


def why_not(
    backend: Entry, scenario: Scenario, table: Iterable[Unsupported] | None = None
) -> Unsupported | None:
    """The row that covers a cell, or None if the cell must work; by default, of those declared."""
    rows = _declared(backend.adtype) if table is None else table
    return next((row for row in rows if row.covers(backend, scenario)), None)


def _declared(adtype: ADType) -> Iterator[Unsupported]:
    """What an engine, or the members of a composite, declare."""
    yield from adtype.expected_failures
    for value in vars(adtype).values():
        if isinstance(value, ADType):
            yield from _declared(value)
