"""Forward or reverse: what each costs, which is taken, and what `diffinterface.explain` tells of it.

A backend states `Costs`, by which `prefers_forward` chooses the mode of a Jacobian. A prep may tell
which levels it pushes and pulls: ``Prep(run, levels=tell)``, where ``tell(setting)`` gives `Levels`,
each a `Level`, for a `Setting`. `jacobian_levels` and `two_pullbacks` are the common ones; `untold`
leaves them to the operator's usual mode.
"""

from ..engine.cost import Costs
from ..engine.modes import dense as jacobian_levels
from ..engine.modes import prefers_forward, two_pullbacks
from ..engine.prep import Level, Levels, Setting, Tell, untold

__all__ = [
    "Costs",
    "Level",
    "Levels",
    "Setting",
    "Tell",
    "jacobian_levels",
    "prefers_forward",
    "two_pullbacks",
    "untold",
]
