"""Forward mode over reverse mode as measured: one thread, float32, a network with one hidden layer.

Of 16 to 256 units; jax 0.10 and torch 2.13. ``python -m tests.benchmarks modes`` measures the cases of
the design again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from diffinterface.engine.cost import Costs


@dataclass(frozen=True)
class Measurement:
    """The time of forward mode over that of reverse mode: f from n to m entries, in `samples`.

    `nested` is that of the outer gradient (``jax.jit(jax.grad(...))``, torch's tape), `alone` that of
    the Jacobian itself.
    """

    n: int
    m: int
    nested: float
    alone: float
    samples: int = 1

    def predicted(self, costs: Costs) -> float:
        """The same by the model."""
        return costs.forward(self.n, self.m, self.samples) / costs.reverse(
            self.n, self.m, self.samples
        )


MEASURED: Final = {
    "jax": (
        Measurement(2, 128, 0.86, 0.92),
        Measurement(20, 20, 1.10, 1.05),
        Measurement(100, 100, 1.10, 1.09),
        Measurement(256, 256, 1.00, 1.86),
        Measurement(128, 2, 2.33, 1.99),
        Measurement(200, 512, 0.39, 0.49),
        Measurement(484, 32, 6.03, 4.35),
        Measurement(256, 512, 0.78, 0.70),
        Measurement(512, 256, 1.82, 1.83),
        Measurement(200, 300, 0.95, 1.09),
        Measurement(100, 300, 0.68, 0.92),
        Measurement(10, 200, 0.36, 0.69),
        Measurement(2, 1000, 0.09, 0.15),
        Measurement(64 * 4, 64 * 4, 1.17, 1.11, 64),
        Measurement(64 * 4, 64 * 16, 0.85, 0.80, 64),
        Measurement(64 * 16, 64 * 4, 2.26, 1.29, 64),
    ),
    "torch": (
        Measurement(2, 128, 1.31, 1.29),
        Measurement(20, 20, 1.38, 1.41),
        Measurement(100, 100, 1.37, 1.31),
        Measurement(256, 256, 1.25, 1.30),
        Measurement(128, 2, 1.47, 1.47),
        Measurement(200, 512, 0.70, 0.72),
        Measurement(484, 32, 2.65, 2.59),
        Measurement(256, 512, 0.97, 0.90),
        Measurement(512, 256, 1.60, 1.69),
        Measurement(200, 300, 1.15, 1.11),
        Measurement(100, 300, 1.05, 1.01),
        Measurement(10, 300, 0.95, 0.92),
        Measurement(50, 400, 0.90, 0.81),
        Measurement(10, 200, 1.19, 1.09),
        Measurement(2, 500, 0.52, 0.65),
        Measurement(2, 1000, 0.30, 0.18),
        Measurement(64 * 4, 64 * 4, 1.36, 1.29, 64),
        Measurement(64 * 4, 64 * 16, 1.23, 1.14, 64),
        Measurement(64 * 16, 64 * 4, 1.51, 1.34, 64),
    ),
}
