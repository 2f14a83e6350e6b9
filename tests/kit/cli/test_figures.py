"""``compare``: several operators and sizes, figures as JSON, pictures, and old figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from diffinterface.testing import Benchmark
from diffinterface.tools.cli import main

from .rows import rows

Report = Callable[..., str]
Refusal = Callable[..., str]
PRODUCTS = ("functions.py:products", "--at", "[2.0, 3.0]")


@pytest.fixture(autouse=True)
def _base_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three engines: what compiles is asked in the other tests."""
    few = ("forwarddiff", "finitediff", "complexstep")
    monkeypatch.setattr("diffinterface.tools.compare.engines.known_backends", lambda: list(few))


def test_several_operators(folder: Path, report: Report) -> None:
    out = report("functions.py:energy", "--at", "[1.0, 2.0]", "--operators", "hessian, gradient")
    hessian, gradient = out.split("gradient of functions.py:energy")
    assert hessian.startswith("hessian of functions.py:energy at [1.0, 2.0]\n")
    assert rows(hessian)["forwarddiff"].result == "[[ 6. 0.] [ 0. 12.]]"
    assert rows(gradient)["forwarddiff"].result == "[ 3. 12.]"
    for part in (hessian, gradient):
        assert "all 3 engines that ran agree" in part


@pytest.mark.parametrize("operator", ["pushforward", "pullback", "hvp"])
def test_operators_with_a_seed(folder: Path, report: Report, operator: str) -> None:
    function = "energy" if operator == "hvp" else "products"
    out = report(f"functions.py:{function}", "--at", "[2.0, 3.0]", "--operators", operator)
    assert "all 3 engines that ran agree" in out


def test_operators_of_the_example(report: Report) -> None:
    """The gradient is known by hand; of the Hessian nothing is, so engines judge each other."""
    out = report("--operators", "gradient,hessian")
    gradient, hessian = out.split("hessian of Bayesian")
    assert "reference: derivatives by hand" in gradient
    assert "reference: the result of forwarddiff" in hessian
    assert out.count("all 3 engines that ran agree") == 2


def test_the_wrong_operator_fails_on_each_engine(folder: Path, report: Report) -> None:
    out = report(*PRODUCTS, "--operators", "derivative", status=1)
    assert {row.result for row in rows(out).values()} == {""}
    assert "No engine could differentiate" in out


def test_a_seed_that_cannot_be_known(folder: Path, report: Report) -> None:
    """The seed of a pullback is like f(x), which nothing can tell: each engine says why."""
    out = report("functions.py:broken", "--at", "[1.0]", "--operators", "pullback", status=1)
    assert {row.error for row in rows(out).values()} == {"RuntimeError: the sensor is off"}


def test_the_majority_is_the_reference(folder: Path, report: Report) -> None:
    """No engine is trusted for its name: where two of three agree, the third is marked."""
    (folder / "odd.py").write_text(
        "import diffinterface as di\n"
        "from diffinterface_forwarddiff import Dual\n"
        "def f(x):\n"
        "    return (3.0 if isinstance(x, Dual) else 2.0) * x\n"
    )
    out = report("odd.py:f", "--at", "1.0")
    found = rows(out)
    assert "reference: the result of complexstep" in out
    assert found["forwarddiff"].disagrees
    assert found["forwarddiff"].deviation == pytest.approx(0.5)
    assert not found["finitediff"].disagrees


def test_small_derivatives_are_compared_too(folder: Path, report: Report) -> None:
    """Deviations are relative: at 1e-12 two numbers may differ by a half."""
    (folder / "tiny.py").write_text(
        "from diffinterface_forwarddiff import Dual\n"
        "def f(x):\n"
        "    return 1e-12 * (3.0 if isinstance(x, Dual) else 2.0) * x\n"
    )
    assert rows(report("tiny.py:f", "--at", "1.0"))["forwarddiff"].disagrees


# --- sizes ---------------------------------------------------------------------------------------


