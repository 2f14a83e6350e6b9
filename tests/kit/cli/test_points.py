"""``--at``: which points are read, and what is said about the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .rows import INSTALLED, rows

Refusal = Callable[..., str]
Report = Callable[..., str]

NOT_JSON = "is neither JSON nor a .npy file; write '[1.0, 2.0]', '2.0' or x.npy."
NOT_FLOAT = "cannot be differentiated; write floating values: [1.0, 2.0] for [1, 2]."


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("one", NOT_JSON),
        ("", NOT_JSON),
        ("[1.0, 2.0", NOT_JSON),
        ("1.0, 2.0", NOT_JSON),
        ("x.npz", NOT_JSON),
        ("2", NOT_FLOAT),
        ("[1, 2]", NOT_FLOAT),
        ("true", NOT_FLOAT),
        ('["a"]', NOT_FLOAT),
        ("[null]", NOT_FLOAT),
        ('{"data": [1.0], "weight": 2}', NOT_FLOAT),
        ('"a"', "--at holds 'a', expected numbers."),
        ("null", "--at holds no number."),
        ("{}", "--at holds no number."),
        ("NaN", "--at holds a value that is not finite."),
        ("[1.0, -Infinity]", "--at holds a value that is not finite."),
        ("[1e999]", "--at holds a value that is not finite."),
        ("[[1.0], [2.0, 3.0]]", "--at: the lists are of different lengths."),
        ("nowhere.npy", "No such file: nowhere.npy."),
    ],
)
def test_unusable_points(folder: Path, refusal: Refusal, at: str, said: str) -> None:
    assert said in refusal("functions.py:energy", f"--at={at}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "x.npy is not an array of numbers: EOFError", id="empty"),
        pytest.param(b"1.0 2.0\n", "x.npy is not an array of numbers", id="text"),
        pytest.param(np.arange(3), f"int64, which {NOT_FLOAT}", id="integers"),
        pytest.param(np.array([1.0, np.nan]), "not finite", id="NaN"),
        pytest.param(np.array(["a"]), NOT_FLOAT, id="text array"),
    ],
)
def test_unusable_files(folder: Path, refusal: Refusal, content: Any, said: str) -> None:
    if isinstance(content, bytes):
        (folder / "x.npy").write_bytes(content)
    else:
        np.save(folder / "x.npy", content)
    assert said in refusal("functions.py:energy", "--at", "x.npy")


def test_a_truncated_file(folder: Path, refusal: Refusal) -> None:
    np.save("x.npy", np.ones(10))
    (folder / "x.npy").write_bytes((folder / "x.npy").read_bytes()[:-8])
    assert "x.npy is not an array of numbers" in refusal("functions.py:energy", "--at", "x.npy")


def test_a_folder_for_a_file(folder: Path, refusal: Refusal) -> None:
    (folder / "x.npy").mkdir()
    assert "x.npy is not an array of numbers" in refusal("functions.py:energy", "--at", "x.npy")


def test_a_pickle_is_never_opened(folder: Path, refusal: Refusal) -> None:
    """An array of objects is a pickle, and a pickle is a program."""
    np.save("x.npy", np.array([print], dtype=object), allow_pickle=True)
    assert "x.npy is not an array of numbers" in refusal("functions.py:energy", "--at", "x.npy")


@pytest.mark.parametrize("dtype", ["float64", "float32", ">f8"])
def test_an_array_from_a_file(folder: Path, report: Report, dtype: str) -> None:
    np.save("x.npy", np.array([1.0, 2.0], dtype))
    out = report("functions.py:energy", "--at", "x.npy")
    assert out.startswith("gradient of functions.py:energy at x.npy\n")
    found = rows(out)
    assert sorted(found) == INSTALLED
    exact = {row.result for name, row in found.items() if name != "finitediff"}
    assert exact == {"[ 3. 12.]"}


def test_a_number_from_a_file(folder: Path, report: Report) -> None:
    np.save("x.npy", np.float64(2.0))
    out = report("functions.py:powers", "--at", "x.npy")
    assert out.startswith("derivative of ")
    assert rows(out)["forwarddiff"].result == "[ 4. 12.]"


def test_a_complex_point(folder: Path, report: Report) -> None:
    """The Jacobian of a holomorphic function: here the products of complex neighbours."""
    np.save("x.npy", np.array([1.0 + 2.0j, 3.0]))
    found = rows(report("functions.py:products", "--at", "x.npy"))
    assert found["forwarddiff"].result == "[[3.+0.j 1.+2.j]]"
    assert "real x" in found["complexstep"].error


def test_a_negative_point_is_no_option(folder: Path, report: Report) -> None:
    assert rows(report("functions.py:powers", "--at", "-1.0"))["forwarddiff"].result == "[-2. 3.]"
