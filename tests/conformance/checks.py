"""One scenario on one backend for one caller, in every way that the operator can be called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import optree

import diffinterface as di

from .backends import Entry
from .callers import Caller
from .scenarios import Arguments, Scenario

_VALUED = {
    "second_derivative": di.value_derivative_and_second_derivative,
    "hvp": di.gradient_and_hvp,
    "hessian": di.value_gradient_and_hessian,
}


def valued(operator: str) -> Callable[..., Any]:
    """The ``value_and`` variant of an operator."""
    return _VALUED.get(operator) or getattr(di, f"value_and_{operator}")


def check(scenario: Scenario, backend: Entry, caller: Caller) -> None:
    """Run every way, compare each with the truth.

    If the cell is not supported, each way must say so: the error of the first is raised, and a way
    that answered all the same fails.
    """
    outcomes: dict[str, Exception | None] = {}
    with caller.scope():
        for name, way in _ways(scenario, backend, caller):
            try:
                way()
                outcomes[name] = None
            except di.DiffInterfaceError as error:
                outcomes[name] = error
    errors = {name: error for name, error in outcomes.items() if error is not None}
    assert len(errors) in (0, len(outcomes)), f"only some ways raise: {outcomes}"
    if errors:
        raise next(iter(errors.values()))


def _ways(
    scenario: Scenario, backend: Entry, caller: Caller
) -> Iterator[tuple[str, Callable[[], None]]]:
    operator, options, f = scenario.operator, dict(scenario.options), scenario.f
    head = (f, backend.adtype)
    here, there = (_given(a, scenario, caller) for a in (scenario.here, scenario.there))

    def agree(got: Any, arguments: Arguments, valued: bool) -> None:
        want = arguments.expected if valued else arguments.expected[-1:]
        if arguments.aux is not None:
            want = (*want, arguments.aux)
        tolerance = backend.tolerance(operator, caller.dtype)
        compare(got if len(want) > 1 else (got,), want, caller, tolerance)

    def once() -> None:
        agree(getattr(di, operator)(*head, *here, **options), scenario.here, False)

    def with_value() -> None:
        agree(valued(operator)(*head, *here, **options), scenario.here, True)

    def prepared() -> None:
        prep = getattr(di, f"prepare_{operator}")(*head, *there, **options)
        agree(prep(*here), scenario.here, False)
        agree(prep(*there), scenario.there, False)
        agree(prep.value_and(*here), scenario.here, True)

    def at_one_point() -> None:
        prepare = getattr(di, f"prepare_{operator}_same_point")
        x, _, *contexts = here
        prep = prepare(*head, x, there[1], *contexts, **options)
        agree(prep(here[1]), scenario.here, False)
        agree(prep.value_and(here[1]), scenario.here, True)

    yield from {"once": once, "with value": with_value, "prepared": prepared}.items()
    if scenario.seeded:
        yield "at one point", at_one_point


def _given(arguments: Arguments, scenario: Scenario, caller: Caller) -> tuple[Any, ...]:
    seed = (caller.give(arguments.t),) if scenario.seeded else ()
    return (caller.give(arguments.x), *seed, *map(caller.give, arguments.contexts))


def compare(got: Any, want: Any, caller: Caller, tolerance: float) -> None:
    """Structure, framework, dtype and entries."""
    want = caller.narrow(optree.tree_map(_array, want))
    assert optree.tree_structure(got) == optree.tree_structure(want)
    for a, b in zip(optree.tree_leaves(got), optree.tree_leaves(want), strict=True):
        if isinstance(b, str):
            assert a == b
            continue
        a = caller.check(a)
        assert a.dtype == b.dtype, f"{a.dtype} where {b.dtype} was expected"
        scale = np.max(np.abs(b), initial=1.0)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


def _array(leaf: Any) -> Any:
    return leaf if isinstance(leaf, str) else np.asarray(leaf)
