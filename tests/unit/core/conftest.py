"""Backends of `zero`, known to the registry for the length of one test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from diffinterface.declare import plugins, strings
from diffinterface.engine import registry

from .zero import entries


@pytest.fixture(autouse=True)
def _zero_backends(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    installed = plugins.entries

    def with_ours(group: str) -> dict:
        return {**installed(group), **(entries() if group == "backends" else {})}

    monkeypatch.setattr(plugins, "entries", with_ours)
    yield
    # New instances for the next test: the engines keep a log of their calls.
    registry.forget()
    strings.parse.cache_clear()
