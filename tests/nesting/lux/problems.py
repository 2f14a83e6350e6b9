"""Networks in array-API form, the seven losses that hold a derivative of them, and the truth.

Each loss takes the inner derivatives (`Inner`), parameters p and inputs x, of any framework.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

import diffinterface as di

Params = dict[str, Any]
Loss = Callable[[Any, Params, Any], Any]


def dense(p: Params, x: Any) -> Any:
    xp = di.array_namespace(x, *p.values())
    return xp.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]


def normalised(p: Params, x: Any) -> Any:
    """The same, its hidden layer normalised over the batch: samples mix."""
    xp = di.array_namespace(x, *p.values())
    h = x @ p["w1"] + p["b1"]
    centred = h - xp.mean(h, axis=0)
    scaled = centred / xp.sqrt(xp.mean(centred**2, axis=0) + 0.1)
    return xp.tanh(scaled) @ p["w2"] + p["b2"]


def layer(network: Any, p: Params) -> di.StatefulLayer:
    """The network as a layer that counts its calls."""

    def apply(p: Params, calls: int, x: Any) -> tuple[Any, int]:
        return network(p, x), calls + 1

    return di.StatefulLayer(apply, p, 0)


class Inner:
    """The derivatives inside a loss, by one engine: parameters are passed, or captured."""

    def __init__(self, engine: Any, captured: bool = False) -> None:
        self.engine, self.captured = engine, captured

    def __call__(self, operator: str, f: Any, x: Any, p: Any, *seeds: Any, **options: Any) -> Any:
        """The operator at x of ``f(p, x)``."""
        call = getattr(di, operator)
        if self.captured:
            return call(lambda x: f(p, x), self.engine, x, *seeds, **options)
        return call(lambda x, p: f(p, x), self.engine, x, *seeds, p, **options)


class ByHand:
    """The same derivatives over NumPy without any engine, by the complex step."""

    def __call__(self, operator: str, f: Any, x: Any, p: Any, *seeds: Any, **options: Any) -> Any:
        if isinstance(x, dict):
            return {k: self(operator, lambda p, a, k=k: f(p, {**x, k: a}), x[k], p) for k in x}
        y = f(p, x)
        units = np.eye(x.size).reshape(-1, *x.shape)
        columns = [np.imag(f(p, x + 1e-30j * unit)) / 1e-30 for unit in units]
        jacobian = np.stack(columns, axis=-1).reshape(*np.shape(y), *x.shape)
        if operator == "hutchinson_trace":
            v = options["probes"]
            return np.mean(np.einsum("kbi,bicj,kcj->kb", v, jacobian, v), axis=0)
        if operator == "batched_jacobian":
            return np.stack([jacobian[k, :, k] for k in range(len(x))])
        return (y, jacobian) if operator.startswith("value_and") else jacobian


# --- the losses ----------------------------------------------------------------------------------


def total(a: Any) -> Any:
    return di.array_namespace(a).sum(a)


def jacobian_norm(inner: Any, p: Params, x: Any) -> Any:
    """(1) A loss with the norm of the Jacobian of a normalised network."""
    rows = inner("jacobian", lambda p, x: layer(normalised, p)(x), x, p)
    return total((layer(normalised, p)(x) - 1) ** 2) + 0.01 * total(rows**2) ** 0.5


def batched_norm(inner: Any, p: Params, x: Any) -> Any:
    """(2) One Jacobian a sample."""
    return total(inner("batched_jacobian", lambda p, x: layer(dense, p)(x), x, p) ** 3)


def pinn(inner: Any, p: Params, x: Any) -> Any:
    """(3) The residual of ``u' = u - x`` for a scalar potential u: a loss holding a gradient."""
    slope = inner("gradient", lambda p, x: total(layer(dense, p)(x) ** 2), x, p)
    return total((slope - total(dense(p, x) ** 2) + x) ** 2)


def parameter_jacobian(inner: Any, p: Params, x: Any) -> Any:
    """(4) The Jacobian by the parameters of one layer; the other parameters stand beside them."""
    first, rest = ({k: p[k] for k in keys} for keys in (("w1", "b1"), ("w2", "b2")))

    def output(others: Any, first: Params) -> Any:
        p = {**others["p"], **first}
        return layer(dense, p).with_input(others["x"])(p)

    rows = inner("jacobian", output, first, {"p": rest, "x": x})
    return total(rows["w1"] ** 2) + total(rows["b1"] ** 4)


PROBES = np.random.default_rng(5).choice([-1.0, 1.0], size=(2, 3, 2))


def hutchinson(inner: Any, p: Params, x: Any, mode: str = "pullback") -> Any:
    """(5) Hutchinson's trace of each sample's Jacobian."""
    options = {"probes": PROBES, "mode": mode, "batched": True}
    trace = inner("hutchinson_trace", lambda p, x: layer(dense, p)(x), x, p, **options)
    return total(trace**2) + total(layer(dense, p)(x) ** 2)


def value_and_gradient(inner: Any, p: Params, x: Any) -> Any:
    """(6) The value and the gradient of the same layer in one loss."""
    value, slope = inner("value_and_gradient", lambda p, x: total(layer(dense, p)(x) ** 2), x, p)
    return value**2 + value * total(slope) + total(slope**2)


def jacobian_diagonal(inner: Any, p: Params, x: Any) -> Any:
    """(7) A layer that computes the diagonals of the Jacobians of another one."""

    def diagonal(p: Params, x: Any) -> Any:
        rows = inner("batched_jacobian", dense, x, p)
        return di.array_namespace(rows).stack([rows[:, k, k] for k in range(2)], axis=1)

    return total(dense(p, layer(diagonal, p)(x)) ** 2)


CASES: dict[str, Loss] = {
    f.__name__: f
    for f in (
        jacobian_norm,
        batched_norm,
        pinn,
        parameter_jacobian,
        hutchinson,
        value_and_gradient,
        jacobian_diagonal,
    )
}

# --- where, and what is right --------------------------------------------------------------------


def parameters(n: int = 2, hidden: int = 4, m: int = 2) -> Params:
    rng = np.random.default_rng(7)
    shapes = {"w1": (n, hidden), "b1": (hidden,), "w2": (hidden, m), "b2": (m,)}
    return {name: 0.7 * rng.normal(size=shape) for name, shape in shapes.items()}


POINT = {"p": parameters(), "x": np.random.default_rng(3).normal(size=(3, 2))}


@cache
def value(case: str) -> float:
    return float(CASES[case](ByHand(), **POINT))


@cache
def truth(case: str) -> dict[str, Any]:
    """The gradient of a loss by p and x: Richardson's extrapolation of central differences."""
    leaves = {**POINT["p"], "x": POINT["x"]}

    def loss(leaves: dict[str, Any]) -> float:
        p = {name: leaf for name, leaf in leaves.items() if name != "x"}
        return CASES[case](ByHand(), p, leaves["x"])

    def along(name: str, unit: Any) -> float:
        def difference(h: float) -> float:
            there, back = ({**leaves, name: leaves[name] + s * h * unit} for s in (1, -1))
            return (loss(there) - loss(back)) / (2 * h)

        table = [difference(2.0**-level) for level in range(5, 9)]
        for order in range(1, len(table)):
            pairs = itertools.pairwise(table)
            table = [fine + (fine - coarse) / (4**order - 1) for coarse, fine in pairs]
        return table[0]

    return {
        name: np.reshape(
            [along(name, unit.reshape(leaf.shape)) for unit in np.eye(leaf.size)], leaf.shape
        )
        for name, leaf in leaves.items()
    }
