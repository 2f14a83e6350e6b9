"""Backends of `broken`, known to the registry for the length of one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from diffinterface.declare import plugins, strings
from diffinterface.engine import registry
from diffinterface.testing import DerivativeError, Failure
from diffinterface.testing.rules import JUDGED

from .broken import entries


@pytest.fixture(autouse=True)
def _broken_backends(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    installed = plugins.entries

    def with_ours(group: str) -> dict[str, Any]:
        return {**installed(group), **(entries() if group == "backends" else {})}

    monkeypatch.setattr(plugins, "entries", with_ours)
    yield
    # What is remembered of a backend must not outlive it.
    for forget in (registry.forget, strings.parse.cache_clear, JUDGED.clear):
        forget()


@pytest.fixture
def failures() -> Callable[..., tuple[Failure, ...]]:
    """What a call reports; it must report something."""

    def run(call: Callable[..., Any], *args: Any, **options: Any) -> tuple[Failure, ...]:
        with pytest.raises(DerivativeError) as caught:
            call(*args, **options)
        for failure in caught.value.failures:
            assert str(failure) in str(caught.value)
        return caught.value.failures

    return run