def figures(capsys: pytest.CaptureFixture[str], *arguments: str) -> Benchmark:
    assert main(["compare", *arguments, "--json"]) == 0
    return Benchmark.from_json(capsys.readouterr().out)


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = figures(capsys, *PRODUCTS)
    assert sorted(row.backend for row in found) == ["complexstep", "finitediff", "forwarddiff"]
    for row in found:
        assert (row.operator, row.size) == ("jacobian", 2)
        assert row.scenario == "functions.py:products at [2.0, 3.0]"
        assert row.seconds > 0
        assert row.prepare_seconds > 0
        assert row.deviation < 1e-9
    calls = {row.backend: row.calls for row in found}
    assert calls["forwarddiff"] == 1
    assert calls["complexstep"] == 2
    assert calls["finitediff"] in (4, 5)


def test_json_of_engines_that_fail(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {row.backend: row for row in figures(capsys, "functions.py:libm", "--at", "1.0")}
    assert found["forwarddiff"].error.startswith("DualConversionError: ")
    assert np.isnan(found["forwarddiff"].seconds)
    assert found["finitediff"].error == ""


def test_json_is_json_where_nothing_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "functions.py:broken", "--at", "[1.0]", "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert {fact["error"] for fact in facts} == {"RuntimeError: the sensor is off"}
    assert {fact["seconds"] for fact in facts} == {None}


def test_sizes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = figures(capsys, *PRODUCTS, "--sizes", "5,2,1")
    assert [row.size for row in found] == [5, 5, 5, 2, 2, 2, 1, 1, 1]


def test_a_point_is_repeated(folder: Path, report: Report) -> None:
    out = report("functions.py:energy", "--at", "[1.0, 2.0]", "--sizes", "3")
    assert rows(out)["forwarddiff"].result == "[ 3. 12. 3.]"


# --- pictures, and old figures -------------------------------------------------------------------


def test_a_plot(folder: Path, report: Report) -> None:
    pytest.importorskip("matplotlib")
    report(*PRODUCTS, "--sizes", "2,4", "--plot", "times.png")
    assert (folder / "times.png").read_bytes().startswith(b"\x89PNG")


def test_changes(folder: Path, report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(figures(capsys, *PRODUCTS).to_json())
    for fact in facts:
        fact["seconds"] = 1e3  # an age: everything is faster now
    (folder / "old.json").write_text(json.dumps(facts))
    told = report(*PRODUCTS, "--compare", "old.json").partition("since old.json:\n")[2]
    assert len(told.splitlines()) == 3
    for text in told.splitlines():
        assert "jacobian" in text
        assert "2 entries" in text
        assert "0.00x" in text
    other = report("functions.py:energy", "--at", "[1.0]", "--compare", "old.json")
    assert "nothing here stands in old.json too" in other
    assert main(["compare", *PRODUCTS, "--json", "--compare", "old.json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)
    assert "since old.json:" in printed.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([*PRODUCTS, "--operators", "slope"], "--operators 'slope': unknown is 'slope'"),
        ([*PRODUCTS, "--operators", ""], "unknown is ''"),
        ([*PRODUCTS, "--sizes", "ten"], "--sizes 'ten', expected positive numbers"),
        ([*PRODUCTS, "--sizes", "2,0"], "--sizes '2,0', expected positive numbers"),
        ([*PRODUCTS, "--sizes", "2,"], "--sizes '2,', expected positive numbers"),
        (["--sizes", "3"], "--sizes needs a function"),
        (["functions.py:energy", "--at", "1.0", "--sizes", "3"], "--sizes needs an x that is"),
        (["functions.py:energy", "--at", "[[1.0]]", "--sizes", "3"], "--sizes needs an x that is"),
        ([*PRODUCTS, "--plot", "times.txt"], "--plot 'times.txt', expected a name that ends in"),
        ([*PRODUCTS, "--plot", "there/times.png"], "'there/times.png': no such folder"),
        ([*PRODUCTS, "--compare", "there.json"], "there.json cannot be read: No such file"),
        ([*PRODUCTS, "--compare", "functions.py"], "functions.py is no JSON of a benchmark"),
    ],
)
def test_unusable_options(folder: Path, refusal: Refusal, arguments: list[str], said: str) -> None:
    assert said in refusal(*arguments)


def test_what_draws_is_optional(
    folder: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said before anything runs."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    arguments = ("functions.py:recorded", "--at", "[1.0]", "--plot", "times.png")
    assert "pip install 'matplotlib'" in refusal(*arguments)
    assert not (folder / "calls").exists()
