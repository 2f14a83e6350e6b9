"""The trace of a Jacobian, estimated from a few products with it or taken exactly."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from numbers import Integral
from typing import Any, Literal

import numpy as np

from ..arrays.facts import Array, dtype_name, is_complex, shape_of
from ..arrays.framework import NUMPY, framework_of
from ..arrays.namespace import array_namespace
from ..arrays.stop import stopped
from ..arrays.trees import Leaves
from ..declare.adtypes import ADType
from ..declare.config import as_adtype
from ..engine.registry import resolve
from ..errors import InputError, ShapeError
from .jacobians import batched_jacobian, jacobian
from .pullbacks import pullback
from .pushforwards import pushforward

_OPERATORS = {"pushforward": pushforward, "pullback": pullback}
_MODES = (*_OPERATORS, "jacobian", "exact")


def hutchinson_trace(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    key: Any = None,
    probes: Any = None,
    mode: Literal["pushforward", "pullback", "jacobian", "exact"] = "pushforward",
    batched: bool = False,
) -> Any:
    """Hutchinson's estimate of the trace of the Jacobian of f at x.

    It is the mean of ``v^T J v`` over random probes v whose entries are independent, of mean 0 and
    variance 1: an unbiased estimate, whose variance is least for Rademacher probes (entries -1 and 1).
    See M. F. Hutchinson, "A stochastic estimator of the trace of the influence matrix for Laplacian
    smoothing splines", Communications in Statistics - Simulation and Computation 18 (1989); for
    continuous normalising flows, Grathwohl et al., "FFJORD", ICLR 2019.

    Like any operator it may stand inside another derivative. The first three modes give, with the same
    probes, the same number and the same derivatives of it, by different products.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``, of the structure and shapes of x.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array
        The point, real.
    *contexts : any
        Further arguments of f, not differentiated; see `Constant`, `Static` and `Cache`.
    key : int or numpy.random.Generator, optional
        The seed of the probes; None draws other ones each time. Under ``jax.jit`` they are drawn once,
        when f is traced: there pass probes as an argument.
    probes : int or tree of array, optional
        How many Rademacher probes to draw, 1 by default; or the probes themselves, like x with one
        extra leading axis.
    mode : {"pushforward", "pullback", "jacobian", "exact"}
        By products ``J v``, by products ``J^T v``, or by the whole Jacobian, which pays where there are
        more probes than entries; or the trace itself, from the whole Jacobian, without probes.
    batched : bool
        Whether the leading axis of x and of f(x) holds samples, which f must not mix; the result then
        has one entry a sample.

    Returns
    -------
    array
        A scalar of the dtype of f(x); with `batched`, of shape ``(batch,)``.

    Raises
    ------
    ShapeError
        If f(x) or the probes have not the shapes of x.
    InputError
        If x is complex, if key or mode is none of those above, or the exact mode is given either.
    OutputError
        With `batched`, by the modes that take the Jacobian, if f mixes samples.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: np.array([[2.0, 1.0], [0.0, 3.0]]) @ x
    >>> di.hutchinson_trace(f, "forwarddiff", np.ones(2), mode="exact")
    np.float64(5.0)
    >>> round(di.hutchinson_trace(f, "forwarddiff", np.ones(2), key=0, probes=10_000), 1)
    np.float64(5.0)
    """
    if mode not in _MODES:
        raise InputError(f"mode={mode!r}, expected one of {', '.join(_MODES)}.", got=mode)
    if mode == "exact" and not (key is None and probes is None):
        raise InputError('mode="exact" takes no probes and no key; did you mean "jacobian"?')
    flatten = resolve(as_adtype(backend)).flatten
    leaves, structure = flatten(x)
    if any(map(is_complex, leaves)):
        raise InputError(
            "hutchinson_trace takes a real x; split a complex one into real and imaginary parts."
        )
    if mode in _OPERATORS:
        v = _probes(leaves, key, probes, flatten)
        seeds = structure.unflatten(map(_beside, v, leaves))
        products = flatten(_OPERATORS[mode](f, backend, x, seeds, *contexts, batched=True))[0]
        _check([shape_of(leaf)[1:] for leaf in products], list(map(shape_of, leaves)), "f(x)")
        with _scope(products):
            return _mean_inner(v, products, batched)
    operator: Callable[..., Any] = batched_jacobian if batched else jacobian
    blocks = _square(flatten(operator(f, backend, x, *contexts))[0], leaves, batched)
    with _scope(blocks[0]):
        if mode == "jacobian":
            v = _probes(leaves, key, probes, flatten)
            return _mean_inner(v, _products(blocks, v, leaves, batched), batched)
        traces = [_trace(row[i]) for i, row in enumerate(blocks)]
        return sum(traces[1:], traces[0])


def _probes(x: Leaves, key: Any, probes: Any, flatten: Any) -> Leaves:
    """The probes, a leaf for each of x, each with a leading axis."""
    if probes is None or isinstance(probes, Integral):
        count = 1 if probes is None else int(probes)
        if count < 1:
            raise InputError(f"probes={probes}, expected at least one.", got=probes)
        try:
            draw = np.random.default_rng(key)
        except (TypeError, ValueError):
            raise InputError(
                f"key={key!r}, expected a seed of numpy.random.default_rng; for random numbers of "
                "another kind, pass the probes themselves.",
                got=key,
            ) from None
        return tuple(draw.choice((-1.0, 1.0), size=(count, *shape_of(leaf))) for leaf in x)
    given: Leaves = flatten(probes)[0]
    counts = {shape_of(probe)[:1] for probe in given}
    _check([shape_of(probe)[1:] for probe in given], list(map(shape_of, x)), "probes")
    if len(counts) != 1 or counts == {(0,)}:
        raise ShapeError(
            f"The probes' leading axes are {sorted(counts)}, expected one that is not empty.",
            got=counts,
        )
    return given


def _check(got: list[Any], expected: list[Any], what: str) -> None:
    if got != expected:
        raise ShapeError(
            f"hutchinson_trace: the shapes of {what} are {got}, expected {expected}, like x.",
            got=got,
            expected=expected,
        )


def _beside(probe: Array, like: Array) -> Array:
    """A probe to compute with beside `like`: as it is, or an array of its framework and dtype."""
    framework = framework_of(stopped(like))
    if framework is None or framework_of(probe) is not NUMPY:
        return probe
    if framework is NUMPY:
        return np.asarray(probe, dtype_name(like))
    with framework.scope(like):
        array = framework.from_numpy(probe, stopped(like))
        return framework.namespace(array).astype(array, like.dtype)


def _scope(leaves: Leaves) -> AbstractContextManager[None]:
    framework = framework_of(leaves[0])
    return nullcontext() if framework is None else framework.scope(leaves[0])


def _mean_inner(v: Leaves, products: Leaves, batched: bool) -> Array:
    """``v^T (J v)``, its mean over the probes: a number, or one a sample."""
    kept = 2 if batched else 1
    parts = []
    for probe, product in zip(v, products, strict=True):
        xp, terms = array_namespace(product), _beside(probe, product) * product
        axes = tuple(range(kept, len(shape_of(product))))
        parts.append(xp.sum(terms, axis=axes) if axes else terms)
    return array_namespace(*parts).mean(sum(parts[1:], parts[0]), axis=0)


# --- from the whole Jacobian ---------------------------------------------------------------------


def _square(rows: Leaves, x: Leaves, batched: bool) -> list[Leaves]:
    """The blocks of a Jacobian as matrices: ``(n_j, n_i)``, or ``(batch, n_j, n_i)``."""
    n = len(x)
    if len(rows) != n * n:
        raise ShapeError(
            f"hutchinson_trace: f(x) has {len(rows) // n} arrays, expected {n}, like x.",
            got=len(rows) // n,
            expected=n,
        )
    inner = [shape_of(leaf)[1:] if batched else shape_of(leaf) for leaf in x]
    lead = shape_of(x[0])[:1] if batched else ()
    shapes = [(*lead, *of_y, *of_x) for of_y in inner for of_x in inner]
    _check(list(map(shape_of, rows)), shapes, "the Jacobian")
    sizes = [math.prod(shape) for shape in inner]
    with _scope(rows):
        return [
            tuple(
                array_namespace(rows[j * n + i]).reshape(
                    rows[j * n + i], (*lead, sizes[j], sizes[i])
                )
                for i in range(n)
            )
            for j in range(n)
        ]


def _products(blocks: list[Leaves], v: Leaves, x: Leaves, batched: bool) -> Leaves:
    """``J v`` for each probe, in the shapes of the probes."""
    kept = 2 if batched else 1
    products = []
    for row, leaf in zip(blocks, x, strict=True):
        total: Any = 0
        for block, probe in zip(row, v, strict=True):
            xp = array_namespace(block)
            flat = _beside(probe, block)
            flat = xp.reshape(flat, (*shape_of(flat)[:kept], shape_of(block)[-1], 1))
            total = total + xp.matmul(block, flat)
        count = shape_of(v[0])[:1]
        products.append(array_namespace(total).reshape(total, (*count, *shape_of(leaf))))
    return tuple(products)


def _trace(block: Array) -> Array:
    return array_namespace(block).sum(array_namespace(block).linalg.diagonal(block), axis=-1)
