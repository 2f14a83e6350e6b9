"""What the pages tell of the house: routes are those that calls take, and what is named is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ..benchmarks.route import CASES, Case, measured
from .pages import ROOT

PAGE = ROOT / "docs" / "explanation" / "architecture.md"
MAP = ROOT / "CONTRIBUTING.md"
ROUTES = {"gradient": "gradient", "crossing": "tape", "sparse Jacobian": "sparse"}
STEP = re.compile(r"^\| `([\w/]+\.py)` \| `([\w.]+)` \|", re.M)
#: A file, a folder, or one for each engine: ``backends/diffinterface_<name>/host.py``.
PLACE = re.compile(r"`((?:diffinterface|backends|docs|tests)/[\w/<>.]*)`")

pytestmark = pytest.mark.skipif(
    not (PAGE.is_file() and MAP.is_file()), reason="the pages are not part of this distribution"
)


def told(title: str) -> list[tuple[str, str]]:
    """The steps of a route, by file and function, as the page has them."""
    _, found, rest = PAGE.read_text("utf-8").partition(f"## The route of a {title}\n")
    assert found, title
    return STEP.findall(rest.partition("\n## ")[0])


@pytest.mark.parametrize(("title", "name"), ROUTES.items())
def test_the_routes_are_those_that_calls_take(title: str, name: str) -> None:
    for package in ("jax", "torch", "scipy"):
        pytest.importorskip(package)
    case: Case = next(case for case in CASES if case.name == name)
    calls = [
        (file.removeprefix("diffinterface/").removeprefix("backends/"), function)
        for _, file, function in measured(case).calls
    ]
    steps = told(title)
    assert len(steps) > 10
    left = iter(calls)
    for step in steps:
        assert step in left, f"{step} does not follow; all calls: {step in calls}"


@pytest.mark.parametrize("page", [PAGE, MAP], ids=lambda page: page.name)
def test_what_the_pages_name_is_there(page: Path) -> None:
    for place in PLACE.findall(page.read_text("utf-8")):
        pattern = re.sub(r"<\w+>", "*", place).rstrip("/")
        assert any(ROOT.glob(pattern)), place


def test_the_table_of_ideas_names_files() -> None:
    table = (
        PAGE.read_text("utf-8").partition("## One idea, one mechanism\n")[2].partition("\n## ")[0]
    )
    places = re.findall(r"`([\w/]+\.py)`", table)
    assert len(places) >= 8
    for place in places:
        assert (ROOT / "diffinterface" / place).is_file(), place
