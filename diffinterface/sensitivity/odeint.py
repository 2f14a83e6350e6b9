"""Solutions of ODEs that any engine can differentiate."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from ..arrays.facts import NUMBERS, is_complex, is_inexact, shape_of, size_of
from ..arrays.framework import NUMPY, finished, framework_of
from ..arrays.kinds import kind_of
from ..arrays.perturbations import tracing
from ..arrays.stop import stopped
from ..arrays.trees import Leaves, Structure
from ..declare.adtypes import ADType
from ..declare.config import as_adtype
from ..engine.capture import Captured, same_module_or_held
from ..engine.latest import Latest, carried
from ..engine.registry import resolve
from ..errors import InputError, OutputError, ShapeError
from ..implicit.arguments import Arguments
from ..implicit.captured import recording, refuse_captured, refuse_traced
from . import discrete
from .flow import Flow
from .integrate import check_times, tolerances
from .ode import Ode, Options, Seeding, check_choice, check_count

Sensitivity = Literal["auto", "forward", "interpolating", "checkpointed", "backsolve", "discrete"]
SENSITIVITIES = ("auto", "forward", "interpolating", "checkpointed", "backsolve", "discrete")


def odeint(
    f: Callable[..., Any],
    u0: Any,
    ts: Any,
    p: Any = None,
    *,
    backend: ADType | str | None = None,
    sensitivity: Sensitivity = "auto",
    seeding: Seeding = "product",
    method: str | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    steps: int = 10,
    checkpoints: int = 10,
    **options: Any,
) -> Any:
    """The solution of ``u' = f(t, u, p)`` at the times ts, differentiable by any engine.

    Any engine may differentiate it by u0, ts and p, forward and in reverse, to any order: ours,
    ``jax.grad``, ``jax.jit``, a torch tape, ``torch.func``, autograd. SciPy integrates; the derivatives
    are those of the ODE, by forward sensitivities or by an adjoint, whose products with the Jacobians
    of f are pushforwards and pullbacks by `backend`.

    Parameters
    ----------
    f : callable
        ``f(t, u, p)``, over the arrays of `backend`; gives a tree like u.
    u0 : tree of array
        The state at ``ts[0]``, real.
    ts : array
        Strictly increasing or decreasing times, the first that of u0.
    p : tree, optional
        Parameters. Every floating array and Python float in it is differentiated.
    backend : ADType or str or None
        The engine that differentiates f; None means the configured one.
    sensitivity : str
        How a pullback is computed. ``"forward"``: all derivatives integrated beside u.
        ``"interpolating"``: the adjoint, with u from the interpolated forward solution, kept.
        ``"checkpointed"``: the same, computed again between checkpoints, for little memory.
        ``"backsolve"``: u integrated backwards beside the adjoint, for no memory; wrong where the ODE is
        unstable in reverse, which is checked and warned about. ``"discrete"``: straight through a
        Runge-Kutta method in array-API code. ``"auto"``: forward up to 10 states and parameters (400 for
        an engine without reverse mode), and interpolating above.
    seeding : {"product", "jacobian", "finite"}
        The products with the Jacobians of f: by pushforward and pullback, by the whole Jacobian, or by
        the whole Jacobian by finite differences.
    method : str, optional
        Of `scipy.integrate.solve_ivp`; ``"DOP853"`` by default, ``"Radau"`` or ``"LSODA"`` for a stiff
        ODE. For ``"discrete"``: ``"dopri5"``, adaptive, the default, or ``"rk4"``.
    rtol, atol : float, optional
        Tolerances; 1e-7 and 1e-9 by default, 1e-5 and 1e-7 for float32. A derivative is held to
        ``atol`` in its own units, the size of what moves over that of what moves it. Not for ``"rk4"``.
    steps : int
        Of ``"rk4"``, between any two of the times.
    checkpoints : int
        Of ``"checkpointed"``, besides the times.
    **options
        ``first_step``, ``max_step`` and ``min_step`` of `solve_ivp`.

    Returns
    -------
    tree of array
        Like u0, each array of shape ``(len(ts), *u0.shape)``, in the caller's framework.

    Raises
    ------
    InputError
        If an argument or option is of the wrong kind.
    SolveError
        If the integration failed.
    NestedDifferentiationError
        If f captures a value that is being differentiated, instead of taking it through p.

    Warns
    -----
    BacksolveWarning
        If ``"backsolve"`` did not find its way back.

    Notes
    -----
    f has to be differentiable along the solution. Where it branches on t, u or p, the time of the jump
    moves with the parameters, and only finite differences of the solution see it.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> from diffinterface.sensitivity import odeint
    >>> decay = lambda t, u, p: -p * u
    >>> ts = np.array([0.0, 1.0])
    >>> final = lambda p: odeint(decay, np.array([1.0]), ts, p, backend="forwarddiff")[-1, 0]
    >>> round(float(di.derivative(final, "forwarddiff", 1.0)), 6)  # -exp(-1)
    -0.367879
    """
    check_choice(sensitivity, SENSITIVITIES, "sensitivity")
    check_count(steps, "steps")
    method = method or ("dopri5" if sensitivity == "discrete" else "DOP853")
    chosen = Options(method, rtol, atol, sensitivity, seeding, checkpoints, options)
    return problem(f, as_adtype(backend), chosen, u0, p).solve(u0, ts, p, steps)


@final
@dataclass(eq=False)
class Problem:
    """One f, at arguments of one layout."""

    f: Callable[..., Any]
    adtype: ADType
    options: Options
    state: tuple[int, Structure]
    arguments: Arguments

    def __post_init__(self) -> None:
        self.engine = resolve(self.adtype)
        self.captured = Captured(self.f, follows=same_module_or_held)
        self._seen: dict[Any, tuple[Leaves, Leaves]] = {}
        self._start()

    def _start(self) -> None:
        """With nothing compiled."""
        self._running: dict[Callable[..., Any], Problem] = {}
        self.ode = Ode(self._rhs, self.state[0], self.adtype, self.options)
        self.flow, self._moving = Flow(self.ode), Flow(self.ode, moving=True)

    def with_running(self, running: Callable[..., Any]) -> Problem:
        """The same beside one more state, the integral of ``running(t, u, p)``."""
        known = self._running.get(running)
        if known is None or not known.captured.unchanged():
            count, structure = self.state

            def f(t: Any, both: tuple[Any, ...], p: Any) -> tuple[Any, ...]:
                slopes = self.rhs_leaves(
                    self.f(t, structure.unflatten(both[:count]), p), both[:count]
                )
                return (*slopes, running(t, structure.unflatten(both[:count]), p))

            both = self.engine.flatten((0.0,) * (count + 1))[1]
            known = Problem(f, self.adtype, self.options, (count + 1, both), self.arguments)
            known.captured = Captured(running)
            self._running = {running: known}
        return known

    def serves(self, f: Any, adtype: ADType, options: Options, state: Any, p: Arguments) -> bool:
        """Whether this is the problem for such a call."""
        mine = self.adtype, self.options, self.state
        same = f is self.f and mine == (adtype, options, state) and self.arguments.same(p)
        return same and self.captured.unchanged()

    def _rhs(self, t: Any, u: Leaves, p: Leaves, data: Leaves) -> Leaves:
        """f on leaves."""
        slopes = self.f(t, self.state[1].unflatten(u), self.arguments.join(p, data))
        return self.rhs_leaves(slopes, u)

    def rhs_leaves(self, slopes: Any, u: Leaves) -> Leaves:
        """What f returned as leaves like those of u."""
        structure = self.state[1]
        if framework_of(slopes) is not None:
            leaves: Leaves = (slopes,)
        else:
            leaves, got = self.engine.flatten_output(slopes)
            if got != structure:
                raise OutputError(
                    f"f returned {got}, expected {structure}, the structure of u.",
                    got=got,
                    expected=structure,
                )
        for leaf, like in zip(leaves, u, strict=True):
            if framework_of(leaf) is None:
                raise OutputError(
                    f"f returned a {type(leaf).__qualname__}, expected arrays.", got=leaf
                )
            if is_complex(leaf) and not is_complex(like):
                raise OutputError("f returned complex slopes of a real state.", got=leaf)
            if shape_of(leaf) != shape_of(like):
                raise ShapeError(
                    f"f returned an array of shape {shape_of(leaf)}, expected {shape_of(like)}, that of "
                    "u.",
                    got=shape_of(leaf),
                    expected=shape_of(like),
                )
        return leaves

    def split(self, u0: Any, ts: Any, p: Any) -> tuple[Any, Leaves, Leaves, Leaves]:
        """ts, and the leaves of u0, of p, and of what is constant in p."""
        flatten = self.engine.flatten
        u, parameters = flatten(u0)[0], self.arguments.split(flatten(p)[0])
        u = tuple(np.asarray(leaf) if isinstance(leaf, NUMBERS) else leaf for leaf in u)
        if framework_of(ts) is None:
            ts = np.asarray(ts, np.float64)
        if is_complex(ts):
            raise InputError("ts holds complex numbers, expected real times.", got=ts)
        if not is_inexact(ts):
            ts = np.asarray(finished(ts), np.float64)
        known = stopped(ts)
        if tracing((known,)) is None:
            check_times(finished(known))
        return ts, u, *parameters

    def solve(self, u0: Any, ts: Any, p: Any, steps: int) -> Any:
        """The solution, as the caller gets it."""
        ts, u, parameters, data = self.split(u0, ts, p)
        self.refuse_captured(ts, u, parameters, data)
        if self.options.sensitivity == "discrete":
            leaves = self._discrete(ts, u, parameters, data, steps)
        else:
            flow = self.flow if tracing((ts,)) is None else self._moving
            leaves = flow.entered(*flow.joined(ts, u, parameters, data))
        return self.state[1].unflatten(leaves)

    def _discrete(self, ts: Any, u: Leaves, p: Leaves, data: Leaves, steps: int) -> Leaves:
        native = self.engine.framework
        found = {framework_of(leaf) for leaf in (*u, *p, *data)}
        if native is not None and found == {native, NUMPY}:
            like = next(leaf for leaf in (*u, *p, *data) if framework_of(leaf) is native)
            u, p, data = (
                tuple(native.from_numpy(a, like) if framework_of(a) is NUMPY else a for a in part)
                for part in (u, p, data)
            )
            found = {native}
        rhs = self.ode.rhs if native is None or found == {native} else self.ode.anywhere
        return discrete.solve(
            lambda t, u: rhs(t, u, p, data),
            ts,
            u,
            self.options.method,
            steps,
            **tolerances(self.options, finished(np.zeros(0, str(u[0].dtype).split(".")[-1])).dtype),
        )

    def refuse_captured(self, ts: Any, u: Leaves, p: Leaves, data: Leaves) -> None:
        """f once in the caller's own context, which shows what f captured and an engine follows."""
        if self.options.sensitivity == "discrete":
            return  # f runs in the caller's program, where captured values keep their derivatives
        refuse_captured(self.captured, self.engine, "f")
        plain = tuple(map(stopped, (ts, *u, *p, *data)))
        if tracing(plain) is not None or recording(self.engine) is not None:
            return  # every result would be traced
        point = tuple(map(finished, plain[1:]))
        self._look((np.asarray(finished(plain[0])[0], point[0].dtype), *point), len(u), len(p))

    def _look(self, point: Leaves, n: int, m: int) -> None:
        """f at one point, always the same one.

        Where it gives other slopes than before, it read an attribute or an array that has changed since,
        and what was compiled of it is stale.
        """
        kinds = tuple(map(kind_of, point[1:]))
        point, before = self._seen.get(kinds, (point, ()))
        native = self.engine.framework
        values = point if native is None else [native.from_numpy(value, None) for value in point]
        t, *rest = values
        leaves = (tuple(rest[:n]), tuple(rest[n : n + m]), tuple(rest[n + m :]))
        with nullcontext() if native is None else native.scope(rest[0]):
            slopes = self._rhs(t, *leaves)
            refuse_traced(slopes, "f")
            slopes = tuple(map(finished, slopes))
        if before and not all(map(_same, slopes, before)):
            self._seen = {}
            self._start()
        self._seen[kinds] = point, slopes


