"""What all tests share: how JAX compiles here, and the fixture of the backend under test."""

from __future__ import annotations

import os
from typing import Any

import pytest

# The suite compiles thousands of small JAX programs and runs each a few times: XLA's optimisations
# would take twice the time that everything else takes. Read by JAX when it is imported.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

from .conformance.backends import BACKENDS, Entry, skip_if_missing


@pytest.fixture(params=BACKENDS, ids=lambda entry: entry.id)
def backend(request: Any) -> Entry:
    """The backend under test; skips where its engine is not installed."""
    entry: Entry = request.param
    skip_if_missing(entry.adtype)
    return entry
