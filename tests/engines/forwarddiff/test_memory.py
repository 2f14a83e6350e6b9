"""Memory of temporaries: kept between operations, and not cleared anew at each."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_COUNT = """
import resource
import numpy as np
import diffinterface as di

x = np.linspace(0.0, 1.0, 4096)
f = lambda x: x[1:] * x[:-1] + np.sin(x[1:]) - x[:-1] ** 2
push = di.prepare_pushforward(f, di.AutoForwardDiff(), x, np.ones((32, 4096)), batched=True)
for _ in range(3):
    push(x, np.ones((32, 4096)))
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    push(x, np.ones((32, 4096)))
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what glibc's allocator does")
def test_a_prepared_call_takes_no_pages_from_the_system() -> None:
    """Counted in a process of its own, where nothing else has taught the allocator: 1200 without."""
    run = subprocess.run(
        [sys.executable, "-c", _COUNT], capture_output=True, text=True, check=True, timeout=120
    )
    assert float(run.stdout) < 50
