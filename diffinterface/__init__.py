"""One interface to every automatic-differentiation engine."""

from __future__ import annotations

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
from .neutral import special
from .neutral.inplace import inplace
from .neutral.layers import StatefulLayer
from .operators import *  # noqa: F403 - its __all__ is the table of operators
from .operators import __all__ as _operators
from .operators.explain import Explanation, explain
from .operators.hutchinson import hutchinson_trace
from .operators.linear_operator import linear_operator
from .tools.autotune import autotune

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
    *_operators,
]
