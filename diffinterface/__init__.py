"""One interface to every automatic-differentiation engine."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import extend
from .arrays.namespace import array_namespace
from .arrays.stop import stop_gradient
from .declare.adtypes import (
    ADType,
    AutoAutograd,
    AutoComplexStep,
    AutoFiniteDiff,
    AutoForwardDiff,
    AutoJax,
    AutoSparse,
    AutoTorch,
    MixedMode,
    NoAutoDiff,
    SecondOrder,
)
from .declare.config import Config, config_context, get_config, set_config
from .declare.contexts import Cache, Constant, Static
from .declare.strings import known_backends
from .engine.registry import check_available
from .errors import (
    BackendNotInstalledError,
    DiffInterfaceError,
    InputError,
    NestedDifferentiationError,
    NonAnalyticError,
    NonScalarOutputError,
    OutputError,
    PrecisionWarning,
    PreparationMismatchError,
    ShapeError,
    UnknownBackendError,
    UnsupportedOperatorError,
)
from .nest.with_engine import DifferentiateWith
from .neutral import special, zeros
from .neutral.inplace import inplace
from .neutral.layers import StatefulLayer
from .neutral.zeros import zeros_like_tree
from .operators import *  # noqa: F403 - its __all__ is the table of operators
from .operators import __all__ as _operators

if TYPE_CHECKING:
    from .operators.explain import explain
    from .operators.hutchinson import hutchinson_trace
    from .operators.linear_operator import linear_operator
    from .prepare.explanation import Explanation
    from .tools.autotune import AutotuneError, autotune

__version__ = "0.1.0"

__all__ = [
    "ADType",
    "AutoAutograd",
    "AutoComplexStep",
    "AutoFiniteDiff",
    "AutoForwardDiff",
    "AutoJax",
    "AutoSparse",
    "AutoTorch",
    "AutotuneError",
    "BackendNotInstalledError",
    "Cache",
    "Config",
    "Constant",
    "DiffInterfaceError",
    "DifferentiateWith",
    "Explanation",
    "InputError",
    "MixedMode",
    "NestedDifferentiationError",
    "NoAutoDiff",
    "NonAnalyticError",
    "NonScalarOutputError",
    "OutputError",
    "PrecisionWarning",
    "PreparationMismatchError",
    "SecondOrder",
    "ShapeError",
    "StatefulLayer",
    "Static",
    "UnknownBackendError",
    "UnsupportedOperatorError",
    "array_namespace",
    "autotune",
    "check_available",
    "config_context",
    "explain",
    "extend",
    "get_config",
    "hutchinson_trace",
    "inplace",
    "known_backends",
    "linear_operator",
    "set_config",
    "special",
    "stop_gradient",
    "zeros_like_tree",
    *_operators,
]

#: Subpackages that load when they are asked for, and names with the modules that define them.
_LAZY = ("implicit", "sensitivity", "sparse", "testing")
_LATER = {
    "AutotuneError": "tools.autotune",
    "Explanation": "prepare.explanation",
    "autotune": "tools.autotune",
    "explain": "operators.explain",
    "hutchinson_trace": "operators.hutchinson",
    "linear_operator": "operators.linear_operator",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return import_module(f"{__name__}.{name}")
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    return value


def __dir__() -> list[str]:
    # Importing a subpackage makes it an attribute here; those that are not public stay out of sight.
    return sorted({*__all__, *_LAZY, *(name for name in globals() if name.startswith("__"))})


# A public class is known by its public path: it is shown, and pickled, wherever it is defined. One
# that loads later says so itself.
for _kind in (globals().get(_name) for _name in __all__):
    if isinstance(_kind, type):
        _kind.__module__ = __name__
# Modules that were importable by these names before the folders.
sys.modules.update({f"{__name__}.special": special, f"{__name__}.zeros": zeros})
