"""Plans: what they show, and files that are refused unless they are what they say."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.sparse import KnownPattern, SparsePlan, TracerDetector, load_plan

from .problems import PROBLEMS, arrow, burgers, energy, point

pytest.importorskip("numba")
pytest.importorskip("scipy")

DUAL = di.AutoForwardDiff()
X = point(9)


def plan_of(f: Any = burgers, dense: di.ADType = DUAL, **options: Any) -> SparsePlan:
    plan = di.prepare_jacobian(f, di.AutoSparse(dense, **options), X).details
    assert isinstance(plan, SparsePlan)
    return plan


def test_repr() -> None:
    text = "SparsePlan(jacobian: 9 x 9, 25 entries, 3 column colors, 3x fewer products)"
    assert repr(plan_of()) == text
    hessian = di.prepare_hessian(energy(burgers), di.AutoSparse(DUAL), X).details
    assert repr(hessian).startswith("SparsePlan(hessian: 9 x 9, ")
    assert "column" in repr(hessian)
    none = plan_of(lambda x: np.zeros_like(x))
    assert repr(none) == "SparsePlan(jacobian: 9 x 9, 0 entries, no colors, 9x fewer products)"


def test_details_of_dense_operators() -> None:
    assert di.prepare_jacobian(burgers, DUAL, X).details is None


@pytest.mark.parametrize("problem", PROBLEMS, ids=repr)
def test_saved_and_loaded(problem: Any, tmp_path: Path) -> None:
    backend = di.AutoSparse(DUAL)
    prep = di.prepare_jacobian(problem.f, backend, problem.x)
    prep.details.save(tmp_path / "plan")
    plan = load_plan(tmp_path / "plan")
    assert repr(plan) == repr(prep.details)
    assert plan.layout == prep.details.layout
    again = di.prepare_jacobian(problem.f, di.AutoSparse(DUAL, plan=plan), problem.x)
    assert again.details is plan
    np.testing.assert_array_equal(again(problem.x).toarray(), prep(problem.x).toarray())


def test_hessians_and_both_ways(tmp_path: Path) -> None:
    pytest.importorskip("autograd")
    both = di.MixedMode(DUAL, di.AutoAutograd())
    for name, prepare, f in (
        ("arrow", di.prepare_jacobian, arrow),
        ("hessian", di.prepare_hessian, energy(burgers)),
    ):
        prep = prepare(f, di.AutoSparse(both), X)
        prep.details.save(str(tmp_path / name))
        plan = load_plan(str(tmp_path / name))
        got = prepare(f, di.AutoSparse(both, plan=plan), X)(2 * X)
        np.testing.assert_array_equal(got.toarray(), prep(2 * X).toarray())
        assert plan.coloring.num_row_colors == prep.details.coloring.num_row_colors


def test_a_loaded_plan_serves_other_engines(tmp_path: Path) -> None:
    """Detection needs NumPy or array-API code; a plan needs nothing any more."""
    pytest.importorskip("torch")
    plan_of().save(tmp_path / "plan")
    backend = di.AutoSparse(di.AutoTorch(), plan=load_plan(tmp_path / "plan"))
    np.testing.assert_allclose(
        di.jacobian(burgers, backend, X).toarray(), di.jacobian(burgers, DUAL, X), rtol=1e-14
    )


def test_a_plan_of_something_else(tmp_path: Path) -> None:
    plan = plan_of()
    backend = di.AutoSparse(DUAL, plan=plan)
    with pytest.raises(di.ShapeError, match=r"\(9, 9\)"):
        di.jacobian(burgers, backend, X[:5])
    with pytest.raises(di.InputError, match="SparsePlan of a hessian"):
        di.hessian(energy(burgers), backend, X)
    with pytest.raises(ValueError, match="outside its pattern"):
        di.jacobian(lambda x: x[::-1] ** 2, backend, X)


def test_a_plan_of_one_point(tmp_path: Path) -> None:
    """The file knows that its pattern need not hold elsewhere."""
    f = lambda x: np.where(x > 0.5, x, x[::-1])  # noqa: E731
    detector = TracerDetector("local")
    plan_of(f, detector=detector).save(tmp_path / "plan")
    plan = load_plan(tmp_path / "plan")
    assert plan.local
    for backend in (
        di.AutoSparse(DUAL, plan=plan),
        di.AutoSparse(di.AutoFiniteDiff(), plan=plan, detector=detector),
    ):
        np.testing.assert_allclose(
            di.jacobian(f, backend, X).toarray(), di.jacobian(f, DUAL, X), rtol=1e-8
        )
        with pytest.raises(di.PreparationMismatchError):
            di.jacobian(f, backend, -X)
        with pytest.raises(di.PreparationMismatchError):
            di.prepare_jacobian(f, backend, X)(-X)


# --- files ---------------------------------------------------------------------------------------


def written(tmp_path: Path, **changes: Any) -> Path:
    """A plan's file, with some of its arrays replaced, or left out where None."""
    file = io.BytesIO()
    path = tmp_path / "plan"
    plan_of().save(path)
    with np.load(path) as archive:
        arrays = {**archive, **changes}
    np.savez(file, **{name: value for name, value in arrays.items() if value is not None})
    path.write_bytes(file.getvalue())
    return path


def test_unchanged(tmp_path: Path) -> None:
    assert repr(load_plan(written(tmp_path))) == repr(plan_of())


