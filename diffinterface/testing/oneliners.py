"""For one's own function: are its derivatives right, and do the engines agree?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays.facts import shape_of
from ..arrays.framework import framework_of
from ..arrays.trees import flatten, map_leaves
from ..errors import DiffInterfaceError, InputError
from .backends import Entry, entries
from .cell import Cell, DerivativeError, Failure
from .checks import CHECKS
from .deviation import deviation, numpy_of
from .reference import with_reference
from .scenario import SEEDED, Arguments, Scenario, operator_named
from .seeds import seed_like

# Functions of one's own are worse conditioned than the scenarios: rounding in 64 and 32 bits.
_RTOL = (1e-8, 1e-4), (1e-7, 1e-3)
_NEAR = 2.0**-8


def check_derivatives(
    f: Callable[..., Any],
    x: Any,
    *contexts: Any,
    backends: Any = "installed",
    operators: Sequence[str] | str | None = None,
    order: int = 1,
    expected: Any = None,
    rtol: float | None = None,
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
) -> None:
    """Check the derivatives of f at x, by every engine, against differences of f's own values.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``.
    x : tree of array
        The point, where f must be smooth.
    *contexts : any
        Further arguments of f.
    backends : str, ADType, Entry, or iterable of these
        See `entries`. Each must be able to run f: name those that your function supports.
    operators : str or sequence of str, optional
        What to check; by default `derivative` at a scalar x, `gradient` of a scalar f(x), else
        `jacobian`, and with ``order=2`` their second-order companions.
    order : {1, 2}
        Whether to check second derivatives too (of scalar x or scalar f(x)).
    expected : tree of numpy.ndarray, optional
        The derivative, where it is known and one operator is checked.
    rtol : float, optional
        Relative to each entry and to the largest one; by default 1e-8 (1e-4 in 32 bits) for first and
        1e-7 (1e-3) for second derivatives, and never less than an engine's own tolerance.
    argnums, has_aux
        As for the operators.

    Raises
    ------
    DerivativeError
        An `AssertionError` that lists, for each failure: backend, operator, entry, what was got and
        expected, and the likely cause.
    NoReferenceError
        If f cannot be evaluated.

    Notes
    -----
    The reference needs two evaluations of f for each of 7 steps and each entry of x; beyond some
    thousand entries give `expected`, or use `assert_backends_agree`.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> from diffinterface.testing import check_derivatives
    >>> def energy(x):
    ...     xp = di.array_namespace(x)
    ...     return xp.sum(xp.sin(x) * x)
    >>> check_derivatives(energy, np.array([0.5, 1.0]), backends="forwarddiff,finitediff", order=2)
    """
    options = {"argnums": argnums} if argnums != 0 else {}
    options |= {"has_aux": True} if has_aux else {}
    under_test = tolerant(backends, rtol)
    names = _named(operators) or operators_for(f, x, contexts, options, order, under_test)
    if expected is not None and len(names) > 1:
        raise InputError(
            f"expected= is the result of one operator, got {len(names)}: {', '.join(names)}; "
            "write operators='gradient', say.",
            got=names,
        )
    failures: list[Failure] = []
    for name in names:
        scenario = scenario_of(name, f, x, contexts, options, under_test, expected)
        for backend in under_test:
            failures += _failures(Cell(scenario, backend))
    if failures:
        what = getattr(f, "__name__", "f")
        raise DerivativeError(*failures, heading=f"Derivatives of {what} are wrong.")


def tolerant(backends: Any, rtol: float | None) -> list[Entry]:
    """The backends, with tolerances for functions of unknown conditioning."""
    under_test = entries(backends)
    if rtol is not None:
        return [replace(e, first=(rtol, rtol), second=(rtol, rtol)) for e in under_test]
    return [e.coarser(*_RTOL) for e in under_test]


def _named(operators: Sequence[str] | str | None) -> list[str]:
    if operators is None:
        return []
    return operators.split() if isinstance(operators, str) else list(operators)


def operators_for(
    f: Any, x: Any, contexts: Any, options: Any, order: int, backends: Sequence[Entry]
) -> list[str]:
    """What the shapes of x and f(x) ask for."""
    if order not in (1, 2):
        raise InputError(f"order={order!r}, expected 1 or 2.", got=order)
    if _is_scalar(x):
        return ["derivative", "second_derivative"][:order]
    if _is_scalar(value_of(f, x, contexts, options, backends)):
        return ["gradient", "hessian"][:order]
    if order == 2:
        raise InputError("order=2 needs a scalar x or a scalar f(x).")
    return ["jacobian"]


def _is_scalar(tree: Any) -> bool:
    leaves, _ = flatten(tree)
    return len(leaves) == 1 and shape_of(leaves[0]) == ()


def value_of(f: Any, x: Any, contexts: Any, options: Any, backends: Sequence[Entry]) -> Any:
    """f(x), by the first backend that can run f."""
    told: dict[str, str] = {}
    for backend in backends:
        try:
            parts = operator_named("value_and_pushforward")(
                f, backend.adtype, x, map_leaves(lambda a: a * 0.0, x), *contexts, **options
            )
        except Exception as error:  # an engine that cannot run f is reported where it is tested
            told[backend.id] = f"{type(error).__name__}: {error}"
            continue
        return parts[0]
    lines = [f"{name}: {why}" for name, why in told.items()]
    raise DiffInterfaceError("\n".join(["No backend can run f.", *lines]), told=told)


def scenario_of(
    operator: str,
    f: Any,
    x: Any,
    contexts: Any,
    options: Any,
    backends: Sequence[Entry],
    expected: Any = None,
    tangent: Any = None,
) -> Scenario:
    """A scenario of a user's own f, with a seed and a reference where none is given."""
    tangent = seeded(operator, f, x, contexts, options, backends, tangent)
    result = None if expected is None else map_leaves(np.asarray, expected)
    scenario = Scenario(
        operator,
        f,
        x,
        tangent,
        contexts,
        result=result,
        prepare_with=Arguments(map_leaves(_nearby, x), tangent, contexts),
        options=options,
        source="the caller",
    )
    return with_reference(scenario, *backends)


