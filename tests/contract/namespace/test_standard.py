"""Every differentiable function of the array-API standard, under every engine whose names are ours.

The truth is Richardson's extrapolation of finite differences in plain NumPy, right to about ten digits.
A call gives the right derivative or, where the table `EXPECTED` says why, a documented error.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest

import diffinterface as di

from .standard import CALLS

TRUTH = di.AutoFiniteDiff("richardson", relative_step=2.0**-7)
TOLERANCE = 1e-6

ENGINES = {
    "autograd": "autograd",
    "autograd[reverse]": "autograd(mode='reverse')",
    "autograd[forward]": "autograd(mode='forward')",
    "forwarddiff": "forwarddiff",
    "complexstep": "complexstep",
    "jax": "jax",
}


class Expected(NamedTuple):
    """Why calls raise under an engine, by their names or by the function's, and what they raise."""

    engine: str
    error: type[Exception]
    reason: str
    calls: frozenset[str]


def _names(*calls: str) -> frozenset[str]:
    return frozenset(call for name in calls for call in name.split(","))


EXPECTED = (
    Expected(
        "complexstep",
        di.NonAnalyticError,
        "not analytic: absolute values, comparisons, rounding",
        _names(
            "abs,sign,ceil,floor,round,trunc,floor_divide,remainder,operators,copysign,clip",
            "maximum,minimum,max,min,sort,where,where number,take_along_axis",
            "vector_norm,matrix_norm,slogdet",
        ),
    ),
    Expected(
        "complexstep",
        di.NonAnalyticError,
        "conjugates, or takes the real or imaginary part of, what it computes with",
        _names(
            "real,imag,conj,std,var,atan2,cholesky,eigh,eigvalsh,pinv,qr,svd,svdvals",
            "rfft,ihfft,rfftn",
        ),
    ),
    Expected(
        "complexstep",
        di.NonAnalyticError,
        "the imaginary part carries the derivative, so f must compute with real numbers",
        _names("fft,ifft,irfft,hfft,fftn,ifftn,irfftn"),
    ),
)

# Comparing with constants is all that `where` is refused for.
ANALYTIC_ALL_THE_SAME = {"where scalar", "where broadcast", "take_along_axis broadcast"}


# JAX compiles for each call, and has rules of its own: one call of each function is enough.
FIRST = {name.partition(" ")[0]: name for name in reversed(CALLS)}.values()


def _cells() -> Iterator[Any]:
    for engine in ENGINES:
        for name in FIRST if engine == "jax" else CALLS:
            function = name.partition(" ")[0]
            marks = [
                pytest.mark.xfail(strict=True, raises=row.error, reason=row.reason)
                for row in EXPECTED
                if row.engine == engine
                and name not in ANALYTIC_ALL_THE_SAME
                and (name in row.calls or function in row.calls)
            ]
            yield pytest.param(engine, name, id=f"{engine}-{name}", marks=marks)


def _function(name: str) -> Any:
    call = CALLS[name][1]
    return lambda x: call(di.array_namespace(x), x)


@cache
def _truth(name: str) -> Any:
    return di.jacobian(_function(name), TRUTH, CALLS[name][0])


def _agrees(got: Any, want: Any) -> None:
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE * max(1.0, np.max(np.abs(want))))


def _need(engine: str) -> None:
    package = engine.partition("[")[0]
    if package in ("autograd", "jax"):
        pytest.importorskip(package)


@pytest.mark.parametrize(("engine", "name"), list(_cells()))
def test_call(engine: str, name: str) -> None:
    pytest.importorskip(engine.partition("[")[0]) if engine.startswith(
        ("jax", "autograd")
    ) else None
    f, x = _function(name), CALLS[name][0]
    if engine != "jax":
        _agrees(di.jacobian(f, ENGINES[engine], x), _truth(name))
        return
    # A compiled pushforward takes a fraction of the time of a compiled Jacobian.
    t = np.cos(np.arange(x.size)).reshape(x.shape)
    _agrees(di.pushforward(f, "jax", x, t), np.tensordot(_truth(name), t, x.ndim))


# --- second order --------------------------------------------------------------------------------------

SECOND_ORDER = (
    "asin,atan2 both,exp,hypot both,pow both,tanh,logaddexp left,clip bounds,maximum left,"
    "full,linspace,where,sort,take,repeat flat,tile more,indexing array,"
    "prod zero,cumulative_prod,std correction,min last axes,"
    "matmul,tensordot outer,vecdot,cross both,cholesky,det,eigh values,eigh vectors,inv,matrix_power,"
    "pinv tall,qr,qr r,slogdet,solve vector,svd,svd vectors,matrix_norm nuc,vector_norm keepdims"
).split(",")


def _loss(name: str) -> Any:
    call = CALLS[name][1]

    def loss(x: Any) -> Any:
        xp = di.array_namespace(x)
        return xp.sum(call(xp, x) ** 2)

    return loss


@cache
def _second_truth(name: str) -> Any:
    """Differences of the gradient, which `test_call` has compared with differences of the value."""
    return di.jacobian(lambda x: di.gradient(_loss(name), "forwarddiff", x), TRUTH, CALLS[name][0])


@pytest.mark.parametrize("engine", ["autograd", "autograd[reverse]", "forwarddiff"])
@pytest.mark.parametrize("name", SECOND_ORDER)
def test_second_order(engine: str, name: str) -> None:
    _need(engine)
    _agrees(di.hessian(_loss(name), ENGINES[engine], CALLS[name][0]), _second_truth(name))
