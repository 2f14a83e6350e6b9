"""Entry points: what installed distributions declare, and one clear error where one is broken.

Four groups make a plugin. ``diffinterface.backends`` maps a name ("jax") to a `Backend` subclass,
``diffinterface.frameworks`` maps the top-level module of an array type ("torch") to a `Framework`
instance, and ``diffinterface.hosts`` maps the name of a framework to what takes a `Bridge` in where its
arrays are traced; ``diffinterface.detectors`` maps it to what finds sparsity patterns of its functions.
The adapters that ship with the library use nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias, final

from ..errors import BackendNotInstalledError, UnknownBackendError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_OURS = "diffinterface"
#: Modules whose arrays and numbers are the core's own: no plugin speaks for them.
_CORE = {"frameworks": ("numpy", "builtins")}


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
    """The entry points of one group by name; a name of an engine that ships is never another's.

    A claim to such a name is refused with a warning of the logger ``diffinterface.plugins``, so that
    all else works on.
    """
    from importlib.metadata import entry_points

    found: dict[str, Entry] = {}
    for entry in entry_points(group=f"{_OURS}.{group}"):
        if entry.name in _CORE.get(group, ()):
            _refuse(entry, group)
            continue
        known = found.get(entry.name)
        if known is None or (not isinstance(known, Conflict) and known.value == entry.value):
            found[entry.name] = entry
        elif _OURS not in (distribution(known), distribution(entry)):
            found[entry.name] = known if isinstance(known, Conflict) else Conflict(known, entry)
        elif distribution(entry) == _OURS:
            _refuse(known, group)
            found[entry.name] = entry
        else:
            _refuse(entry, group)
    return found


def _refuse(entry: Entry, group: str) -> None:
    import logging

    logging.getLogger("diffinterface.plugins").warning(
        "The distribution %s declares %r in the group diffinterface.%s, which is diffinterface's own; "
        "it is ignored.",
        distribution(entry),
        entry.name,
        group,
    )


def claimed(name: str, entry: Entry) -> str | None:
    """The distribution, other than that of `entry`, in which `name` already means something."""
    for group in ("backends", "frameworks", "hosts"):
        other = entries(group).get(name)
        if other is not None and distribution(other) != distribution(entry):
            return distribution(other)
    return None


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
        advice = (
            f"Install it with: {command}"
            if command
            else f"The distribution {distribution(entry)} does not declare which package holds it"
        )
        raise BackendNotInstalledError(
            f"{what} needs a package that is not installed ({error}). {advice}",
            backend=entry.name,
            command=command,
        ) from error
    except (Exception, SystemExit) as error:  # whatever a broken plugin raises, say whose it is
        raise broken(entry, what, f"{type(error).__name__}: {error}") from error


def broken(entry: Entry, what: str, why: str) -> UnknownBackendError:
    """The error of a plugin that its author has to repair."""
    return UnknownBackendError(
        f"{what} of the distribution {distribution(entry)} cannot be used: {why}.", got=entry.name
    )


def install_command(entry: Entry, missing: str) -> str:
    """The command that installs what an entry point needs; empty where no known package is named so.

    A module is not always called as the package that holds it: only what the distribution of the entry
    point declares, as an extra of ours or as a requirement, is known to exist.
    """
    from importlib.metadata import metadata

    owner, dist = distribution(entry), getattr(entry, "dist", None)
    if owner == _OURS or dist is None:
        if entry.name in (metadata(_OURS).get_all("Provides-Extra") or ()):
            return f"pip install 'diffinterface[{entry.name}]'"
        return "pip install diffinterface" if owner == _OURS else ""
    wanted = _normal(missing.partition(".")[0])
    declared = (re.split(r"[^\w.-]", text.strip(), maxsplit=1)[0] for text in dist.requires or ())
    return next((f"pip install {name}" for name in declared if _normal(name) == wanted), "")


def _normal(name: str) -> str:
    """Names of packages that differ in this only are one."""
    return re.sub(r"[-_.]+", "-", name).lower()
