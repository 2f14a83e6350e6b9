"""Every operator from one primitive: the pushforward or the pullback that a backend gives.

The functions here are the bodies of `Backend`'s default methods. They work on flat tuples of leaves
and through the array-API namespace of whatever arrays the engine runs on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..arrays import assembly
from ..arrays.facts import is_complex, shape_of, size_of
from ..arrays.namespace import array_namespace
from ..arrays.seeds import basis, match_cotangent, turned
from ..arrays.stop import stopped
from ..arrays.trees import Leaves
from ..errors import UnsupportedOperatorError
from .contract import AbstractBackend
from .function import DerivedFunction, Function
from .modes import prefers_forward
from .prep import Levels, Prep, Setting, Tell
from .transforms import complex_gradient_error


def fix_point(prep: Prep, x: Leaves, contexts: Leaves) -> Prep:
    """A prep at one point, from the general one: correct for every engine, if not the fastest."""
    return Prep(
        lambda t: prep.run(x, contexts, t),
        lambda t: prep.result(x, contexts, t),
        levels=prep.levels,
    )


# --- the primitives from each other --------------------------------------------------------------


def pullback_by_pushforward(
    backend: AbstractBackend, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool
) -> Prep:
    """Adjoint of the pushforward, one basis direction of x after the other."""
    _need(backend, backend.has_forward, "pullback")
    push = backend.prepare("pushforward", fn, x, contexts, basis(x, 0, 1), batched=True)

    def run(x: Leaves, contexts: Leaves, t: Leaves) -> tuple[Leaves, Leaves, Any]:
        value, columns, aux = _columns(backend, fn, push, x, contexts)
        cotangents = match_cotangent(t, value, batched)
        flat = assembly.adjoint(cotangents, value, columns, batched)
        if any(is_complex(leaf) for leaf in x):
            across = _columns_alone(backend, fn, push, x, contexts, turn=True)
            flat = flat + 1j * assembly.adjoint(cotangents, value, across, batched)
        return value, assembly.split(flat, x, batched), aux

    return Prep(run, levels=_by_columns(push))


def _need(backend: AbstractBackend, given: bool, operator: str) -> None:
    """A backend that gives neither primitive would ask each for the other for ever."""
    if not given:
        raise UnsupportedOperatorError(
            f"{type(backend).__name__} gives neither prepare_pushforward nor prepare_pullback; "
            "override one of them.",
            backend=backend.adtype,
            operator=operator,
        )


def pushforward_by_pullback(
    backend: AbstractBackend, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool
) -> Prep:
    """The Jacobian of a reverse-mode engine, applied to the tangents."""
    _need(backend, backend.has_reverse, "pushforward")
    if any(is_complex(leaf) for leaf in x):
        raise UnsupportedOperatorError(
            f"{backend.adtype!r} gives only a pullback, from which the pushforward at a complex x is "
            "not derived; use a backend with forward mode.",
            backend=backend.adtype,
            operator="pushforward",
        )
    rows = jacobian_reverse(backend, fn, x, contexts)

    def run(x: Leaves, contexts: Leaves, t: Leaves) -> tuple[Leaves, Leaves, Any]:
        value, matrix, aux = rows.run(x, contexts)
        return value, assembly.apply(matrix, value, t, batched), aux

    return Prep(run, levels=rows.levels)


# --- first order ---------------------------------------------------------------------------------


def derivative(backend: AbstractBackend, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
    """The pushforward of 1."""
    seed = tuple(array_namespace(leaf).ones_like(leaf) for leaf in x)
    return _along(backend.prepare("pushforward", fn, x, contexts, seed), seed)


def _along(prep: Prep, t: Leaves) -> Prep:
    """A prep of the seed t, as one that takes none."""
    return Prep(
        lambda x, c: prep.run(x, c, t), lambda x, c: prep.result(x, c, t), levels=prep.levels
    )


def gradient(backend: AbstractBackend, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
    """The pullback of 1, or one directional derivative for each entry of x."""
    if backend.has_reverse and x:
        xp = array_namespace(x[0])
        one = xp.ones((), dtype=xp.real(x[0]).dtype if is_complex(x[0]) else x[0].dtype)
        return _along(backend.prepare("pullback", fn, x, contexts, (one,)), (one,))
    return gradient_forward(backend, fn, x, contexts)


def gradient_forward(backend: AbstractBackend, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
    """One directional derivative for each entry of x."""
    push = backend.prepare("pushforward", fn, x, contexts, basis(x, 0, 1), batched=True)

    def joined(columns: list[list[Any]], x: Leaves, contexts: Leaves) -> Leaves:
        flat = assembly.concat(columns[0])
        if any(is_complex(leaf) for leaf in x):
            across = _columns_alone(backend, fn, push, x, contexts, turn=True)
            flat = flat + 1j * assembly.concat(across[0])
        elif is_complex(flat):
            raise complex_gradient_error()
        return assembly.split(flat, x, False)

    def run(x: Leaves, contexts: Leaves) -> tuple[Leaves, Leaves, Any]:
        value, columns, aux = _columns(backend, fn, push, x, contexts)
        if is_complex(value[0]):
            raise complex_gradient_error()
        return value, joined(columns, x, contexts), aux

    def result(x: Leaves, contexts: Leaves) -> Leaves:
        if any(is_complex(leaf) for leaf in x):  # f's value must be seen to be real
            return run(x, contexts)[1]
        return joined(_columns_alone(backend, fn, push, x, contexts), x, contexts)

    return Prep(run, result, levels=_by_columns(push))


def jacobian(backend: AbstractBackend, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
    """Column by column or row by row, whichever are fewer."""
    if not backend.has_reverse:
        return jacobian_forward(backend, fn, x, contexts)
    if backend.has_forward:
        y, _ = fn(x, contexts)
        if prefers_forward(backend, x, y):
            return jacobian_forward(backend, fn, x, contexts)
    return jacobian_reverse(backend, fn, x, contexts)


def jacobian_forward(backend: AbstractBackend, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
    """Column by column."""
    push = backend.prepare("pushforward", fn, x, contexts, basis(x, 0, 1), batched=True)

    def run(x: Leaves, contexts: Leaves) -> tuple[Leaves, Any, Any]:
        value, columns, aux = _columns(backend, fn, push, x, contexts)
        return value, assembly.rows_from_columns(columns, value, x), aux

    def result(x: Leaves, contexts: Leaves) -> Any:
        if not sum(map(size_of, x)):
            return run(x, contexts)[1]
        columns = _columns_alone(backend, fn, push, x, contexts)
        like = tuple(chunks[0][0, ...] for chunks in columns)
        return assembly.rows_from_columns(columns, like, x)

    return Prep(run, result, levels=_by_columns(push))


def jacobian_reverse(backend: AbstractBackend, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
    """Row by row."""
    y, _ = fn(x, contexts)
    # Only as examples: the prep must not keep a trace alive.
    y = tuple(stopped(array_namespace(*x, leaf).asarray(leaf)) for leaf in y)
    pull = backend.prepare("pullback", fn, x, contexts, basis(y, 0, 1), batched=True)

    def run(x: Leaves, contexts: Leaves) -> tuple[Leaves, Any, Any]:
        parts, value, aux = [], (), None
        for seeds in _chunks(backend, y):
            value, part, aux = pull.run(x, contexts, seeds)
            if any(is_complex(leaf) for leaf in y):
                across = pull.run(x, contexts, turned(seeds))[1]
                part = assembly.complex_rows(part, across, x)
            parts.append(part)
        rows = tuple(assembly.concat([p[i] for p in parts]) for i in range(len(x)))
        return value, assembly.rows_from_rows(rows, y, x), aux

    return Prep(run, levels=_at_once(pull, sum(map(size_of, y))))


def batched_jacobian(
    backend: AbstractBackend, fn: Function, x: Leaves, contexts: Leaves, forward: bool | None = None
) -> Prep:
    """One seed serves every sample at once, because samples do not mix."""
    y, _ = fn(x, contexts)
    batch = assembly.check_batch(x, y)
    example = tuple(map(stopped, assembly.first_sample(y)))  # the prep must not keep a trace alive
    if forward is None:
        forward = prefers_forward(backend, x, y, samples=True)
    operator = "pushforward" if forward else "pullback"
    over = assembly.first_sample(x) if forward else example
    seeds = assembly.broadcast_seeds(basis(over, 0, 1), batch)
    each = backend.prepare(operator, fn, x, contexts, seeds, batched=True)

    def run(x: Leaves, contexts: Leaves) -> tuple[Leaves, Any, Any]:
        parts, value, aux = [], (), None
        sample = assembly.first_sample(x)
        for seeds in _chunks(backend, sample if forward else example):
            value, part, aux = each.run(x, contexts, assembly.broadcast_seeds(seeds, batch))
            parts.append(part)
        stacked = tuple(assembly.concat([p[i] for p in parts]) for i in range(len(parts[0])))
        return value, assembly.batched_rows(stacked, example, sample, forward), aux

    return Prep(run, levels=_at_once(each, sum(map(size_of, over))))


def _at_once(prep: Prep, seeds: int) -> Tell:
    """What `prep` tells of so many seeds."""
    return lambda setting: prep.levels(setting._replace(seeds=seeds))


def _by_columns(push: Prep) -> Tell:
    """What `push` tells of a seed for each entry of x."""
    return lambda setting: push.levels(setting._replace(seeds=setting.entries))


def _chunks(backend: AbstractBackend, over: Leaves) -> Iterator[Leaves]:
    total = sum(map(size_of, over))
    step = backend.chunk_size or total
    for start in range(0, max(total, 1), max(step, 1)):
        yield basis(over, start, start + step)


def _columns(
    backend: AbstractBackend,
    fn: Function,
    push: Prep,
    x: Leaves,
    contexts: Leaves,
    turn: bool = False,
) -> tuple[Leaves, list[list[Any]], Any]:
    """f's value, and for each output leaf the chunks of its Jacobian columns, as leading axis."""
    if not sum(map(size_of, x)):  # no direction to push: engines need not know how to push none
        value, aux = fn(x, contexts)
        xps = [array_namespace(*x, leaf) for leaf in value]
        dtypes = [getattr(leaf, "dtype", None) for leaf in value]
        rows = zip(xps, value, dtypes, strict=True)
        return value, [[xp.zeros((0, *shape_of(y)), dtype=dtype)] for xp, y, dtype in rows], aux
    first, *others = _seeds(backend, x, turn)
    value, columns, aux = push.run(x, contexts, first)
    outputs = [columns, *(push.result(x, contexts, seeds) for seeds in others)]
    return value, [list(leaf) for leaf in zip(*outputs, strict=True)], aux


