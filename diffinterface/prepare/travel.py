"""How f travels to another process, with what was asked of it: pickled, or by value with cloudpickle.

Nothing that an engine made of f travels: it is made again, where it arrives.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from ..arrays.framework import framework_of
from ..errors import InputError


@dataclass(frozen=True)
class _ByValue:
    """A function that pickle finds by no name, as cloudpickle writes it."""

    text: bytes


def packed(f: Callable[..., Any], name: str) -> Any:
    """f, in a form that pickles; `name` is what was asked of it.

    Raises
    ------
    InputError
        If neither pickle nor cloudpickle can write f.
    """
    reason = why_not(f)
    if reason is None and not _only_here(f):
        return f
    try:
        import cloudpickle  # type: ignore[import-not-found, import-untyped, unused-ignore]

        return _ByValue(cloudpickle.dumps(f))
    except ImportError:
        advice = "install cloudpickle, or define f with def at the top of a module"
    except Exception as error:  # whatever something in f raises that does not want to travel
        reason, advice = error, "keep what cannot be pickled out of f: let f make it, or import it"
    if reason is None:
        return f
    raise InputError(
        f"{name} of {getattr(f, '__qualname__', repr(f))} cannot be pickled, because f cannot "
        f"({reason}): {advice}.",
        got=f,
    ) from None


def unpacked(part: Any) -> Any:
    """What `packed` was given."""
    return pickle.loads(part.text) if isinstance(part, _ByValue) else part


def why_not(part: Any) -> Exception | None:
    """What pickle raises at `part`, or None. Arrays, which are large, are taken to pickle."""
    try:
        _Probe(io.BytesIO(), pickle.HIGHEST_PROTOCOL).dump(part)
    except Exception as error:  # whatever a class raises that does not want to travel
        return error
    return None


class _Probe(pickle.Pickler):
    def persistent_id(self, value: Any) -> str | None:
        return None if framework_of(value) is None else ""


def _only_here(f: Any) -> bool:
    """Whether f is of an interactive session, which no other process can import."""
    main = sys.modules.get("__main__")
    return (
        isinstance(f, FunctionType) and f.__module__ == "__main__" and not hasattr(main, "__file__")
    )
