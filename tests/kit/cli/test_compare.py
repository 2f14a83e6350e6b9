"""``python -m diffinterface compare``: what it says about engines that run, differ, fail or lack."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from diffinterface.engine import registry

from .rows import BASE, INSTALLED, rows

Report = Callable[..., str]


def test_the_example_agrees_everywhere(report: Report) -> None:
    out = report()
    assert "reference: derivatives by hand" in out
    assert f"all {len(INSTALLED)} engines that ran agree" in out
    found = rows(out)
    assert sorted(found) == INSTALLED
    for name, row in found.items():
        assert row.deviation < (1e-8 if name == "finitediff" else 1e-14)
        assert not row.disagrees


def test_the_example_is_fitted(report: Report) -> None:
    """To the least-squares line, nearly: the priors are wide, and the true line is 0.5 + 1.5 x."""
    fitted = dict(re.findall(r"(intercept|slope|noise) (-?[\d.]+)", report().splitlines()[-1]))
    x = np.linspace(-1, 1, 20)
    y = 0.5 + 1.5 * x + 0.3 * np.random.default_rng(20).standard_normal(20)
    slope, intercept = np.polyfit(x, y, 1)
    noise = np.std(y - intercept - slope * x)
    assert float(fitted["slope"]) == pytest.approx(slope, abs=5e-3)
    assert float(fitted["intercept"]) == pytest.approx(intercept, abs=5e-3)
    assert float(fitted["noise"]) == pytest.approx(noise, abs=5e-3)


def test_the_fastest_is_first(report: Report) -> None:
    out = report()
    assert out.split("fastest per call: ")[1].startswith(next(iter(rows(out))))


def test_a_missing_engine_is_listed_with_its_command(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "diffinterface_torch", None)  # an import of it now fails
    registry.forget()
    out = report()
    assert "torch" not in rows(out)
    assert re.search(
        r"not installed:\n(.*\n)*?  torch +pip install 'diffinterface\[torch\]'\n", out
    )


def test_an_engine_that_breaks_on_import_is_a_failure(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> type:
        if name == "autograd":
            raise RuntimeError("built for another NumPy")
        return kinds(name)

    kinds = registry._load
    monkeypatch.setattr(registry, "_load", load)
    registry.forget()
    found = rows(report())
    assert found["autograd"].error == "RuntimeError: built for another NumPy"
    assert set(found) == set(INSTALLED) | {"autograd"}


@pytest.mark.parametrize(
    ("function", "at", "operator", "result"),
    [
        ("energy", "[1.0, 2.0]", "gradient", "[ 3. 12.]"),
        ("products", "[2.0, 3.0, 5.0]", "jacobian", "[[3. 2. 0.] [0. 5. 3.]]"),
        ("powers", "2.0", "derivative", "[ 4. 12.]"),
        ("optional", "[[1.0], [2.0]]", "gradient", "[[2.] [2.]]"),
        (
            "weighted",
            '{"weight": 3.0, "data": [1.0, 2.0]}',
            "gradient",
            "weight 5., data [ 6. 12.]",
        ),
    ],
)
def test_the_shapes_choose_the_operator(
    folder: Path, report: Report, function: str, at: str, operator: str, result: str
) -> None:
    out = report(f"functions.py:{function}", "--at", at)
    assert out.startswith(f"{operator} of functions.py:{function} at {at}\n")
    assert rows(out)["forwarddiff"].result == result
    assert f"all {len(INSTALLED)} engines that ran agree" in out


def test_engines_that_disagree_are_marked(folder: Path, report: Report) -> None:
    """Exact engines see the slope inside a step, finite differences that of the staircase."""
    out = report("functions.py:staircase", "--at", "[0.3]")
    found = rows(out)
    assert found["finitediff"].disagrees
    assert found["finitediff"].deviation == pytest.approx(1e9, rel=0.1)
    assert not found["forwarddiff"].disagrees
    assert "finitediff DISAGREE with the reference" in out


def test_single_precision_is_judged_by_its_own_rounding(folder: Path, report: Report) -> None:
    np.save("x.npy", np.array([0.3, 0.7, 1.2], "float32"))
    out = report("functions.py:wave", "--at", "x.npy")
    assert "DISAGREE" not in out
    assert f"all {len(INSTALLED)} engines that ran agree" in out


def test_an_engine_that_fails_says_why(folder: Path, report: Report) -> None:
    out = report("functions.py:libm", "--at", "1.0")
    found = rows(out)
    assert found["finitediff"].result == "2.71828"
    assert found["forwarddiff"].error.startswith("DualConversionError: A dual number met float()")
    assert "np.sin(x) for math.sin(x)" in " ".join(out.split())


def test_one_engine_agrees_with_nobody(folder: Path, report: Report) -> None:
    out = report("functions.py:libm", "--at", "1.0")
    assert [name for name, row in rows(out).items() if row.result] == ["finitediff"]
    assert "agree" not in out


def test_nothing_runs(folder: Path, report: Report) -> None:
    out = report("functions.py:broken", "--at", "[1.0]", status=1)
    assert {row.error for row in rows(out).values()} == {"RuntimeError: the sensor is off"}
    assert "No engine could differentiate this function here." in out


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_a_result_that_is_not_finite_is_a_failure(folder: Path, report: Report) -> None:
    out = report("functions.py:pole", "--at", "[0.5, 1.0]", status=1)
    assert rows(out)["forwarddiff"].error == "the result is not finite"


def test_warnings_of_f_become_notes(folder: Path, report: Report) -> None:
    """Once for each engine, and although warnings are errors in this suite."""
    out = report("functions.py:grumpy", "--at", "[1.0]")
    for name in INSTALLED:
        assert out.count(f"note on {name}: this model is uncalibrated\n") == 1


def test_lines_fit_a_terminal(folder: Path, report: Report) -> None:
    at = str([float(k) for k in range(200)])
    for out in (
        report("functions.py:libm", "--at", "1.0"),
        report("functions.py:energy", "--at", at),
    ):
        assert max(map(len, out.partition("engine ")[2].splitlines())) <= 100


def test_the_base_install_has_engines() -> None:
    assert set(BASE) <= set(INSTALLED)
