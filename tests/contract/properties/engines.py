"""The engines that the properties run on, how exact they are, and how many examples each is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import diffinterface as di

from ... import tiers
from .programs import Problem


@dataclass(frozen=True)
class Engine:
    """An engine under test.

    Attributes
    ----------
    first, second : float
        Tolerance of first and of second derivatives, of the largest entry of what is expected.
    share : int
        It is given one example of so many: what compiles each function is slow.
    """

    adtype: di.ADType
    first: float = 1e-13
    second: float = 1e-11
    share: int = 1


ENGINES: dict[str, Engine] = {
    "forwarddiff": Engine(di.AutoForwardDiff()),
    "forwarddiff[chunk]": Engine(di.AutoForwardDiff(chunk_size=2), share=2),
    "complexstep": Engine(di.AutoComplexStep(), second=1e-6, share=2),
    "finitediff": Engine(di.AutoFiniteDiff("richardson"), 1e-9, 1e-5, share=12),
    "autograd": Engine(di.AutoAutograd()),
    "autograd[forward]": Engine(di.AutoAutograd("forward"), share=2),
    "torch": Engine(di.AutoTorch(), share=2),
    "torch[forward]": Engine(di.AutoTorch("forward"), share=4),
    "jax": Engine(di.AutoJax(), share=12),
    "mixed": Engine(di.MixedMode(di.AutoForwardDiff(), di.AutoAutograd())),
}

every_engine = pytest.mark.parametrize("name", ENGINES)
#: Laws that hold by the core's arithmetic need no engine that is slow to ask.
fast_engines = pytest.mark.parametrize("name", [n for n, e in ENGINES.items() if e.share <= 2])


def holds(
    name: str, problems: Any, law: Callable[[Problem, Engine], None], examples: int = 40
) -> None:
    """Check `law` on random problems: the same ones on every run, and without a clock."""
    engine = ENGINES[name]
    if not di.check_available(engine.adtype):
        pytest.skip(f"{name} is not installed")

    def run(problem: Problem) -> None:
        law(problem, engine)

    # The examples follow from the name, so that each law has its own.
    run.__name__ = law.__qualname__.partition(".")[0]
    options = settings(
        max_examples=max(tiers.examples(examples) // engine.share, 3),
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    options(given(problems)(run))()