def _columns_alone(
    backend: AbstractBackend,
    fn: Function,
    push: Prep,
    x: Leaves,
    contexts: Leaves,
    turn: bool = False,
) -> list[list[Any]]:
    """The columns without f's value, which some engines would evaluate once more."""
    if not sum(map(size_of, x)):
        return _columns(backend, fn, push, x, contexts)[1]
    outputs = [push.result(x, contexts, seeds) for seeds in _seeds(backend, x, turn)]
    return [list(leaf) for leaf in zip(*outputs, strict=True)]


def _seeds(backend: AbstractBackend, x: Leaves, turn: bool) -> Iterator[Leaves]:
    return map(turned, _chunks(backend, x)) if turn else _chunks(backend, x)


# --- second order --------------------------------------------------------------------------------


def derivative_function(inner: AbstractBackend, fn: Function, operator: str) -> DerivedFunction:
    """A derivative of f, as the function that an outer engine differentiates; its aux is (y, aux).

    Both engines compute with the same arrays.
    """

    def prep(x: Leaves, contexts: Leaves) -> Prep:
        return inner.prepare(operator, fn.on(inner, reuse=False), x, contexts)

    def call(x: Leaves, contexts: Leaves) -> tuple[Leaves, Any]:
        value, result, aux = prep(x, contexts).run(x, contexts)
        return result, (value, aux)

    return fn.derived(call, lambda setting: prep(setting.x, setting.contexts).levels(setting))


