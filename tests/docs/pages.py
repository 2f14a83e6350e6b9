"""The project's pages in Markdown, and what stands in them: fenced blocks, links, headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    page
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
    if page.is_file() and "_build" not in page.parts
]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]

each_page = pytest.mark.parametrize("page", PAGES, ids=NAMES)

_FENCE = re.compile(
    r"^(?P<fence>`{3,})(?P<kind>[^\n`]*)\n(?P<body>.*?)^(?P=fence)\s*$", re.M | re.S
)
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_CARD = re.compile(r"^:link: (\S+)\n:link-type: doc$", re.M)
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.M)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, its first line in the page, and where it ends."""

    kind: str
    body: str
    line: int
    start: int
    end: int


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [
        Block(m["kind"].strip(), m["body"], text.count("\n", 0, m.start("body")) + 1, *m.span())
        for m in _FENCE.finditer(text)
    ]


def cells(text: str) -> list[str]:
    """The code of a tutorial's cells, which run when the pages are built; without their options."""
    bodies = [block.body for block in blocks(text) if block.kind == "{code-cell} python"]
    return [re.sub(r"\A(?:---\n.*?^---\n|(?::.*\n)+)", "", b, flags=re.M | re.S) for b in bodies]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))


def links(page: Path) -> list[str]:
    """Where the page's links lead, those of its cards included."""
    text = re.sub(r"`[^`\n]*`", "", prose(page))  # an index and a call in code look like a link
    return _LINK.findall(text) + [f"{target}.md" for target in _CARD.findall(text)]


def anchors(page: Path) -> set[str]:
    """The anchors of the page's headings, as GitHub and MyST form them."""
    titles = (re.sub(r"[^\w\- ]", "", title.lower()) for title in _HEADING.findall(prose(page)))
    return {title.replace(" ", "-") for title in titles}
