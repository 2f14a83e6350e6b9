"""The losses of Lux's manual on nested automatic differentiation, each with a derivative inside.

Each takes the inner operators (`Ask`), the parameters p and the inputs x.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import diffinterface as di

from . import truth
from .networks import Parameters, namespace, network, normalised, parameters, samples

Loss = Callable[[Any, Parameters, Any], Any]


def jacobian_norm(ask: Any, p: Parameters, x: Any) -> Any:
    """The squared norm of the Jacobian of a normalised network, beside its outputs."""
    return _sum((normalised(x, p) - 1) ** 2) + 0.01 * _sum(ask("jacobian", normalised, x, p) ** 2)


def batched_jacobian(ask: Any, p: Parameters, x: Any) -> Any:
    """One Jacobian a sample."""
    return _sum(ask("batched_jacobian", network, x, p) ** 3)


def pinn(ask: Any, p: Parameters, x: Any) -> Any:
    """The residual of ``u' = cos``: a loss holding a gradient."""
    slope = _native(ask("gradient", lambda x, p: _sum(network(x, p) ** 2), x, p), p)
    return _sum((slope - namespace(x, p).cos(_native(x, p))) ** 2)


def parameter_jacobian(ask: Any, p: Parameters, x: Any) -> Any:
    """The Jacobian with respect to one layer, beside parameters that are not differentiated."""

    def output(first: Any, rest: Any) -> Any:
        return network(rest[0], (*first, *rest[1:]), di.array_namespace(*first))

    by_weight, by_bias = ask("jacobian", output, p[:2], (x, *p[2:]))
    return _sum(by_weight**2) + _sum(by_bias**4)


def trace(ask: Any, how: str, p: Parameters, x: Any) -> Any:
    """Hutchinson's estimate of the trace of each sample's Jacobian, by one of three ways."""
    xp = namespace(x, p)
    probe = np.sign(samples(*x.shape)[::-1])
    here = xp.asarray(probe)
    if how == "batched_jacobian":
        product = xp.sum(_native(ask(how, network, x, p), p) * here[:, None, :], axis=2)
    else:
        product = _native(ask(how, network, x, p, probe if type(x) is np.ndarray else here), p)
    return xp.sum(here * product, axis=1)


def hutchinson(ask: Any, p: Parameters, x: Any) -> Any:
    """Hutchinson's trace by VJP, weighted with the one by JVP."""
    return _sum(trace(ask, "pullback", p, x) * (trace(ask, "pushforward", p, x) + 1))


def value_and_gradient(ask: Any, p: Parameters, x: Any) -> Any:
    """A layer's value, and its gradient, in one loss."""
    value, slope = ask.value_and("gradient", lambda x, p: _sum(network(x, p) ** 2), x, p)
    return value**2 + _sum(slope**2) + value * _sum(slope)


def jacobian_diagonal(ask: Any, p: Parameters, x: Any) -> Any:
    """A layer that gives the diagonal of a Jacobian, with another on top of it."""
    rows = ask("batched_jacobian", network, x, p)
    xp = di.array_namespace(rows)
    diagonal = xp.stack([rows[:, k, k] for k in range(2)], axis=1)
    return _sum(network(diagonal, p) ** 2)


def _sum(x: Any) -> Any:
    return di.array_namespace(x).sum(x)


def _native(x: Any, p: Parameters) -> Any:
    """Plain data as arrays of the parameters' framework."""
    return namespace(x, p).asarray(x) if type(x) is np.ndarray else x


@dataclass(frozen=True)
class Case:
    """A loss, and where to differentiate it."""

    name: str
    loss: Loss
    p: Parameters
    x: Any

    @cached_property
    def gradient(self) -> tuple[Any, ...]:
        """The gradient of the whole loss by (*p, x), from finite differences over NumPy."""
        inner = truth.ComplexStep()
        return truth.gradient(lambda at: self.loss(inner, at[:-1], at[-1]), (*self.p, self.x))


_PLANE, _LINE = parameters(2, 8, 8, 2), parameters(1, 8, 8, 1)
_POINTS = samples(3, 2)
CASES = (
    Case("jacobian_norm", jacobian_norm, _PLANE, _POINTS),
    Case("batched_jacobian", batched_jacobian, _PLANE, _POINTS),
    Case("pinn", pinn, _LINE, samples(4, 1)),
    Case("parameter_jacobian", parameter_jacobian, _PLANE, _POINTS),
    Case("hutchinson", hutchinson, _PLANE, _POINTS),
    Case("value_and_gradient", value_and_gradient, _PLANE, _POINTS),
    Case("jacobian_diagonal", jacobian_diagonal, _PLANE, _POINTS),
)
