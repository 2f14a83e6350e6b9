"""The trace of a Jacobian, estimated from a few products with it or taken exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from ..arrays import traces
from ..arrays.facts import is_complex, shape_of
from ..declare.adtypes import ADType
from ..declare.config import as_adtype
from ..engine.registry import resolve
from ..errors import InputError
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
        v = traces.probes_like(leaves, key, probes, flatten)
        seeds = structure.unflatten(map(traces.beside, v, leaves))
        products = flatten(_OPERATORS[mode](f, backend, x, seeds, *contexts, batched=True))[0]
        traces.check_shapes(
            [shape_of(leaf)[1:] for leaf in products], list(map(shape_of, leaves)), "f(x)"
        )
        with traces.scope(products):
            return traces.mean_inner(v, products, batched)
    operator: Callable[..., Any] = batched_jacobian if batched else jacobian
    blocks = traces.square(flatten(operator(f, backend, x, *contexts))[0], leaves, batched)
    with traces.scope(blocks[0]):
        if mode == "jacobian":
            v = traces.probes_like(leaves, key, probes, flatten)
            return traces.mean_inner(v, traces.products(blocks, v, leaves, batched), batched)
        parts = [traces.trace(row[i]) for i, row in enumerate(blocks)]
        return sum(parts[1:], parts[0])
