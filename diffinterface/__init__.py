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
    from .declare.counterparts import forward_counterpart, reverse_counterpart
    from .operators.explain import explain
    from .operators.hutchinson import hutchinson_trace
    from .operators.linear_operator import linear_operator
    from .prepare.evaluate import evaluate
    from .prepare.explanation import Explanation
    from .tools.autotune import AutotuneError, autotune
    from .tools.capabilities import Capabilities, capabilities

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
    "Capabilities",
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
    "capabilities",
    "check_available",
    "config_context",
    "evaluate",
    "explain",
    "extend",
    "forward_counterpart",
    "get_config",
    "hutchinson_trace",
    "inplace",
    "known_backends",
    "linear_operator",
    "reverse_counterpart",
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
    "Capabilities": "tools.capabilities",
    "Explanation": "prepare.explanation",
    "autotune": "tools.autotune",
    "capabilities": "tools.capabilities",
    "evaluate": "prepare.evaluate",
    "explain": "operators.explain",
    "forward_counterpart": "declare.counterparts",
    "hutchinson_trace": "operators.hutchinson",
    "linear_operator": "operators.linear_operator",
    "reverse_counterpart": "declare.counterparts",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return import_module(f"{__name__}.{name}")
    if name not in _LATER:
        hint = "" if name.startswith("_") else _hint(name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")
    value = globals()[name] = _public(getattr(import_module(f"{__name__}.{_LATER[name]}"), name))
    return value


def _hint(name: str) -> str:
    from .declare.hints import of_attribute

    return of_attribute(name, __dir__())


def __dir__() -> list[str]:
    # Importing a subpackage makes it an attribute here; those that are not public stay out of sight.
    return sorted({*__all__, *_LAZY, *(name for name in globals() if name.startswith("__"))})


def _public(value: Any) -> Any:
    """A public class is known by its public path: it is shown, and pickled, wherever it is defined."""
    if isinstance(value, type):
        value.__module__ = __name__
    return value


for _name in __all__:
    if _name not in _LATER:
        _public(globals()[_name])
# Modules that were importable by these names before the folders.
sys.modules.update({f"{__name__}.special": special, f"{__name__}.zeros": zeros})