CHANGES: dict[str, dict[str, Any]] = {
    "another format": {"format": np.array("somebody.Plan")},
    "no format": {"format": None},
    "no version": {"version": None},
    "a later version": {"version": np.array(2)},
    "a text for a version": {"version": np.array("1")},
    "two versions": {"version": np.array([1, 1])},
    "another operator": {"operator": np.array("gradient")},
    "no operator": {"operator": None},
    "no point": {"local": None},
    "a number for a point": {"local": np.array(1.0)},
    "one color for all": {"column_colors": np.zeros(9, np.int32)},
    "two colors": {"column_colors": (np.arange(9) % 2).astype(np.int32)},
    "colors of fewer columns": {"column_colors": np.zeros(8, np.int32)},
    "colors with a gap": {"column_colors": (2 * np.arange(9)).astype(np.int32)},
    "a column without color": {"column_colors": np.r_[-1, np.arange(8)].astype(np.int32)},
    "colors below none": {"column_colors": np.r_[-2, np.arange(8)].astype(np.int32)},
    "colors that are no integers": {"column_colors": np.arange(9.0)},
    "no colors": {"column_colors": None},
    "no indices": {"indices": None},
    "indices beyond the matrix": {"indices": np.full(25, 9, np.int32)},
    "negative indices": {"indices": np.full(25, -1, np.int32)},
    "indices twice": {"indices": np.zeros(25, np.int32)},
    "pointers that fall": {"indptr": np.arange(9, -1, -1)},
    "another shape": {"shape": np.array([9, 10])},
    "a shape of one number": {"shape": np.array([9])},
    "another partition": {"partition": np.array("row")},
    "an unknown partition": {"partition": np.array("diagonal")},
    "another structure": {"structure": np.array("skew")},
    "another decompression": {"decompression": np.array("substitution")},
}


@pytest.mark.parametrize("name", CHANGES)
def test_tampered(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, **CHANGES[name])
    with pytest.raises(di.InputError, match="no sparse plan to be used"):
        load_plan(path)


@pytest.mark.parametrize("part", [0.0, 0.02, 0.3, 0.7, 0.98])
def test_truncated(part: float, tmp_path: Path) -> None:
    path = tmp_path / "plan"
    plan_of().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(di.InputError, match="no sparse plan"):
        load_plan(path)


def test_corrupt(tmp_path: Path) -> None:
    """Any byte may be wrong: the plan is refused, or is the same plan."""
    path = tmp_path / "plan"
    plan = plan_of()
    plan.save(path)
    whole, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    for position in rng.choice(len(whole), 60, replace=False):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(bytes(damaged))
        try:
            loaded = load_plan(path)
        except di.InputError:
            refused += 1
        else:
            assert loaded.layout == plan.layout
            np.testing.assert_array_equal(
                loaded.coloring.column_colors, plan.coloring.column_colors
            )
    assert refused > 20


def test_foreign_files(tmp_path: Path) -> None:
    text, array, pickled, archive = (tmp_path / name for name in "abcd")
    text.write_text("1 2 3")
    file = io.BytesIO()
    np.save(file, np.eye(3))
    array.write_bytes(file.getvalue())
    pickled.write_bytes(pickle.dumps({"format": "diffinterface.SparsePlan"}))
    file = io.BytesIO()
    np.savez(file, x=np.eye(3))
    archive.write_bytes(file.getvalue())
    for path in (text, array, pickled, archive):
        with pytest.raises(di.InputError, match="no sparse plan"):
            load_plan(path)
    with pytest.raises(FileNotFoundError):
        load_plan(tmp_path / "absent")
    with pytest.raises(di.InputError):
        load_plan(tmp_path)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    path = written(tmp_path, format=np.array([{"a": 1}], dtype=object))
    with pytest.raises(di.InputError, match="no sparse plan"):
        load_plan(path)


# --- a picture -----------------------------------------------------------------------------------


def test_spy() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    plan = plan_of()
    ax = plan.spy()
    (dots,) = ax.collections
    np.testing.assert_array_equal(
        dots.get_offsets(), np.stack([plan.layout.indices, plan.layout.rows], axis=1)
    )
    owners = plan.coloring.column_colors[plan.layout.indices]
    np.testing.assert_array_equal(dots.get_array(), owners)
    assert "3 column colors" in ax.get_title()
    assert ax.yaxis_inverted()
    _, own = pyplot.subplots()
    assert plan.spy(own) is own
    pyplot.close("all")


@pytest.mark.parametrize("kind", ["rows", "both", "empty", "many"])
def test_spy_of_all_kinds(kind: str) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    pytest.importorskip("autograd")
    plan = {
        "rows": lambda: plan_of(dense=di.AutoAutograd(mode="reverse")),
        "both": lambda: plan_of(arrow, di.MixedMode(DUAL, di.AutoAutograd())),
        "empty": lambda: plan_of(lambda x: np.zeros_like(x)),
        "many": lambda: plan_of(np.cumsum, detector=KnownPattern(np.tri(9))),
    }[kind]()
    ax = plan.spy()
    owners = ax.collections[0].get_array()
    assert len(owners) == len(plan.layout.indices)
    assert set(owners) == set(range(plan.coloring.num_colors))
    ax.figure.canvas.draw()
    pyplot.close("all")
