"""Where no derivative by hand is known: extrapolated differences of f's own values.

Only f is evaluated, so what an engine believes of a derivative does not enter.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays.facts import dtype_name
from ..arrays.framework import framework_of
from ..arrays.trees import flatten, map_leaves
from ..declare.adtypes import ADType, AutoFiniteDiff
from ..errors import DiffInterfaceError, InputError, PrecisionWarning
from ..nest.with_engine import DifferentiateWith
from .backends import Entry
from .callers import Caller
from .deviation import numpy_leaves, numpy_of
from .scenario import Arguments, Scenario, operator_named
from .truth import plain

_WIDE = {"float16": "float64", "float32": "float64", "complex64": "complex128"}
# The error of differences of second order is estimated less well than that of first order.
_MARGIN = 10.0
_SINGLE = {"float16", "float32", "complex64", "bfloat16"}
_ROUGH = 1e-3  # relative error of differences of values in 32 bits


class NoReferenceError(DiffInterfaceError, RuntimeError):
    """Finite differences of f could not be taken, neither at NumPy arrays nor through an engine."""


def with_reference(scenario: Scenario, *backends: Entry) -> Scenario:
    """The scenario, with a result from finite differences where it has none.

    Parameters
    ----------
    scenario : Scenario
        What is tested.
    *backends : Entry
        Engines through which f is evaluated where it takes no NumPy arrays.

    Raises
    ------
    NoReferenceError
        If f can be evaluated in no way.
    """
    scenario = with_values(scenario)
    if scenario.result is not None:
        return scenario
    result, error = differences(scenario, [backend.adtype for backend in backends])
    return replace(
        scenario, result=result, error=error, source="extrapolated finite differences of f"
    )


def with_values(scenario: Scenario) -> Scenario:
    """The scenario, with f(x) where that is not given and f takes x as it is, NumPy arrays."""
    if scenario.operator == "hvp":  # its value is the gradient
        return scenario
    there = scenario.prepare_with
    return replace(
        scenario,
        values=scenario.values or _value(scenario, scenario.here),
        prepare_with=there and replace(there, values=there.values or _value(scenario, there)),
    )


def _value(scenario: Scenario, at: Arguments) -> tuple[Any, ...] | None:
    if scenario.options.get("argnums", 0) != 0 or not all(
        isinstance(leaf, np.ndarray) for leaf in _arrays(at.x)
    ):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            y = scenario.f(map_leaves(np.copy, at.x), *map(plain, at.contexts))
            if scenario.options.get("has_aux"):
                y, _ = y
        leaves, _ = flatten(y)
    except Exception:  # f takes arrays of an engine only
        return None
    known = all(isinstance(a, np.ndarray | np.generic) for a in leaves)
    return (y,) if known and leaves else None


def differences(scenario: Scenario, engines: Iterable[ADType] = ()) -> tuple[Any, Any]:
    """The result in 64 bits, in x's own precision, and an estimate of its absolute error.

    Notes
    -----
    Ridders' extrapolation of central differences; the estimate is ten times the difference to plain
    central ones, which is of the order of *their* error (C. J. F. Ridders, *Accurate computation of
    F'(x) and F'(x)F''(x)*, Advances in Engineering Software 4, 1982).
    """
    told = []
    for f in (scenario.f, *(DifferentiateWith(scenario.f, engine) for engine in engines)):
        try:
            (fine, rough), (coarse, _) = (_run(scenario, f, s) for s in ("richardson", "central"))
        except Exception as error:  # whatever f raises for arrays that it does not take
            text = str(error).splitlines() or [""]
            told.append(f"{type(error).__name__}: {text[0]}")
            continue
        slack = map_leaves(lambda a, b: _MARGIN * np.abs(a - b), fine, coarse)
        if rough:
            slack = map_leaves(
                lambda s, a: s + _ROUGH * np.max(np.abs(a), initial=1.0), slack, fine
            )
        return _as_x(scenario, fine), slack
    raise NoReferenceError(
        f"No reference for {scenario.name}: f cannot be evaluated at NumPy arrays ({'; '.join(told)}). "
        "Give the scenario its result, or name a backend that runs f.",
        got=scenario,
    )


def _run(scenario: Scenario, f: Any, scheme: Any) -> tuple[Any, bool]:
    """The result of one scheme, and whether f looked less precise or less smooth than its dtype."""
    a = wide(scenario.here)
    rough: list[str] = []
    seed = (a.tangent,) if scenario.seeded else ()
    has_aux = bool(scenario.options.get("has_aux"))

    def watched(*args: Any) -> Any:
        y = f(*args)
        rough.extend(_SINGLE & {dtype_name(leaf) for leaf in _arrays(y[0] if has_aux else y)})
        return y

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")  # what f warns of, the engines under test will show
        got = operator_named(scenario.operator)(
            watched, AutoFiniteDiff(scheme), a.x, *seed, *a.contexts, **scenario.options
        )
    result = map_leaves(numpy_of, got[0] if has_aux else got)
    if not all(np.all(np.isfinite(leaf)) for leaf in numpy_leaves(result)):
        raise InputError(f"finite differences of {scenario.name} are not finite.", got=result)
    warned = any(issubclass(warning.category, PrecisionWarning) for warning in caught)
    return result, warned or bool(rough)


def _arrays(tree: Any) -> list[Any]:
    return [leaf for leaf in flatten(tree)[0] if framework_of(leaf) is not None]


def wide(arguments: Arguments) -> Arguments:
    """The same point in NumPy arrays of 64 bits: every 32-bit number is one."""

    def leaf(a: Any) -> Any:
        a = numpy_of(a)
        name = getattr(getattr(a, "dtype", None), "name", "")
        return a.astype(_WIDE[name]) if name in _WIDE else a

    tangent = None if arguments.tangent is None else map_leaves(leaf, arguments.tangent)
    return Arguments(map_leaves(leaf, arguments.x), tangent, arguments.contexts)


def _as_x(scenario: Scenario, result: Any) -> Any:
    """In 32 bits where x has 32."""
    single = any(str(a.dtype) in ("float32", "complex64") for a in numpy_leaves(scenario.x))
    return Caller(dtype="float32").narrow(result) if single else result
