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
    """The pages that the tables of contents name; a pattern is for those that no line before names."""
    if not DOCS.is_dir():
        pytest.skip("the documentation is not part of this distribution")
    found: list[str] = []
    for page in DOCS.rglob("*.md"):
        for block in blocks(page.read_text("utf-8")):
            if block.kind == "{toctree}":
                for line in block.body.split():
                    if not line.startswith(":") and "/" in line:
                        found += _pages(page.parent, line, found)
    return found


def _pages(folder: Path, line: str, known: list[str]) -> list[str]:
    named = sorted(
        path.relative_to(DOCS).with_suffix("").as_posix() for path in folder.glob(f"{line}.md")
    )
    assert named, f"{line}: no such page"
    return [name for name in named if name not in known] if "*" in line else named


def test_every_page_is_in_the_contents_once() -> None:
    there = {p.relative_to(DOCS).with_suffix("").as_posix() for p in DOCS.rglob("*.md")}
    listed = contents()
    assert len(listed) == len(set(listed))
    assert set(listed) == there - {"index"}


def test_the_indexes_link_to_what_they_list() -> None:
    listed = {name for name in contents() if name.startswith("reference/")}
    index = DOCS / "reference" / "index.md"
    assert {f"reference/{Path(link).stem}" for link in links(index)} | {"reference/index"} == listed
