"""What derivatives of solvers cost: ``python -m tests.benchmarks.solvers [table ...] [--write file]``.

The claims are those of Rackauckas, "Direct automatic differentiation of (differential equation) solvers
vs analytical adjoints", measured again; `rows` compares with torchdiffeq and diffrax.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy, as in __main__
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import diffinterface as di
from diffinterface.implicit import ImplicitFunction
from diffinterface.sensitivity import (
    adjoint_sensitivity,
    forward_sensitivity,
    steady_state_sensitivity,
)
from tests.equations.sensitivity.problems import brusselator, brusselator_start

from .timing import Call

ENGINES = ("jax", "torch", "autograd", "forwarddiff")
COUNTS = (3, 8, 38, 98, 318)


def seconds(*calls: Call) -> list[float]:
    """Medians of three interleaved rounds after a first: these calls are long."""
    rounds = [[_timed(call) for call in calls] for _ in range(4)][1:]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def _timed(call: Call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def once(call: Callable[[], Any]) -> tuple[float, Any]:
    """Of one call, and what it gave; of the second, if the first is so short that compiling shows."""
    for last in (False, True):
        start = time.perf_counter()
        found = call()
        taken = time.perf_counter() - start
        if last or taken > 3:
            break
    return taken, found


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def show(t: float) -> str:
    return f"{t * 1e3:.2g} ms" if t < 1 else f"{t:.2g} s"


# --- forward against adjoint ---


def driven(t: Any, u: Any, p: Any) -> Any:
    """An oscillator driven at as many frequencies as there are parameters."""
    xp = di.array_namespace(u, p)
    k = xp.arange(p.shape[0]) / p.shape[0]
    return xp.stack([u[1], -u[0] - 0.1 * u[1] + xp.mean(p * xp.cos(k * xp.asarray(t)))])


def crossover() -> str:
    """The time of all gradients of a cost, forward over adjoint; below one forward wins."""
    u0, ts = np.array([1.0, 0.0]), np.array([0.0, 2.0])

    def cost(u: Any, p: Any) -> Any:
        return u[-1, 0] ** 2 + u[-1, 1] ** 2

    rows = []
    for engine in ENGINES:
        options: dict[str, Any] = {"backend": engine, "rtol": 1e-5, "atol": 1e-7}
        cells = []
        for n in COUNTS:
            p = np.linspace(0.5, 1.0, n)
            forward, adjoint = seconds(
                lambda p=p, o=options: forward_sensitivity(driven, u0, ts, p, **o),
                lambda p=p, o=options: adjoint_sensitivity(driven, u0, ts, p, cost=cost, **o),
            )
            cells.append(f"{forward / adjoint:.2f}")
        rows.append([engine, *cells])
    return table(["forward / adjoint", *(f"{n + 2}" for n in COUNTS)], rows)


# --- products against Jacobians ---


def seeding() -> str:
    """One adjoint of the Brusselator, by how the products with the Jacobian are formed."""
    rows = []
    for n in (4, 8, 12):
        (u0, p), f = brusselator_start(n), brusselator(n)
        cells: list[str] = []
        times: list[float] = []
        found: dict[str, Any] = {}
        for kind in ("product", "jacobian", "finite"):

            def run(kind: Any = kind, f: Any = f, u0: Any = u0, p: Any = p) -> Any:
                return adjoint_sensitivity(
                    f,
                    u0,
                    [0.0, 0.1],
                    p,
                    cost=lambda u, p: u[-1, 0, 0, 0],
                    backend="jax",
                    seeding=kind,
                    rtol=1e-5,
                )

            taken, gradient = once(run)
            times.append(taken)
            cells.append(show(taken))
            found[kind] = gradient.by_p
        error = np.abs(found["finite"] - found["product"]).max() / np.abs(found["product"]).max()
        ratio = f"{times[2] / times[0]:.0f}x"
        rows.append([f"{n} x {n}", f"{u0.size + p.size}", *cells, ratio, f"{error:.0e}"])
    head = ["grid", "states + parameters", "pullback", "Jacobian by AD", "by differences"]
    return table([*head, "slower", "its error"], rows)


# --- the implicit theorem against the iterations ---

SIZE = 60


def equation() -> tuple[Any, Any, Any]:
    """``A y + y^3 = x``: A, x, and the gradient of ``sum sin y`` by hand, at the exact solution."""
    rng = np.random.default_rng(0)
    A = np.eye(SIZE) + 0.3 * rng.normal(size=(SIZE, SIZE)) / np.sqrt(SIZE)
    x = 2 * rng.normal(size=SIZE)
    y = newton(A, x, 60)
    return A, x, np.linalg.solve((A + np.diag(3 * y**2)).T, np.cos(y))


def newton(A: Any, x: Any, steps: int) -> Any:
    xp = di.array_namespace(x)
    y, A = 0 * x + 1.0, xp.asarray(A)
    for _ in range(steps):
        M = A + xp.eye(SIZE) * (3 * y**2)
        y = y - xp.linalg.solve(M, (A @ y + y**3 - x)[:, None])[:, 0]
    return y


def picard(A: Any, x: Any, steps: int) -> Any:
    """A slow iteration to the same solution, damped."""
    xp = di.array_namespace(x)
    y, A = 0 * x, xp.asarray(A)
    for _ in range(steps):
        y = y - 0.04 * (A @ y + y**3 - x)
    return y


def implicit() -> str:
    """The gradient of a function of the solution: through the iterations, and by the equation."""
    A, x, exact = equation()
    rows = []
    for name, iterate, counts in (
        ("Newton", newton, (4, 6, 8, 10)),
        ("Picard", picard, (100, 400, 800)),
    ):
        for steps in counts:

            def solve(x: Any, iterate: Any = iterate, steps: int = steps) -> Any:
                return iterate(A, x, steps)

            def conditions(x: Any, y: Any) -> Any:
                xp = di.array_namespace(x, y)
                return xp.asarray(A) @ y + y**3 - x

            f = ImplicitFunction(solve, conditions, backend="autograd", tolerance=np.inf)

            def gradient(y: Any) -> Any:
                return di.gradient(
                    lambda x: di.array_namespace(x).sum(di.array_namespace(x).sin(y(x))),
                    "autograd",
                    x,
                )

            pair = [lambda y=y: gradient(y) for y in (solve, f)]
            through, theorem = seconds(*pair)
            errors = [np.abs(g() - exact).max() / np.abs(exact).max() for g in pair]
            rows.append(
                [f"{name}, {steps}", show(through), show(theorem), f"{through / theorem:.1f}x"]
                + [f"{error:.0e}" for error in errors]
            )
    head = ["iterations", "through them", "by the equation", "ratio"]
    return table([*head, "error through them", "error by the equation"], rows)


# --- a steady state against a long integration ---


def steady() -> str:
    """How a steady state moves with p: by ``f = 0``, and by integrating until it is there."""
    rng = np.random.default_rng(1)
    n = 4
    A = np.diag(np.linspace(0.2, 2.0, n)) + 0.02 * rng.normal(size=(n, n))

    def f(t: Any, u: Any, p: Any) -> Any:
        return p - di.array_namespace(u).asarray(A) @ u - u**3 / 50

    p, guess = np.linspace(0.5, 1.0, n), np.ones(n)
    options: dict[str, Any] = {"backend": "forwarddiff"}
    own, (state, found) = once(lambda: steady_state_sensitivity(f, guess, p, **options))
    exact = np.linalg.inv(A + np.diag(3 * state**2 / 50))
    scale = np.abs(exact).max()
    error = np.abs(found - exact).max() / scale
    rows = [["f = 0, by the implicit theorem", show(own), "1x", f"{error:.0e}"]]
    for T in (10.0, 30.0, 90.0):
        taken, long = once(
            lambda T=T: forward_sensitivity(f, guess, [0.0, T], p, rtol=1e-8, atol=1e-10, **options)
        )
        error = np.abs(long.by_p[-1] - exact).max() / scale
        rows.append(
            [f"integration to t = {T:g}", show(taken), f"{taken / own:.0f}x", f"{error:.0e}"]
        )
    return table(["derivative of the steady state", "time", "", "error"], rows)


TABLES: dict[str, Callable[[], str]] = {
    "crossover": crossover,
    "seeding": seeding,
    "implicit": implicit,
    "steady": steady,
}


def tables() -> Iterator[tuple[str, Callable[[], str]]]:
    """With the peers, where they are installed."""
    yield from TABLES.items()
    from .solver_peers import peers

    yield "peers", peers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", help="default all")
    parser.add_argument("--write", type=Path, help="a page with markers for each table")
    options = parser.parse_args()
    for name, make in tables():
        if options.tables and name not in options.tables:
            continue
        text = make()
        print(f"\n{name}\n\n{text}", flush=True)
        if options.write:
            block = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
            page = options.write.read_text()
            options.write.write_text(block.sub(lambda m, t=text: f"{m[1]}{t}\n{m[2]}", page))
    names = ("numpy", "scipy", "jax", "torch", "autograd")
    print(f"\nPython {platform.python_version()},", ", ".join(f"{n} {version(n)}" for n in names))


if __name__ == "__main__":
    main()
