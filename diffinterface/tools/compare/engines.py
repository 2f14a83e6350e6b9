"""The engines that declarations know of: installed, missing, or broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...declare.strings import SHIPPED, known_backends, parse
from ...engine.registry import check_available, why_missing
from ...testing.backends import Entry, entry


@dataclass(frozen=True)
class Engine:
    """One declared backend.

    Attributes
    ----------
    name : str
        Its name.
    entry : Entry or None
        To run it with; None where it cannot be run.
    command : str
        What installs it, where a package is missing.
    error : str
        What is wrong with it, where it cannot even be loaded.
    """

    name: str
    entry: Entry | None = None
    command: str = ""
    error: str = ""


def engines() -> list[Engine]:
    """Every backend that an installed distribution declares, the exact ones first."""
    return [_found(name) for name in sorted(known_backends(), key=_rank)]


def _rank(name: str) -> Any:
    """The place of an engine where nothing else orders them: those that ship, the exact ones first."""
    shipped = [kind.name for kind in SHIPPED]
    if name not in shipped:
        return (True,)
    return False, parse(name).tolerances[1], shipped.index(name)


def _found(name: str) -> Engine:
    try:
        adtype = parse(name)
        if not check_available(adtype):
            command, error = why_missing(adtype)
            return Engine(name, command=command, error="" if command else error.rstrip("."))
        return Engine(name, entry(name))
    except Exception as error:  # whatever a broken plugin raises
        return Engine(name, error=line(error))


def line(error: BaseException) -> str:
    """An error as one line."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0].rstrip('.')}" if text else type(error).__name__
