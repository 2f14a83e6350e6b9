"""What stands beside the operators: the linear operator, results written into the caller's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import optree
import pytest

import diffinterface as di
from diffinterface.testing import Scenario, entry

from ...backends import BACKENDS, BY_ID, ENGINES
from .scenarios import BY_NAME

LINEAR = ("vector_to_shorter", "vector_to_longer", "tree_to_tree", "contexts", "holomorphic")
VALUED = {
    "second_derivative": di.value_derivative_and_second_derivative,
    "hvp": di.gradient_and_hvp,
    "hessian": di.value_gradient_and_hessian,
}

on_every_engine = pytest.mark.ad_backends(*map(BY_ID.__getitem__, ENGINES))


def matrix(scenario: Scenario) -> np.ndarray:
    """The Jacobian that a scenario expects, as one dense matrix."""
    assert scenario.values is not None
    sizes = [np.size(leaf) for leaf in optree.tree_leaves(scenario.x)]
    outputs, structure = optree.tree_flatten(scenario.values[0])
    rows = zip(structure.flatten_up_to(scenario.result), outputs, strict=True)
    return np.block(
        [
            [
                np.reshape(block, (np.size(y), size))
                for block, size in zip(optree.tree_leaves(row), sizes, strict=True)
            ]
            for row, y in rows
        ]
    )


@on_every_engine
@pytest.mark.ad_scenarios(*(BY_NAME[f"jacobian-{name}"] for name in LINEAR))
def test_linear_operator(ad_backend: Any, ad_scenario: Scenario) -> None:
    pytest.importorskip("scipy")
    want = matrix(ad_scenario)
    operator = di.linear_operator(ad_scenario.f, ad_backend, ad_scenario.x, *ad_scenario.contexts)
    assert operator.shape == want.shape
    assert operator.dtype == want.dtype
    tolerance = entry(ad_backend).tolerance("jacobian")
    m, n = want.shape
    for got, expected in (
        (operator @ np.eye(n, dtype=want.dtype), want),
        (operator.H @ np.eye(m, dtype=want.dtype), want.conj().T),
        (operator.T @ np.eye(m, dtype=want.dtype), want.T),
    ):
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=10 * tolerance)


OUT = (
    "pushforward-tree_to_tree",
    "pullback-tree_to_tree",
    "derivative-scalar_to_vector",
    "gradient-tree_to_scalar",
    "jacobian-tree_to_tree",
    "second_derivative-scalar_to_vector",
    "hvp-vector_to_scalar",
    "hessian-tree_to_scalar",
    "batched_jacobian-samples",
    "gradient-vector_to_scalar-aux",
)


@on_every_engine
@pytest.mark.ad_scenarios(*map(BY_NAME.__getitem__, OUT))
def test_result_is_written_where_the_caller_wants_it(
    ad_backend: Any, ad_scenario: Scenario
) -> None:
    def buffers() -> Any:
        return optree.tree_map(lambda a: np.full(np.shape(a), np.nan), ad_scenario.result)

    def check() -> None:
        for a, b in zip(
            optree.tree_leaves(out), optree.tree_leaves(ad_scenario.result), strict=True
        ):
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=10 * tolerance)

    here, options, operator = ad_scenario.here, ad_scenario.options, ad_scenario.operator
    seed = (here.tangent,) if ad_scenario.seeded else ()
    arguments = (ad_scenario.f, ad_backend, here.x, *seed, *here.contexts)
    tolerance = entry(ad_backend).tolerance(operator)
    has_aux = "has_aux" in options
    out = buffers()
    got = getattr(di, operator)(*arguments, out=out, **options)
    assert (got[0] if has_aux else got) is out
    check()
    out = buffers()
    valued = VALUED.get(operator) or getattr(di, f"value_and_{operator}")
    parts = valued(*arguments, out=out, **options)
    assert parts[-2 if has_aux else -1] is out
    check()


@pytest.mark.ad_backends(*BACKENDS)
def test_python_numbers(ad_backend: Any) -> None:
    scenario = BY_NAME["derivative-scalar_to_scalar"]
    x, tolerance = float(scenario.x), entry(ad_backend).tolerance("derivative")
    for got in (
        di.derivative(scenario.f, ad_backend, x),
        di.prepare_derivative(scenario.f, ad_backend, 0.25)(x),
    ):
        assert isinstance(got, np.ndarray | np.generic)
        assert got.dtype == np.float64
        np.testing.assert_allclose(got, scenario.result, rtol=tolerance, atol=tolerance)
