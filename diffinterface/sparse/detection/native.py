"""Detectors for functions of one framework's own arrays, found by entry points as engines are."""

from __future__ import annotations

from typing import Any

from diffinterface.declare.plugins import entries, load


def native_detector(framework: str) -> Any:
    """What reads a pattern off functions of `framework`, which NumPy's tracers cannot enter; or None."""
    entry = entries("detectors").get(framework)
    return None if entry is None else load(entry, f"The detector for {framework}")()
