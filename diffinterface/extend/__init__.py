"""What authors of backends, array types and derivative rules need: all that the shipped adapters use.

This package holds what every engine needs, so that one import line suffices for most: `Backend` and what
it takes and returns, trees of leaves, what an array is and whose, seeds, and the declarations and errors
that ``diffinterface`` itself has. Rooms beside it hold what some engines need:

- ``extend.frameworks``: what a `Framework` answers with;
- ``extend.arrays``: arrays of one's own, which NumPy's functions take;
- ``extend.functions``: functions made of others, for those arrays;
- ``extend.bridges``: other engines' derivatives inside this engine's;
- ``extend.modes``: costs, the choice of a mode, and what ``explain`` tells;
- ``extend.transforms``: operators from transforms, rows and columns;
- ``extend.captures``: what f reaches beside its arguments.

All that is here is defined elsewhere, in modules that may change; these names and places stay. A test
reads the adapters: they import nothing else of the library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..arrays.facts import (
    NUMBERS,
    Array,
    dtype_name,
    dtype_of,
    is_complex,
    is_inexact,
    shape_of,
    size_of,
)
from ..arrays.framework import NUMPY, Framework, framework_of
from ..arrays.namespace import array_namespace
from ..arrays.seeds import basis, cast, generic_direction, match_cotangent, none_pushed
from ..arrays.trees import LEAF, Leaves, Structure, flatten, map_leaves
from ..declare.adtypes import (
    ADType,
    AutoAutograd,
    AutoComplexStep,
    AutoFiniteDiff,
    AutoForwardDiff,
    AutoJax,
    AutoSparse,
    AutoTorch,
    MixedMode,
    Mode,
    NoAutoDiff,
    SecondOrder,
)
from ..declare.expected import Unsupported
from ..engine.backend import Backend
from ..engine.contract import AbstractBackend
from ..engine.function import DerivedFunction, Function
from ..engine.prep import Prep
from ..engine.registry import resolve
from ..engine.rules import defrule
from ..errors import (
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

if TYPE_CHECKING:  # the rooms load when they are asked for
    from . import arrays, bridges, captures, frameworks, functions, modes, transforms  # noqa: F401

__all__ = [
    "LEAF",
    "NUMBERS",
    "NUMPY",
    "ADType",
    "AbstractBackend",
    "Array",
    "AutoAutograd",
    "AutoComplexStep",
    "AutoFiniteDiff",
    "AutoForwardDiff",
    "AutoJax",
    "AutoSparse",
    "AutoTorch",
    "Backend",
    "BackendNotInstalledError",
    "DerivedFunction",
    "DiffInterfaceError",
    "Framework",
    "Function",
    "InputError",
    "Leaves",
    "MixedMode",
    "Mode",
    "NestedDifferentiationError",
    "NoAutoDiff",
    "NonAnalyticError",
    "NonScalarOutputError",
    "OutputError",
    "PrecisionWarning",
    "Prep",
    "PreparationMismatchError",
    "SecondOrder",
    "ShapeError",
    "Structure",
    "UnknownBackendError",
    "Unsupported",
    "UnsupportedOperatorError",
    "array_namespace",
    "basis",
    "cast",
    "defrule",
    "dtype_name",
    "dtype_of",
    "flatten",
    "framework_of",
    "generic_direction",
    "is_complex",
    "is_inexact",
    "map_leaves",
    "match_cotangent",
    "none_pushed",
    "resolve",
    "shape_of",
    "size_of",
]

#: The modules beside this one.
ROOMS = ("arrays", "bridges", "captures", "frameworks", "functions", "modes", "transforms")


def __getattr__(name: str) -> Any:
    if name in ROOMS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *ROOMS, *(name for name in globals() if name.startswith("__"))})
