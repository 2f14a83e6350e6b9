"""The short way to a gradient: taken where f cannot reach anybody's parameters, and only there."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .common import close

torch = pytest.importorskip("torch")
inert = pytest.importorskip("diffinterface_torch.inert").inert

X = np.array([2.0, 3.0])
SHARED: Any = None


def with_global(x: Any) -> Any:
    return (x**2).sum() if SHARED is None else (SHARED * x).sum()


def helper(x: Any) -> Any:
    return torch.sin(x)


def with_default(x: Any, scale: Any = 2.0) -> Any:
    return scale * helper(x).sum()


def importing(x: Any) -> Any:
    from .common import close as found

    return x.sum() if found else x


def test_what_is_inert() -> None:
    data, count = torch.tensor(X), 3
    net = torch.nn.Linear(2, 1)
    holder: dict[str, Any] = {}
    kinds = {
        "torch": (lambda x: torch.sum(torch.sin(x)), True),
        "data": (lambda x: ((x - data) ** 2).sum() * count, True),
        "helper and default": (with_default, True),
        "global": (with_global, True),
        "functional": (lambda x: torch.nn.functional.relu(x).sum(), True),
        "module": (lambda x: net(x).sum(), False),
        "method": (net.forward, False),
        "parameter": (lambda x, w=net.weight: (w * x).sum(), False),
        "container": (lambda x: holder.get("w", 1) * x.sum(), False),
        "bound": (lambda x, times=net.weight.mul: times(x).sum(), False),
        "import": (importing, False),
        "eval": (lambda x: eval("x.sum()"), False),
        "nested": (lambda x: sum((lambda a: net(a).sum())(a) for a in x[None]), False),
    }
    for name, (f, expected) in kinds.items():
        assert (inert(f) is not None) == expected, name


@pytest.fixture(params=["alone", "with the value"])
def tracked(request: pytest.FixtureRequest) -> Any:
    """A prepared gradient, once called: the first call is watched, the second takes the short way."""

    def prepared(f: Any, x: Any, *contexts: Any) -> Any:
        prep = di.prepare_gradient(f, "torch", x, *contexts)
        prep(x, *contexts)
        if request.param == "alone":
            return prep
        return lambda x, *contexts: prep.value_and(x, *contexts)[1]

    return prepared


def test_a_rebound_global_is_seen(tracked: Any) -> None:
    global SHARED
    x = torch.tensor(X)
    prep = tracked(with_global, x)
    close(prep(x), 2 * X)
    try:
        SHARED = torch.tensor([5.0, 7.0], dtype=torch.float64, requires_grad=True)
        got = prep(x)
        close(got, [5.0, 7.0])
        (outer,) = torch.autograd.grad(got.sum(), SHARED)
        close(outer, np.ones(2))
    finally:
        SHARED = None


def test_a_rebound_closure_is_seen(tracked: Any) -> None:
    x, weight = torch.tensor(X), torch.tensor(1.0, dtype=torch.float64)

    def f(x: Any) -> Any:
        return weight * (x**2).sum()

    prep = tracked(f, x)
    weight = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    (outer,) = torch.autograd.grad(prep(x).sum(), weight)
    close(outer, 2 * X.sum())


def test_data_made_a_parameter_is_seen(tracked: Any) -> None:
    x, weight = torch.tensor(X), torch.tensor(1.0, dtype=torch.float64)
    prep = tracked(lambda x: weight * (x**2).sum(), x)
    assert not prep(x).requires_grad
    weight.requires_grad_()
    (outer,) = torch.autograd.grad(prep(x).sum(), weight)
    close(outer, 2 * X.sum())


def test_a_tracked_point_and_transforms_stay_connected(tracked: Any) -> None:
    x = torch.tensor(X)
    prep = tracked(lambda x: (x**3).sum(), x)
    point = x.clone().requires_grad_()
    (second,) = torch.autograd.grad(prep(point).sum(), point)
    close(second, 6 * X)
    assert point.grad is None
    close(torch.func.jacrev(lambda x: prep(x))(x), np.diag(6 * X))
    close(torch.func.vmap(prep)(torch.stack([x, 2 * x])), np.stack([3 * X**2, 12 * X**2]))
    with torch.no_grad():
        close(prep(x), 3 * X**2)


def test_writing_and_constants(tracked: Any) -> None:
    x = torch.tensor(X)

    def writing(x: Any) -> Any:
        x *= 2
        return (x**2).sum()

    close(tracked(writing, x)(x), 8 * X)
    close(x, X)
    close(tracked(lambda x: torch.tensor(1.0), x)(x), np.zeros(2))
    with pytest.raises(di.NonScalarOutputError):
        tracked(lambda x: x, x)


def test_results_are_the_callers_own(tracked: Any) -> None:
    """Identity hands the seed through: writing into one result changes no other."""
    x = torch.tensor(2.0, dtype=torch.float64)
    prep = tracked(lambda x: x, x)
    prep(x).mul_(5.0)
    close(prep(x), 1.0)


def test_threads(tracked: Any) -> None:
    x = [torch.tensor(X * k) for k in range(8)]
    prep = tracked(lambda x: (x**3).sum(), x[0])
    results: dict[int, Any] = {}

    def work(k: int) -> None:
        results[k] = [prep(x[k]) for _ in range(20)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, found in results.items():
        for got in found:
            close(got, 3 * (X * k) ** 2)


def test_a_parameter_in_a_static_context_is_seen(tracked: Any) -> None:
    """What f captured is looked through; what it is given beside x goes the general way."""
    net = torch.nn.Linear(2, 1, dtype=torch.float64)

    def f(x: Any, net: Any) -> Any:
        return (net(x) * x).sum()

    x, static = torch.tensor(X), di.Static(net)
    tracked(f, x, static)(x, static).sum().backward()
    assert net.weight.grad is not None
    close(net.weight.grad, [X.sum() + 2 * X])


def test_the_value_is_no_view_and_off_the_tape() -> None:
    x = torch.tensor(2.0, dtype=torch.float64)
    prep = di.prepare_gradient(lambda x: x, "torch", x)
    for _ in range(3):
        value, slope = prep.value_and(x)
        assert not value.requires_grad
        value.mul_(5.0)
        slope.mul_(7.0)
    close(x, 2.0)
    close(prep.value_and(x)[0], 2.0)
    close(prep(x), 1.0)
