"""`JaxprDetector`: JAX functions, read by asdex from their jaxpr."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from diffinterface.arrays.facts import is_inexact
from diffinterface.arrays.framework import finished, framework_of
from diffinterface.arrays.trees import flatten
from diffinterface.declare.adtypes import AutoJax
from diffinterface.declare.contexts import Cache, Constant, Static
from diffinterface.engine.registry import resolve
from diffinterface.errors import BackendNotInstalledError

from .detectors import Detector, Pattern, scalar
from .store import distinct
from .trace import csr


@final
@dataclass(frozen=True)
class JaxprDetector(Detector):
    """The pattern that asdex reads from the jaxpr of a function written for JAX.

    The pattern holds for every x, and for every value of the floating contexts, which JAX traces; all
    other contexts are used with their values.

    Raises
    ------
    BackendNotInstalledError
        If asdex is not installed.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import numpy as np
    >>> from diffinterface.sparse.detection import JaxprDetector
    >>> found = JaxprDetector().jacobian_pattern(jnp.diff, np.ones(3))  # doctest: +SKIP
    >>> found.toarray().astype(int)  # doctest: +SKIP
    array([[1, 1, 0],
           [0, 1, 1]])
    """

    def jacobian_pattern(self, f: Callable[..., Any], x: Any, *contexts: Any) -> Pattern:
        return _read("jacobian", f, x, contexts, lambda y: tuple(flatten(y)[0]))

    def hessian_pattern(self, f: Callable[..., Any], x: Any, *contexts: Any) -> Pattern:
        pattern = _read("hessian", f, x, contexts, scalar)
        return pattern + pattern.T


def _read(
    what: str,
    f: Callable[..., Any],
    x: Any,
    contexts: tuple[Any, ...],
    finish: Callable[[Any], Any],
) -> Pattern:
    try:
        import asdex
    except ImportError:
        raise BackendNotInstalledError(
            "JaxprDetector reads patterns with asdex, which is not installed; pip install asdex, or use "
            "TracerDetector() with functions from di.array_namespace(x).",
            command="pip install asdex",
        ) from None
    native: Any = resolve(AutoJax()).framework
    call, given, selected = _flat(f, x, contexts, finish)
    arguments = [leaf if framework_of(leaf) is native else finished(leaf) for leaf in given]
    with native.scope(np.zeros(())):  # JAX's 64 bits
        found = getattr(asdex, f"{what}_sparsity")(call, *arguments, argnums=selected)
    rows, columns = distinct(np.asarray(found.rows, np.int64), np.asarray(found.cols, np.int64))
    return csr(rows, columns, found.shape)


def _flat(
    f: Callable[..., Any], x: Any, contexts: tuple[Any, ...], finish: Callable[[Any], Any]
) -> tuple[Callable[..., Any], list[Any], tuple[int, ...]]:
    """The function of x's leaves and the contexts' floating ones; all these; and which are x's."""
    leaves, structure = flatten(x)
    plain = tuple(_value(context) for context in contexts)
    others, layout = flatten(plain)
    traced = [i for i, leaf in enumerate(others) if _is_data(leaf)]

    def call(*arguments: Any) -> Any:
        filled = list(others)
        for i, argument in zip(traced, arguments[len(leaves) :], strict=True):
            filled[i] = argument
        tree = structure.unflatten(arguments[: len(leaves)])
        return finish(f(tree, *(layout.unflatten(filled) if contexts else ())))

    return call, [*leaves, *(others[i] for i in traced)], tuple(range(len(leaves)))


def _value(context: Any) -> Any:
    if isinstance(context, Cache):
        return context.buffer
    return context.value if isinstance(context, Constant | Static) else context


def _is_data(leaf: Any) -> bool:
    return framework_of(leaf) is not None and is_inexact(leaf)
