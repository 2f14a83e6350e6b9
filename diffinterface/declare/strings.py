"""Backends as strings: known names, and declarations from ``"torch(mode='forward')"``."""

from __future__ import annotations

import ast
import re
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

from ..errors import UnknownBackendError
from . import adtypes, plugins
from .adtypes import ADType, AutoSparse, MixedMode, SecondOrder

_BUILTIN: dict[str, type[ADType]] = {
    kind.name: kind
    for kind in vars(adtypes).values()
    if isinstance(kind, type) and issubclass(kind, ADType) and kind.name
}
#: The classes of declarations that come with the library, in their order.
SHIPPED = tuple(_BUILTIN.values())
_OF_MEMBERS = (SecondOrder, MixedMode, AutoSparse)
_SHORT = re.compile(r"\s*(\w+):(\w+)\s*")


def known_backends() -> list[str]:
    """Names of the backends that an installed distribution declares, importable or not."""
    return sorted(plugins.entries("backends"))


@lru_cache(maxsize=256)
def parse(text: str) -> ADType:
    """An `ADType` from its string: ``"jax"``, ``"torch(mode='forward')"``, or short ``"torch:forward"``.

    Arguments are keyword literals; nothing is evaluated.
    """
    short = _SHORT.fullmatch(text)
    if short:
        return _with_word(*short.groups())
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
            "with options such as \"torch(mode='forward')\", in short 'torch:forward'.",
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


def _with_word(name: str, word: str) -> ADType:
    """The declaration whose option that takes a word, a mode or a scheme, is `word`."""
    adtype = parse(name)
    for option in fields(adtype):
        if isinstance(option.default, str):
            return replace(adtype, **{option.name: word})
    raise UnknownBackendError(f"Backend {name!r} has no modes, got '{name}:{word}'.", got=word)


def _adtype_class(name: str) -> type[ADType]:
    if name in _BUILTIN and not issubclass(_BUILTIN[name], _OF_MEMBERS):
        return _BUILTIN[name]
    for kind in _BUILTIN.values():
        if kind.__name__ == name:
            return kind
    declared: type[ADType] = plugin(name).adtype_class
    return declared


def plugin(name: str) -> Any:
    """What an installed distribution gives for the backend `name`: a class with an `adtype_class`.

    Raises
    ------
    UnknownBackendError
        If none declares the name, or what it declares is no backend.
    BackendNotInstalledError
        If a package that it imports is missing.
    """
    entry = plugins.entries("backends").get(name)
    if entry is None:
        from .hints import of_backend_name

        known = known_backends()
        hint = of_backend_name(name, known) or "."
        raise UnknownBackendError(
            f"Unknown backend {name!r}; known are {', '.join(known)}{hint} A plugin makes itself "
            "known by an entry point in the group 'diffinterface.backends'.",
            got=name,
            known=known,
        )
    what = f"Backend {name!r}"
    kind: Any = plugins.load(entry, what)
    if not isinstance(kind, type):
        raise plugins.broken(entry, what, f"{kind!r} is no subclass of Backend")
    adtype = getattr(kind, "adtype_class", None)
    if adtype is None or adtype.name != name:
        got = "no adtype_class" if adtype is None else f"an adtype_class named {adtype.name!r}"
        raise plugins.broken(entry, what, f"{kind.__name__} has {got}, expected {name!r}")
    return kind
