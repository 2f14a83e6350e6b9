"""Which mode "auto" takes: one model of what a Jacobian costs, one table of what engines measure.

A Jacobian of f from n to m entries takes n columns in forward mode, or m rows in reverse mode, and each
of them reads and writes some n + m entries. So, in entries of reverse mode::

    forward:  base + overhead + column * n * (n + m)
    reverse:  base +                     m * (n + m)

A pushforward needs one column, a gradient one row; no rule is needed there but `Costs.doubles`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .adtypes import Mode
from .arrays import shape_of, size_of
from .trees import Leaves

if TYPE_CHECKING:
    from .backend import Backend


@dataclass(frozen=True)
class Costs:
    """What an engine's forward mode costs, measured against its reverse mode.

    Attributes
    ----------
    column : float
        The time of one column over that of one row.
    base : float
        What either mode takes once, in entries of a row: f itself, and the dispatch of operations. It
        settles no choice, only how much there is to gain.
    overhead : float
        What forward mode takes once more.
    doubles : int
        Up to how many entries of x two pullbacks, the second of the first in its seed, make a
        pushforward faster than forward mode does. Inside another derivative they do at any size.
    """

    column: float = 1.0
    base: float = 0.0
    overhead: float = 0.0
    doubles: int = 0

    def forward(self, n: int, m: int, samples: int = 1) -> float:
        """Cost of a Jacobian by columns; a sample's, if n and m hold so many samples."""
        return self.base + self.overhead + self.column * n * (n + m) / samples

    def reverse(self, n: int, m: int, samples: int = 1) -> float:
        """Cost of the same by rows."""
        return self.base + m * (n + m) / samples


#: An engine whose columns and rows cost the same; ties go to columns, which keep no record.
EVEN: Final = Costs()

#: The costs of an engine, by the name of its declaration. An engine that is not here is even.
COSTS: Final = {
    # Compiled: both modes run the same kind of program. Columns come out transposed.
    "jax": Costs(column=1.2, base=60_000),
    # Eager: an operation under forward mode and vmap dispatches through several layers of Python, and
    # by far more where a Python number takes part (1 to 2 ms each in torch 2.13).
    "torch": Costs(base=375_000, overhead=131_000, doubles=2**14),
}


@dataclass(frozen=True)
class Measurement:
    """The time of forward mode over that of reverse mode: f from n to m entries, in `samples`.

    `nested` is that of the outer gradient (``jax.jit(jax.grad(...))``, torch's tape), `alone` that of
    the Jacobian itself.
    """

    engine: str
    n: int
    m: int
    nested: float
    alone: float
    samples: int = 1

    @property
    def predicted(self) -> float:
        """The same by the model."""
        costs = COSTS[self.engine]
        return costs.forward(self.n, self.m, self.samples) / costs.reverse(
            self.n, self.m, self.samples
        )


#: One thread, float32, a network with one hidden layer of 16 to 256 units; jax 0.10, torch 2.13.
#: ``python -m tests.benchmarks modes`` measures the cases of the design again.
MEASURED: Final = (
    Measurement("jax", 2, 128, 0.86, 0.92),
    Measurement("jax", 20, 20, 1.10, 1.05),
    Measurement("jax", 100, 100, 1.10, 1.09),
    Measurement("jax", 256, 256, 1.00, 1.86),
    Measurement("jax", 128, 2, 2.33, 1.99),
    Measurement("jax", 200, 512, 0.39, 0.49),
    Measurement("jax", 484, 32, 6.03, 4.35),
    Measurement("jax", 256, 512, 0.78, 0.70),
    Measurement("jax", 512, 256, 1.82, 1.83),
    Measurement("jax", 200, 300, 0.95, 1.09),
    Measurement("jax", 100, 300, 0.68, 0.92),
    Measurement("jax", 10, 200, 0.36, 0.69),
    Measurement("jax", 2, 1000, 0.09, 0.15),
    Measurement("jax", 64 * 4, 64 * 4, 1.17, 1.11, 64),
    Measurement("jax", 64 * 4, 64 * 16, 0.85, 0.80, 64),
    Measurement("jax", 64 * 16, 64 * 4, 2.26, 1.29, 64),
    Measurement("torch", 2, 128, 1.31, 1.29),
    Measurement("torch", 20, 20, 1.38, 1.41),
    Measurement("torch", 100, 100, 1.37, 1.31),
    Measurement("torch", 256, 256, 1.25, 1.30),
    Measurement("torch", 128, 2, 1.47, 1.47),
    Measurement("torch", 200, 512, 0.70, 0.72),
    Measurement("torch", 484, 32, 2.65, 2.59),
    Measurement("torch", 256, 512, 0.97, 0.90),
    Measurement("torch", 512, 256, 1.60, 1.69),
    Measurement("torch", 200, 300, 1.15, 1.11),
    Measurement("torch", 100, 300, 1.05, 1.01),
    Measurement("torch", 10, 300, 0.95, 0.92),
    Measurement("torch", 50, 400, 0.90, 0.81),
    Measurement("torch", 10, 200, 1.19, 1.09),
    Measurement("torch", 2, 500, 0.52, 0.65),
    Measurement("torch", 2, 1000, 0.30, 0.18),
    Measurement("torch", 64 * 4, 64 * 4, 1.36, 1.29, 64),
    Measurement("torch", 64 * 4, 64 * 16, 1.23, 1.14, 64),
    Measurement("torch", 64 * 16, 64 * 4, 1.51, 1.34, 64),
)


