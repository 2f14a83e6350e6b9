"""From a declaration to the backend that does the work: plugins, found and loaded lazily."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

from ..declare import plugins, strings
from ..declare.adtypes import ADType
from ..declare.config import as_adtype
from ..errors import BackendNotInstalledError, UnknownBackendError
from .contract import AbstractBackend

#: Declarations made of others, and who composes their engines: "module:class", loaded at first use.
COMPOSITES = {
    "second_order": "diffinterface.compose.second_order:SecondOrderBackend",
    "mixed_mode": "diffinterface.compose.mixed_mode:MixedModeBackend",
    "none": "diffinterface.compose.member:NoBackend",
    "sparse": "diffinterface.sparse.backend:SparseBackend",
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


@lru_cache(maxsize=256)
def resolve(adtype: ADType) -> AbstractBackend:
    """The backend that a declaration names; one instance for equal declarations."""
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
