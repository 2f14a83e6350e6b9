"""The one way from a function's name to its derivative: rules in a table, and how they are called.

A rule is ``rule(xp, name, function, args, options, level) -> result``. Rules register under NumPy's
names; the array-API's other names are aliases. Each kind of rule (elementwise, linear, composed, ...)
is one adaptor that turns a line of a table into such a function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .arguments import bound, ready
from .errors import MissingRuleError

Rule = Callable[..., Any]
RULES: dict[str, Rule] = {}

ALIASES = {
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "concat": "concatenate",
    "permute_dims": "transpose",
    "pow": "power",
    "absolute": "abs",
    "fabs": "abs",
    "conj": "conjugate",
    "divide": "true_divide",
    "amax": "max",
    "amin": "min",
    "bitwise_invert": "invert",
    "degrees": "rad2deg",
    "radians": "deg2rad",
    "around": "round",
    "linalg.matmul": "matmul",
    "linalg.tensordot": "tensordot",
    "linalg.outer": "outer",
    "linalg.vecdot": "vecdot",
    "linalg.matrix_transpose": "matrix_transpose",
    "add.reduce": "sum",
    "multiply.reduce": "prod",
    "maximum.reduce": "max",
    "minimum.reduce": "min",
    "add.accumulate": "cumsum",
    "multiply.accumulate": "cumprod",
    "psi": "digamma",
    "_zeta": "zeta",  # the ufunc behind SciPy's function
}
_STANDARD = {
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "concatenate": "concat",
    "power": "pow",
    "true_divide": "divide",
    "conjugate": "conj",
    "cumsum": "cumulative_sum",
    "cumprod": "cumulative_prod",
}

method_names = {
    name: name
    for name in (
        *("sum", "mean", "prod", "max", "min", "std", "var", "dot", "cumsum", "cumprod", "clip"),
        *("squeeze", "diagonal", "trace", "swapaxes", "take", "repeat", "argmax", "argmin"),
        *("argsort", "ravel", "round", "ptp", "nonzero", "any", "all", "searchsorted"),
    )
} | {"conj": "conjugate", "conjugate": "conjugate"}


def rule_name(function: Any) -> str:
    """The name under which NumPy's functions and ufuncs register."""
    module, name = getattr(function, "__module__", None) or "", function.__name__
    name = f"{module[6:]}.{name}" if module in ("numpy.linalg", "numpy.fft") else name
    return ALIASES.get(name, name)


def call(name: str, function: Any, args: Any, options: dict[str, Any]) -> Any:
    """`function` of arguments of which some hold Duals."""
    name = ALIASES.get(name, name)
    rule = RULES.get(name)
    if rule is None:
        rule = _late_rule(name)
    if options and function is not None:
        args, options = bound(function, args, options)
    for arg in args if not options else (*args, *options.values()):
        kind = type(arg)
        if kind is list or kind is tuple or (kind is np.ndarray and arg.dtype.hasobject):
            args, options = ready(name, args, options)
            break
    return rule(name, function, args, options)


def _late_rule(name: str) -> Rule:
    from .rules import special

    special.register()
    if name not in RULES:
        raise MissingRuleError(name)
    return RULES[name]


def base(xp: Any, name: str, function: Any) -> Any:
    """The function `name` on values: NumPy's own, or the namespace's."""
    if xp is np and function is not None:
        return function
    module, _, leaf = name.rpartition(".")
    home = getattr(xp, module) if module else xp
    names = (leaf, _STANDARD.get(leaf, leaf))
    for candidate in names if xp is np else reversed(names):
        found = getattr(home, candidate, None)
        if found is not None:
            return found
    raise MissingRuleError(name, f"is not in the namespace {getattr(xp, '__name__', xp)}")
