"""Kinds of tensors: precision, subclasses, inference mode, memory layout, batches, threads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Barrier
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ..jax.cubic import CALLS, IDS, ROWS, Row, T, W, X
from .common import MODES, close, every_mode

torch = pytest.importorskip("torch")

DTYPES = ("float16", "bfloat16", "float32", "float64")


@pytest.fixture(params=["float32", "float64"])
def default_dtype(request: Any) -> Iterator[str]:
    """Torch's own default precision, which decides nothing here."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, request.param))
    yield request.param
    torch.set_default_dtype(before)


# --- precision -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@every_mode
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_precision_is_kept(
    row: Row, way: str, backend: di.ADType, dtype: str, default_dtype: str
) -> None:
    kind = getattr(torch, dtype)
    w, x, t = (torch.tensor(a, dtype=kind) for a in (W, row.x, T))
    got = row.ask(way, row.f(w), backend, x, t)
    assert got.dtype == kind
    # Few significant bits each: exact in every format.
    close(got.double(), row.result(W, row.x), 0.0)


@every_mode
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["derivative", "second_derivative", "gradient", "hessian"])
def test_scalars_with_python_numbers(
    name: str, dtype: str, backend: di.ADType, default_dtype: str
) -> None:
    """A 0-d tensor keeps its precision beside Python's numbers, and so does its derivative."""
    x = torch.tensor(0.5, dtype=getattr(torch, dtype))
    want = 0.375 if name in ("derivative", "gradient") else 1.5
    for got in (
        getattr(di, name)(lambda x: x**3 * 0.5, backend, x),
        getattr(di, f"prepare_{name}")(lambda x: x**3 * 0.5, backend, x)(x),
    ):
        assert got.dtype == x.dtype
        assert float(got) == want


@every_mode
@pytest.mark.parametrize("name", ["gradient", "pullback", "hvp"])
def test_results_like_x_have_its_precision(name: str, backend: di.ADType) -> None:
    """Though f casts to another."""
    x = torch.tensor(X)
    seeds = {
        "gradient": (),
        "pullback": (torch.tensor(1.0),),
        "hvp": (torch.tensor(T),),
    }[name]
    for f in (lambda x: (x.float() ** 2).sum(), lambda x: (x**2).sum().float()):
        got = getattr(di, name)(f, backend, x, *seeds)
        assert got.dtype == torch.float64
        close(got, 2 * T if name == "hvp" else 2 * X, 1e-6)


@every_mode
def test_numpy_callers(backend: di.ADType, default_dtype: str) -> None:
    for dtype in ("float32", "float64"):
        got = di.gradient(lambda x: (x**3).sum(), backend, X.astype(dtype))
        assert type(got) is np.ndarray
        assert got.dtype == dtype
        close(got, 3 * X**2, 1e-6)
    assert float(di.derivative(torch.sin, backend, 0.5)) == np.cos(0.5)
    swapped = X.astype(X.dtype.newbyteorder())
    close(di.gradient(lambda x: (x**3).sum(), backend, swapped), 3 * X**2)
    for odd in (np.repeat(X, 2)[::2], X[::-1][::-1], np.asfortranarray(np.outer(X, X))[:, 0]):
        close(di.gradient(lambda x: (x**3).sum(), backend, odd), 3 * odd**2)


@every_mode
def test_memory_layouts(backend: di.ADType) -> None:
    base = torch.arange(1.0, 13.0, dtype=torch.float64).reshape(3, 4)
    for x in (base.t(), base[:, ::2], base[1], base[:1].expand(3, 4), base[0, 0]):
        prep = di.prepare_gradient(lambda x: (x**3).sum(), backend, x)
        for got in (prep(x), di.gradient(lambda x: (x**3).sum(), backend, x)):
            close(got, 3 * x.numpy() ** 2)


# --- subclasses and modes ------------------------------------------------------------------------


@every_mode
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_parameters_as_x(row: Row, way: str, backend: di.ADType) -> None:
    x = torch.nn.Parameter(torch.tensor(row.x))
    got = row.ask(way, row.f(torch.tensor(W)), backend, x, torch.tensor(T))
    assert type(got) is torch.Tensor
    assert x.grad is None
    close(got, row.result(W, row.x))
    (got**2).sum().backward()
    close(x.grad, row.loss_by_x(W, row.x))


@every_mode
def test_subclasses(backend: di.ADType) -> None:
    class Tagged(torch.Tensor):
        pass

    x = torch.tensor(X).as_subclass(Tagged)
    for row, way in CALLS:
        if not row.scalar_x:
            t = torch.tensor(T).as_subclass(Tagged)
            got = row.ask(way, row.f(torch.tensor(W)), backend, x, t)
            close(got.as_subclass(torch.Tensor), row.result(W, X))


@every_mode
def test_a_prepared_call_takes_plain_tensors_and_parameters(backend: di.ADType) -> None:
    plain, parameter = torch.tensor(X), torch.nn.Parameter(torch.tensor(X))
    for example in (plain, parameter):
        prep = di.prepare_gradient(lambda x: (x**3).sum(), backend, example)
        for x in (plain, parameter):
            got = prep(x)
            close(got, 3 * X**2)
            assert got.requires_grad == (x is parameter)


SURROUNDINGS = {
    "no_grad": torch.no_grad,
    "inference": torch.inference_mode,
    "set_grad_off": lambda: torch.set_grad_enabled(False),
}


