"""From a declaration to the backend that does the work: plugins, found and loaded lazily."""

from __future__ import annotations

import ast
from dataclasses import fields
from functools import lru_cache
from typing import Any

from . import adtypes, plugins
from .adtypes import ADType, AutoSparse, MixedMode, NoAutoDiff, SecondOrder
from .arrays import Framework
from .backend import Backend
from .errors import BackendNotInstalledError, UnknownBackendError
from .plugins import entries as _entries

_BUILTIN: dict[str, type[ADType]] = {
    kind.name: kind
    for kind in vars(adtypes).values()
    if isinstance(kind, type) and issubclass(kind, ADType) and kind.name
}
_COMPOSITE = (SecondOrder, MixedMode, AutoSparse, NoAutoDiff)
_OF_MEMBERS = (SecondOrder, MixedMode, AutoSparse)


def known_backends() -> list[str]:
    """Names of the backends that an installed distribution declares, importable or not."""
    return sorted(_entries("backends"))


def find_framework(module: str) -> Framework | None:
    """The framework whose array types live under the top-level module `module`, if any."""
    entry = _entries("frameworks").get(module)
    if entry is None:
        return None
    framework: Framework = plugins.load(entry, f"The framework of {module}'s arrays")
    return framework


@lru_cache(maxsize=256)
def parse(text: str) -> ADType:
    """An `ADType` from its string: ``"jax"``, ``"torch(mode='forward')"``.

    Arguments are keyword literals; nothing is evaluated.
    """
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not isinstance(call, ast.Call):
            call = ast.Call(call, [], [])
        node, options = call.func, {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
        if not isinstance(node, ast.Name) or call.args or len(options) < len(call.keywords):
            raise ValueError
    except (SyntaxError, ValueError):
        raise UnknownBackendError(
            f"Backend string {text!r} cannot be read; expected a name such as 'jax', or a name "
            "with options such as \"torch(mode='forward')\".",
            got=text,
        ) from None
    kind = _adtype_class(node.id)
    try:
        return kind(**options)
    except TypeError as error:
        raise UnknownBackendError(
            f"Backend string {text!r}: {error}; {kind.__name__} takes "
            f"{', '.join(field.name for field in fields(kind)) or 'no options'}.",
            got=text,
        ) from None


def _adtype_class(name: str) -> type[ADType]:
    if name in _BUILTIN and not issubclass(_BUILTIN[name], _OF_MEMBERS):
        return _BUILTIN[name]
    for kind in _BUILTIN.values():
        if kind.__name__ == name:
            return kind
    if name in _entries("backends"):
        return _load(name).adtype_class
    raise _unknown(name)


def _unknown(name: object) -> UnknownBackendError:
    known = known_backends()
    return UnknownBackendError(
        f"Unknown backend {name!r}; known are {', '.join(known)}. A plugin makes itself known by an "
        "entry point in the group 'diffinterface.backends'.",
        got=name,
        known=known,
    )


def _load(name: str) -> type[Backend]:
    entry = _entries("backends").get(name)
    if entry is None:
        raise _unknown(name)
    what = f"Backend {name!r}"
    kind: Any = plugins.load(entry, what)
    if not (isinstance(kind, type) and issubclass(kind, Backend)):
        raise plugins.broken(entry, what, f"{kind!r} is no subclass of Backend")
    adtype = getattr(kind, "adtype_class", None)
    if adtype is None or adtype.name != name:
        got = "no adtype_class" if adtype is None else f"an adtype_class named {adtype.name!r}"
        raise plugins.broken(entry, what, f"{kind.__name__} has {got}, expected {name!r}")
    return kind


def install_command(name: str) -> str:
    """The command that installs the engine behind the backend `name`."""
    try:
        _load(name)
    except BackendNotInstalledError as error:
        return str(error.command)
    return f"pip install 'diffinterface[{name}]'"


@lru_cache(maxsize=256)
def resolve(adtype: ADType) -> Backend:
    """The backend that a declaration names; one instance for equal declarations."""
    if isinstance(adtype, _COMPOSITE):
        from . import composite

        return composite.resolve(adtype)
    kind = _load(adtype.name)
    if not isinstance(adtype, kind.adtype_class):
        raise UnknownBackendError(
            f"{adtype!r} calls itself {adtype.name!r}, but that backend takes "
            f"{kind.adtype_class.__name__}; give your ADType a name of its own.",
            got=adtype,
            expected=kind.adtype_class,
        )
    entry = _entries("backends")[adtype.name]
    backend: Backend = plugins.construct(lambda: kind(adtype), entry, f"Backend {adtype.name!r}")
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
    from .config import as_adtype

    try:
        resolve(as_adtype(backend))
    except BackendNotInstalledError:
        return False
    return True
