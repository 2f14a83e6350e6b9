"""Entry points: what installed distributions declare, and one clear error where one is broken.

Four groups make a plugin. ``diffinterface.backends`` maps a name ("jax") to a `Backend` subclass,
``diffinterface.frameworks`` maps the top-level module of an array type ("torch") to a `Framework`
instance, and ``diffinterface.hosts`` maps the name of a framework to what takes a `Bridge` in where its
arrays are traced; ``diffinterface.detectors`` maps it to what finds sparsity patterns of its functions.
The adapters that ship with the library use nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias, final

from ..errors import BackendNotInstalledError, UnknownBackendError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_OURS = "diffinterface"


@final
class Conflict:
    """Two distributions that declare one name: neither may win by its place on the path."""

    dist = None

    def __init__(self, *claims: EntryPoint) -> None:
        self.name, self._claims = claims[0].name, claims

    def load(self) -> Any:
        owners = " and ".join(sorted(distribution(claim) for claim in self._claims))
        raise UnknownBackendError(
            f"{self.name!r} is declared by the distributions {owners}; uninstall one of them.",
            got=self.name,
        )


Entry: TypeAlias = "EntryPoint | Conflict"


@cache
def entries(group: str) -> dict[str, Entry]:
    """The entry points of one group by name; a name of an engine that ships is never another's."""
    from importlib.metadata import entry_points

    found: dict[str, Entry] = {}
    for entry in entry_points(group=f"{_OURS}.{group}"):
        known = found.get(entry.name)
        if known is None or (not isinstance(known, Conflict) and known.value == entry.value):
            found[entry.name] = entry
        elif _OURS not in (distribution(known), distribution(entry)):
            found[entry.name] = known if isinstance(known, Conflict) else Conflict(known, entry)
        elif distribution(entry) == _OURS:
            found[entry.name] = entry
    return found


def distribution(entry: Entry) -> str:
    """The name of the distribution that declares an entry point."""
    return getattr(entry.dist, "name", None) or "unknown"


def load(entry: Entry, what: str) -> Any:
    """The object that an entry point names.

    Raises
    ------
    BackendNotInstalledError
        If a package that it imports is missing.
    UnknownBackendError
        If it cannot be loaded for any other reason.
    """
    return construct(entry.load, entry, what)


def construct(make: Callable[[], Any], entry: Entry, what: str) -> Any:
    """What ``make()`` gives, with the same errors."""
    try:
        return make()
    except UnknownBackendError:
        raise
    except ImportError as error:
        missing = error.name or str(error)
        command = install_command(entry, missing)
        raise BackendNotInstalledError(
            f"{what} needs a package that is not installed ({error}). Install it with: {command}",
            backend=entry.name,
            command=command,
        ) from error
    except Exception as error:  # whatever a broken plugin raises, say whose it is
        raise broken(entry, what, f"{type(error).__name__}: {error}") from error


def broken(entry: Entry, what: str, why: str) -> UnknownBackendError:
    """The error of a plugin that its author has to repair."""
    return UnknownBackendError(
        f"{what} of the distribution {distribution(entry)} cannot be used: {why}.", got=entry.name
    )


def install_command(entry: Entry, missing: str) -> str:
    """The command that installs what an entry point needs."""
    if distribution(entry) in (_OURS, "unknown"):
        return f"pip install 'diffinterface[{entry.name}]'"
    return f"pip install {missing.partition('.')[0]}"
