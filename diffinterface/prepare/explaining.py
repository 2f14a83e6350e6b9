"""What a call would do, without taking any derivative: what `explain` tells."""

from __future__ import annotations

from typing import Any

from ..arrays.facts import shape_of, size_of
from ..arrays.framework import plain
from ..arrays.stop import stopped
from ..arrays.trees import Leaves
from ..engine.arguments import split
from ..engine.conversion import Converter
from ..engine.function import Function, check_argnums
from ..engine.modes import evaluations, reason, relative
from ..engine.prep import Setting
from ..engine.registry import resolve
from .call import own
from .explanation import Explanation
from .request import Request
from .route import hindrance, recorders, way
from .signature import flatten_any


def explained(request: Request, x: Any, contexts: tuple[Any, ...], t: Any = None) -> Explanation:
    """The plan of a call at these arguments; f is run once, see `explain`."""
    operator, batched = request.operator, request.batched
    asked = resolve(request.adtype)
    leaves, structure = flatten_any(x, asked.flatten)
    operator.check_x(leaves)
    seeds: Leaves = () if operator.tangent is None else flatten_any(t, asked.flatten)[0]
    layout, data = split(contexts, asked.flatten)
    fn = Function(
        request.f,
        asked,
        structure,
        layout,
        argnums=check_argnums(request.argnums, x, len(contexts)),
        has_aux=request.has_aux,
        scalar=operator.scalar_y,
        reuse=False,
    )
    traced = {"x": recorders(leaves), "t": recorders(seeds)}
    for k, context in enumerate(contexts):
        traced[f"contexts[{k}]"] = recorders(split((context,), asked.flatten)[1])
    point, constants, pushed = (tuple(map(stopped, own(part))) for part in (leaves, data, seeds))
    engine = asked.member(operator.name, fn, point, constants)
    crossing = hindrance(engine, leaves, data, seeds)
    if crossing is not None:
        point, constants, pushed = (tuple(map(plain, part)) for part in (point, constants, pushed))
    converter = Converter(engine, point)
    point, constants = converter.enter_all(point, constants)
    y, captured = engine.probe(fn.on(engine), point, constants)
    abstract = recorders((*point, *constants))  # under ``jax.jit`` a constant is abstract too
    recorded = crossing is None and any(traced.values())
    traced["captured"] = tuple(name for name in recorders(captured) if name not in abstract)
    traced = {name: names for name, names in traced.items() if names}
    route, because = way(engine, crossing, traced)
    like = converter.enter(pushed) if operator.tangent else None
    prep = asked.prepare(operator.name, fn.known(y), point, constants, like, batched=batched)
    count = shape_of(seeds[0])[0] if batched and seeds else 1
    levels = prep.levels(Setting(point, constants, count, recorded))
    dense = prep.details is None
    return Explanation(
        operator=operator.name,
        function=getattr(request.f, "__name__", type(request.f).__name__),
        backend=request.adtype,
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
