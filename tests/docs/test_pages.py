"""Links lead somewhere, and every page is in the table of contents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .pages import ROOT, anchors, blocks, each_page, links

DOCS = ROOT / "docs"


@each_page
def test_links_lead_to_pages_and_headings(page: Path) -> None:
    for target in links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.is_file(), f"{target}: no such file"
        if anchor:
            assert anchor in anchors(there), f"{target}: no such heading"


def contents() -> list[str]:
    """The pages that the tables of contents name."""
    if not DOCS.is_dir():
        pytest.skip("the documentation is not part of this distribution")
    found = []
    for page in DOCS.rglob("*.md"):
        for block in blocks(page.read_text("utf-8")):
            if block.kind == "{toctree}":
                lines = [line for line in block.body.split("\n") if line and line[0] != ":"]
                found += [(page.parent / line).relative_to(DOCS).as_posix() for line in lines]
    return found


def test_every_page_is_in_the_contents_once() -> None:
    there = {p.relative_to(DOCS).with_suffix("").as_posix() for p in DOCS.rglob("*.md")}
    listed = contents()
    assert len(listed) == len(set(listed))
    assert set(listed) == there - {"index"}


def test_the_indexes_link_to_what_they_list() -> None:
    listed = {name for name in contents() if name.startswith("reference/")}
    index = DOCS / "reference" / "index.md"
    assert {f"reference/{Path(link).stem}" for link in links(index)} | {"reference/index"} == listed
