"""What engines can do, as they declare it: data, and a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from html import escape
from typing import Any, Literal, final, overload

from ..arrays.framework import NUMPY
from ..declare.adtypes import ADType
from ..declare.config import as_adtype
from ..declare.plugins import entries
from ..declare.strings import known_backends
from ..engine.contract import AbstractBackend
from ..engine.registry import check_available, resolve

#: The floating dtypes that are asked for, by NumPy's names.
DTYPES = ("float16", "float32", "float64", "complex64", "complex128")
_Modes = tuple[Literal["forward", "reverse"], ...]
_EVERY: _Modes = ("forward", "reverse")


@final
@dataclass(frozen=True)
class Capabilities:
    """What one backend declares; printed, a table of one row.

    Attributes
    ----------
    backend : ADType
        Which.
    modes : tuple of {"forward", "reverse"}
        Those that it has, or is held to by its declaration; the operators of the other are derived.
    orders : int or None
        Up to which order its derivatives are of use, by second-order operators too; None means any.
    dtypes : tuple of str
        Of x: the floating dtypes that it differentiates.
    arrays : str
        The framework of the arrays that f meets; "any" means those of the caller.
    host : bool
        Whether derivatives by other engines may stand inside its own.
    guest : {"native", "bridge"}
        How it stands inside another engine's derivative: on that one's arrays, or as one primitive.
    compiles : bool
        Whether what it prepares is compiled, with what f captured.
    in_place : bool
        Whether f may write into arrays; see `inplace`.
    exact : bool
        Whether derivatives are exact to rounding.
    """

    backend: ADType
    modes: _Modes
    orders: int | None
    dtypes: tuple[str, ...]
    arrays: str
    host: bool
    guest: Literal["native", "bridge"]
    compiles: bool
    in_place: bool
    exact: bool

    def __str__(self) -> str:
        return str(CapabilityTable([self]))

    def _repr_html_(self) -> str:
        return CapabilityTable([self])._repr_html_()


@final
class CapabilityTable(tuple[Capabilities, ...]):
    """The `Capabilities` of several backends, which prints as a table, and in notebooks as HTML."""

    __slots__ = ()

    def __str__(self) -> str:
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = (
            "  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)) for row in rows
        )
        return "\n".join(line.rstrip() for line in lines)

    def markdown(self) -> str:
        """The table in Markdown."""
        head, *rows = self._rows()
        rows = [[f"`{name}`", *others] for name, *others in rows]
        lines = (f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])
        return "\n".join(lines) + "\n"

    def _repr_html_(self) -> str:
        head, *rows = ([escape(text) for text in row] for row in self._rows())
        lines = [f"<tr><th>{'</th><th>'.join(head)}</th></tr>"]
        lines += [f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in rows]
        return f"<table>{''.join(lines)}</table>"

    def _rows(self) -> list[list[str]]:
        names = [field.name for field in fields(Capabilities)]
        head = [name.replace("_", " ") for name in names]
        return [head, *([_text(getattr(each, name)) for name in names] for each in self)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return "any" if value is None else str(value)


@overload
def capabilities() -> CapabilityTable: ...
@overload
def capabilities(backend: ADType | str | None) -> Capabilities: ...
def capabilities(backend: Any = "installed") -> Capabilities | CapabilityTable:
    """What a backend can do, as it declares it; without a backend, what every installed one can.

    Parameters
    ----------
    backend : ADType or str or None, optional
        A declaration, its string, or None for the configured backend.

    Returns
    -------
    Capabilities or CapabilityTable
        A frozen dataclass; or of all engines installed here a tuple of them, which prints as a table.

    Raises
    ------
    BackendNotInstalledError
        If its engine is not installed.

    Examples
    --------
    >>> import diffinterface as di
    >>> found = di.capabilities("complexstep")
    >>> found.modes, found.orders, found.dtypes
    (('forward',), 2, ('float32', 'float64'))
    >>> print(found)
    backend            modes    orders  dtypes            arrays  host  guest   compiles  in place  exact
    AutoComplexStep()  forward  2       float32, float64  any     yes   native  no        yes       yes
    """
    if isinstance(backend, str) and backend == "installed":
        return CapabilityTable(
            _declared(as_adtype(name)) for name in known_backends() if check_available(name)
        )
    return _declared(as_adtype(backend))


def _declared(adtype: ADType) -> Capabilities:
    backend = resolve(adtype)
    held = [getattr(adtype, field.name) for field in fields(adtype)]
    members = [_declared(each) for each in held if isinstance(each, ADType)]
    native = backend.framework
    orders = [backend.orders, *(each.orders for each in members)]
    return Capabilities(
        adtype,
        _modes(backend, members),
        min((order for order in orders if order is not None), default=None),
        tuple(d for d in _dtypes(backend) if all(d in each.dtypes for each in members)),
        "any" if native is None else native.name,
        all(each.host for each in members) if members else _hosts(backend),
        "native" if native is None else "bridge",
        backend.compiles,
        (native or NUMPY).mutable and all(each.in_place for each in members),
        backend.exact,
    )


def _modes(backend: AbstractBackend, members: Sequence[Capabilities]) -> _Modes:
    """Of a composite, those of its members: its own answers are theirs."""
    if members:
        has = {mode for each in members for mode in each.modes}
        return tuple(mode for mode in _EVERY if mode in has)
    given = {"forward": backend.has_forward, "reverse": backend.has_reverse}
    only = getattr(backend.adtype, "mode", "auto")
    if backend.orders == 0:
        return ()
    return tuple(mode for mode in _EVERY if given[mode] and only in ("auto", mode))


def _dtypes(backend: AbstractBackend) -> tuple[str, ...]:
    native, known = backend.framework or NUMPY, backend.dtypes
    return tuple(d for d in DTYPES if (known is None or d in known) and native.has_dtype(d))


def _hosts(backend: AbstractBackend) -> bool:
    """Whether f meets plain arrays, or arrays whose framework takes others' derivatives in."""
    names = {backend.adtype.name, *backend.accepts}
    if backend.framework is not None:
        names.add(backend.framework.name)
    return not backend.stops or not names.isdisjoint(entries("hosts"))
