"""Random compositions of depth 2 and 3 against exact derivatives: thousands of numbers, none wrong."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from .. import tiers
from ..outers import scope
from .compositions import ENGINES, OPERATORS, Composition, draw

BATCHES, EACH = 41, 50


@cache
def drawn(batch: int, count: int = EACH) -> tuple[Composition, ...]:
    """The compositions of a batch: always the same."""
    rng = np.random.default_rng(batch)
    return tuple(draw(rng) for _ in range(count))


@pytest.mark.parametrize("batch", range(BATCHES))
def test_compositions(batch: int) -> None:
    for framework in ("jax", "torch", "autograd"):
        pytest.importorskip(framework)
    wrong = []
    for composition in drawn(batch, tiers.examples(EACH)):
        want, scale = composition.truth()
        with scope("jax"):
            got = composition.run()
        if not abs(got - want) <= composition.tolerance * scale:
            wrong.append(f"{composition}: got {got}, expected {want}, of scale {scale}")
    assert not wrong, "\n".join(wrong)


def test_enough_are_drawn() -> None:
    """At least two thousand, no two alike, of both depths, with each engine and operator everywhere."""
    every = [composition for batch in range(BATCHES) for composition in drawn(batch)]
    assert len(set(map(str, every))) >= 2000
    levels = [composition.levels for composition in every]
    assert {len(level) for level in levels} == {2, 3}
    for place in (0, 1, -1):
        assert {level[place].engine.name for level in levels} == {e.name for e in ENGINES}
        assert {level[place].operator for level in levels} == set(OPERATORS)
    pairs = {(a[0].engine.family, a[1].engine.family) for a in levels}
    print(f"{len(every)} compositions, {len(pairs)} pairs of frameworks")
