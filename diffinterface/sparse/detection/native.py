"""Detectors for functions of one framework's own arrays, found by entry points as engines are."""

from __future__ import annotations

from typing import Any

from diffinterface.declare.plugins import construct, entries, load


def native_detector(framework: str) -> Any:
    """What reads a pattern off functions of `framework`, which NumPy's tracers cannot enter; or None."""
    entry = entries("detectors").get(framework)
    if entry is None:
        return None
    what = f"The detector for {framework}"
    return construct(load(entry, what), entry, what)
