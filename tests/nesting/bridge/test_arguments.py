"""What a bridged function takes and gives: trees, constants, numbers, dtypes, shapes."""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple

import numpy as np
import pytest

import diffinterface as di

from ...outers import JACOBIANS, OuterJacobian
from .common import EXACT, DifferentiateWith, T, X, close, numbers

#: Every outer engine with one inner, and every inner engine under three of the outer ones.
PAIRS = [
    (outer, inner)
    for outer in JACOBIANS
    for inner in EXACT
    if inner == "forwarddiff" or outer in ("jax.jit", "torch", "duals")
]


@pytest.fixture(params=PAIRS, ids="-".join)
def _pair(request: Any) -> Any:
    outer, inner = request.param
    adtype = EXACT[inner].adtype
    if not di.check_available(adtype):
        pytest.skip(f"{adtype} is not installed")
    found = JACOBIANS[outer](), adtype
    if outer.startswith("jax"):
        import jax

        with jax.enable_x64(True):
            yield found
    else:
        yield found


@pytest.fixture
def outer(_pair: Any) -> OuterJacobian:
    return _pair[0]  # type: ignore[no-any-return]


@pytest.fixture
def inner(_pair: Any) -> di.ADType:
    return _pair[1]  # type: ignore[no-any-return]


class Pair(NamedTuple):
    left: Any
    right: Any


def _joined(*arrays: Any) -> Any:
    return di.array_namespace(*arrays).concat([a.reshape(-1) for a in arrays])


def test_trees_in_and_out(outer: OuterJacobian, inner: di.ADType) -> None:
    def f(p: Any, extra: Any) -> Any:
        left, (right,) = p["pair"].left, p["pair"].right
        return {"b": (left * right,), "a": Pair(left**2, [right * extra[0]])}

    bridged = DifferentiateWith(f, inner)
    t = outer.array(T)

    def run(x: Any) -> Any:
        y = bridged({"pair": Pair(x, (2 * x,)), "none": None}, [t, "unused"])
        assert isinstance(y["a"], Pair)
        assert isinstance(y["a"].right, list)
        return _joined(y["a"].left, y["a"].right[0], y["b"][0])

    got = outer.jacobian(run, outer.array(X))
    close(got, np.concatenate([np.diag(2 * X), np.diag(2 * T), np.diag(4 * X)]))


def test_constants_of_every_kind(outer: OuterJacobian, inner: di.ADType) -> None:
    """Integer and boolean arrays, numbers, strings, None: as they are, none differentiated."""

    def f(index: Any, x: Any, power: int, mask: Any, scale: float, name: str, nothing: None) -> Any:
        assert (power, name, nothing) == (3, "cubic", None)
        xp = di.array_namespace(x)
        return xp.where(mask, scale * x**power, x)[index]

    bridged = DifferentiateWith(f, inner)
    index, mask = outer.array(np.array([2, 0])), outer.array(np.array([True, True, False]))

    def run(x: Any) -> Any:
        return bridged(index, x, 3, mask, 0.5, "cubic", None)

    close(outer.jacobian(run, outer.array(X)), [[0, 0, 1], [1.5 * X[0] ** 2, 0, 0]])
    if outer.array is np.asarray or hasattr(outer.array(X), "detach"):
        index[0] = 1
        close(numbers(run(outer.array(X)))[0], 0.5 * X[1] ** 3)


def test_numpy_scalars_are_read_anew(outer: OuterJacobian, inner: di.ADType) -> None:
    """They have a dtype, as arrays have, and are numbers: constants of the program, each its own."""
    g = DifferentiateWith(lambda x, scale: x * scale, inner)
    x = outer.array(X)
    for scale in (np.float64(2.0), np.float64(3.0), 4.0, np.float64(2.0)):
        close(numbers(g(X, scale)), X * scale)  # nobody is tracing
        close(numbers(outer.jacobian(lambda x, scale=scale: g(x, scale), x)), np.eye(3) * scale)
    for scale in (np.complex128(2.0), np.complex128(3.0)):
        close(numbers(g(X, scale)), X * scale)


def test_new_constants_are_read_anew(outer: OuterJacobian, inner: di.ADType) -> None:
    bridged = DifferentiateWith(lambda x, power, scale: scale * x**power, inner)
    for power in (2, 3, 2):
        for scale in (1.0, -0.5):
            got = outer.jacobian(lambda x, p=power, s=scale: bridged(x, p, s), outer.array(X))
            close(got, np.diag(scale * power * X ** (power - 1)))


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0, 3), (1, 2, 2)])
def test_shapes(outer: OuterJacobian, inner: di.ADType, shape: tuple[int, ...]) -> None:
    bridged = DifferentiateWith(lambda x: x**3, inner)
    x = 0.5 + np.arange(float(np.prod(shape, dtype=int))).reshape(shape)
    size = x.size
    got = outer.jacobian(bridged, outer.array(x))
    want = np.diag(3 * x.reshape(-1) ** 2).reshape(shape + shape)
    assert numbers(got).shape == shape + shape
    close(numbers(got).reshape(size, size), want.reshape(size, size))


