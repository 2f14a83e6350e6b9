"""The complete plugin of "Write a backend": installed, named and tested as the page says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ..kit.plugin.distribution import answer, install, python
from .pages import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "write-a-backend.md"

pytestmark = pytest.mark.skipif(
    not PAGE.is_file(), reason="the pages are not part of this distribution"
)


def files() -> tuple[str, ...]:
    """The page's pyproject.toml, module and test."""
    kinds = (
        "toml",
        "python",
        "{code-block} python",
    )  # the last, which needs the module, runs here only
    return tuple(b.body for b in blocks(PAGE.read_text("utf-8")) if b.kind in kinds)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("extended")
    toml, module, _ = files()
    install(target, "diffinterface-extended", {"diffinterface_extended": module}, toml)
    return target


def test_it_is_as_short_as_the_page_says() -> None:
    assert sum(len(part.splitlines()) for part in files()) < 100


def test_derivatives_have_all_digits_of_a_double(installed: Path) -> None:
    code = """
        import numpy as np
        import diffinterface as di
        x = np.array([0.3, 1.7])
        f = lambda x: np.sum(np.exp(np.sin(x) * x[0]))
        result = [
            np.abs(di.gradient(f, name, x) - di.gradient(f, "forwarddiff", x)).max()
            for name in ("extended", "finitediff")
        ]
    """
    ours, usual = answer(installed, code)
    assert usual > 1e-13
    assert ours < 2e-15 or np.finfo(np.longdouble).eps > 1e-18


@pytest.mark.skipif(
    np.finfo(np.longdouble).eps > 1e-18, reason="this processor has no extended precision"
)
def test_its_own_test_passes(installed: Path) -> None:
    (installed / "test_extended.py").write_text(files()[2], "utf-8")
    run = python(installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_extended.py")
    assert run.returncode == 0, run.stdout[-3000:]
