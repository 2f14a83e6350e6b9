"""torch's own transforms around calls of ours."""

import numpy as np
import pytest

import diffinterface as di

torch = pytest.importorskip("torch")

ENGINES = ["torch", "forwarddiff", "complexstep", "jax", "autograd"]
X = torch.tensor([1.0, 2.0], dtype=torch.float64)


@pytest.fixture(params=ENGINES)
def engine(request):
    if not di.check_available(request.param):
        pytest.skip(f"{request.param} is not installed")
    return request.param


def cubes(x):
    return di.array_namespace(x).sum(x**3)


def loss(engine):
    return lambda x: (di.gradient(cubes, engine, x) ** 2).sum()  # 9 x^4


@pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node:UserWarning")
def test_linearize_around_is_right_or_refused(engine):
    try:
        _, push = torch.func.linearize(loss(engine), X)
    except (
        di.NestedDifferentiationError,
        RuntimeError,
    ):  # torch refuses what reads values, by itself
        return
    np.testing.assert_allclose(push(torch.ones_like(X)).detach(), 324.0, rtol=1e-6)


@pytest.mark.parametrize("inner", ["torch", "forwarddiff", "complexstep"])
def test_a_plan_that_captured_an_ended_transform_is_not_reused(inner):
    held = {}

    def outer(w):
        if not held:
            held["gradient"] = di.prepare_gradient(
                lambda x: di.array_namespace(x, w).sum(w * x**3), inner, X
            )
        return (held["gradient"](X) ** 2).sum()

    two, three = torch.tensor(2.0, dtype=X.dtype), torch.tensor(3.0, dtype=X.dtype)
    np.testing.assert_allclose(torch.func.grad(outer)(two), 612.0, rtol=1e-6)
    try:
        again = torch.func.grad(outer)(three)
    except di.DiffInterfaceError:
        return
    np.testing.assert_allclose(again, 918.0, rtol=1e-6)


def test_vmap_of_a_hessian(engine):
    batch = torch.stack([X, 2 * X])
    found = torch.func.vmap(lambda x: di.hessian(cubes, engine, x))(batch)
    np.testing.assert_allclose(found, [np.diag([6.0, 12.0]), np.diag([12.0, 24.0])], atol=1e-5)


@pytest.mark.parametrize("inner", ["jax", "autograd"])
def test_a_captured_tensor_of_a_transform_is_refused(inner):
    if not di.check_available(inner):
        pytest.skip(f"{inner} is not installed")
    with pytest.raises((di.NestedDifferentiationError, RuntimeError)):  # or torch refuses by itself
        torch.func.grad(lambda w: di.gradient(lambda x: w * cubes(x), inner, X).sum())(X[0])


def test_forward_mode_inside_a_dual_level_is_right_or_refused_by_name():
    import torch.autograd.forward_ad as forward_ad

    with forward_ad.dual_level():
        x = forward_ad.make_dual(X, torch.ones_like(X))
        try:
            y = loss("torch(mode='forward')")(x)
        except di.NestedDifferentiationError:
            return
        np.testing.assert_allclose(forward_ad.unpack_dual(y).tangent, 324.0)


@pytest.mark.parametrize("surrounding", [torch.no_grad, torch.inference_mode])
def test_gradients_without_grad_mode(engine, surrounding):
    with surrounding():
        found = di.gradient(cubes, engine, X.clone())
    assert not found.requires_grad
    np.testing.assert_allclose(found, [3.0, 12.0], rtol=1e-6)


def test_fields_and_hooks_of_the_caller_are_left_alone(engine):
    called = []
    x = X.clone().requires_grad_()
    x.grad = torch.ones_like(x)
    x.register_hook(lambda g: called.append(1))
    di.gradient(cubes, engine, x)
    assert torch.equal(x.grad, torch.ones_like(x))
    assert not called
    assert x.requires_grad


def test_a_plan_is_used_under_any_transform(engine):
    prepared = di.prepare_gradient(cubes, engine, X)
    batch = torch.stack([X, 2 * X])
    np.testing.assert_allclose(torch.func.vmap(prepared)(batch), 3 * batch**2, rtol=1e-6)
    around = torch.func.grad(lambda x: (prepared(x) ** 2).sum())(X)
    np.testing.assert_allclose(around, [36.0, 288.0], rtol=1e-5)
    np.testing.assert_allclose(prepared(X), [3.0, 12.0], rtol=1e-6)
