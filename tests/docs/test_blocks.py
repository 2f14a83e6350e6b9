"""Every Python block of the pages runs, and prints what the page says it prints.

The blocks of one page share one namespace, as a reader would paste them. A ```text block that
follows a ```python block directly is what that block prints. The cells of tutorials run when pages are
built; here they are only read.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import diffinterface as di

from .pages import PAGES, Block, blocks, cells, each_page

OPTIONAL = {"torch", "jax", "autograd", "scipy", "sklearn", "equinox"}
SESSIONS = ("pycon", "doctest", "{doctest}")
# Programs of their own. Those of these pages need a package: `test_plugin` and `test_commands` run them.
PROGRAM, WITH_A_PACKAGE = "{code-block} python", ("write-a-backend.md", "test-your-library.md")
# Languages that no test of this file runs; any other word after a fence is a typing error.
# `test_commands` runs the command lines, and the building of the pages the cells.
OTHERS = (
    "text",
    "bash",
    "toml",
    "{code-block}",
    "{code-cell}",
    "{eval-rst}",
    "{toctree}",
    "{include}",
)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.REPORT_NDIFF


def imported(source: str) -> set[str]:
    """The top-level modules that a block imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).partition(".")[0])
    return names


def source_of(block: Block) -> str:
    if block.kind == "python":
        return block.body
    return "".join(example.source for example in doctest.DocTestParser().get_examples(block.body))


def run_session(block: Block, namespace: dict[str, Any], name: str) -> None:
    test = doctest.DocTestParser().get_doctest(block.body, namespace, name, name, block.line)
    assert test.examples, f"{name}, line {block.line}: a session without >>>"
    complaints = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    runner.run(test, out=complaints.write, clear_globs=False)
    namespace.update(test.globs)  # get_doctest took a copy
    assert not runner.failures, complaints.getvalue()


def run_python(block: Block, namespace: dict[str, Any], page: Path) -> str:
    """What the block prints. Line numbers in a traceback are those of the page."""
    printed = io.StringIO()
    code = compile("\n" * (block.line - 1) + block.body, str(page), "exec")
    with contextlib.redirect_stdout(printed):
        exec(code, namespace)
    return printed.getvalue()


@each_page
def test_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = page.read_text("utf-8")
    found = blocks(text)
    runnable = [block for block in found if block.kind in ("python", *SESSIONS)]
    if not runnable:
        pytest.skip("no Python on this page")
    for module in sorted(set().union(*(imported(source_of(block)) for block in runnable))):
        if module in OPTIONAL:
            pytest.importorskip(module)
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block, after in pairwise([*found, Block("", "", 0, 0, 0)]):
        if block.kind in SESSIONS:
            run_session(block, namespace, page.name)
        elif block.kind == "python":
            try:
                printed = run_python(block, namespace, page)
            except di.BackendNotInstalledError as error:
                pytest.skip(str(error))
            if after.kind == "text" and not text[block.end : after.start].strip():
                assert printed.split() == after.body.split(), printed


@each_page
def test_programs_run(page: Path, tmp_path: Path) -> None:
    text = page.read_text("utf-8")
    found = blocks(text)
    if page.name in WITH_A_PACKAGE or not any(block.kind == PROGRAM for block in found):
        pytest.skip("no program on this page")
    for block, after in pairwise([*found, Block("", "", 0, 0, 0)]):
        if block.kind == PROGRAM:
            (tmp_path / "program.py").write_text(block.body, "utf-8")
            command = [sys.executable, "program.py"]
            run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
            assert run.returncode == 0, run.stderr[-2000:]
            assert run.stdout.split() == (after.body.split() if after.kind == "text" else [])


@each_page
def test_every_fence_is_understood(page: Path) -> None:
    kinds = {block.kind.split()[0] for block in blocks(page.read_text("utf-8"))}
    assert kinds <= {"python", *SESSIONS, *OTHERS}


@each_page
def test_tutorials_are_python(page: Path) -> None:
    """What the building of the pages would find out only after minutes."""
    text = page.read_text("utf-8")
    found = cells(text)
    assert bool(found) == (page.parent.name == "tutorials") == ("file_format: mystnb" in text)
    for cell in found:
        ast.parse(cell)
    figures = sum("fig, " in cell for cell in found)
    assert figures == text.count("    alt: "), "each figure needs words for those who cannot see it"


def test_there_are_pages() -> None:
    if not PAGES:
        pytest.skip("the pages are not part of this distribution")
    runnable = [b for p in PAGES for b in blocks(p.read_text("utf-8")) if b.kind == "python"]
    assert len(runnable) > 20


def test_a_block_that_fails_is_noticed(tmp_path: Path) -> None:
    """The harness itself: blocks, sessions and what they print."""
    text = "```python\nx = 2\nprint(x)\n```\n```pycon\n>>> x + 1\n4\n```\n"
    python, session = blocks(text)
    namespace: dict[str, Any] = {}
    assert run_python(python, namespace, tmp_path) == "2\n"
    with pytest.raises(AssertionError, match="Failed example"):
        run_session(session, namespace, "page")
    with pytest.raises(ZeroDivisionError):
        run_python(Block("python", "1 / 0", 1, 0, 0), namespace, tmp_path)
