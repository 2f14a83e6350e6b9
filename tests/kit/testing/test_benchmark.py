"""Times, evaluations and memory; tables, files and pictures of them; and the choice of an engine."""

from __future__ import annotations

import csv
import io
import math
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.testing import Benchmark, Row, Scenario, benchmark_differentiation
from diffinterface.testing.timing import interleaved, peak_memory
from diffinterface.tools.autotune import AutotuneError, autotune


def squares(x: Any) -> Any:
    return (x**2).sum()


SIZES = [Scenario("gradient", squares, np.ones(n), result=np.full(n, 2.0)) for n in (3, 30)]


@pytest.fixture(scope="module")
def rows() -> Benchmark:
    return benchmark_differentiation("forwarddiff(chunk_size=10),finitediff", SIZES, budget=0.01)


def test_one_row_for_each_backend_and_scenario(rows: Benchmark) -> None:
    assert [(row.backend, row.size) for row in rows] == [
        ("forwarddiff(chunk_size=10)", 3),
        ("finitediff", 3),
        ("forwarddiff(chunk_size=10)", 30),
        ("finitediff", 30),
    ]
    assert {row.operator for row in rows} == {"gradient"}
    for row in rows:
        assert row.seconds > 0
        assert row.prepare_seconds > 0
        assert row.spread >= 0
        assert row.error == ""


def test_evaluations_are_counted(rows: Benchmark) -> None:
    """Chunks of ten tangents for the duals; two evaluations an entry for differences, or one more."""
    calls = {(row.backend[:6], row.size): row.calls for row in rows}
    assert (calls["forwar", 3], calls["forwar", 30]) == (1, 3)
    assert calls["finite", 3] in (6, 7)
    assert calls["finite", 30] in (60, 61)


def test_peak_memory_sees_an_array() -> None:
    assert 8e6 <= peak_memory(lambda: np.ones(1_000_000)) < 16e6
    assert peak_memory(lambda: None) < 1e6
    small, large = (
        benchmark_differentiation(
            "forwarddiff", [Scenario("gradient", squares, np.ones(n))], budget=0.0
        )[0].peak_bytes
        for n in (50, 1000)
    )
    assert large > 64 * 1000 * 8 > small  # a chunk of 64 tangents


def test_times_are_those_of_the_calls() -> None:
    calls = {"short": lambda: time.sleep(1e-3), "long": lambda: time.sleep(4e-3)}
    times = interleaved(calls, 0.05)
    assert times["short"].median >= 1e-3
    assert times["long"].median >= 4e-3
    assert times["short"].samples == times["long"].samples
    assert interleaved({}, 1.0) == {}


def test_failures_stand_in_the_table() -> None:
    scenario = replace(SIZES[0], result=np.zeros(3))
    right, wrong = SIZES[0], scenario
    table = benchmark_differentiation("forwarddiff,half", [right, wrong], budget=0.0)
    assert [bool(row.error) for row in table] == [False, True, True, True]
    assert table[1].error.startswith("wrong: differs by 1")
    assert math.isnan(table[1].seconds)
    raising = Scenario("gradient", lambda x: x, np.ones(2), result=np.ones(2))
    (row,) = benchmark_differentiation("forwarddiff", [raising], budget=0.0)
    assert row.error.startswith("NonScalarOutputError: ")


