"""Numbers that came out wrong without a word."""

import warnings

import numpy as np
import pytest

import diffinterface as di


def test_a_power_of_a_negative_constant_has_no_derivative():
    """(-2)^x is real at whole x alone; engines with a rule say nan."""
    try:
        with np.errstate(invalid="ignore"):
            slope = di.gradient(lambda x: np.sum((-2.0) ** x), "complexstep", np.array([2.0]))
    except di.NonAnalyticError:
        return
    assert np.isnan(slope).all()


@pytest.mark.parametrize("scheme", ["central", "forward", "richardson"])
def test_stairs_are_noticed_by_every_scheme(scheme):
    def stairs(x):
        return np.sum(np.round(x * 1e3) / 1e3)

    with pytest.warns(di.PrecisionWarning):
        di.gradient(stairs, di.AutoFiniteDiff(scheme=scheme), np.array([1.0]))


@pytest.mark.parametrize("rebind", ["replace", "change"])
def test_a_new_default_of_a_keyword_is_noticed(rebind):
    jnp = pytest.importorskip("jax.numpy")

    def f(x, *, c=3.0):
        return c * jnp.sum(x**2)

    x = np.ones(2)
    prepared = di.prepare_gradient(f, "jax", x)
    np.testing.assert_allclose(prepared(x), [6.0, 6.0])
    if rebind == "replace":
        f.__kwdefaults__ = {"c": 5.0}
    else:
        f.__kwdefaults__["c"] = 5.0
    try:
        found = prepared(x)
    except di.PreparationMismatchError:
        return
    np.testing.assert_allclose(found, [10.0, 10.0])


def test_a_straight_line_has_second_derivative_zero_in_forward_mode():
    pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch's own, at its first import
        assert di.second_derivative(lambda x: 3.0 * x, "torch(mode='forward')", 1.0) == 0.0
