"""numba, needed only where a kernel really runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar

from ...errors import BackendNotInstalledError

_Kernel = TypeVar("_Kernel", bound=Callable[..., Any])


def missing(what: str, package: str) -> BackendNotInstalledError:
    """The error of a sparse feature without its package."""
    command = "pip install 'diffinterface[sparse]'"
    return BackendNotInstalledError(
        f"{what} needs {package}, which is not installed. Install it with: {command}",
        package=package,
        command=command,
    )


def kernel(function: _Kernel) -> _Kernel:
    """Compile a function with numba, caching the machine code on disk where a folder can be written.

    Compiled code runs without the GIL. Without numba the function raises when it is called, so that
    the module which defines it can still be imported.

    Parameters
    ----------
    function : callable
        Of arrays and numbers, in the subset of Python that numba compiles.

    Returns
    -------
    callable
        The compiled function; it raises `BackendNotInstalledError` if numba is not installed.
    """
    try:
        numba: Any = import_module("numba")
    except ImportError:

        @wraps(function)
        def refuse(*args: Any) -> Any:
            raise missing("Matrix coloring", "numba")

        return refuse  # type: ignore[return-value]
    try:
        return numba.njit(function, cache=True, nogil=True)
    except RuntimeError:  # no folder to cache in: neither beside this file nor in the user's home
        return numba.njit(function, nogil=True)
