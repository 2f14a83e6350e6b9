"""What all tests share: how JAX compiles here, the tiers, and the fixture of the backend under test."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# The suite compiles thousands of small JAX programs and runs each a few times: XLA's optimisations
# would take twice the time that everything else takes. Read by JAX when it is imported.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
# What one run compiled, the next one loads.
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "jax")
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

from . import tiers
from .backends import BACKENDS, Entry, skip_if_missing

COLLECTED = pytest.StashKey[list[pytest.Item]]()


def _named(config: pytest.Config) -> bool:
    """Whether the command line names tests, and not only folders or files."""
    return bool(config.args) and all("::" in argument for argument in config.args)


def pytest_configure(config: pytest.Config) -> None:
    gc.disable()  # until the tests are collected, see `pytest_collection_finish`
    if not config.option.markexpr and not _named(config):
        config.option.markexpr = "quick"
    tiers.choose(config.option.markexpr)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """As many as there are cores, up to what memory bears; none for a few named tests."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return 0 if _named(config) else min(cores or 1, 8)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.stash[COLLECTED] = list(items)
    tiers.mark(items)


def pytest_collection_finish() -> None:
    """Tens of thousands of tests stay to the end: no collection of garbage walks through them."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture
def collected(request: pytest.FixtureRequest) -> list[pytest.Item]:
    """All tests that this session found, of any tier."""
    return request.config.stash[COLLECTED]


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
