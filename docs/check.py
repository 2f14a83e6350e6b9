"""Check the built pages: ``python docs/check.py OUT``, after ``sphinx-build -b html docs OUT``.

Each internal link leads to a file and to an anchor in it, and each picture is there and is described in
words. Where there are playwright and a Chromium: at the widths of a phone and of a desk, in light and in
dark, no page scrolls sideways, raises an error in a script, lacks a picture, or shows text too faint to
read. Where there are none, that part is skipped, and said to be; with ``--browser`` that is a fault.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

WIDTHS, SCHEMES = (390, 1280), ("light", "dark")
SHOWN = (
    "index.html",
    "tutorials/dual-numbers.html",
    "reference/translation.html",
    "reference/support.html",
)
# Sphinx writes these itself, with links that its scripts fill.
GENERATED = ("genindex.html", "search.html", "py-modindex.html")


@dataclass
class Page(HTMLParser):
    """What a page links to, and what can be linked to in it."""

    path: Path
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._viewport = False
        self.feed(self.path.read_text("utf-8"))
        if not self._viewport:
            self.faults.append("no viewport: a phone would show it in miniature")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.anchors |= {known[key] for key in ("id", "name") if key in known}
        self._viewport |= tag == "meta" and known.get("name") == "viewport"
        if tag in ("a", "link") and "href" in known:
            self.links.append(known["href"])
        if tag in ("img", "script") and "src" in known:
            self.links.append(known["src"])
        if tag == "img" and known.get("src") and known.get("alt", known["src"]) in known["src"]:
            self.faults.append(f"a picture without a description: {known['src'][:60]}")


def dangling(page: Page, pages: dict[Path, Page]) -> Iterator[str]:
    """The links of a page that lead nowhere."""
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        there = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
        if not there.is_file():
            yield f"a link to {link}: no such file"
        elif there in pages and unquote(parts.fragment) not in pages[there].anchors | {""}:
            yield f"a link to {link}: no such anchor"


def read(root: Path) -> list[str]:
    """The faults that need no browser."""
    pages = {path: Page(path) for path in sorted(root.resolve().rglob("*.html"))}
    if not pages:
        return [f"{root}: no pages"]
    return [
        f"{path.relative_to(root.resolve())}: {fault}"
        for path, page in pages.items()
        if path.name not in GENERATED and "_modules" not in path.parts
        for fault in (*page.faults, *dangling(page, pages))
    ]


# The contrast of WCAG 2.1, 1.4.3, of each run of plain text against what is behind it.
FAINT = """() => {
  const rgb = s => (s.match(/[\\d.]+/g) || []).map(Number);
  const linear = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = c.map(linear); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0.5) return c; }
    return [255, 255, 255]; };
  const faint = [];
  for (const e of document.querySelectorAll("article :is(p, li, td, th, h1, h2, pre span, a)")) {
    if (!e.innerText.trim() || !e.offsetParent) continue;
    const [a, b] = [rgb(getComputedStyle(e).color), behind(e)].map(light).sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(e.innerText.slice(0, 40)); }
  return faint; }"""


def chromium() -> str | None:
    """Where a browser is; what the variable names comes first."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = (shutil.which(name) for name in (os.environ.get("CHROMIUM"), *names) if name)
    return next(filter(None, found), None)


def why_not() -> str:
    """Why there can be no look by a browser; empty where there can."""
    if find_spec("playwright") is None:
        return "playwright is not installed"
    return "" if chromium() else "there is no Chromium"


def look(root: Path, pictures: Path | None) -> list[str]:
    """The faults that a browser shows."""
    from playwright.sync_api import sync_playwright

    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for width in WIDTHS:
            tab: Any = browser.new_page(viewport={"width": width, "height": 844})
            tab.set_default_timeout(180_000)  # of a busy machine
            # Nothing is fetched from elsewhere: what a page needs to be read is its own.
            tab.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
            errors: list[str] = []
            tab.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
            for path in sorted(root.resolve().rglob("*.html")):
                name = path.relative_to(root.resolve()).as_posix()
                if name in GENERATED or name.startswith("_modules"):
                    continue
                errors.clear()
                tab.goto(path.as_uri(), wait_until="load")
                found = [f"an error in a script: {error}" for error in errors]
                wide = tab.evaluate("document.scrollingElement.scrollWidth")
                if wide > width:
                    found.append(f"{wide} pixels wide: it scrolls sideways")
                if missing := tab.evaluate(
                    "[...document.images].filter(i => i.complete && !i.naturalWidth).length"
                ):
                    found.append(f"{missing} pictures do not show")
                for scheme in SCHEMES:
                    tab.emulate_media(color_scheme=scheme)
                    found += [f"{scheme}, too faint: {text!r}" for text in tab.evaluate(FAINT)]
                    if pictures and name in SHOWN:
                        picture = pictures / f"{path.stem}-{width}-{scheme}.png"
                        tab.screenshot(path=str(picture), full_page=True)
                faults += [f"{name} at {width}: {fault}" for fault in found]
            tab.close()
        browser.close()
    return faults


def main() -> int:
    """Print the faults; 1 if there are any."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("root", type=Path, help="where the built pages are")
    parser.add_argument("--browser", action="store_true", help="fail where there is no browser")
    parser.add_argument("--pictures", type=Path, help="where to keep screenshots")
    options = parser.parse_args()
    faults = read(options.root)
    print("links and descriptions of pictures:", len(faults), "faults")
    if reason := why_not():
        print("browser: skipped,", reason)
        faults += [reason] * options.browser
    else:
        seen = look(options.root, options.pictures)
        print("browser:", len(seen), "faults")
        faults += seen
    print("\n".join(faults))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
