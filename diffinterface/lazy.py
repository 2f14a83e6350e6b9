"""Names of a package that load when they are asked for, so that an import costs what it is used for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def later(package: str, table: Mapping[str, Iterable[str]]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package.

    Python calls it for a name that the package does not have, and finds it there from then on.

    Parameters
    ----------
    package : str
        The package, by its ``__name__``.
    table : mapping of str to iterable of str
        Its modules, with the names that each defines; of modules with the same name, the last.
    """
    homes = {name: module for module, names in table.items() for name in names}

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{homes[name]}"), name)
        setattr(import_module(package), name, value)
        return value

    return load
