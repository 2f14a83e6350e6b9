"""What a report says about each engine."""

from __future__ import annotations

import re
from dataclasses import dataclass

import diffinterface as di

INSTALLED = [name for name in di.known_backends() if di.check_available(name)]
BASE = ["complexstep", "finitediff", "forwarddiff"]


@dataclass(frozen=True)
class Row:
    """One line of the table: `result` is empty where the engine failed, `error` where it ran."""

    deviation: float = float("nan")
    result: str = ""
    error: str = ""

    @property
    def disagrees(self) -> bool:
        return self.result.startswith("DISAGREES")


_TIME = r"\s+[\d.e+]+ (?:us|ms|s)"
_RAN = re.compile(rf"^(\w+)\s+([\d.e+-]+){_TIME}{_TIME}\s+(.*)$", re.M)
_FAILED = re.compile(r"^(\w+)\s+failed: (.*)$", re.M)


def rows(report: str) -> dict[str, Row]:
    """The engines of a report, in its order."""
    table = report.partition("engine ")[2]
    ran = {name: Row(float(gap), result) for name, gap, result in _RAN.findall(table)}
    return ran | {name: Row(error=error) for name, error in _FAILED.findall(table)}
