"""`explain`: how an operator would differentiate here, and what is differentiating around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..declare.adtypes import ADType
from ..engine.function import Argnums
from ..errors import InputError
from ..prepare.explaining import explained
from ..prepare.explanation import Explanation
from ..prepare.operator import operator_of
from ..prepare.request import Request


def explain(
    op: Callable[..., Any] | str,
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    batched: bool = False,
) -> Explanation:
    """The plan of ``op(f, backend, x, *contexts)`` at this place, without taking any derivative.

    Call it where the operator is called: inside the loss, the ``jax.jit``, or what ``torch.func`` takes.
    To learn the size of f's output, and what f captured, it runs f once: abstractly under JAX, and
    elsewhere by one plain evaluation, at the values of x, or at made-up ones where an outer engine hides
    them. `AutoSparse` looks for its pattern as it does in a call.

    Parameters
    ----------
    op : callable or str
        An operator, one of its variants (``value_and_*``, ``prepare_*``), or its name.
    f : callable
        The function.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array
        The point.
    *contexts : any
        The operator's further arguments: for pushforward, pullback and hvp, first the tangent.
    argnums : int or tuple of int
        Which parameters of f the tree x fills.
    has_aux : bool
        Whether f returns ``(y, aux)``.
    batched : bool
        Whether the tangent carries one extra leading axis.

    Returns
    -------
    Explanation
        Prints as the plan; its attributes hold the data.

    Raises
    ------
    InputError
        If `op` is no operator, or misses its tangent.
    NonScalarOutputError, ShapeError
        If the operator itself would refuse x or f(x).

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> di.explain(di.gradient, lambda x: np.sum(x**2), "finitediff", np.ones(3))
    gradient of <lambda> by AutoFiniteDiff()
      outer   none
        |     direct: nothing differentiates around this call
      inner   AutoFiniteDiff(): 3 columns in forward mode
        |     the only mode of this engine
      f       3 entries to 1 entry
      cost    about 7 evaluations of f
    """
    operator = operator_of(op)
    request = Request.of(operator, f, backend, argnums, has_aux, batched, reuse=False)
    if operator.tangent is not None and not contexts:
        raise InputError(f"explain({operator.name}, f, backend, x, t): the tangent t is missing.")
    return explained(request, *request.parts(x, *contexts))
