"""`check_derivatives` and `assert_backends_agree`, as an outsider calls them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.testing import (
    Failure,
    NoReferenceError,
    assert_backends_agree,
    check_derivatives,
    entries,
)

Failures = Callable[..., tuple[Failure, ...]]
X = np.array([0.3, 0.7, 1.1])
BASE = "forwarddiff,finitediff,complexstep"


def energy(x: Any) -> Any:
    xp = di.array_namespace(x)
    return xp.sum(xp.sin(x) * x[0]) + xp.sum(x**3)


def curve(x: Any) -> Any:
    xp = di.array_namespace(x)
    return {"a": xp.exp(x), "b": [x[0] * x[1:]]}


def test_every_installed_engine_is_right() -> None:
    shipped = (*BASE.split(","), "jax", "torch", "autograd")
    installed = [name for name in shipped if di.check_available(name)]
    check_derivatives(energy, X, backends=installed, order=2)


def test_installed_means_every_engine_that_is_known(failures: Failures) -> None:
    """Among them here those with a fault."""
    found = {failure.backend for failure in failures(check_derivatives, energy, X)}
    assert found == {"half", "negative", "single", "stale", "identity", "writing"}


@pytest.mark.parametrize(
    ("f", "x", "contexts", "options"),
    [
        (curve, X, (), {}),
        (lambda x: x**3, 0.5, (), {"order": 2}),
        (lambda p: p["a"] * energy(p["b"]), {"a": 2.0, "b": X}, (), {"order": 2}),
        (lambda x, a, kind: a * energy(x), X, (2.0, di.Static("any")), {}),
        (lambda a, x: a * energy(x), X, (2.0,), {"argnums": 1}),
        (lambda x: (energy(x), {"aux": "text"}), X, (), {"has_aux": True}),
        (energy, X, (), {"operators": "pushforward pullback hvp"}),
        (curve, X, (), {"operators": ["pullback"]}),
        (energy, X.astype(np.float32), (), {"order": 2}),
        (energy, X, (), {"expected": np.cos(X) * X[0] + 3 * X**2 + np.eye(3)[0] * np.sin(X).sum()}),
    ],
    ids=[
        *("tree", "scalar", "tree of x", "contexts", "argnums", "aux", "seeded", "pullback"),
        *("single", "expected"),
    ],
)
def test_right_derivatives_pass(f: Any, x: Any, contexts: Any, options: Any) -> None:
    check_derivatives(f, x, *contexts, backends="forwarddiff,finitediff", **options)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("negative", "sign"),
        ("half", "a constant factor: the result is 0.5 times"),
        ("single", "float32 downcast"),
        ("stale", "stale cache"),
        ("identity", "stale cache"),
    ],
)
def test_a_wrong_gradient_is_named(failures: Failures, name: str, word: str) -> None:
    (found,) = failures(check_derivatives, energy, X, backends=["forwarddiff", name])
    assert (found.backend, found.operator) == (name, "gradient")
    assert found.cause.startswith(word)


def test_a_wrong_jacobian_is_named(failures: Failures) -> None:
    def f(x: Any) -> Any:
        return di.array_namespace(x).stack([x[0] * x[1], x[1] ** 2, x[0] * x[2]])

    (found,) = failures(check_derivatives, f, X, backends="forwarddiff,transposed")
    assert found.cause.startswith("transposed Jacobian")
    assert found.source == "extrapolated finite differences of f"


def test_a_given_result_is_believed(failures: Failures) -> None:
    wrong = np.zeros(3)
    found = failures(check_derivatives, energy, X, backends="forwarddiff", expected=wrong)
    assert found[0].source == "the caller"


def test_a_value_in_single_precision_does_not_loosen_the_result(failures: Failures) -> None:
    """f in float32 inside: the differences are coarse, and engines that follow f are not accused."""

    def f(x: Any) -> Any:
        return (x.astype(np.float32) ** 2).sum()

    check_derivatives(f, X, backends="forwarddiff")


def test_a_function_of_one_engine_only() -> None:
    """It takes no NumPy arrays, so the engine under test evaluates it."""
    torch = pytest.importorskip("torch")

    def f(x: Any) -> Any:
        return torch.sum(torch.sin(x) * x[0])

    check_derivatives(f, X, backends="torch,torch:forward", order=2)
    check_derivatives(f, torch.from_numpy(X), backends="torch")
    with pytest.raises(NoReferenceError, match="name a backend that runs f"):
        check_derivatives(f, X, backends="forwarddiff", operators="gradient")


def test_arrays_of_jax() -> None:
    jnp = pytest.importorskip("jax.numpy")
    check_derivatives(
        lambda x: jnp.sum(jnp.sin(x) * x[0]), jnp.asarray(X, "float32"), backends="jax"
    )


def test_an_engine_that_cannot_run_f_is_a_failure(failures: Failures) -> None:
    found = failures(
        check_derivatives, lambda x: math.exp(x), 0.5, backends="forwarddiff,finitediff"
    )
    assert {failure.backend for failure in found} == {"forwarddiff"}
    assert "math.sin" in found[0].detail
    assert "name those that can" in found[0].cause


def test_what_is_asked_must_make_sense() -> None:
    with pytest.raises(di.InputError, match="order=3"):
        check_derivatives(energy, X, backends="forwarddiff", order=3)
    with pytest.raises(di.InputError, match="order=2 needs a scalar"):
        check_derivatives(curve, X, backends="forwarddiff", order=2)
    with pytest.raises(di.InputError, match="the result of one operator"):
        check_derivatives(energy, X, backends="forwarddiff", order=2, expected=X)
    with pytest.raises(di.InputError, match="Unknown operator"):
        check_derivatives(energy, X, backends="forwarddiff", operators="slope")
    with pytest.raises(di.DiffInterfaceError, match="No backend can run f"):
        check_derivatives(lambda x: 1 / 0, X, backends="forwarddiff")


# --- agreement -----------------------------------------------------------------------------------


@pytest.mark.parametrize("operator", ["gradient", "hessian", "pushforward", "hvp", "pullback"])
def test_engines_agree(operator: str) -> None:
    assert_backends_agree(energy, X, operator=operator, backends=BASE)


def test_the_odd_one_out_is_accused(failures: Failures) -> None:
    """Also where it is named first."""
    (found,) = failures(assert_backends_agree, energy, X, backends=f"half,{BASE}")
    assert found.backend == "half"
    assert found.source == "forwarddiff, with which most agree"


def test_two_that_differ(failures: Failures) -> None:
    found = failures(assert_backends_agree, energy, X, backends="negative,half")
    assert len(found) == 1


def test_one_engine_agrees_with_nobody() -> None:
    with pytest.raises(di.InputError, match="two backends"):
        assert_backends_agree(energy, X, backends="forwarddiff")


# --- names of backends ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("forwarddiff", ["forwarddiff"]),
        ("forwarddiff(chunk_size=2), jax", ["forwarddiff(chunk_size=2)", "jax"]),
        ("torch(mode='forward', compile=True)", ["torch(mode='forward', compile=True)"]),
        ("torch(mode='forward')", ["torch:forward"]),
        ("torch:forward,torch:forward", ["torch:forward"]),
        ([di.AutoFiniteDiff("richardson"), "jax"], ["finitediff:richardson", "jax"]),
        (
            di.SecondOrder(di.AutoFiniteDiff(), di.AutoTorch("reverse")),
            ["second[finitediff,torch:reverse]"],
        ),
    ],
)
def test_names(text: Any, ids: list[str]) -> None:
    assert [entry.id for entry in entries(text)] == ids


@pytest.mark.parametrize("text", ["", " , ", "nobody", "jax:sideways", "complexstep:fast"])
def test_names_that_are_none(text: str) -> None:
    with pytest.raises((di.UnknownBackendError, di.InputError)):
        entries(text)
