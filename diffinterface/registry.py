"""From a declaration to the backend that does the work: entry points, found and loaded lazily.

Two entry-point groups make a plugin. ``diffinterface.backends`` maps a name ("jax") to a `Backend`
subclass, ``diffinterface.frameworks`` maps the top-level module of an array type ("torch") to a
`Framework` instance. The adapters that ship with the library use nothing else.
"""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import fields
from functools import cache, lru_cache
from importlib.metadata import EntryPoint, entry_points

from . import adtypes
from .adtypes import ADType, MixedMode, NoAutoDiff, SecondOrder
from .arrays import Framework
from .backend import Backend
from .errors import BackendNotInstalledError, UnknownBackendError

_BUILTIN: dict[str, type[ADType]] = {
    kind.name: kind
    for kind in vars(adtypes).values()
    if isinstance(kind, type) and issubclass(kind, ADType) and kind.name
}
_COMPOSITE = (SecondOrder, MixedMode, NoAutoDiff)


@cache
def _entries(group: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=f"diffinterface.{group}")}


def known_backends() -> list[str]:
    """Names of the backends that an installed distribution declares, importable or not."""
    return sorted(_entries("backends"))


def find_framework(module: str) -> Framework | None:
    """The framework whose array types live under the top-level module `module`, if any."""
    entry = _entries("frameworks").get(module)
    if entry is None:
        return None
    framework: Framework = entry.load()
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
    if name in _BUILTIN and not issubclass(_BUILTIN[name], SecondOrder | MixedMode):
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
    try:
        kind: type[Backend] = entry.load()
    except ImportError as error:
        raise BackendNotInstalledError(
            f"Backend {name!r} needs a package that is not installed ({error}). "
            f"Install it with: {install_command(name)}",
            backend=name,
            command=install_command(name),
        ) from error
    return kind


def install_command(name: str) -> str:
    """The command that installs the engine behind the backend `name`."""
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
    return kind(adtype)


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


def importable(module: str) -> bool:
    """Whether a top-level module can be found, without importing it."""
    return importlib.util.find_spec(module) is not None
