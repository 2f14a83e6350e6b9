"""The array-API namespace in which backend-neutral functions are written."""

from __future__ import annotations

from typing import Any

from diffinterface.arrays.facts import NUMBERS, Array
from diffinterface.arrays.framework import NUMPY, Framework, framework_of

from ..errors import InputError
from ..evaluations import running


def array_namespace(*arrays: Any) -> Any:
    """The array-API namespace in which backend-neutral functions are written.

    Extends `array_api_compat.array_namespace` to dual numbers, autograd boxes, Python numbers, and
    the array types that plugins register.

    Parameters
    ----------
    *arrays : array or number
        Arrays of one framework, possibly wrapped by an engine that is differentiating. Where some are
        wrapped and others plain, the wrapped one's namespace wins: it takes both.

    Returns
    -------
    module
        A namespace with the functions of the array-API standard.

    Raises
    ------
    InputError
        If no argument is an array or a number, or arrays of several frameworks meet.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> def norm(x):
    ...     xp = di.array_namespace(x)
    ...     return xp.sqrt(xp.sum(x**2))
    >>> di.gradient(norm, di.AutoForwardDiff(), np.array([3.0, 4.0]))
    array([0.6, 0.8])
    """
    if len(arrays) == 1:  # mostly
        framework = framework_of(arrays[0])
        if framework is not None:
            return framework.namespace(arrays[0])
    found: dict[str, tuple[Framework, Any]] = {}
    for x in arrays:
        framework = framework_of(x)
        if framework is None:
            raise InputError(
                f"array_namespace got a {type(x).__qualname__}, expected an array or a number.",
                got=x,
            )
        if framework is not NUMPY or not isinstance(x, NUMBERS):
            found.setdefault(framework.name, (framework, x))
    wrapping = [pair for pair in found.values() if pair[0].wraps]
    candidates = wrapping or [pair for name, pair in found.items() if name != "numpy"]
    if len(candidates) > 1:
        # A wrapper over another's wrapper takes both.
        depths = {f.name: max(map(_depth, _of(f, arrays))) for f, _ in candidates}
        deepest = max(depths.values())
        candidates = [pair for pair in candidates if depths[pair[0].name] == deepest]
        inner = _innermost([f.name for f, _ in candidates])
        candidates = [pair for pair in candidates if pair[0].name in inner] or candidates
    if len(candidates) > 1:
        names = " and ".join(sorted(framework.name for framework, _ in candidates))
        raise InputError(
            f"array_namespace got arrays of {names}, expected arrays of one framework."
        )
    if not candidates:
        return NUMPY.namespace(None)
    framework, x = candidates[0]
    return framework.namespace(x)


def _innermost(names: list[str]) -> list[str]:
    """The engine among `names` that is evaluating f innermost: its wrappers take the others' in."""
    inner = (fn.backend.adtype.name for fn in reversed(running()))
    return next(([name] for name in inner if name in names), [])


def _of(framework: Framework, arrays: tuple[Any, ...]) -> list[Any]:
    return [x for x in arrays if framework_of(x) is framework]


_DEEPEST = 100  # of wrappers: more are a ring, and without an end


def _depth(x: Array) -> int:
    """How many wrappers are around the plain array in `x`; as many as can be told."""
    depth, framework = 0, framework_of(x)
    while framework is not None and framework.wraps and depth < _DEEPEST:
        within, depth = framework.inside(x), depth + 1
        if within is x:  # it does not say what it wraps
            break
        x, framework = within, framework_of(within)
    return depth
