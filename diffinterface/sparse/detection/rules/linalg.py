"""Functions of matrices: all of a matrix decides all of the result, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..results import constant, each, result_of, sets_of
from ..sets import Sets, union
from ..table import rule
from ..trace import Trace
from ..traced import is_traced, tracers, values
from .general import dense

# How many axes of the first argument belong to one matrix.
MATRIX = (
    "inv pinv det slogdet eig eigh eigvals eigvalsh svd svdvals qr cholesky matrix_power cond "
    "matrix_exp"
).split()


def _evaluate(trace: Trace, function: Callable[..., Any], args: Any, options: Any) -> Any:
    """`function` of the values, or of regular ones where these are not to matter and will not do."""
    try:
        return function(*values(args), **values(options))
    except np.linalg.LinAlgError:
        if trace.local:
            raise
        return function(*(_regular(arg) for arg in args), **values(options))


def _regular(arg: Any) -> Any:
    """A positive definite matrix of the same shape."""
    value = values(arg)
    if is_traced(arg) and value.ndim > 1:
        return np.broadcast_to(np.eye(*value.shape[-2:], dtype=value.dtype), value.shape)
    return value


def batchwise(
    trace: Trace, value: Any, operands: list[tuple[Any, int]], *, linear: bool = False
) -> Any:
    """`value`, each matrix of which depends on all of the matrices of the operands in its batch.

    Each operand comes with the number of its axes that are not of the batch.
    """
    first: list[Sets] = []
    second: list[Sets] = []
    for x, core in operands:
        one, two = sets_of([x], partial(_batch, core=core))
        first, second = first + one, second + two
    if trace.second and not linear:
        second.append(trace.square(first))
    batch = np.broadcast_shapes(*(s.parts[0].shape for s in first))

    def wrap(v: Any) -> Any:
        if np.asarray(v).dtype.kind not in "fc":
            return constant(trace, v)
        ones = (1,) * (np.ndim(v) - len(batch))
        spread = [
            [union([s], batch).map(lambda part: part.reshape(batch + ones)) for s in sets]
            for sets in (first, second)
        ]
        return result_of(trace, v, *spread)

    return each(value, wrap)


def _batch(sets: Sets, core: int) -> Sets:
    """Unions over the last axes, so many, which go."""
    ndim = sets.parts[0].ndim
    return sets.over(tuple(range(ndim - core, ndim)), keepdims=False)


@rule(*(f"linalg.{name}" for name in MATRIX))
def _matrix(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    value = _evaluate(trace, function, args, options)
    if not is_traced(args[0]) or tracers((args[1:], options)):
        return dense(trace, value, (args, options))
    return batchwise(trace, value, [(args[0], 2)])


@rule("linalg.solve")
def _solve(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Each column on its own, as far as the right-hand side goes."""
    a, b = args
    value = _evaluate(trace, function, args, options)
    core = 1 if np.ndim(values(b)) == 1 else 2
    return batchwise(trace, value, [(a, 2), (b, core)], linear=not is_traced(a))


@rule("linalg.lstsq", "linalg.tensorsolve", "linalg.tensorinv")
def _all(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    return dense(trace, _evaluate(trace, function, args, options), (args, options))


def by_signature(trace: Trace, ufunc: Any, args: Any, options: Any) -> Any:
    """A generalised ufunc: its signature says which axes are the matrix's."""
    if options.keys() - {"dtype"}:
        return dense(trace, ufunc(*values(args), **values(options)), (args, options))
    cores = [part.count(",") + bool(part.strip("()")) for part in _arguments(ufunc.signature)]
    if "?" in ufunc.signature:  # matmul's optional axes, and the like
        return dense(trace, ufunc(*values(args), **options), args)
    value = _evaluate(trace, ufunc, args, options)
    return batchwise(trace, value, list(zip(args, cores, strict=True)))


def _arguments(signature: str) -> list[str]:
    left = signature.partition("->")[0].replace(" ", "")
    return left.replace("),(", ")|(").split("|")


@rule("cov", "corrcoef", "vander", "polyfit", "polyder", "polyint", "roots", "poly")
def _whole(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Small functions of which nobody needs a sparse pattern."""
    return dense(trace, function(*values(args), **values(options)), (args, options))
