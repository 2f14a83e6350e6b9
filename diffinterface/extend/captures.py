"""What f reaches beside its arguments, for engines whose results depend on it.

`Captured` remembers what functions captured, and tells what has been rebound since; `global_names` and
`instructions` read a function's code. `running` lists the functions that engines are evaluating in this
thread.
"""

from ..engine.capture import Captured, global_names, instructions
from ..evaluations import running

__all__ = ["Captured", "global_names", "instructions", "running"]
