"""Configuration: the backend that None means, per call, per block, per process, per environment.

Precedence: the argument, `config_context`, `set_config`, ``DIFFINTERFACE_BACKEND``, and last
``AutoForwardDiff()``, which needs only the base install.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from typing import Any, TypedDict, Unpack

from ..errors import DiffInterfaceError, InputError, UnknownBackendError
from .adtypes import ADType, AutoForwardDiff
from .strings import parse

_ENVIRONMENT = "DIFFINTERFACE_BACKEND"
_SWITCH = "DIFFINTERFACE_NESTED_SWITCHING"
_WORDS = {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}


@dataclass(frozen=True)
class Config:
    """The settings in force.

    Attributes
    ----------
    backend : ADType
        What ``backend=None`` means.
    nested_switching : bool
        Whether a call inside another engine's derivative may go through the bridge.
    """

    backend: ADType
    nested_switching: bool = True


class Settings(TypedDict, total=False):
    """What `set_config` and `config_context` take."""

    backend: ADType | str | None
    nested_switching: bool | None


_process: dict[str, Any] = {}
_context: ContextVar[dict[str, Any] | None] = ContextVar("diffinterface_config", default=None)


def as_adtype(backend: Any) -> ADType:
    """An `ADType` from what a caller may write for a backend: one itself, a string, or None."""
    if backend is None:
        backend = setting("backend")
    adtype = parse(backend) if isinstance(backend, str) else backend
    if not isinstance(adtype, ADType):
        from .hints import of_backend

        hint = of_backend(backend)
        raise UnknownBackendError(
            f"Backend must be an ADType, a string or None, got {backend!r}{hint}.", got=backend
        )
    try:
        hash(adtype)
    except TypeError as error:
        raise UnknownBackendError(
            f"{type(adtype).__name__} cannot be hashed ({error}); a declaration is a frozen dataclass "
            "of hashable values.",
            got=type(adtype),
        ) from error
    return adtype


def _checked(settings: Any) -> dict[str, Any]:
    names = [field.name for field in fields(Config)]
    for name in settings:
        if name not in names:
            raise InputError(f"Unknown setting {name!r}; known are {', '.join(names)}.", got=name)
    if "backend" in settings and settings["backend"] is not None:
        settings = {**settings, "backend": as_adtype(settings["backend"])}
    if not isinstance(settings.get("nested_switching"), bool | None):
        got = settings["nested_switching"]
        raise InputError(f"nested_switching={got!r}, expected True, False or None.", got=got)
    return settings


def set_config(**settings: Unpack[Settings]) -> None:
    """Set the configuration of the whole process; a setting of None goes back to its default.

    Parameters
    ----------
    backend : ADType or str or None
        What ``backend=None`` means in every operator.
    nested_switching : bool or None
        Whether a call inside another engine's derivative may go through the bridge.

    Raises
    ------
    InputError
        If a setting is unknown.
    UnknownBackendError
        If the backend is.

    Examples
    --------
    >>> import diffinterface as di
    >>> di.set_config(backend="forwarddiff(chunk_size=16)")
    >>> di.get_config().backend
    AutoForwardDiff(chunk_size=16)
    >>> di.set_config(backend=None)
    """
    for name, value in _checked(settings).items():
        if value is None:
            _process.pop(name, None)
        else:
            _process[name] = value


@contextmanager
def config_context(**settings: Unpack[Settings]) -> Iterator[None]:
    """The configuration within a ``with`` block, for this thread or asynchronous task only.

    Parameters
    ----------
    backend : ADType or str
        What ``backend=None`` means in every operator.
    nested_switching : bool
        Whether a call inside another engine's derivative may go through the bridge.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> with di.config_context(backend="finitediff"):
    ...     print(di.get_config().backend.scheme)
    central
    """
    kept = {name: value for name, value in _checked(settings).items() if value is not None}
    token = _context.set({**(_context.get() or {}), **kept})
    try:
        yield
    finally:
        _context.reset(token)


def _from_environment() -> ADType:
    text = os.environ.get(_ENVIRONMENT)
    try:
        return parse(text) if text else AutoForwardDiff()
    except DiffInterfaceError as error:
        raise UnknownBackendError(f"{_ENVIRONMENT}: {error}", got=text) from error


def _switch_from_environment() -> bool:
    text = os.environ.get(_SWITCH, "1").strip().lower()
    if text not in _WORDS:
        raise InputError(
            f"{_SWITCH}={text!r}, expected one of {', '.join(_WORDS)}.", got=text, expected=_WORDS
        )
    return _WORDS[text]


def chosen(name: str) -> Any:
    """One setting of a context or of the process; None where the environment decides, or the default."""
    settings = _context.get()
    if settings is not None and name in settings:
        return settings[name]
    return _process.get(name)


def setting(name: str) -> Any:
    """One setting in force here."""
    value = chosen(name)
    if value is not None:
        return value
    return _from_environment() if name == "backend" else _switch_from_environment()


def get_config() -> Config:
    """The configuration in force here.

    Examples
    --------
    >>> import diffinterface as di
    >>> di.get_config()
    Config(backend=AutoForwardDiff(), nested_switching=True)
    """
    return Config(*[setting(field.name) for field in fields(Config)])
