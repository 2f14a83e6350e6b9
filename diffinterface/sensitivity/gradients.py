"""Sensitivities as numbers: all derivatives of a solution, or the gradient of a cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from ..arrays.facts import size_of
from ..arrays.framework import NUMPY, finished, framework_of
from ..arrays.perturbations import tracing
from ..arrays.trees import Leaves
from ..declare.adtypes import ADType
from ..declare.config import as_adtype
from ..engine.capture import Captured, same_module_or_held
from ..errors import InputError, NestedDifferentiationError
from ..implicit.arguments import Arguments
from ..implicit.captured import refuse_captured, refuse_traced
from ..operators import value_and_gradient
from .adjoint import Adjoint
from .forward import sensitivities
from .integrate import Packing
from .ode import Options, Seeding, check_choice
from .odeint import Problem, problem

Variant = Literal["interpolating", "checkpointed", "backsolve"]
VARIANTS = ("interpolating", "checkpointed", "backsolve")


class ForwardSensitivity(NamedTuple):
    """A solution and all its derivatives; see `forward_sensitivity`."""

    u: Any
    by_u0: Any
    by_p: Any


class CostGradient(NamedTuple):
    """A cost and its gradients; see `adjoint_sensitivity`."""

    value: Any
    by_u0: Any
    by_p: Any


def forward_sensitivity(
    f: Callable[..., Any],
    u0: Any,
    ts: Any,
    p: Any,
    *,
    backend: ADType | str | None = None,
    seeding: Seeding = "product",
    method: str = "DOP853",
    rtol: float | None = None,
    atol: float | None = None,
    **options: Any,
) -> ForwardSensitivity:
    """The solution of ``u' = f(t, u, p)`` and its derivatives by u0 and p.

    One integration of u beside its derivatives, ``S' = df/du S + df/dp P``, whose products are
    pushforwards: the cost grows with the number of states plus parameters. Dickinson and Gelinas,
    "Sensitivity analysis of ordinary differential equation systems", J. Comput. Phys. 21 (1976).

    Parameters
    ----------
    f, u0, ts, p, backend, seeding, method, rtol, atol, **options
        Those of `odeint`; every leaf of p is a floating array or a float.

    Returns
    -------
    ForwardSensitivity
        ``u``, each array ``(len(ts), *u.shape)``; ``by_u0`` and ``by_p``, like u, of trees like u0 and p
        of arrays ``(len(ts), *u_j.shape, *p_i.shape)``.

    Raises
    ------
    SolveError
        If the integration failed.
    NestedDifferentiationError
        If an argument, or what f captured, is being differentiated: `odeint` can be.

    Examples
    --------
    >>> import numpy as np
    >>> from diffinterface.sensitivity import forward_sensitivity
    >>> decay = lambda t, u, p: -p * u
    >>> found = forward_sensitivity(decay, 2.0, [0.0, 1.0], 1.0, backend="forwarddiff")
    >>> np.round(found.by_p, 6)  # -2 t exp(-t)
    array([ 0.      , -0.735759])
    """
    chosen = Options(method, rtol, atol, "forward", seeding, more=options)
    call = _Call(f, as_adtype(backend), chosen, u0, ts, p)
    solution, S = sensitivities(call.problem.ode, call.ts, call.u, call.p, call.data)
    n, inputs = len(call.u), (*call.u, *call.p)
    stops = np.cumsum(list(map(size_of, inputs)))
    rows = [
        tuple(
            block.reshape(len(call.ts), *leaf.shape, *like.shape).astype(leaf.dtype)
            for block, like in zip(np.split(row, stops[:-1], axis=2), inputs, strict=True)
        )
        for row, leaf in zip(np.split(S, stops[: n - 1], axis=1), call.u, strict=True)
    ]
    return ForwardSensitivity(
        call.state(call.given(Packing(call.u).leaves(solution))),
        call.state(tuple(call.state(call.given(row[:n])) for row in rows)),
        call.state(tuple(call.parameters(call.given(row[n:])) for row in rows)),
    )


def adjoint_sensitivity(
    f: Callable[..., Any],
    u0: Any,
    ts: Any,
    p: Any,
    *,
    cost: Callable[..., Any] | None = None,
    running: Callable[..., Any] | None = None,
    variant: Variant = "interpolating",
    backend: ADType | str | None = None,
    seeding: Seeding = "product",
    method: str = "DOP853",
    rtol: float | None = None,
    atol: float | None = None,
    checkpoints: int = 10,
    **options: Any,
) -> CostGradient:
    """A cost of the solution of ``u' = f(t, u, p)``, and its gradient by u0 and p.

    One integration forwards and one backwards, of the adjoint, whatever the number of parameters; the
    products with the transposed Jacobians are pullbacks. Cao, Li, Petzold and Serban, "Adjoint
    sensitivity analysis for differential-algebraic equations", SIAM J. Sci. Comput. 24 (2003).

    Parameters
    ----------
    f, u0, ts, p, backend, seeding, method, rtol, atol, **options
        Those of `odeint`; every leaf of p is a floating array or a float.
    cost : callable, optional
        ``cost(u, p)`` of the solution at ts, each array ``(len(ts), *u.shape)``: ``u[-1]`` is the final
        state. A scalar, over the arrays of `backend`.
    running : callable, optional
        ``running(t, u, p)``, a scalar whose integral over the times adds to the cost.
    variant : {"interpolating", "checkpointed", "backsolve"}
        Where the adjoint takes u(t) from; see `odeint`.
    checkpoints : int
        Of ``"checkpointed"``, besides the times.

    Returns
    -------
    CostGradient
        ``value``; ``by_u0`` like u0; ``by_p`` like p.

    Raises
    ------
    InputError
        If there is neither a cost nor a running cost.
    SolveError
        If the integration failed.
    NestedDifferentiationError
        If an argument, or what f captured, is being differentiated: `odeint` can be.

    Warns
    -----
    BacksolveWarning
        If ``"backsolve"`` did not find its way back.

    Examples
    --------
    >>> import numpy as np
    >>> from diffinterface.sensitivity import adjoint_sensitivity
    >>> decay = lambda t, u, p: -p * u
    >>> found = adjoint_sensitivity(
    ...     decay, 2.0, [0.0, 1.0], 1.0, running=lambda t, u, p: u, backend="forwarddiff"
    ... )
    >>> print(f"{found.value:.6f} {found.by_u0:.6f}")  # the integral of 2 exp(-t), and half of it
    1.264241 0.632121
    """
    check_choice(variant, VARIANTS, "variant")
    if cost is None and running is None:
        raise InputError("adjoint_sensitivity needs cost=, running=, or both.")
    chosen = Options(method, rtol, atol, variant, seeding, checkpoints, options)
    call = _Call(f, as_adtype(backend), chosen, u0, ts, p)
    solved, u = call.problem, call.u
    for function, name in ((cost, "cost"), (running, "running")):
        if function is not None:
            captured = Captured(function, follows=same_module_or_held)
            refuse_captured(captured, solved.engine, name)
    if running is not None:
        solved = solved.with_running(running)
        u = (*u, np.zeros((), u[0].dtype))
    rows = solved.flow.value((*u, *call.p), (call.ts, *call.data))
    value: Any = rows[-1][-1] if running is not None else 0.0
    c, direct = tuple(map(np.zeros_like, rows)), tuple(map(np.zeros_like, call.p))
    if running is not None:
        c[-1][-1] = 1.0
    if cost is not None:

        def flat(states: Leaves, parameters: Leaves, data: Leaves) -> Any:
            return cost(call.state(states), solved.arguments.join(parameters, data))

        states = rows[: len(call.u)]
        at, (by_states, direct) = value_and_gradient(
            flat, solved.adtype, (states, call.p), call.data, argnums=(0, 1)
        )
        refuse_traced((at, *by_states, *direct), "cost")
        value, c = value + at, (*by_states, *c[len(call.u) :])
    adjoint = Adjoint(solved.ode, call.ts, u, call.p, call.data)
    by_u, by_p, _, _ = adjoint.gradients(c, variant)
    total = tuple(a + b for a, b in zip(by_p, direct, strict=True))
    return CostGradient(
        call.given((np.asarray(value),))[0],
        call.state(call.given(by_u[: len(call.u)])),
        call.parameters(call.given(total)),
    )


class _Call:
    """The arguments of a call as NumPy leaves, and the way back into the caller's trees and arrays."""

    def __init__(self, f: Any, adtype: ADType, options: Options, u0: Any, ts: Any, p: Any) -> None:
        self.problem: Problem = problem(f, adtype, options, u0, p)
        ts, u, parameters, data = self.problem.split(u0, ts, p)
        leaves = self.problem.engine.flatten(p)[0]
        if len(parameters) != len(leaves):
            odd = next(leaf for leaf in leaves if not Arguments.differentiates(leaf))
            raise InputError(f"p holds {odd!r}, expected floating arrays and floats only.", got=odd)
        outer = tracing((ts, *u, *parameters, *data))
        if outer is not None:
            raise NestedDifferentiationError(
                f"{outer.name} is differentiating an argument, and the numbers wanted here have no "
                "derivative; differentiate odeint.",
                outer=outer.name,
            )
        self.problem.refuse_captured(ts, u, parameters, data)
        self._like = next(
            (a for a in (*u, *parameters) if framework_of(a) not in (NUMPY, None)), None
        )
        self.ts = np.asarray(finished(ts), np.float64)
        self.u, self.p, self.data = (tuple(map(finished, part)) for part in (u, parameters, data))
        self.state = self.problem.state[1].unflatten
        self.parameters: Callable[[Leaves], Any] = self.problem.engine.flatten(p)[1].unflatten

    def given(self, leaves: Leaves) -> Leaves:
        """Results in the caller's arrays."""
        framework = framework_of(self._like)
        if framework is None:
            return tuple(leaf[()] if leaf.ndim == 0 else leaf for leaf in leaves)
        return tuple(framework.from_numpy(leaf, self._like) for leaf in leaves)
