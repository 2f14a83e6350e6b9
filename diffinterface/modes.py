"""Which mode "auto" takes: one model of what a Jacobian costs, one table of what engines measure.

A Jacobian of f from n to m entries takes n columns in forward mode, or m rows in reverse mode, and each
of them reads and writes some n + m entries. So, in entries of reverse mode::

    forward:  overhead + column * n * (n + m)
    reverse:                      m * (n + m)

A pushforward needs one column, a gradient one row; no rule is needed there but `Costs.doubles`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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
    overhead : float
        What forward mode takes once more, in entries of a row: the dispatch of its operations.
    doubles : int
        Up to how many entries of x two pullbacks, the second of the first in its seed, make a
        pushforward faster than forward mode does. Inside another derivative they do at any size.
    """

    column: float = 1.0
    overhead: float = 0.0
    doubles: int = 0

    def forward(self, n: int, m: int, samples: int = 1) -> float:
        """Cost of a Jacobian by columns; a sample's, if n and m hold so many samples."""
        return self.overhead + self.column * n * (n + m) / samples

    def reverse(self, n: int, m: int, samples: int = 1) -> float:
        """Cost of the same by rows."""
        return m * (n + m) / samples


#: An engine whose columns and rows cost the same; ties go to columns, which keep no record.
EVEN: Final = Costs()

#: The costs of an engine, by the name of its declaration. An engine that is not here is even.
COSTS: Final = {
    # Compiled: both modes run the same kind of program. Columns come out transposed.
    "jax": Costs(column=1.2),
    # Eager: an operation under forward mode and vmap dispatches through several layers of Python, and
    # by far more where a Python number takes part (1 to 2 ms each in torch 2.13).
    "torch": Costs(overhead=2**17, doubles=2**14),
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