def test_a_new_shape_and_dtype_in_one_bridge(outer: OuterJacobian, inner: di.ADType) -> None:
    bridged = DifferentiateWith(lambda x: x**2, inner)
    for n in (1, 3, 2):
        for dtype in (np.float64, np.float32):
            x = np.linspace(0.5, 1, n).astype(dtype)
            got = numbers(outer.jacobian(bridged, outer.array(x)))
            assert got.dtype == dtype
            close(got, np.diag(2 * x), 1e-6 if dtype is np.float32 else 1e-12)


def test_an_output_that_does_not_depend_on_an_input(outer: OuterJacobian, inner: di.ADType) -> None:
    def f(a: Any, b: Any) -> Any:
        return 0 * b + 1.5, a**2

    bridged = DifferentiateWith(f, inner)
    t = outer.array(T)
    for pick, want in ((0, np.zeros((3, 3))), (1, np.diag(2 * X))):
        close(outer.jacobian(lambda a, k=pick: bridged(a, t)[k], outer.array(X)), want)
    close(outer.jacobian(lambda b: bridged(t, b)[1], outer.array(X)), np.zeros((3, 3)))


def test_a_constant_and_an_input_handed_through(outer: OuterJacobian, inner: di.ADType) -> None:
    """Outputs that are no result of any operation."""

    def f(x: Any) -> Any:
        xp = di.array_namespace(x)
        return xp.asarray(np.array([5.0, 6.0])), x

    bridged = DifferentiateWith(f, inner)
    close(outer.jacobian(lambda x: bridged(x)[1], outer.array(X)), np.eye(3))
    close(outer.jacobian(lambda x: _joined(*bridged(x)), outer.array(X)), np.eye(5, 3, -2))


def test_an_f_that_writes_into_its_argument() -> None:
    """What crosses is a copy: the caller's array keeps its values, and so does the next evaluation."""

    def f(x: Any) -> Any:
        x[0] = x[0] ** 2
        return x * 2

    x, jacobian = X.copy(), np.diag([4 * X[0], 2, 2])
    for engine in ("finitediff", "forwarddiff", "complexstep"):
        bridged = DifferentiateWith(f, engine)
        close(di.jacobian(bridged, "forwarddiff", x), jacobian, 1e-8)
        close(x, X)
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(X)
    close(torch.func.jacrev(bridged)(tensor), jacobian)
    close(tensor, X)


@pytest.mark.parametrize("engine", ["forwarddiff", "finitediff", "complexstep"])
def test_an_f_that_writes_into_a_constant(engine: str) -> None:
    """Refused, or the same as if it had written into a copy: several evaluations see one value."""

    def f(x: Any, n: Any) -> Any:
        n += 1
        return x * n

    bridged, n = DifferentiateWith(f, engine), np.array([1, 2, 3])
    with contextlib.suppress(di.DiffInterfaceError, ValueError):
        got = di.jacobian(lambda x: bridged(x, n), "forwarddiff", X)
        close(got, np.diag([2.0, 3.0, 4.0]), 1e-8)
    assert list(n) == [1, 2, 3]


def test_results_are_the_callers_own() -> None:
    """Safe to overwrite: no output that crossed shares memory with an input or with f's arrays."""
    torch = pytest.importorskip("torch")
    kept = np.array([1.0, 2.0, 3.0])
    bridged = DifferentiateWith(lambda x: (x, kept), "finitediff")
    tensor = torch.tensor(X)
    first, second = bridged(tensor)
    first += 1.0
    second += 1.0
    close(tensor, X)
    close(kept, [1.0, 2.0, 3.0])


@pytest.mark.parametrize("engine", EXACT)
def test_values_come_in_the_callers_arrays(engine: str) -> None:
    bridged = EXACT[engine].bridged(lambda x: x**2)
    assert type(bridged(X)) is np.ndarray
    assert type(bridged(X.astype(np.float32))) is np.ndarray
    assert bridged(X.astype(np.float32)).dtype == np.float32
    assert np.shape(bridged(np.array(2.0))) == ()
    torch = pytest.importorskip("torch")
    assert bridged(torch.tensor(X)).dtype is torch.float64
    assert bridged(torch.tensor(X, dtype=torch.float32)).dtype is torch.float32
