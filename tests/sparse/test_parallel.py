"""Products in chunks, by threads, by processes, and over several devices; and how far they are."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.sparse import KnownPattern

from .engines import installed
from .problems import arrow, brusselator, burgers, energy, point

pytest.importorskip("numba")
pytest.importorskip("scipy")

DUAL = di.AutoForwardDiff()
X = point(72)
TRUTH = di.jacobian(brusselator, DUAL, X)


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("engine", ["forwarddiff", "jax", "torch", "autograd", "finitediff"])
def test_chunks(engine: str, size: int) -> None:
    """The last one is filled up; a compiling engine compiles once."""
    if not di.check_available(engine):
        pytest.skip(f"{engine} is not installed")
    dense: Any = {
        "forwarddiff": DUAL,
        "jax": di.AutoJax(jit=False),
        "torch": di.AutoTorch(),
        "autograd": di.AutoAutograd(),
        "finitediff": di.AutoFiniteDiff(),
    }[engine]
    got = di.jacobian(brusselator, di.AutoSparse(dense, chunk_size=size), X)
    np.testing.assert_allclose(got.toarray(), TRUTH, rtol=1e-8, atol=1e-8)


def test_chunks_bound_memory() -> None:
    """No evaluation carries more seeds than a chunk."""
    widths = []

    def f(x: Any) -> Any:
        tangent = getattr(x, "tangent", None)
        if tangent is not None:
            widths.append(tangent.shape[-1])
        return burgers(x)

    prep = di.prepare_jacobian(f, di.AutoSparse(DUAL, chunk_size=2), X)
    widths.clear()
    prep(X)
    assert widths == [2, 2]


def test_progress() -> None:
    seen: list[tuple[int, int]] = []
    backend = di.AutoSparse(DUAL, chunk_size=4, progress=lambda *args: seen.append(args))
    prep = di.prepare_jacobian(brusselator, backend, X)
    assert seen == []
    prep(X)
    total = prep.details.coloring.num_colors
    done = [0, *(count for count, _ in seen)]
    assert len(seen) == -(-total // 4)
    assert done[-1] == total
    assert all(1 <= step <= 4 for step in np.diff(done))
    assert {t for _, t in seen} == {total}


def test_progress_both_ways() -> None:
    pytest.importorskip("autograd")
    seen: list[tuple[int, int]] = []
    dense = di.MixedMode(DUAL, di.AutoAutograd())
    di.jacobian(arrow, di.AutoSparse(dense, progress=lambda *args: seen.append(args)), X)
    assert seen[-1] == (3, 3)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


# --- executors -----------------------------------------------------------------------------------

LOCAL = [DUAL, di.AutoFiniteDiff(), di.AutoTorch(), di.AutoAutograd(mode="reverse")]


@pytest.mark.parametrize("dense", LOCAL, ids=repr)
def test_threads(dense: di.ADType) -> None:
    if not di.check_available(dense):
        pytest.skip(f"{dense!r} is not installed")
    with ThreadPoolExecutor(4) as pool:
        backend = di.AutoSparse(dense, executor=pool, chunk_size=3)
        prep = di.prepare_jacobian(brusselator, backend, X)
        for x in (X, 1.5 * X):
            value, got = prep.value_and(x)
            want = di.jacobian(brusselator, DUAL, x)
            np.testing.assert_allclose(got.toarray(), want, rtol=1e-7, atol=1e-8)
            np.testing.assert_allclose(value, brusselator(x))
        with_contexts = di.jacobian(lambda x, c: c * burgers(x), backend, X, 2.0)
        np.testing.assert_allclose(
            with_contexts.toarray(), 2 * di.jacobian(burgers, DUAL, X), rtol=1e-7, atol=1e-8
        )
        f = energy(burgers)
        got = di.hessian(f, di.AutoSparse(DUAL, executor=pool, chunk_size=2), X)
        np.testing.assert_allclose(got.toarray(), di.hessian(f, DUAL, X), rtol=1e-11)


class Counting(Executor):
    """The whole interface that is needed: ``submit``."""

    def __init__(self) -> None:
        self.tasks = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.tasks += 1
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def test_one_task_a_chunk() -> None:
    pool = Counting()
    prep = di.prepare_jacobian(burgers, di.AutoSparse(DUAL, executor=pool, chunk_size=1), X)
    pool.tasks = 0
    prep(X)
    assert pool.tasks == 3


def test_errors_come_back() -> None:
    def f(x: Any) -> Any:
        if hasattr(x, "tangent"):
            raise ZeroDivisionError("in f")
        return burgers(x)

    with pytest.raises(ZeroDivisionError, match="in f"):
        di.jacobian(f, di.AutoSparse(DUAL, executor=Counting()), X)


def test_processes() -> None:
    """By finite differences and by duals: f travels to the workers, each of which prepares anew."""
    from scipy.optimize import rosen_der, rosen_hess

    x = point(10)
    band = abs(np.subtract.outer(np.arange(10), np.arange(10))) <= 1
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        options: Any = {"executor": pool, "chunk_size": 1}
        backend = di.AutoSparse(di.AutoFiniteDiff(), detector=KnownPattern(band), **options)
        got = di.jacobian(rosen_der, backend, x)
        np.testing.assert_allclose(got.toarray(), rosen_hess(x), rtol=1e-6, atol=1e-5)
        third = partial(np.diff, n=3)
        got = di.jacobian(third, di.AutoSparse(DUAL, **options), x)
        np.testing.assert_array_equal(got.toarray(), np.diff(np.eye(10), n=3, axis=0))
        with pytest.raises(di.InputError, match="top level of a module"):
            di.jacobian(lambda x: x**2, di.AutoSparse(DUAL, **options), x)


# --- threads that share one prepared object ------------------------------------------------------


@pytest.mark.parametrize("engine", ["forwarddiff", "jax", "torch", "autograd", "finitediff"])
def test_shared_by_threads(engine: str) -> None:
    dense = installed(engine)
    prep = di.prepare_jacobian(burgers, di.AutoSparse(dense, chunk_size=2), X)
    points = [X * (1 + k / 40) for k in range(40)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(prep, points))
    for x, got in zip(points, results, strict=True):
        want = di.jacobian(burgers, DUAL, x)
        np.testing.assert_allclose(got.toarray(), want, rtol=1e-7, atol=1e-9)


# --- devices -------------------------------------------------------------------------------------

SHARDED = """
import jax, numpy as np
import diffinterface as di
from jax.sharding import Mesh, NamedSharding, PartitionSpec

