"""From a declaration to the backend that does the work: plugins, found and loaded lazily."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..declare import plugins, strings
from ..declare.adtypes import RESOLVED, ADType
from ..declare.config import as_adtype
from ..errors import BackendNotInstalledError, UnknownBackendError
from .contract import AbstractBackend

#: Declarations made of others, and who composes their engines: "module:class", loaded at first use.
COMPOSITES = {
    "second_order": "diffinterface.compose.second_order:SecondOrderBackend",
    "mixed_mode": "diffinterface.compose.mixed_mode:MixedModeBackend",
    "none": "diffinterface.compose.member:NoBackend",
    "sparse": "diffinterface.sparse.backend:SparseBackend",
    "forward_from_primitive": "diffinterface.testing.primitives:ForwardFromPrimitiveBackend",
    "reverse_from_primitive": "diffinterface.testing.primitives:ReverseFromPrimitiveBackend",
}


def _load(name: str) -> type[AbstractBackend]:
    kind = _composite(name) if name in COMPOSITES else strings.plugin(name)
    if not issubclass(kind, AbstractBackend):
        entry = plugins.entries("backends")[name]
        raise plugins.broken(entry, f"Backend {name!r}", f"{kind!r} is no subclass of Backend")
    return kind


def _composite(name: str) -> Any:
    module, _, attribute = COMPOSITES[name].partition(":")
    return getattr(import_module(module), attribute)


def why_missing(adtype: ADType) -> tuple[str, str]:
    """The command that installs an engine, if one is known, and the error that it repairs."""
    try:
        resolve(adtype)
    except BackendNotInstalledError as error:
        return str(error.command), str(error)
    return "", ""


#: The backends of declarations that hold literals alone; equal ones share an instance.
_shared: dict[ADType, AbstractBackend] = {}
_MOST_SHARED = 256
_LITERALS = (str, bytes, int, float, complex, type(None))


def resolve(adtype: ADType) -> AbstractBackend:
    """The backend that a declaration names, made once.

    What a declaration of the caller's objects (detectors, plans, executors, callbacks) resolves to stays
    with that declaration, and goes with it: a cache of ours would keep all of them alive.
    """
    found = _shared.get(adtype)
    if found is None:
        found = adtype.__dict__.get(RESOLVED)
    if found is None:
        found = _make(adtype)
        if not _is_literal(adtype):
            return vars(adtype).setdefault(RESOLVED, found)
        if len(_shared) >= _MOST_SHARED:
            _shared.clear()
        _shared[adtype] = found
    return found


def forget() -> None:
    """Resolve anew: for tests, which change what is installed."""
    _shared.clear()


def _is_literal(value: Any) -> bool:
    if isinstance(value, ADType):
        return all(map(_is_literal, vars(value).values()))
    return isinstance(value, _LITERALS)


def _make(adtype: ADType) -> AbstractBackend:
    kind = _load(adtype.name)
    if not isinstance(adtype, kind.adtype_class):
        raise UnknownBackendError(
            f"{adtype!r} calls itself {adtype.name!r}, but that backend takes "
            f"{kind.adtype_class.__name__}; give your ADType a name of its own.",
            got=adtype,
            expected=kind.adtype_class,
        )
    if adtype.name in COMPOSITES:  # an error of a member names the member
        return kind.of(adtype)
    entry = plugins.entries("backends")[adtype.name]
    backend: AbstractBackend = plugins.construct(
        lambda: kind.of(adtype), entry, f"Backend {adtype.name!r}"
    )
    return backend


def check_available(backend: ADType | str) -> bool:
    """Whether the engine of a backend can be used here.

    Parameters
    ----------
    backend : ADType or str
        A declaration, or its string.

    Returns
    -------
    bool
        True if every engine that it names is installed.

    Raises
    ------
    UnknownBackendError
        If no installed plugin answers to the name.

    Examples
    --------
    >>> import diffinterface as di
    >>> di.check_available("forwarddiff")
    True
    """
    try:
        resolve(as_adtype(backend))
    except BackendNotInstalledError:
        return False
    return True
