"""The shortest way through a prepared call: lone arrays of the very kind prepared for.

A prepared call over a compiled engine has about a microsecond to spend in Python. So its commonest
form, a lone array x (and seed), contexts that are lone arrays or numbers, and results that need no
conversion, is built here as one closure over local variables. Whatever it does not recognise it hands
to the general way, which decides; it never decides otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..arrays.trees import LEAF
from ..engine.capture import Captured
from .call import Plan
from .signature import LeafCheck

Slow = Callable[..., Any]


def unseeded(
    plan: Plan, captured: Captured, slow: Slow, valued: bool = False
) -> Callable[..., Any]:
    """``call(x, *contexts)`` for an operator without a seed, `valued` where f's value comes too."""
    (check,) = plan.check_x.leaves
    kind, shape, dtype, device = check.facts
    run, finish = _run(plan, valued)
    # A gradient is the one leaf itself; other results know their tree only once f has run.
    like_x = plan.request.operator.result == "x" and not valued
    same = plan.converter.same
    bare = not plan.check_contexts.layout
    lone = plan.prep.lone if bare else None
    concrete: Any
    to_numpy: Any
    concrete, to_numpy = plan.converter.to_numpy_arrays if shape else (None, None)
    cells, names, codes = _watched(captured)
    exact = plan.check_contexts.exact

    def call(x: Any, *contexts: Any) -> Any:
        if (
            type(x) is not kind
            or x.dtype is not dtype
            or x.shape != shape
            or (device is not None and x.device != device)
        ):
            return slow(x, contexts)
        for cell, value in cells:
            if cell.cell_contents is not value:
                return slow(x, contexts)
        for namespace, name, value in names:
            if namespace.get(name) is not value:
                return slow(x, contexts)
        for function, code in codes:
            if function.__code__ is not code:
                return slow(x, contexts)
        data = contexts if bare and not contexts else exact(contexts)
        if data is None:
            return slow(x, contexts)
        if not like_x:
            return finish(run((x,), data))
        leaf = run((x,), data)[0] if lone is None else lone(x)
        if same:
            return leaf
        return to_numpy(leaf) if type(leaf) is concrete else finish((leaf,))

    return call


def seeded(plan: Plan, captured: Captured, slow: Slow, valued: bool = False) -> Callable[..., Any]:
    """``call(x, t, *contexts)`` for an operator with a seed, `valued` where f's value comes too."""
    assert plan.check_seed is not None
    (check,), (check_t,) = plan.check_x.leaves, plan.check_seed.leaves
    kind, shape, dtype, device = check.facts
    exact_t, exact = check_t.exact, plan.check_contexts.exact
    run, finish = _run(plan, valued)
    fn, untouched = plan.fn, plan.converter.same and not valued
    cells, names, codes = _watched(captured)

    def call(x: Any, t: Any, *contexts: Any) -> Any:
        if (
            type(x) is not kind
            or x.dtype is not dtype
            or x.shape != shape
            or (device is not None and x.device != device)
            or not exact_t(t)
        ):
            return slow(x, contexts, t)
        for cell, value in cells:
            if cell.cell_contents is not value:
                return slow(x, contexts, t)
        for namespace, name, value in names:
            if namespace.get(name) is not value:
                return slow(x, contexts, t)
        for function, code in codes:
            if function.__code__ is not code:
                return slow(x, contexts, t)
        data = exact(contexts)
        if data is None:
            return slow(x, contexts, t)
        leaves = run((x,), data, (t,))
        return leaves[0] if untouched and fn.y_structure is LEAF else finish(leaves)

    return call


def applies(
    plan: Plan,
    captured: Captured,
    arguments: tuple[Any, ...],
    x: Any,
    contexts: tuple[Any, ...],
    t: Any,
) -> bool:
    """Whether x and t are lone arrays, and all arguments went into the plan untouched.

    Functions with defaults go the general way too: they are rare, and cost another loop.
    """
    given = [plan.check_x.exact(x), plan.check_contexts.exact(contexts)]
    if plan.check_seed is not None:
        given.append(plan.check_seed.exact(t))
    untouched = all(
        before is not None and all(a is b for a, b in zip(before, after, strict=True))
        for before, after in zip(given, arguments, strict=True)
    )
    return (
        untouched
        and not captured.has_defaults
        and not plan.request.has_aux
        and _lone(plan.check_x.leaves)
        and (plan.check_seed is None or _lone(plan.check_seed.leaves))
    )


def _lone(checks: tuple[LeafCheck, ...]) -> bool:
    return len(checks) == 1 and checks[0].facts[2] is not None


def _run(plan: Plan, valued: bool) -> tuple[Callable[..., Any], Callable[[Any], Any]]:
    """What the backend computes, and how the caller gets it."""
    return (plan.prep.run, plan.finish_run) if valued else (plan.prep.result, plan.finish)


def _watched(captured: Captured) -> tuple[Any, Any, Any]:
    """What must not have been rebound: cells, names and codes."""
    cells = [(cell, value) for cell, value, _ in captured.cells]
    return cells, captured.names, [(function, code) for function, code, *_ in captured.functions]
