"""Two and three derivatives inside each other, drawn at random: every number is right.

Compositions over engines, modes, operators, and ways to call them: by our operators, and by the engines'
own behind a bridge. The truth is computed by nilpotent numbers, of which the engines know nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

import diffinterface as di

from ... import tiers
from .compositions import ADTYPES, Composition, compositions

DUALS = ("forwarddiff", "autograd", "autograd.forward")
TORCH = ("torch", "torch.forward", "torch.reverse")
JAX = ("jax", "jax.forward", "jax.reverse")
#: By name: outer engines, inner engines, depth, and how many of each are drawn. Uncompiled JAX is slow.
RUNS: dict[str, tuple[tuple[str, ...], tuple[str, ...], int, int]] = {
    "duals and autograd": (DUALS, DUALS, 2, 30),
    "duals and autograd, three": (DUALS, DUALS, 3, 20),
    "torch": ((*DUALS, *TORCH), (*DUALS, *TORCH), 2, 24),
    "torch, three": ((*DUALS, *TORCH), (*DUALS, *TORCH), 3, 12),
    "jax inside": ((*DUALS, *TORCH), JAX, 2, 3),
    "jax outside": (JAX, (*DUALS, *TORCH), 2, 4),
    "jax, three": (JAX, (*DUALS, *TORCH, *JAX), 3, 3),
    "differences outside": (("finitediff", "complexstep"), (*DUALS, *TORCH), 2, 30),
    "a complex step inside": ((*DUALS, *TORCH), ("complexstep",), 2, 12),
}
CASES = [(outer, *rest) for outers, *rest in RUNS.values() for outer in outers]
IDS = [f"{name}-{outer}" for name, (outers, *_) in RUNS.items() for outer in outers]


@contextlib.contextmanager
def _installed(engines: tuple[str, ...]) -> Iterator[None]:
    for engine in engines:
        if not di.check_available(ADTYPES[engine]):
            pytest.skip(f"{engine} is not installed")
    if not any(engine.startswith("jax") for engine in engines):
        yield
        return
    import jax

    with jax.enable_x64(True):
        yield


# Autograd's own, of a link that is linear in x where its Hessian is asked for.
@pytest.mark.filterwarnings("ignore:Output seems independent of input:UserWarning")
@pytest.mark.parametrize(("outer", "inner", "depth", "examples"), CASES, ids=IDS)
def test_compositions(outer: str, inner: tuple[str, ...], depth: int, examples: int) -> None:
    tolerance = 1e-6 if outer == "finitediff" else 1e-10

    def run(composition: Composition) -> None:
        want = composition.truth()
        got = composition.value()
        assert isinstance(got, np.ndarray)
        scale = max(1.0, float(np.max(np.abs(want))))
        np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * scale)

    # The draws follow from the name, so that each outer engine has its own.
    run.__name__ = f"{outer}_{inner[0]}_{depth}".replace(".", "_")
    options = settings(
        max_examples=tiers.examples(examples),
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # a failure is told as it was drawn: to shrink it takes minutes
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    with _installed((outer, *inner)):
        options(given(compositions(outer, inner, depth))(run))()


def test_enough_is_drawn() -> None:
    assert sum(len(outers) * count for outers, _, _, count in RUNS.values()) >= 500
