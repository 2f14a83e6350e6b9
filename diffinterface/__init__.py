"""One interface to every automatic-differentiation engine."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
from .lazy import later

if TYPE_CHECKING:  # these load when they are asked for, see _load
    from . import extend
    from .arrays.namespace import array_namespace
    from .arrays.stop import stop_gradient
    from .declare.counterparts import forward_counterpart, reverse_counterpart
    from .engine.registry import check_available
    from .nest.with_engine import DifferentiateWith
    from .neutral import special
    from .neutral.inplace import inplace
    from .neutral.layers import StatefulLayer
    from .neutral.zeros import zeros_like_tree
    from .operators import *  # noqa: F403 - its __all__ is the table of operators
    from .operators.explain import explain
    from .operators.hutchinson import hutchinson_trace
    from .operators.linear_operator import linear_operator
    from .prepare.evaluate import evaluate
    from .prepare.explanation import Explanation
    from .prepare.prepared import PreparedOperator, PreparedSeeded
    from .prepare.same_point import PreparedSamePoint
    from .prepare.transform import Transform
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
    "PreparedOperator",
    "PreparedSamePoint",
    "PreparedSeeded",
    "SecondOrder",
    "ShapeError",
    "StatefulLayer",
    "Static",
    "Transform",
    "UnknownBackendError",
    "UnsupportedOperatorError",
    "array_namespace",
    "autotune",
    "batched_jacobian",
    "capabilities",
    "check_available",
    "config_context",
    "derivative",
    "evaluate",
    "explain",
    "extend",
    "forward_counterpart",
    "get_config",
    "gradient",
    "gradient_and_hvp",
    "hessian",
    "hutchinson_trace",
    "hvp",
    "inplace",
    "jacobian",
    "known_backends",
    "linear_operator",
    "prepare_batched_jacobian",
    "prepare_derivative",
    "prepare_gradient",
    "prepare_hessian",
    "prepare_hvp",
    "prepare_hvp_same_point",
    "prepare_jacobian",
    "prepare_pullback",
    "prepare_pullback_same_point",
    "prepare_pushforward",
    "prepare_pushforward_same_point",
    "prepare_second_derivative",
    "pullback",
    "pushforward",
    "reverse_counterpart",
    "second_derivative",
    "set_config",
    "special",
    "stop_gradient",
    "value_and_batched_jacobian",
    "value_and_derivative",
    "value_and_gradient",
    "value_and_jacobian",
    "value_and_pullback",
    "value_and_pushforward",
    "value_derivative_and_second_derivative",
    "value_gradient_and_hessian",
    "zeros_like_tree",
]

#: Modules that load when they are asked for.
_SUBPACKAGES = ("implicit", "sensitivity", "sparse", "testing")
_MODULES = (*_SUBPACKAGES, "extend", "special", "zeros")
#: Modules, with their names that do. What is public and not named here is an operator.
_load = later(
    __name__,
    {
        "operators": __all__,
        "arrays.namespace": ["array_namespace"],
        "arrays.stop": ["stop_gradient"],
        "declare.counterparts": ["forward_counterpart", "reverse_counterpart"],
        "engine.registry": ["check_available"],
        "nest.with_engine": ["DifferentiateWith"],
        "neutral.inplace": ["inplace"],
        "neutral.layers": ["StatefulLayer"],
        "neutral.zeros": ["zeros_like_tree"],
        "operators.explain": ["explain"],
        "operators.hutchinson": ["hutchinson_trace"],
        "operators.linear_operator": ["linear_operator"],
        "prepare.evaluate": ["evaluate"],
        "prepare.explanation": ["Explanation"],
        "prepare.prepared": ["PreparedOperator", "PreparedSeeded"],
        "prepare.same_point": ["PreparedSamePoint"],
        "prepare.transform": ["Transform"],
        "tools.autotune": ["AutotuneError", "autotune"],
        "tools.capabilities": ["Capabilities", "capabilities"],
    },
)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{_hint(name)}")
    return _public(_load(name))


def _hint(name: str) -> str:
    from .declare.hints import of_attribute

    return "" if name.startswith("_") else of_attribute(name, __dir__())


def __dir__() -> list[str]:
    # Importing a subpackage makes it an attribute here; those that are not public stay out of sight.
    return sorted({*__all__, *_SUBPACKAGES, *(name for name in globals() if name.startswith("__"))})


def _public(value: Any) -> Any:
    """A public class is known by its public path: it is shown, and pickled, wherever it is defined."""
    if isinstance(value, type):
        value.__module__ = __name__
    return value


for _name in __all__:
    if _name in globals():
        _public(globals()[_name])
