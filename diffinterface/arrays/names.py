"""NumPy's functions: the other names that they go by, and the arguments that they take.

An engine keeps its rules under NumPy's own names, those that ``function.__name__`` gives.
"""

from __future__ import annotations

from functools import lru_cache
from inspect import Parameter, signature
from typing import Any


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in text.split())


#: The array-API standard's names of what NumPy calls otherwise.
STANDARD = _pairs(
    """absolute=abs arccos=acos arccosh=acosh arcsin=asin arcsinh=asinh arctan=atan arctan2=atan2
    arctanh=atanh concatenate=concat conjugate=conj power=pow"""
)
#: NumPy's name of a function, by its other names: the standard's, and those of NumPy and SciPy.
ALIASES = {other: name for name, other in STANDARD.items()} | _pairs(
    """permute_dims=transpose bitwise_invert=invert fabs=absolute true_divide=divide amax=max amin=min
    degrees=rad2deg radians=deg2rad around=round mod=remainder psi=digamma _zeta=zeta
    linalg.matmul=matmul linalg.tensordot=tensordot linalg.outer=outer linalg.vecdot=vecdot
    linalg.matrix_transpose=matrix_transpose add.reduce=sum multiply.reduce=prod maximum.reduce=max
    minimum.reduce=min add.accumulate=cumsum multiply.accumulate=cumprod"""
)
#: Methods of arrays that are functions of the same name.
METHODS = frozenset(
    """sum mean prod max min std var dot cumsum cumprod clip squeeze diagonal trace swapaxes take repeat
    argmax argmin argsort ravel round ptp nonzero any all searchsorted conj conjugate choose argpartition
    put""".split()
)


@lru_cache(maxsize=1024)
def function_name(function: Any) -> str:
    """The name of a function of NumPy, with that of its module where it is of another one."""
    module, name = getattr(function, "__module__", None) or "", function.__name__
    return f"{module[6:]}.{name}" if module in ("numpy.linalg", "numpy.fft") else name


@lru_cache(maxsize=1024)
def _positional(function: Any) -> tuple[tuple[str, bool], ...]:
    """The arguments that may be given by position, and whether they must be given."""
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return tuple((p.name, p.default is Parameter.empty) for p in parameters if p.kind in kinds)


def bound(function: Any, args: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Required arguments that were given by name, at their positions."""
    names = [name for name, required in _positional(function)[len(args) :] if required]
    if not names or not all(name in options for name in names):
        return args, options
    rest = {key: value for key, value in options.items() if key not in names}
    return (*args, *(options[name] for name in names)), rest


def without_out(function: Any, args: Any) -> tuple[Any, Any]:
    """Arguments without the array to write into, and that array, if it was given by its position."""
    for position, (name, _) in enumerate(_positional(function)[: len(args)]):
        if name == "out" and args[position] is not None:
            return (*args[:position], None, *args[position + 1 :]), args[position]
    return args, None
