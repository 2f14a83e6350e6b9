"""Every error the library raises: one base, and for each the builtin that fits.

A message says what was got, what was expected, and what to write instead. The same facts are
attributes, so that a program can act on them.
"""

from __future__ import annotations

import pickle
from typing import Any

__all__ = [
    "BackendNotInstalledError",
    "DiffInterfaceError",
    "InputError",
    "NestedDifferentiationError",
    "NonAnalyticError",
    "NonScalarOutputError",
    "OutputError",
    "PrecisionWarning",
    "PreparationMismatchError",
    "ShapeError",
    "UnknownBackendError",
    "UnsupportedOperatorError",
]


class DiffInterfaceError(Exception):
    """Base of every error and of nothing else: ``except DiffInterfaceError`` catches them all."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.__dict__.update(facts)

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker process must be able to send the message, whatever the facts are.
        facts = {name: fact for name, fact in self.__dict__.items() if _pickles(fact)}
        return _again, (type(self), self.args, facts)

    def __getattr__(self, name: str) -> Any:
        # Only reached for a fact this error was not given; typed so that ``error.leaf`` checks.
        raise AttributeError(f"{type(self).__name__} carries no {name!r}")


def _again(kind: type[DiffInterfaceError], args: tuple[Any, ...], facts: dict[str, Any]) -> Any:
    """An error with the message that it had: a subclass may write its own from other arguments."""
    error = kind.__new__(kind, *args)
    DiffInterfaceError.__init__(error, *args)
    error.__dict__.update(facts)
    return error


def _pickles(fact: object) -> bool:
    try:
        pickle.dumps(fact)
    except Exception:  # whatever a class raises that does not want to travel
        return False
    return True


class BackendNotInstalledError(DiffInterfaceError, ImportError):
    """The engine behind a backend cannot be imported; `command` installs it."""


class UnknownBackendError(DiffInterfaceError, ValueError):
    """A backend name or object that no installed plugin answers to; `known` lists those that do."""


class UnsupportedOperatorError(DiffInterfaceError, TypeError):
    """This backend cannot compute this operator on this input; `backend` and `operator` say which."""


class InputError(DiffInterfaceError, TypeError):
    """The point, a tangent or a context is of a kind that cannot be differentiated or used."""


class ShapeError(DiffInterfaceError, ValueError):
    """A shape is not the one expected; `got` and `expected` hold both."""


class OutputError(DiffInterfaceError, TypeError):
    """The function returned something that is not an array, a number or a tree of them."""


class NonScalarOutputError(OutputError, ValueError):
    """A scalar-valued function was expected, and its value is not one; `got` is its shape."""


class PreparationMismatchError(DiffInterfaceError, ValueError):
    """A prepared call met other arguments than it was prepared for; `differences` lists them."""


class NonAnalyticError(DiffInterfaceError, ValueError):
    """A function that is not complex-analytic met an operator that needs it to be."""


class NestedDifferentiationError(DiffInterfaceError, RuntimeError):
    """Two engines meet in a way that would lose a derivative; `outer` and `inner` name them."""


class PrecisionWarning(UserWarning):
    """Finite differences met a function that looks less precise or less smooth than its dtype."""