def test_csv(rows: Benchmark, tmp_path: Path) -> None:
    text = rows.to_csv(tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text() == text
    read = [*csv.DictReader(io.StringIO(text))]
    assert [row["backend"] for row in read] == [row.backend for row in rows]
    assert [float(row["seconds"]) for row in read] == [row.seconds for row in rows]


def test_json_comes_back(rows: Benchmark, tmp_path: Path) -> None:
    failed = Row("jax", "gradient", "squares", 3, error="not installed")
    table = Benchmark([*rows, failed])
    text = table.to_json(tmp_path / "rows.json")
    assert "NaN" not in text
    for back in (Benchmark.from_json(text), Benchmark.from_json(tmp_path / "rows.json")):
        assert back[:-1] == list(rows)
        assert back[-1].error == "not installed"
        assert math.isnan(back[-1].seconds)
        assert math.isnan(back[0].deviation)  # judged, but not measured
    for broken in ("[1, 2]", '[{"speed": 1}]', "[{"):
        with pytest.raises(di.InputError, match="no JSON of a benchmark"):
            Benchmark.from_json(broken)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    with pytest.raises(di.InputError, match="no JSON of a benchmark"):
        Benchmark.from_json(tmp_path / "picture.png")
    with pytest.raises(di.InputError, match=r"nowhere\.json cannot be read: No such file"):
        Benchmark.from_json(tmp_path / "nowhere.json")


def test_changes_since_an_old_run(rows: Benchmark, tmp_path: Path) -> None:
    rows.to_json(tmp_path / "old.json")
    slower = [
        replace(row, seconds=row.seconds * (3 if row.backend == "finitediff" else 1))
        for row in rows
    ]
    new = Benchmark([*slower, replace(rows[0], backend="other")])
    changes = new.compare(tmp_path / "old.json")
    assert [round(change.ratio, 6) for change in changes] == [3.0, 3.0, 1.0, 1.0]
    assert not changes[-1].significant
    assert str(changes[0]).startswith("finitediff gradient-squares: 3.00x")


def test_rich_table(rows: Benchmark) -> None:
    console = pytest.importorskip("rich.console")
    mixed = Benchmark([*rows, Row("second[jax,torch]", "hvp", "s", 3, error="raised [here]")])
    out = console.Console(file=io.StringIO(), width=200)
    out.print(mixed.table(old=rows))
    text = out.file.getvalue()
    assert "1.00x" in text
    assert "second[jax,torch]" in text
    assert "raised [here]" in text


def test_plot(rows: Benchmark, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    figure = rows.plot(tmp_path / "times.png")
    assert (tmp_path / "times.png").read_bytes().startswith(b"\x89PNG")
    (axes,) = figure.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    drawn = {line.get_label(): line for line, _, _ in axes.containers}
    for container in axes.containers:
        (backend,) = [row for row in rows if row.backend == container.get_label()][:1]
        points = container[0].get_xydata().tolist()
        assert [int(x) for x, _ in points] == [3, 30]
        assert points[0][1] == backend.seconds
    assert drawn
    with pytest.raises(di.InputError, match="no time to plot"):
        rows.plot(operator="hessian")


@pytest.mark.parametrize(("package", "call"), [("rich", "table"), ("matplotlib", "plot")])
def test_what_is_optional_says_how_to_get_it(
    rows: Benchmark, monkeypatch: pytest.MonkeyPatch, package: str, call: str
) -> None:
    for name in (package, "rich.table", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(di.DiffInterfaceError, match=f"pip install '{package}'"):
        getattr(rows, call)()


def test_the_kit_imports_neither() -> None:
    code = (
        "import sys, diffinterface.testing, diffinterface.tools.autotune\n"
        "assert not {'rich', 'matplotlib', 'pytest', 'jax', 'torch', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- autotune ------------------------------------------------------------------------------------


def test_the_fastest_that_agrees_is_chosen() -> None:
    """Duals carry 64 tangents at once; finite differences evaluate f 601 times."""
    choice = autotune(squares, np.ones(300), backends="finitediff,forwarddiff,half", budget=0.02)
    assert choice.backend == di.AutoForwardDiff()
    assert [candidate.backend.name for candidate in choice.candidates] == [
        *("forwarddiff", "finitediff", "half")
    ]
    assert choice.candidates[0].seconds < choice.candidates[1].seconds
    assert choice.candidates[2].error.startswith("wrong: ")
    lines = str(choice).splitlines()
    assert lines[0] == "gradient: AutoForwardDiff()"
    assert "a call" in lines[1]
    assert "wrong" in lines[3]


def test_a_wrong_engine_is_not_chosen_for_its_speed() -> None:
    choice = autotune(squares, np.ones(3), backends="half,negative,finitediff", budget=0.0)
    assert choice.backend == di.AutoFiniteDiff()


def test_other_operators_and_contexts() -> None:
    choice = autotune(
        lambda a, x: a * x**2,
        np.array([1.0, 2.0]),
        3.0,
        operator="pullback",
        backends="forwarddiff",
        options={"argnums": 1},
        budget=0.0,
    )
    assert choice.operator == "pullback"
    assert autotune(lambda x: x**3, 0.5, operator="second_derivative", backends="forwarddiff")


def test_where_none_agrees() -> None:
    with pytest.raises(AutotuneError, match="No backend gives the gradient of f") as caught:
        autotune(squares, np.ones(3), backends="half,negative", budget=0.0)
    assert [candidate.backend.name for candidate in caught.value.candidates] == ["half", "negative"]
    with pytest.raises(di.InputError, match="Unknown operator"):
        autotune(squares, np.ones(3), operator="slope")
