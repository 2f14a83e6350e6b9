"""What a Jacobian costs by columns and by rows: one model, whose figures each engine states.

A Jacobian of f from n to m entries takes n columns in forward mode, or m rows in reverse mode, and each
of them reads and writes some n + m entries. So, in entries of reverse mode::

    forward:  base + overhead + column * n * (n + m)
    reverse:  base +                     m * (n + m)

A pushforward needs one column, a gradient one row; no rule is needed there but `Costs.doubles`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Costs:
    """What an engine's forward mode costs, measured against its reverse mode.

    Attributes
    ----------
    column : float
        The time of one column over that of one row.
    base : float
        What either mode takes once, in entries of a row: f itself, and the dispatch of operations. It
        settles no choice, only how much there is to gain.
    overhead : float
        What forward mode takes once more.
    doubles : int
        Up to how many entries of x two pullbacks, the second of the first in its seed, make a
        pushforward faster than forward mode does. Inside another derivative they do at any size.
    """

    column: float = 1.0
    base: float = 0.0
    overhead: float = 0.0
    doubles: int = 0

    def forward(self, n: int, m: int, samples: int = 1) -> float:
        """Cost of a Jacobian by columns; a sample's, if n and m hold so many samples."""
        return self.base + self.overhead + self.column * n * (n + m) / samples

    def reverse(self, n: int, m: int, samples: int = 1) -> float:
        """Cost of the same by rows."""
        return self.base + m * (n + m) / samples


#: An engine whose columns and rows cost the same; ties go to columns, which keep no record.
EVEN: Final = Costs()