def _same(a: Any, b: Any) -> bool:
    return np.array_equal(a, b, equal_nan=True)


#: Of those f that cannot carry theirs.
_problems: Latest[Problem] = Latest(16)


def problem(f: Any, adtype: ADType, options: Options, u0: Any, p: Any) -> Problem:
    """The problem for such arguments; the latest ones are kept, so that nothing is compiled twice."""
    if not callable(f):
        raise InputError(f"f must be callable, got {f!r}; call odeint(f, u0, ts, p).", got=f)
    flatten = resolve(adtype).flatten
    leaves, structure = flatten(u0)
    for leaf in leaves:
        if framework_of(leaf) is None or not is_inexact(leaf) or is_complex(leaf):
            raise InputError(
                "u0 must hold real floating arrays (split complex ones into real and imaginary parts).",
                got=leaf,
            )
    if not leaves or not sum(map(size_of, leaves)):
        raise InputError("u0 holds no entries.", got=u0)
    parameters, layout = flatten(p)
    for leaf in parameters:
        if framework_of(leaf) is not None and is_complex(leaf):
            raise InputError(
                "p holds complex numbers; split them into real and imaginary parts.", got=leaf
            )
    state, arguments = (len(leaves), structure), Arguments(parameters, layout)
    kept: Latest[Problem] = carried(f, "_di_problems", 16) or _problems
    known = kept.find(lambda one: one.serves(f, adtype, options, state, arguments))
    return known or kept.keep(Problem(f, adtype, options, state, arguments))
