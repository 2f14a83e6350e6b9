"""Arrays of one's own that stand for the caller's inside f, as dual numbers do.

A class derived from `Overloaded` receives NumPy's functions by name and answers from a table of rules;
one derived from `Leveled` knows, besides, which derivative it is part of: `new_level` numbers each
derivative as it starts, and `innermost` finds the operand that answers. `OverloadedNamespace` is the
array-API namespace of such arrays, and `direct_operators` shortens the way of ``+ - * / **``.

A function is known by the name that NumPy gives it: `function_name` reads it, `ALIASES` leads there from
the other names, `STANDARD_NAMES` from there to that of the array-API standard, and `bind_required` puts
the arguments that a function requires at their positions.
"""

from ..arrays.direct import direct_operators
from ..arrays.names import ALIASES, function_name
from ..arrays.names import STANDARD as STANDARD_NAMES
from ..arrays.names import bound as bind_required
from ..arrays.overloaded import Namespace as OverloadedNamespace
from ..arrays.overloaded import Overloaded, is_numpy_scalar
from ..arrays.perturbations import Leveled, innermost, new_level

__all__ = [
    "ALIASES",
    "STANDARD_NAMES",
    "Leveled",
    "Overloaded",
    "OverloadedNamespace",
    "bind_required",
    "direct_operators",
    "function_name",
    "innermost",
    "is_numpy_scalar",
    "new_level",
]