assert len(jax.devices()) == 8
mesh = Mesh(np.array(jax.devices()), ("seeds",))
sharding = NamedSharding(mesh, PartitionSpec("seeds"))

def f(x):
    xp = di.array_namespace(x)
    y = x * xp.roll(x, 1)
    for shift in range(2, 11):
        y = y + xp.roll(x, shift) ** 2
    return y

x = np.linspace(0.5, 1.5, 64)
want = di.jacobian(f, "forwarddiff", x)
single = jax.device_put(jax.numpy.asarray(x, dtype="float32"))
for mode, output, size, caller in (
    ("forward", "csr", None, x),
    ("reverse", "csr", 8, x),
    ("auto", "data", None, single),
    ("auto", "compressed", None, single),
):
    backend = di.AutoSparse(
        di.AutoJax(mode=mode), sharding=sharding, output=output, chunk_size=size
    )
    prep = di.prepare_jacobian(f, backend, caller)
    coloring = prep.details.coloring
    result = prep(caller)
    if output == "compressed":
        devices = len(result.sharding.device_set)
        result = coloring.decompress(np.asarray(result))
    np.testing.assert_allclose(np.asarray(result.toarray()), want, rtol=1e-5)
once = di.jacobian(f, di.AutoSparse(di.AutoJax(), sharding=sharding), single)
np.testing.assert_allclose(once.toarray(), want, rtol=1e-5)
energy = lambda x: di.array_namespace(x).sum((x[1:] * x[:-1]) ** 2)
hessian = di.prepare_hessian(energy, di.AutoSparse(di.AutoJax(), sharding=sharding), x)(x)
np.testing.assert_allclose(hessian.toarray(), di.hessian(energy, "forwarddiff", x), rtol=1e-12)
print(coloring.num_colors, devices)
"""


def test_seeds_over_eight_devices() -> None:
    pytest.importorskip("jax")
    flags = "--xla_force_host_platform_device_count=8"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SHARDED],
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    colors, devices = done.stdout.split()
    assert int(colors) >= 11
    assert devices == "8"


def test_sharding_is_of_jax() -> None:
    jax = pytest.importorskip("jax")
    sharding = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    with pytest.raises(di.InputError, match="sharding= is of JAX"):
        di.jacobian(burgers, di.AutoSparse(DUAL, sharding=sharding), X)
