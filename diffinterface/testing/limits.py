"""A limit of time on a check: it is named as it begins, and told and stopped where it does not end.

In the main thread, on systems with POSIX signals, the check is interrupted: between two bytecodes of
Python, and out of waiting for a lock or for input. Compiled code that does not return to Python cannot
be, nor can a check in another thread, or on Windows: a line on standard error tells of these. The error
names the threads that a stopped check left running: nothing runs on in silence.
"""

from __future__ import annotations

import logging
import math
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, final

from ..errors import DiffInterfaceError

_log = logging.getLogger("diffinterface.testing")

#: Seconds for one check of one cell, unless told otherwise: no check that ends takes a tenth of it.
LIMIT = 600.0
_GRACE = 2.0  # seconds in which an interrupted check should have ended


class TimeLimitError(DiffInterfaceError, TimeoutError):
    """A check took longer than it may; `what` and `seconds` say which, and how long."""


class _Interrupted(BaseException):
    """Passes through ``except Exception``, as an engine or f may have."""


@contextmanager
def limited(what: str, seconds: float | None = None) -> Iterator[None]:
    """Name a check as it begins, by the logger ``diffinterface.testing``; end it after `seconds`.

    None means `LIMIT`, and infinity no limit.

    Raises
    ------
    TimeLimitError
        Once the check has been stopped.
    """
    _log.info("%s", what)
    seconds = LIMIT if seconds is None else seconds
    if seconds == math.inf:
        yield
        return
    watch = _Watch(what, seconds)
    before = set(threading.enumerate())
    try:
        watch.start()
        yield
        watch.stop()
    except BaseException:
        watch.stop()  # also where the alarm rang in the line above
        if not watch.late:  # else what an engine made of the interruption is no matter
            raise
    if watch.late:
        threads = [
            t.name for t in threading.enumerate() if t not in before and t is not watch.teller
        ]
        told = f"; it left running: {', '.join(threads)}" if threads else ""
        message = f"{what}: stopped after {seconds:g} seconds{told}\n{watch.where}"
        raise TimeLimitError(message, what=what, seconds=seconds) from None


@final
class _Watch:
    """An alarm in the main thread, and a thread that tells of what no alarm reaches."""

    def __init__(self, what: str, seconds: float) -> None:
        self._what, self._seconds = what, seconds
        self._thread = threading.current_thread()
        self._active, self.late, self.where = False, False, ""
        self._alarms = _has_alarms() and self._thread is threading.main_thread()
        self.teller = threading.Timer(seconds + _GRACE * self._alarms, self._tell)
        self.teller.daemon = True
        self._outer: tuple[Any, float, float] | None = None

    def start(self) -> None:
        self._active = True
        self.teller.start()
        if not self._alarms:
            return
        remaining, _ = signal.getitimer(signal.ITIMER_REAL)
        if (
            0 < remaining <= self._seconds
        ):  # another limit, pytest-timeout's say, ends it before ours
            return
        handler = signal.signal(signal.SIGALRM, self._ring)
        self._outer = handler, remaining, time.monotonic()
        # Again and again: the first may be caught by a callback, from which nothing can be raised.
        signal.setitimer(signal.ITIMER_REAL, self._seconds, 0.5)

    def stop(self) -> None:
        self._active = False
        self.teller.cancel()
        if self._outer is None:
            return
        handler, remaining, start = self._outer
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if remaining:
            left = remaining - (time.monotonic() - start)
            signal.setitimer(signal.ITIMER_REAL, max(left, 1e-3))
        self._outer = None

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if not self._active:
            return
        if not self.late:
            self.late = True
            self.where = "".join(traceback.format_stack(frame, limit=8)) if frame else ""
        raise _Interrupted

    def _tell(self) -> None:
        if not self._active:
            return
        frame = sys._current_frames().get(self._thread.ident or 0)
        stack = "".join(traceback.format_stack(frame, limit=8)) if frame else ""
        print(
            f"diffinterface.testing: {self._what} has not ended after {self._seconds:g} seconds, and "
            f"cannot be interrupted; end the process. It is at:\n{stack}",
            file=sys.__stderr__ or sys.stderr,
            flush=True,
        )


def _has_alarms() -> bool:
    return hasattr(signal, "setitimer") and hasattr(signal, "SIGALRM")
