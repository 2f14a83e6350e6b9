"""What backends declare of themselves is true, and comes as data and as a table."""

from __future__ import annotations

import dataclasses
import re
import warnings
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.tools.capabilities import DTYPES, CapabilityTable
from diffinterface.tools.cli import main

from .zero import AutoZeroForward, AutoZeroReverse

ENGINES = ("forwarddiff", "finitediff", "complexstep", "jax", "torch", "autograd")


@pytest.fixture(params=ENGINES)
def found(request: pytest.FixtureRequest) -> Any:
    if not di.check_available(request.param):
        pytest.skip(f"{request.param} is not installed")
    return di.capabilities(request.param)


def real_part(x: Any) -> Any:
    xp = di.array_namespace(x)
    return xp.sum(xp.real(x * x)) if "complex" in str(x.dtype) else xp.sum(x * x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(found: Any, dtype: str) -> None:
    x = np.array([1.0, 2.0], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", di.PrecisionWarning)
        if dtype not in found.dtypes:
            with pytest.raises(di.DiffInterfaceError):
                di.gradient(real_part, found.backend, x)
            return
        got = di.gradient(real_part, found.backend, x)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, [2.0, 4.0], rtol=0.02)


def nth(backend: Any, order: int) -> Any:
    """The derivative of exp of some order at 0.5: the second by an operator, more by nesting."""
    f = lambda x: di.array_namespace(x).exp(x)  # noqa: E731
    if order > 1:
        f = lambda x, f=f: di.second_derivative(f, backend, x)  # noqa: E731
    for _ in range(order - 2 if order > 1 else order):
        f = lambda x, f=f: di.derivative(f, backend, x)  # noqa: E731
    return f(0.5)


def test_orders(found: Any) -> None:
    for order in range(1, (found.orders or 3) + 1):
        np.testing.assert_allclose(nth(found.backend, order), np.exp(0.5), rtol=1e-5)
    if found.orders is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", di.PrecisionWarning)
            try:
                beyond = nth(found.backend, found.orders + 1)
            except di.DiffInterfaceError:
                return
        assert abs(beyond / np.exp(0.5) - 1) > 1e-5


def test_arrays_that_f_meets(found: Any) -> None:
    met = []

    def f(x: Any) -> Any:
        met.append(x)
        return x * x

    di.evaluate(f, found.backend, np.ones(2))
    kind = type(met[0]).__module__.partition(".")[0].removesuffix("lib")
    assert kind == ("numpy" if found.arrays == "any" else found.arrays)


def test_hosts_and_guests(found: Any) -> None:
    """By dual numbers inside and outside, which stand over the bridge in engines with own arrays."""
    outer = lambda x: di.derivative(lambda y: y**3, "forwarddiff", x) * x  # noqa: E731
    assert found.host
    np.testing.assert_allclose(di.derivative(outer, found.backend, 2.0), 36.0, rtol=1e-6)
    inner = lambda x: di.derivative(lambda y: y**3, found.backend, x) * x  # noqa: E731
    np.testing.assert_allclose(di.derivative(inner, "forwarddiff", 2.0), 36.0, rtol=1e-6)
    met: list[Any] = []

    def f(x: Any) -> Any:
        met.append(type(x).__name__)
        return x * x

    di.derivative(lambda x: di.evaluate(f, found.backend, x), "forwarddiff", 2.0)
    assert ("Dual" in met) == (found.guest == "native")


def test_in_place(found: Any) -> None:
    def fill(y: Any, x: Any) -> None:
        y[...] = x * x

    def call() -> Any:
        return di.jacobian(di.inplace(fill, np.zeros(2)), found.backend, np.ones(2))

    if found.in_place:
        np.testing.assert_allclose(call(), 2 * np.eye(2), rtol=1e-6)
    else:
        with pytest.raises(di.UnsupportedOperatorError):
            call()


def test_exact(found: Any) -> None:
    error = (
        abs(di.derivative(np.sin, found.backend, 1.0) - np.cos(1.0))
        if found.arrays
        in (
            "any",
            "numpy",
        )
        and found.backend.name != "autograd"
        else 0.0
    )
    assert (error < 1e-15) == found.exact


def test_modes() -> None:
    assert di.capabilities(AutoZeroForward()).modes == ("forward",)
    assert di.capabilities(AutoZeroReverse()).modes == ("reverse",)
    assert di.capabilities("forwarddiff").modes == ("forward",)
    for mode in ("forward", "reverse"):
        if di.check_available("torch"):
            assert di.capabilities(f"torch:{mode}").modes == (mode,)


def test_a_plugin_without_declarations() -> None:
    found = di.capabilities(AutoZeroForward())
    assert found.orders is None
    assert found.dtypes == DTYPES
    assert (found.arrays, found.guest, found.host) == ("any", "native", False)


def test_composites_are_what_their_members_are() -> None:
    step, dual = di.AutoComplexStep(), di.AutoForwardDiff()
    assert di.capabilities(di.AutoSparse(step)).dtypes == ("float32", "float64")
    assert di.capabilities(di.SecondOrder(dual, step)).orders == 2
    assert di.capabilities(di.SecondOrder(dual, AutoZeroReverse())).modes == ("forward", "reverse")
    assert not di.capabilities(di.MixedMode(di.AutoFiniteDiff(), AutoZeroReverse())).exact
    none = di.capabilities(di.NoAutoDiff())
    assert (none.modes, none.orders, none.dtypes) == ((), 0, ())


def test_data() -> None:
    found = di.capabilities("forwarddiff")
    assert isinstance(found, di.Capabilities)
    assert found == di.capabilities(di.AutoForwardDiff())
    assert hash(found) == hash(di.capabilities(None))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.exact = False  # type: ignore[misc]


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    every = di.capabilities()
    assert isinstance(every, CapabilityTable)
    assert [each.backend.name for each in every] == [
        name for name in di.known_backends() if di.check_available(name)
    ]
    head, *rows = str(every).splitlines()
    assert head.split()[:3] == ["backend", "modes", "orders"]
    assert len(rows) == len(every)
    assert len(every.markdown().splitlines()) == len(every) + 2
    html = every[0]._repr_html_()
    assert re.search(r"<td>Auto\w+\(\)</td>", html)
    assert html.count("<td>") == html.count("<th>") == len(dataclasses.fields(di.Capabilities))
    assert main(["capabilities", "forwarddiff", "finitediff:richardson"]) == 0
    out = capsys.readouterr().out
    assert "AutoFiniteDiff(scheme='richardson')" in out
    assert len(out.splitlines()) == 3
    assert main(["capabilities", "qwertz"]) == 2


# --- counterparts ----------------------------------------------------------------------------------


def test_counterparts() -> None:
    forward, reverse = di.forward_counterpart, di.reverse_counterpart
    assert forward("jax") == di.AutoJax("forward")
    assert reverse(di.AutoJax("forward", jit=False)) == di.AutoJax("reverse", jit=False)
    assert reverse("autograd") == di.AutoAutograd("reverse")
    sparse = di.AutoSparse(di.AutoTorch(), output="data")
    assert forward(sparse) == di.AutoSparse(di.AutoTorch("forward"), output="data")
    mixed = di.MixedMode(di.AutoForwardDiff(), di.AutoTorch())
    for unchanged in (di.AutoForwardDiff(3), di.AutoFiniteDiff(), mixed, AutoZeroForward()):
        assert forward(unchanged) is unchanged
        assert reverse(unchanged) is unchanged
    with di.config_context(backend="torch"):
        assert reverse(None) == di.AutoTorch("reverse")


@pytest.mark.parametrize("counterpart", [di.forward_counterpart, di.reverse_counterpart])
def test_no_counterparts(counterpart: Any) -> None:
    with pytest.raises(di.InputError, match="of its outer and of its inner"):
        counterpart(di.SecondOrder(di.AutoForwardDiff(), di.AutoJax()))
    with pytest.raises(di.UnsupportedOperatorError, match="does not differentiate"):
        counterpart(di.NoAutoDiff())