@pytest.mark.parametrize("around", SURROUNDINGS)
@every_mode
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_where_recording_is_off(row: Row, way: str, backend: di.ADType, around: str) -> None:
    w = torch.tensor(W, requires_grad=True)
    with SURROUNDINGS[around]():
        x, t = torch.tensor(row.x), torch.tensor(T)
        inside = row.ask(way, row.f(w), backend, x, t)
        mode = torch.is_grad_enabled()
    assert not mode
    assert not inside.requires_grad
    close(inside, row.result(W, row.x))
    # Tensors made in there remain usable as points out here.
    close(row.ask(way, row.f(torch.tensor(W)), backend, x, t), row.result(W, row.x))


@every_mode
def test_prepared_in_one_surrounding_and_called_in_another(backend: di.ADType) -> None:
    w = torch.tensor(W, requires_grad=True)
    row, x = ROWS[0], torch.tensor(X)
    for prepare in (*SURROUNDINGS.values(), nullcontext):
        with prepare():
            prep = di.prepare_gradient(row.f(w), backend, x)
        with torch.no_grad():
            assert not prep(x).requires_grad
        w.grad = None
        (prep(x) ** 2).sum().backward()
        close(w.grad, row.loss_by_w(W, X))


@every_mode
def test_the_mode_is_restored_after_an_error(backend: di.ADType) -> None:
    def f(x: Any) -> Any:
        raise KeyError("from f")

    for row, way in CALLS:
        with torch.no_grad():
            with pytest.raises(KeyError, match="from f"):
                row.ask(way, f, backend, torch.tensor(row.x), torch.tensor(T))
            assert not torch.is_grad_enabled()
        assert torch.is_grad_enabled()
        # No level of forward mode is left open either.
        close(di.derivative(torch.sin, "torch", 0.5), np.cos(0.5))


# --- batches -------------------------------------------------------------------------------------


@every_mode
@pytest.mark.parametrize("row", [row for row in ROWS if row.seeded], ids=lambda row: row.name)
@pytest.mark.parametrize("size", [0, 1, 4])
def test_batches_of_seeds(row: Row, backend: di.ADType, size: int) -> None:
    """Each seed of a batch alone, for weights that f captured and an operation vmap cannot do."""
    w = torch.tensor(W, requires_grad=True)
    scales = np.arange(1.0, 1 + size)
    t = torch.tensor(scales[:, None] * T)
    want = scales[:, None] * row.result(W, row.x)
    prepare = getattr(di, f"prepare_{row.name}")
    x = torch.tensor(row.x)
    for got in (
        getattr(di, row.name)(row.f(w), backend, x, t, batched=True),
        prepare(row.f(w), backend, x, t, batched=True)(x, t),
    ):
        assert got.shape == want.shape
        close(got, want)
        if size:
            w.grad = None
            (got**2).sum().backward()
            close(w.grad, np.sum(scales**2) * row.loss_by_w(W, row.x))


# --- contexts ------------------------------------------------------------------------------------


@every_mode
def test_contexts_that_are_no_tensors(backend: di.ADType) -> None:
    """Plain or Static, whoever defined their class."""
    layer = torch.nn.Linear(3, 1, bias=False).double()
    a = layer.weight.detach().numpy()[0]
    generator = torch.Generator()
    cases: list[tuple[Any, Any, Any]] = [
        (layer, lambda x, c: c(x).sum() ** 2, 2 * (a @ X) * a),
        (torch.float32, lambda x, c: (x.to(c) ** 2).sum(), 2 * X),
        (torch.device("cpu"), lambda x, c: (x.to(c) ** 2).sum(), 2 * X),
        (torch.Size([3, 1]), lambda x, c: (x.reshape(c) ** 2).sum(), 2 * X),
        (torch.sin, lambda x, c: c(x).sum(), np.cos(X)),
        (generator, lambda x, c: (x**2).sum() * (c.device.type == "cpu"), 2 * X),
        (torch, lambda x, c: c.sum(x**2), 2 * X),
    ]
    for context, f, want in cases:
        for wrapped in (context, di.Static(context)):
            for x in (X, torch.tensor(X)):
                close(di.gradient(f, backend, x, wrapped), want, 1e-6)
                prep = di.prepare_gradient(f, backend, x, wrapped)
                close(prep(x, wrapped), want, 1e-6)


# --- threads -------------------------------------------------------------------------------------


def test_threads_of_several_modes() -> None:
    """Torch's switches belong to a thread: recording on here and off there, forward and reverse."""
    w = torch.tensor(W, requires_grad=True)
    prepared = [
        (row, getattr(di, f"prepare_{row.name}")(row.f(w), backend, torch.tensor(X)))
        for row in ROWS
        if not (row.seeded or row.scalar_x)
        for backend in MODES
    ]
    barrier = Barrier(8)

    def work(number: int) -> None:
        rng = np.random.default_rng(number)
        records = bool(number % 2)
        barrier.wait()
        for _ in range(5):
            x = rng.normal(size=3)
            with nullcontext() if records else torch.no_grad():
                for row, prep in prepared:
                    got = prep(torch.tensor(x))
                    assert got.requires_grad == records
                    close(got, row.result(W, x))
                    if records:
                        (by_w,) = torch.autograd.grad((got**2).sum(), w)
                        close(by_w, row.loss_by_w(W, x), 1e-10)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
    finally:
        sys.setswitchinterval(before)
    assert w.grad is None
