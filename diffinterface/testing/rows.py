"""One backend at one scenario, measured; and how that has changed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import DiffInterfaceError


@dataclass(frozen=True)
class Row:
    """One backend at one scenario.

    Attributes
    ----------
    backend, operator, scenario : str
        Which.
    size : int
        Entries of x.
    prepare_seconds : float
        The preparation with the first call, which compiles in a compiling engine.
    seconds, spread : float
        Median of a prepared call, and its interquartile range.
    calls : int
        Evaluations of f in one prepared call; 0 where f is compiled in.
    peak_bytes : int
        See `peak_memory`.
    deviation : float
        From the reference, relative to its largest entry, where that was measured.
    error : str
        Why there are no figures: the engine raised, or its result is wrong.
    """

    backend: str
    operator: str
    scenario: str
    size: int
    prepare_seconds: float = math.nan
    seconds: float = math.nan
    spread: float = math.nan
    calls: int = -1
    peak_bytes: int = -1
    deviation: float = math.nan
    error: str = ""

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What must be equal for two rows to be compared."""
        return self.backend, self.operator, self.scenario, self.size


@dataclass(frozen=True)
class Change:
    """One row of two benchmarks.

    Attributes
    ----------
    old, new : Row
        The same backend, operator, scenario and size.
    """

    old: Row
    new: Row

    @property
    def ratio(self) -> float:
        """New time over old time."""
        return self.new.seconds / self.old.seconds if self.old.seconds else math.nan

    @property
    def significant(self) -> bool:
        """Whether the change is larger than both spreads together."""
        return abs(self.new.seconds - self.old.seconds) > self.old.spread + self.new.spread

    def __str__(self) -> str:
        note = "" if self.significant else " (within the spread)"
        return f"{self.new.backend} {self.new.scenario}: {self.ratio:.2f}x{note}"


def missing(package: str, extra: str) -> DiffInterfaceError:
    """The error where an optional package is not installed."""
    return DiffInterfaceError(
        f"This needs {package}: pip install {package!r}, or pip install 'diffinterface[{extra}]'.",
        package=package,
    )
