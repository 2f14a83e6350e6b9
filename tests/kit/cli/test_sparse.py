"""``sparse``: a plan, a matrix and a picture from the command line, with a bar on long runs."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from diffinterface.tools.cli import main

pytest.importorskip("scipy.sparse")
pytest.importorskip("numba")

Refusal = Callable[..., str]
PRODUCTS = ("sparse", "functions.py:products", "--at", "x.npy")
X = np.arange(1.0, 8.0)


@pytest.fixture(autouse=True)
def _point(folder: Path) -> None:
    np.save("x.npy", X)


def test_the_plan_and_the_times(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(PRODUCTS) == 0
    title, plan, *times = capsys.readouterr().out.splitlines()
    assert title == "functions.py:products at x.npy, by forwarddiff"
    assert plan == "SparsePlan(jacobian: 6 x 7, 12 entries, 2 column colors, 3.5x fewer products)"
    assert [line.split("  ")[0] for line in times] == ["pattern, colors and check", "evaluation"]
    assert all(line.endswith(" s") for line in times)


def test_what_is_written() -> None:
    from scipy.sparse import load_npz

    from diffinterface.sparse import load_plan

    assert (
        main([*PRODUCTS, "--matrix", "out.npz", "--save", "plan.npz", "--backend", "finitediff"])
        == 0
    )
    want = np.zeros((6, 7))
    want[np.arange(6), np.arange(6)] = X[1:]
    want[np.arange(6), np.arange(1, 7)] = X[:-1]
    np.testing.assert_allclose(load_npz("out.npz").toarray(), want, rtol=1e-8)
    assert load_plan("plan.npz").layout.shape == (6, 7)


def test_a_hessian(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sparse", "functions.py:energy", "--at", "x.npy", "--hessian"]) == 0
    assert "SparsePlan(hessian: 7 x 7, 7 entries, 1 column colors" in capsys.readouterr().out


def test_a_picture(folder: Path) -> None:
    pytest.importorskip("matplotlib").use("agg")
    assert main([*PRODUCTS, "--spy", "pattern.png"]) == 0
    assert (folder / "pattern.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("sparse", "functions.py:nothing", "--at", "x.npy"), "nothing"),
        ((*PRODUCTS[:3], "y.npy"), "y.npy"),
        ((*PRODUCTS, "--backend", "nobody"), "nobody"),
        ((*PRODUCTS, "--hessian"), "one number"),
        ((*PRODUCTS, "--chunk-size", "0"), "chunk_size"),
    ],
    ids=["function", "point", "backend", "hessian", "chunk"],
)
def test_refused(arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert shown.err.startswith("error: ")
    assert says in shown.err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar() -> None:
    from diffinterface.tools.sparse_plans import Bar

    lines, terminal, early = io.StringIO(), Terminal(), io.StringIO()
    for stream, patience in ((lines, 0.0), (terminal, 0.0), (early, 60.0)):
        bar = Bar(stream, patience)
        for done in range(1, 41):
            bar(done, 40)
    assert early.getvalue() == ""
    shown = lines.getvalue().splitlines()
    assert len(shown) == 11  # at the start, then a line for each tenth
    assert shown[-1] == f"[{'#' * 40}] 40/40 products"
    assert shown[5].endswith("] 20/40 products")
    assert terminal.getvalue().count("\r") == 40
    assert terminal.getvalue().endswith("40/40 products\n")
