"""`explain`: what it says of the call, of what is around it, and of the cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

X = np.array([1.0, 2.0, 3.0])


def cubes(x: Any) -> Any:
    return di.array_namespace(x).sum(x**3)


def stretched(x: Any) -> Any:
    xp = di.array_namespace(x)
    return xp.concat([x**2, x**3])


def test_the_plan_in_words() -> None:
    text = str(di.explain(di.jacobian, stretched, "forwarddiff", X))
    assert text == repr(di.explain("jacobian", stretched, "forwarddiff", X))
    assert text.splitlines() == [
        "jacobian of stretched by AutoForwardDiff()",
        "  outer   none",
        "    |     direct: nothing differentiates around this call",
        "  inner   AutoForwardDiff(): 3 columns in forward mode",
        "    |     the only mode of this engine",
        "  f       3 entries to 6 entries",
        "  cost    about 5.5 evaluations of f",
    ]


def test_options_that_were_given_are_shown() -> None:
    backend = di.SecondOrder(di.AutoForwardDiff(chunk_size=8), di.AutoFiniteDiff())
    text = str(di.explain(di.hessian, cubes, backend, X))
    assert "by SecondOrder(outer=AutoForwardDiff(chunk_size=8), inner=AutoFiniteDiff())" in text


@pytest.mark.parametrize(
    "op",
    [di.hessian, di.prepare_hessian, di.value_gradient_and_hessian, "hessian", "prepare_hessian"],
)
def test_variants_are_their_operator(op: Any) -> None:
    assert di.explain(op, cubes, "forwarddiff", X).operator == "hessian"


@pytest.mark.parametrize(
    ("op", "rest", "operator"),
    [
        (di.prepare_hvp_same_point, (X,), "hvp"),
        (di.gradient_and_hvp, (X,), "hvp"),
        (di.value_and_gradient, (), "gradient"),
        (di.prepare_pushforward_same_point, (X,), "pushforward"),
    ],
)
def test_seeds_are_given_as_to_the_operator(op: Any, rest: Any, operator: str) -> None:
    assert di.explain(op, cubes, "forwarddiff", X, *rest).operator == operator


def test_contexts_argnums_and_aux() -> None:
    def f(scale: float, x: Any, kind: str) -> Any:
        assert kind == "square"
        return scale * x**2, "rest"

    plan = di.explain(
        di.jacobian, f, "forwarddiff", X, 2.0, di.Static("square"), argnums=1, has_aux=True
    )
    assert (plan.inputs, plan.outputs) == (3, 3)


def test_the_configured_backend() -> None:
    with di.config_context(backend="finitediff"):
        assert di.explain(di.gradient, cubes, None, X).backend == di.AutoFiniteDiff()


def test_refusals() -> None:
    with pytest.raises(di.InputError, match="expected an operator: pushforward"):
        di.explain(np.sum, cubes, "forwarddiff", X)
    with pytest.raises(di.InputError, match="f must be callable"):
        di.explain(di.gradient, X, "forwarddiff", X)  # type: ignore[arg-type]
    with pytest.raises(di.InputError, match="tangent t is missing"):
        di.explain(di.pushforward, cubes, "forwarddiff", X)
    with pytest.raises(di.NonScalarOutputError):
        di.explain(di.gradient, lambda x: x, "forwarddiff", X)
    with pytest.raises(di.ShapeError):
        di.explain(di.derivative, cubes, "forwarddiff", X)


class Counting:
    """F, and how often it was evaluated at what."""

    def __init__(self, f: Any) -> None:
        self.f, self.points = f, list[Any]()

    def __call__(self, x: Any) -> Any:
        self.points.append(x)
        return self.f(x)


@pytest.mark.parametrize("backend", ["forwarddiff", "finitediff", "complexstep"])
@pytest.mark.parametrize("op", [di.gradient, di.hessian])
def test_f_runs_once_and_plainly(op: Any, backend: str) -> None:
    """No derivative is taken: f sees an ordinary array, and the caller's stays as it is."""
    f = Counting(cubes)
    di.explain(op, f, backend, X)
    assert [type(x) for x in f.points] == [np.ndarray]
    np.testing.assert_array_equal(f.points[0], X)


def test_f_that_overwrites_its_argument() -> None:
    def f(x: Any) -> Any:
        x *= 2
        return x

    x = X.copy()
    di.explain(di.jacobian, f, "forwarddiff", x)
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize("scheme", ["forward", "central", "richardson"])
def test_the_cost_of_finite_differences_is_what_they_evaluate(scheme: Any) -> None:
    """Against the evaluations themselves, f's own value included."""
    backend = di.AutoFiniteDiff(scheme=scheme, relative_step=1e-4)
    plan = di.explain(di.gradient, cubes, backend, X)
    f = Counting(cubes)
    di.value_and_gradient(f, backend, X)
    assert plan.evaluations == len(f.points)
