"""Every outer derivative around every inner one, by every operator: right, or declared as refused."""

from __future__ import annotations

import numpy as np
import pytest

from ..outers import scope
from .around import AROUND, SECOND, Around
from .matrix import (
    FORMS,
    INNERS,
    OPERATORS,
    REFUSED,
    Inner,
    X,
    loss,
    second_truth,
)
from .table import PAGE, comparable, declared, errors_of, page, unexpected

by_inner = pytest.mark.parametrize("inner", INNERS, ids=str)


def _installed(around: Around, inner: Inner) -> None:
    for framework in (around.framework, inner.framework):
        if framework in ("jax", "torch", "autograd"):
            pytest.importorskip(framework)


@by_inner
@pytest.mark.parametrize("around", AROUND, ids=str)
def test_every_cell(around: Around, inner: Inner) -> None:
    """Both forms of f and all operators, of one pair."""
    _installed(around, inner)
    assert not unexpected(errors_of(around, inner))


@by_inner
@pytest.mark.parametrize("twice", SECOND, ids=str)
def test_third_order(twice: Around, inner: Inner) -> None:
    """The Hessian of a loss that holds a gradient."""
    _installed(twice, inner)
    with scope(twice.framework):
        got = twice.of(loss(twice.framework, inner, "array-API", "gradient"), X)
    want = second_truth()
    # The difference itself is differentiated twice.
    tolerance = 1e-4 if inner.name == "AutoFiniteDiff" else inner.tolerance("gradient")
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * np.max(np.abs(want)))


def test_what_is_refused_is_in_the_matrix() -> None:
    names = {around.name for around in AROUND}, {inner.name for inner in INNERS}
    for row in REFUSED:
        assert row.around in names[0]
        assert row.inner in names[1]
        assert set(row.operators) <= set(OPERATORS)
        assert set(row.forms) <= set(FORMS)


def test_the_page_is_what_is_declared() -> None:
    """Each cell is tested against what is declared, so the cells need not run again for the page."""
    if not PAGE.exists():
        pytest.skip("the documentation is not part of this distribution")
    text = PAGE.read_text(encoding="utf-8")
    assert comparable(text) == comparable(page(declared())), (
        "run python -m tests.nesting.table --write"
    )
