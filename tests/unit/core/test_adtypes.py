"""Declarations are inert values: equal, hashable, printable, and they travel between processes."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.engine.registry import resolve

DECLARATIONS = [
    di.AutoForwardDiff(),
    di.AutoForwardDiff(chunk_size=8),
    di.AutoFiniteDiff(),
    di.AutoFiniteDiff("richardson", 1e-3, 1e-6),
    di.AutoComplexStep(),
    di.AutoJax(),
    di.AutoJax("forward", jit=False),
    di.AutoTorch(),
    di.AutoTorch("reverse", compile=True),
    di.AutoAutograd(),
    di.AutoAutograd("forward"),
    di.NoAutoDiff(),
    di.SecondOrder(di.AutoForwardDiff(), di.AutoJax()),
    di.MixedMode(di.AutoForwardDiff(), di.AutoAutograd()),
]
each = pytest.mark.parametrize("adtype", DECLARATIONS, ids=repr)


@each
def test_equality_is_by_value(adtype: di.ADType) -> None:
    twin = copy.deepcopy(adtype)
    assert twin == adtype
    assert hash(twin) == hash(adtype)
    assert [other for other in DECLARATIONS if other == adtype] == [adtype]


@each
def test_repr_makes_it_again(adtype: di.ADType) -> None:
    assert eval(repr(adtype), vars(di)) == adtype


@each
def test_pickle(adtype: di.ADType) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(adtype, protocol)) == adtype


@each
def test_frozen(adtype: di.ADType) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        adtype.name = "other"  # type: ignore[misc]


def test_equal_declarations_share_one_backend() -> None:
    assert resolve(di.AutoForwardDiff(3)) is resolve(di.AutoForwardDiff(chunk_size=3))
    assert resolve(di.AutoForwardDiff(3)) is not resolve(di.AutoForwardDiff(4))


def _gradient(adtype: di.ADType) -> Any:
    return di.gradient(lambda x: di.array_namespace(x).sum(x**3), adtype, np.array([1.0, 2.0]))


def test_a_declaration_sent_to_another_process_works_there() -> None:
    sent = [di.AutoForwardDiff(chunk_size=1), di.AutoFiniteDiff("richardson")]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for result in pool.map(_gradient, sent):
            np.testing.assert_allclose(result, [3.0, 12.0], rtol=1e-9)


@pytest.mark.parametrize(
    "make",
    [
        lambda: di.AutoJax(mode="forwards"),  # type: ignore[arg-type]
        lambda: di.AutoTorch(mode=None),  # type: ignore[arg-type]
        lambda: di.AutoAutograd("Forward"),  # type: ignore[arg-type]
        lambda: di.AutoFiniteDiff(scheme="centered"),  # type: ignore[arg-type]
        lambda: di.AutoForwardDiff(chunk_size=0),
        lambda: di.AutoForwardDiff(chunk_size=-2),
        lambda: di.AutoForwardDiff(chunk_size=2.5),  # type: ignore[arg-type]
        lambda: di.AutoForwardDiff(chunk_size="8"),  # type: ignore[arg-type]
        lambda: di.AutoFiniteDiff(relative_step=0.0),
        lambda: di.AutoFiniteDiff(absolute_step=-1e-6),
        lambda: di.AutoFiniteDiff(relative_step=float("nan")),
        lambda: di.AutoFiniteDiff(absolute_step=float("inf")),
        lambda: di.AutoFiniteDiff(absolute_step="1e-6"),  # type: ignore[arg-type]
        lambda: di.AutoJax(jit="no"),  # type: ignore[arg-type]
        lambda: di.AutoTorch(compile=[]),  # type: ignore[arg-type]
        lambda: di.SecondOrder(di.AutoJax(), "jax"),  # type: ignore[arg-type]
        lambda: di.SecondOrder(di.AutoJax, di.AutoJax()),  # type: ignore[arg-type]
        lambda: di.MixedMode(None, di.AutoJax()),  # type: ignore[arg-type]
    ],
)
def test_options_are_checked_where_they_are_written(make: Any) -> None:
    with pytest.raises(di.InputError) as caught:
        make()
    assert "expected" in str(caught.value) or "is not" in str(caught.value)
    assert hasattr(caught.value, "got")


def test_no_declaration_differentiates_by_itself() -> None:
    with pytest.raises(di.UnknownBackendError, match="Unknown backend ''"):
        di.gradient(np.sum, di.ADType(), np.ones(2))
    with pytest.raises(di.UnsupportedOperatorError, match=r"NoAutoDiff\(\)") as caught:
        di.gradient(np.sum, di.NoAutoDiff(), np.ones(2))
    assert caught.value.backend == di.NoAutoDiff()
    assert caught.value.operator == "gradient"
