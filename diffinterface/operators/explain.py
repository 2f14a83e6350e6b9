"""`explain`: how an operator would differentiate here, and what is differentiating around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..arrays.facts import shape_of, size_of
from ..arrays.framework import plain
from ..arrays.stop import stopped
from ..arrays.trees import Leaves
from ..declare.adtypes import ADType
from ..declare.config import as_adtype
from ..engine.arguments import split
from ..engine.conversion import Converter
from ..engine.function import Argnums, Function, check_argnums
from ..engine.modes import evaluations, reason, relative
from ..engine.prep import Setting
from ..engine.registry import resolve
from ..errors import InputError
from ..prepare.call import own
from ..prepare.explanation import Explanation
from ..prepare.operator import operator_of
from ..prepare.route import hindrance, recorders, way
from ..prepare.signature import flatten_any


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
    if not callable(f):
        raise InputError(f"f must be callable, got {f!r}; call explain(op, f, backend, x).", got=f)
    adtype = as_adtype(backend)
    asked = resolve(adtype)
    leaves, structure = flatten_any(x, asked.flatten)
    operator.check_x(leaves)
    seeds: Leaves = ()
    if operator.tangent is not None:
        if not contexts:
            raise InputError(
                f"explain({operator.name}, f, backend, x, t): the tangent t is missing."
            )
        seeds, contexts = flatten_any(contexts[0], asked.flatten)[0], contexts[1:]
    layout, data = split(contexts, asked.flatten)
    fn = Function(
        f,
        asked,
        structure,
        layout,
        argnums=check_argnums(argnums, x, len(contexts)),
        has_aux=has_aux,
        scalar=operator.scalar_y,
        reuse=False,
    )
    traced = {"x": recorders(leaves), "t": recorders(seeds)}
    for k, context in enumerate(contexts):
        traced[f"contexts[{k}]"] = recorders(split((context,), asked.flatten)[1])
    point, constants, t = (tuple(map(stopped, own(part))) for part in (leaves, data, seeds))
    engine = asked.member(operator.name, fn, point, constants)
    crossing = hindrance(engine, leaves, data, seeds)
    if crossing is not None:
        point, constants, t = (tuple(map(plain, part)) for part in (point, constants, t))
    converter = Converter(engine, point)
    point, constants = converter.enter_all(point, constants)
    y, captured = engine.probe(fn.on(engine), point, constants)
    abstract = recorders((*point, *constants))  # under ``jax.jit`` a constant is abstract too
    recorded = crossing is None and any(traced.values())
    traced["captured"] = tuple(name for name in recorders(captured) if name not in abstract)
    traced = {name: names for name, names in traced.items() if names}
    route, because = way(engine, crossing, traced)
    like = converter.enter(t) if operator.tangent else None
    prep = asked.prepare(operator.name, fn.known(y), point, constants, like, batched=batched)
    count = shape_of(seeds[0])[0] if batched and seeds else 1
    levels = prep.levels(Setting(point, constants, count, recorded))
    dense = prep.details is None
    return Explanation(
        operator=operator.name,
        function=getattr(f, "__name__", type(f).__name__),
        backend=adtype,
        engine=engine.adtype,
        outer=tuple(dict.fromkeys(name for names in traced.values() for name in names)),
        traced=traced,
        route=route,
        levels=tuple((level.mode, level.directions) for level in levels),
        inputs=sum(map(size_of, leaves)),
        outputs=sum(map(size_of, y)),
        evaluations=evaluations(levels),
        relative=relative(engine, operator.name, levels, leaves, y) if dense else None,
        why=(*because, reason(engine, operator.name, levels) if dense else repr(prep.details)),
    )
