"""Passes: the evaluations of f that one call of an operator makes.

An engine evaluates f as often as it needs to, but whatever f advances must advance once a call: every
pass begins where the first one did.
"""

from __future__ import annotations

from threading import local
from typing import Any, Protocol


class Advancing(Protocol):
    """What advances when f is evaluated."""

    def read(self) -> Any:
        """What it is now."""

    def write(self, state: Any) -> None:
        """Make it what it was when `state` was read."""


States = dict[Advancing, Any]


class Evaluated(Protocol):
    """A function that an engine is evaluating."""

    states: States
    reuse: bool

    @property
    def backend(self) -> Any:
        """The engine that evaluates it."""


class _Thread(local):
    def __init__(self) -> None:
        self.stack: list[Evaluated] = []


thread = _Thread()


def running() -> list[Evaluated]:
    """The functions that engines are evaluating in this thread, the outermost first."""
    return thread.stack


def advancing(what: Advancing) -> None:
    """Announce that the pass now running is about to advance `what`."""
    for fn in thread.stack:
        if what not in fn.states:
            fn.states[what] = what.read()


def rewind(states: States) -> None:
    """Go back to where the call began."""
    for what, state in states.items():
        what.write(state)


def name_of(f: Any) -> str:
    """What to call a function: never by its place in memory."""
    name = getattr(f, "__name__", None) or getattr(getattr(f, "func", None), "__name__", None)
    return name if isinstance(name, str) else type(f).__name__
