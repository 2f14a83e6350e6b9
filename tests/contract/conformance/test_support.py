"""The page "Support": each cell is a test, and the page says what the tests say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.testing import CALLERS, Entry

from ...backends import ENGINES, skip_if_missing
from . import nested
from .support import ARRAYS, PAGE, VERSIONS, comparable, page

# Torch tells that some of its operations are slower under vmap.
pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")


def _cells() -> Iterator[Any]:
    for operator, inner, outer in nested.cells():
        row = nested.why_not(inner, outer.id)
        marks = (
            ()
            if row is None
            else (pytest.mark.xfail(strict=True, raises=row.error, reason=row.reason),)
        )
        name = f"{outer.id}-of-{operator}-by-{inner}"
        yield pytest.param(operator, inner, outer, id=name, marks=marks)


@pytest.mark.parametrize(("operator", "inner", "outer"), [*_cells()])
def test_nested(operator: str, inner: str, outer: Entry) -> None:
    for engine in (inner, outer.id):
        skip_if_missing(engine)
    scenario = nested.scenario(operator, inner)
    got = di.gradient(scenario.f, outer.adtype, scenario.x)
    assert isinstance(got, np.ndarray | np.generic)
    tolerance = nested.tolerance(operator, inner, outer.id) * np.max(np.abs(scenario.result))
    np.testing.assert_allclose(got, scenario.result, rtol=0, atol=tolerance)


def test_by_hand() -> None:
    """The results that are differentiated by the complex step are those of an engine."""
    for operator in nested.OPERATORS:
        inner = nested.scenario(operator, "forwarddiff")
        value = np.sum(nested.by_hand(operator, inner.x + 0j).real ** 2)
        np.testing.assert_allclose(inner.f(inner.x), value, rtol=1e-13)


def test_the_page_is_up_to_date() -> None:
    if not PAGE.exists():
        pytest.skip("the documentation is not part of this distribution")
    text = PAGE.read_text(encoding="utf-8")
    assert comparable(text) == comparable(page()), (
        "run python -m tests.contract.conformance.support --write"
    )
    assert len(VERSIONS.findall(text)) == 1


def test_the_page_tells_of_every_kind_of_array_that_is_tested() -> None:
    assert set(ARRAYS) == {"numpy", *(caller.framework for caller in CALLERS)}


def test_every_refusal_is_of_engines_that_there_are() -> None:
    for row in nested.REFUSED:
        assert {row.inner, row.outer} <= set(ENGINES)
