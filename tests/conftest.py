"""What all tests share: how JAX compiles here, and the fixture of the backend under test."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

# The suite compiles thousands of small JAX programs and runs each a few times: XLA's optimisations
# would take twice the time that everything else takes. Read by JAX when it is imported.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

from .backends import BACKENDS, Entry, skip_if_missing


@pytest.fixture(params=BACKENDS, ids=lambda entry: entry.id)
def backend(request: Any) -> Entry:
    """The backend under test; skips where its engine is not installed."""
    entry: Entry = request.param
    skip_if_missing(entry.adtype)
    return entry


@pytest.fixture(autouse=True)
def _jax_keeps_its_precision() -> Iterator[None]:
    """Left on by a test, or by what it imported, JAX's 64 bits would change the tests after it."""
    yield
    jax = sys.modules.get("jax")
    if jax is not None and hasattr(jax, "config"):
        assert not jax.config.jax_enable_x64, "this test left jax_enable_x64 on"
