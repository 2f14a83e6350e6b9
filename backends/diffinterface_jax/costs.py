"""What forward and reverse mode cost in JAX, as measured."""

from __future__ import annotations

from typing import Final

from diffinterface.engine.cost import Costs, Measurement

# Compiled: both modes run the same kind of program. Columns come out transposed.
COSTS: Final = Costs(column=1.2, base=60_000)

#: One thread, float32, a network with one hidden layer of 16 to 256 units; jax 0.10.
#: ``python -m tests.benchmarks modes`` measures the cases of the design again.
MEASURED: Final = (
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
)