def _second_order(outer: AbstractBackend, prep: Prep, first: DerivedFunction) -> Prep:
    """A prep over a derivative, with value ``(y, derivative)`` as `Backend` tables it."""

    def run(*args: Any) -> tuple[Any, Any, Any]:
        slope, second, (y, aux) = prep.run(*args)
        return (y, slope), second, aux

    def levels(setting: Setting) -> Levels:
        recorded = setting.recorded or outer.stops  # differences record nothing
        return prep.levels(setting) + first.levels(setting._replace(seeds=1, recorded=recorded))

    return Prep(run, prep.result, levels=levels)


def refuse_complex(backend: AbstractBackend, x: Leaves, operator: str) -> None:
    """Raise `UnsupportedOperatorError` for a second-order operator at a complex x."""
    if any(is_complex(leaf) for leaf in x):
        raise UnsupportedOperatorError(
            f"{operator} at a complex x is not one matrix of complex entries; split x into real and "
            "imaginary parts.",
            backend=backend.adtype,
            operator=operator,
        )


def second_derivative(
    outer: AbstractBackend, first: DerivedFunction, x: Leaves, contexts: Leaves
) -> Prep:
    """The outer derivative of the inner derivative, `first`."""
    return _second_order(outer, outer.prepare("derivative", first, x, contexts), first)


def hvp(
    outer: AbstractBackend,
    first: DerivedFunction,
    x: Leaves,
    contexts: Leaves,
    t: Leaves,
    batched: bool,
) -> Prep:
    """The outer pushforward of the inner gradient, or its pullback: the Hessian is symmetric."""
    refuse_complex(outer, x, "hvp")
    operator = "pushforward" if outer.has_forward else "pullback"
    prep = outer.prepare(operator, first, x, contexts, t, batched=batched)
    return _second_order(outer, prep, first)


def hessian(outer: AbstractBackend, first: DerivedFunction, x: Leaves, contexts: Leaves) -> Prep:
    """The outer Jacobian of the inner gradient, `first`."""
    refuse_complex(outer, x, "hessian")
    if outer.has_forward:
        return _second_order(outer, jacobian_forward(outer, first, x, contexts), first)
    return _second_order(outer, outer.prepare("jacobian", first, x, contexts), first)
