"""The shortest way through a prepared call: lone arrays of the very kind prepared for.

A prepared call over a compiled engine has about a microsecond to spend in Python. So its commonest
form, a lone array x (and seed), contexts that are lone arrays or numbers, and results that need no
conversion, is built here as one closure over local variables. Whatever it does not recognize it hands
to the general way, which decides; it never decides otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from operator import is_
from typing import Any

from ..arrays.trees import LEAF, Leaves
from ..engine.capture import Captured
from .call import Call

Slow = Callable[..., Any]


def unseeded(
    bound: Call, captured: Captured, slow: Slow, valued: bool = False
) -> Callable[..., Any]:
    """``call(x, *contexts)`` for an operator without a seed, `valued` where f's value comes too."""
    signature, converter = bound.signature, bound.converter
    kind, shape, dtype, device = signature.x.kinds[0].facts
    run, finish = _run(bound, valued)
    # A gradient is the one leaf itself; other results know their tree only once f has run.
    like_x = bound.request.operator.result == "x" and not valued
    same = converter.same
    bare = not signature.contexts.layout
    lone = bound.prep.lone if bare else None
    concrete: Any
    to_numpy: Any
    concrete, to_numpy = converter.to_numpy_arrays if shape else (None, None)
    cells, names, codes = _watched(captured)
    match = signature.contexts.match

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
        data = contexts if bare and not contexts else match(contexts, True)
        if data is None:
            return slow(x, contexts)
        if not like_x:
            return finish(run((x,), data))
        leaf = run((x,), data)[0] if lone is None else lone(x)
        if same:
            return leaf
        return to_numpy(leaf) if type(leaf) is concrete else finish((leaf,))

    return call


def seeded(bound: Call, captured: Captured, slow: Slow, valued: bool = False) -> Callable[..., Any]:
    """``call(x, t, *contexts)`` for an operator with a seed, `valued` where f's value comes too."""
    signature = bound.signature
    assert signature.seed is not None
    kind, shape, dtype, device = signature.x.kinds[0].facts
    exact_t, match = signature.seed.kinds[0].exact, signature.contexts.match
    run, finish = _run(bound, valued)
    fn, untouched = bound.fn, bound.converter.same and not valued
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
        data = match(contexts, True)
        if data is None:
            return slow(x, contexts, t)
        leaves = run((x,), data, (t,))
        return leaves[0] if untouched and fn.y_structure is LEAF else finish(leaves)

    return call


def applies(bound: Call, captured: Captured, arguments: tuple[Leaves, ...], *given: Any) -> bool:
    """Whether x and t are lone arrays, and all arguments went into the call untouched.

    Functions with defaults go the general way too: they are rare, and cost another loop.
    """
    signature = bound.signature
    leaves = signature.match(*given)
    return (
        not captured.has_defaults
        and not bound.request.has_aux
        and signature.x.is_lone_array
        and (signature.seed is None or signature.seed.is_lone_array)
        and leaves is not None
        and all(map(is_, chain(*leaves), chain(*arguments)))
    )


def _run(bound: Call, valued: bool) -> tuple[Callable[..., Any], Callable[[Any], Any]]:
    """What the backend computes, and how the caller gets it."""
    return (bound.prep.run, bound.finish_run) if valued else (bound.prep.result, bound.finish)


def _watched(captured: Captured) -> tuple[Any, Any, Any]:
    """What must not have been rebound: cells, names and codes."""
    cells = [(cell, value) for cell, value, _ in captured.cells]
    return cells, captured.names, [(function, code) for function, code, *_ in captured.functions]
