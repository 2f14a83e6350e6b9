"""Passes: the evaluations of f that one call of an operator makes.

An engine evaluates f as often as it needs to, but whatever f advances must advance once a call: every
pass begins where the first one did.
"""

from __future__ import annotations

from threading import local
from typing import TYPE_CHECKING, Any, Protocol

from .prep import Prep

if TYPE_CHECKING:
    from .functions import Function


class Advancing(Protocol):
    """What advances when f is evaluated."""

    def read(self) -> Any:
        """What it is now."""

    def write(self, state: Any) -> None:
        """Make it what it was when `state` was read."""


States = dict[Advancing, Any]


class _Thread(local):
    def __init__(self) -> None:
        self.stack: list[Function] = []


thread = _Thread()


def running() -> list[Function]:
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


def prepared(prep: Prep, states: States) -> Prep:
    """A plan each of whose runs is one call, after a preparation that counts for none."""

    def one_call(run: Any) -> Any:
        def call(*args: Any) -> Any:
            if states:
                states.clear()
            return run(*args)

        return call

    rewind(states)
    states.clear()
    details, lone = prep.details, prep.lone and one_call(prep.lone)
    return Prep(
        one_call(prep.run), one_call(prep.result), fresh=prep.fresh, lone=lone, details=details
    )