def _nearby(a: Any) -> Any:
    """Another value, so that a stale cache shows; within the steps of the reference."""
    return a + _NEAR * (1 + abs(a))


def seeded(
    operator: str, f: Any, x: Any, contexts: Any, options: Any, backends: Any, tangent: Any
) -> Any:
    """The seed that is given, or one without symmetry; None for operators that take none."""
    if operator not in SEEDED or tangent is not None:
        return tangent
    like = x if operator != "pullback" else value_of(f, x, contexts, options, backends)
    return _seed(like)


def _seed(tree: Any) -> Any:
    """A seed in the framework and dtype of a tree."""

    def leaf(a: Any) -> Any:
        seed = seed_like(numpy_of(a))
        framework = framework_of(a)
        seed = np.asarray(seed).astype(numpy_of(a).dtype)
        return framework.from_numpy(seed, a) if hasattr(a, "dtype") and framework else seed.item()

    return map_leaves(leaf, tree)


def _failures(cell: Cell) -> list[Failure]:
    """What is wrong by one backend, as far as f may be called: correctness and stale caches."""
    for check in ("correct", "reuse"):
        try:
            CHECKS[check](cell.named(check))
        except DerivativeError as error:
            return list(error.failures)
        except Exception as error:
            return [_cannot(cell, error)]
    return []


def _cannot(cell: Cell, error: Exception) -> Failure:
    cause = "this engine cannot run f; name those that can in backends="
    failure = cell.failure("all", f"{type(error).__name__}: {error}", cause)
    return replace(failure, scenario=cell.scenario.name)  # whatever the caller


def assert_backends_agree(
    f: Callable[..., Any],
    x: Any,
    *contexts: Any,
    operator: str = "gradient",
    tangent: Any = None,
    backends: Any = "installed",
    rtol: float | None = None,
    argnums: int | tuple[int, ...] = 0,
) -> None:
    """Check that engines give the same derivative of f at x; nothing else is evaluated.

    The result that most of the others agree with is taken for right, of two different ones the first.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``.
    x : tree of array
        The point.
    *contexts : any
        Further arguments of f.
    operator : str
        What to compare.
    tangent : tree of array, optional
        The seed, for operators that take one; by default one without symmetry.
    backends : str, ADType, Entry, or iterable of these
        See `entries`; at least two.
    rtol : float, optional
        As for `check_derivatives`.
    argnums : int or tuple of int
        As for the operators.

    Raises
    ------
    DerivativeError
        With each backend that differs, the entry, both numbers, and the likely cause.
    InputError
        If fewer than two backends are named.

    Examples
    --------
    >>> import numpy as np
    >>> from diffinterface.testing import assert_backends_agree
    >>> assert_backends_agree(
    ...     lambda x: (x**3).sum(), np.array([1.0, 2.0]), backends="forwarddiff,complexstep"
    ... )
    """
    options = {"argnums": argnums} if argnums != 0 else {}
    under_test = tolerant(backends, rtol)
    if len(under_test) < 2:
        raise InputError(
            f"assert_backends_agree needs two backends, got {under_test[0].id}.", got=backends
        )
    tangent = seeded(operator, f, x, contexts, options, under_test, tangent)
    scenario = Scenario(operator, f, x, tangent, contexts, options=options)
    results: dict[str, Any] = {}
    failures = []
    for backend in under_test:
        cell = Cell(scenario, backend)
        try:
            results[backend.id] = cell.once(scenario.here)
        except Exception as error:
            failures.append(_cannot(cell, error))
    ran = [backend for backend in under_test if backend.id in results]
    if ran:
        trusted = _most_agreed(ran, scenario, results)
        right = map_leaves(numpy_of, results[trusted.id])
        known = replace(scenario, result=right, source=f"{trusted.id}, with which most agree")
        for backend in ran:
            cell = Cell(known, backend.coarser(trusted.first, trusted.second), check="agree")
            try:
                cell.expect("without preparation", results[backend.id], known.here)
            except DerivativeError as error:
                failures += error.failures
    if failures:
        what = getattr(f, "__name__", "f")
        raise DerivativeError(*failures, heading=f"Backends disagree on the {operator} of {what}.")


def _most_agreed(backends: Sequence[Entry], scenario: Scenario, results: dict[str, Any]) -> Entry:
    """The backend with which most others agree; of several, the most exact, then the first."""

    def votes(a: Entry) -> tuple[int, float]:
        agreeing = 0
        for b in backends:
            cell = Cell(scenario, b.coarser(a.first, a.second))
            gap = deviation(results[b.id], map_leaves(numpy_of, results[a.id]), cell.tolerance)
            agreeing += gap is None
        return agreeing, -a.first[0]

    return max(backends, key=votes)
