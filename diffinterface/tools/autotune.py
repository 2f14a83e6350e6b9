"""The fastest engine for one's own function, among those that agree with the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..declare.adtypes import ADType
from ..errors import DiffInterfaceError


class AutotuneError(DiffInterfaceError, RuntimeError):
    """No backend that was tried gives the reference; `candidates` says what each did."""


@dataclass(frozen=True)
class Candidate:
    """What one backend did.

    Attributes
    ----------
    backend : ADType
        Which.
    seconds, spread : float
        Median of a prepared call, and its interquartile range; NaN where it was not timed.
    prepare_seconds : float
        The preparation with the first call.
    error : str
        Why it is out of the question: it raised, or its result is wrong.
    """

    backend: ADType
    seconds: float
    spread: float
    prepare_seconds: float
    error: str = ""


@dataclass(frozen=True)
class Choice:
    """The backend that `autotune` chose, and why.

    Attributes
    ----------
    backend : ADType
        The fastest that agrees.
    operator : str
        For which operator.
    candidates : tuple of Candidate
        All that were tried, the fastest first; those that are out of the question last.
    """

    backend: ADType
    operator: str
    candidates: tuple[Candidate, ...]

    def __str__(self) -> str:
        return "\n".join([f"{self.operator}: {self.backend!r}", *_lines(self.candidates)])


def _lines(candidates: tuple[Candidate, ...]) -> list[str]:
    from ..testing.display import seconds

    return [
        f"  {c.backend!r}: {c.error}"
        if c.error
        else f"  {c.backend!r}: {seconds(c.seconds)} a call, {seconds(c.prepare_seconds)} to prepare"
        for c in candidates
    ]


def autotune(
    f: Callable[..., Any],
    x: Any,
    *contexts: Any,
    operator: str = "gradient",
    tangent: Any = None,
    backends: Any = "installed",
    options: Mapping[str, Any] | None = None,
    expected: Any = None,
    rtol: float | None = None,
    budget: float = 0.1,
) -> Choice:
    """The fastest backend for an operator on f, among those that give the right result at x.

    Parameters
    ----------
    f : callable
        ``f(x, *contexts)``.
    x : tree of array
        A point of the size that will be used: which engine is fastest depends on it.
    *contexts : any
        Further arguments of f.
    operator : str
        "gradient", "jacobian", ...
    tangent : tree of array, optional
        The seed, for operators that take one; by default one without symmetry.
    backends : str, ADType, or iterable of these
        What to try: "installed", or names separated by commas, such as "jax,torch:forward".
    options : mapping, optional
        Keywords of the operator: ``argnums``, ``has_aux``, ``batched``.
    expected : tree of numpy.ndarray, optional
        The result, where it is known. By default it is taken from extrapolated finite differences of
        f's own values.
    rtol : float, optional
        How close a backend must come; see `diffinterface.testing.check_derivatives`.
    budget : float
        Seconds of timing for each backend, which take turns.

    Returns
    -------
    Choice
        Its `backend` is what to pass to the operators; printed, it is the table behind the choice.

    Raises
    ------
    AutotuneError
        If no backend runs f and gives the reference.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> choice = di.autotune(
    ...     lambda x: (x**3).sum(), np.ones(50), backends="forwarddiff,finitediff", budget=0.01
    ... )
    >>> choice.backend
    AutoForwardDiff()
    """
    from ..testing.benchmark import timed
    from ..testing.oneliners import scenario_of, tolerant
    from ..testing.scenario import OPERATORS, check_known

    check_known("operator", operator, OPERATORS)
    under_test = tolerant(backends, rtol)
    scenario = scenario_of(
        operator, f, x, contexts, dict(options or {}), under_test, expected, tangent
    )
    adtypes = {backend.id: backend.adtype for backend in under_test}
    rows = timed(scenario, under_test, budget, memory=False)
    candidates = tuple(
        Candidate(adtypes[row.backend], row.seconds, row.spread, row.prepare_seconds, row.error)
        for row in sorted(rows, key=lambda row: (bool(row.error), row.seconds))
    )
    if candidates[0].error:
        told = "\n".join(_lines(candidates))
        raise AutotuneError(f"No backend gives the {operator} of f.\n{told}", candidates=candidates)
    return Choice(candidates[0].backend, operator, candidates)