def costs_of(backend: Backend) -> Costs:
    """What the table says of a backend."""
    return COSTS.get(backend.adtype.name, EVEN)


def prefers_forward(backend: Backend, x: Leaves, y: Leaves, *, samples: bool = False) -> bool:
    """Whether a Jacobian of outputs like `y` by `x` is to be taken column by column.

    The mode that was asked for, or the only one there is, or the cheaper one.

    Parameters
    ----------
    backend : Backend
        The engine.
    x, y : tuple of array
        Leaves of the point and of f's value, of which only the shapes are read.
    samples : bool
        Whether both hold samples on a leading axis, as in a batched Jacobian.
    """
    asked = getattr(backend.adtype, "mode", "auto")
    if asked != "auto":
        return bool(asked == "forward")
    if not (backend.has_forward and backend.has_reverse):
        return backend.has_forward
    n, m = sum(map(size_of, x)), sum(map(size_of, y))
    batch = max(shape_of(x[0])[0], 1) if samples else 1
    costs = costs_of(backend)
    return costs.forward(n, m, batch) <= costs.reverse(n, m, batch)


# --- what `explain` tells ------------------------------------------------------------------------

#: The levels of an operator, outermost first: a mode, and how many directions it pushes or pulls; of one
#: sample, in a batched Jacobian. The work multiplies.
Levels = tuple[tuple[Mode, int], ...]


def two_pullbacks(seeds: int = 1) -> Levels:
    """A pushforward by reverse mode alone."""
    return ("reverse", seeds), ("reverse", 1)


def usual(backend: Backend, operator: str, x: Leaves, y: Leaves, seeds: int) -> Levels:
    """The levels of the operators in `derived`."""
    n, m = sum(map(size_of, x)), sum(map(size_of, y))
    ahead = backend.has_forward
    push: Levels = (("forward", seeds),) if ahead else (("reverse", m),)
    if operator in ("jacobian", "batched_jacobian"):
        samples = operator == "batched_jacobian"
        batch = max(shape_of(x[0])[0], 1) if samples else 1
        forward = prefers_forward(backend, x, y, samples=samples)
        return (("forward", n // batch) if forward else ("reverse", m // batch),)
    by_columns = not backend.has_reverse or getattr(backend.adtype, "mode", "auto") == "forward"
    gradient: Levels = (("forward", n),) if by_columns else (("reverse", 1),)
    outer: Mode = "forward" if ahead else "reverse"
    return {
        "pullback": (("reverse", seeds),) if backend.has_reverse else (("forward", n),),
        "gradient": gradient,
        "second_derivative": push * 2,
        "hvp": ((outer, seeds), *gradient),
        "hessian": ((outer, n), *gradient),
    }.get(operator, push)


def evaluations(backend: Backend, levels: Levels) -> float:
    """The work of levels in evaluations of f, f's own value included: an upper bound, as a rule.

    A. Griewank and A. Walther, "Evaluating Derivatives", 2nd ed., 2008, sections 3.2 and 3.3: a tangent
    adds at most 1.5 evaluations, a cotangent at most 3.
    """
    total = 1.0
    for mode, directions in levels:
        total *= 1 + (backend.column_evaluations if mode == "forward" else 3.0) * directions
    return total


def relative(backend: Backend, operator: str, levels: Levels, x: Leaves, y: Leaves) -> float | None:
    """Predicted time over that of the other mode; None where there is none, or the model is silent."""
    if operator not in ("gradient", "jacobian", "batched_jacobian"):
        return None
    if not (backend.has_forward and backend.has_reverse):
        return None
    n, m = sum(map(size_of, x)), sum(map(size_of, y))
    batch = max(shape_of(x[0])[0], 1) if operator == "batched_jacobian" else 1
    costs = costs_of(backend)
    forward, reverse = costs.forward(n, m, batch), costs.reverse(n, m, batch)
    if not (forward and reverse):
        return None
    return forward / reverse if levels[0][0] == "forward" else reverse / forward


def reason(backend: Backend, operator: str, levels: Levels) -> str:
    """Why these levels."""
    if not (backend.has_forward and backend.has_reverse):
        return "the only mode of this engine"
    asked = getattr(backend.adtype, "mode", "auto")
    if asked != "auto":
        return f"mode={asked!r} was asked for"
    if operator in ("jacobian", "batched_jacobian"):
        return "the cheaper of the two, by the measurements in diffinterface.modes"
    if operator in ("pushforward", "derivative", "second_derivative"):
        twice = levels[0][0] == "reverse"
        return "two pullbacks: measured faster than one push" if twice else "a column is all of it"
    return "a row is all of a gradient" if len(levels) == 1 else "the gradient is a row"
