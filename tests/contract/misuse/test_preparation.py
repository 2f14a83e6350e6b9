"""Prepared calls that meet something else than they were prepared for."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ...backends import Entry
from .common import Case, X, on_every_engine, square, table, total

Mismatch = di.PreparationMismatchError


def called(prep: Any, *arguments: Any) -> Any:
    """The result. Asked for with the value, it is refused in the same words, or is the same."""
    try:
        *_, valued = prep.value_and(*arguments)
    except di.DiffInterfaceError as error:
        with pytest.raises(type(error), match=re.escape(str(error))):
            prep(*arguments)
        raise
    result = prep(*arguments)
    np.testing.assert_allclose(valued, result, rtol=1e-5)
    return result


def gradient(b: di.ADType, x: Any, *contexts: Any) -> Any:
    """Prepared for a lone float64 vector of three, and a context 2.0."""
    return called(di.prepare_gradient(total, b, X, 2.0), x, *contexts)


def of_tree(b: di.ADType, x: Any) -> Any:
    f = lambda p: total(p["a"]) * p["b"]  # noqa: E731
    return called(di.prepare_gradient(f, b, {"a": X, "b": 2.0}), x)


def along(b: di.ADType, x: Any, t: Any) -> Any:
    return called(di.prepare_pushforward(square, b, X, X), x, t)


def flagged(x: Any, name: str) -> Any:
    return total(x) * len(name)


MISMATCHES = [
    Case(
        "shape",
        lambda b: gradient(b, X[:2], 2.0),
        Mismatch,
        r"x: prepared for .*\[3\], got .*\[2\]",
    ),
    Case("rank", lambda b: gradient(b, X[None], 2.0), Mismatch, r"got .*\[1, 3\]"),
    Case("dtype", lambda b: gradient(b, X.astype("f4"), 2.0), Mismatch, "float64.*float32"),
    Case("integers", lambda b: gradient(b, np.arange(3), 2.0), Mismatch, "int64"),
    Case("complex", lambda b: gradient(b, X + 0j, 2.0), Mismatch, "complex128"),
    Case("number", lambda b: gradient(b, 1.0, 2.0), Mismatch, r"float64\[\]"),
    Case("text", lambda b: gradient(b, "abc", 2.0), Mismatch, "got str"),
    Case("none", lambda b: gradient(b, None, 2.0), Mismatch, "structure"),
    Case("list", lambda b: gradient(b, [1.0, 2.0, 3.0], 2.0), Mismatch, "structure"),
    Case("tuple", lambda b: gradient(b, (X,), 2.0), Mismatch, "structure"),
    Case("context_missing", lambda b: gradient(b, X), Mismatch, "prepared for 1, got 0"),
    Case("context_added", lambda b: gradient(b, X, 2.0, 3.0), Mismatch, "prepared for 1, got 2"),
    Case("context_shape", lambda b: gradient(b, X, X), Mismatch, r"context.*\[3\]"),
    Case("context_dtype", lambda b: gradient(b, X, 2), Mismatch, "context.*int64"),
    Case("context_text", lambda b: gradient(b, X, "two"), Mismatch, "context 0"),
    Case("context_tree", lambda b: gradient(b, X, (2.0,)), Mismatch, "context 0"),
    Case("context_static", lambda b: gradient(b, X, di.Static(2.0)), Mismatch, "context 0"),
    Case(
        "static_value",
        lambda b: called(di.prepare_gradient(total, b, X, di.Static(2.0)), X, di.Static(3.0)),
        Mismatch,
        "Static 2.0, got Static 3.0",
    ),
    Case(
        "text_value",
        lambda b: called(di.prepare_gradient(flagged, b, X, "one"), X, "three"),
        Mismatch,
        "one.*three",
    ),
    Case("tree_keys", lambda b: of_tree(b, {"a": X, "c": 2.0}), Mismatch, "structure"),
    Case("tree_leaves", lambda b: of_tree(b, {"a": X}), Mismatch, "structure"),
    Case("tree_shape", lambda b: of_tree(b, {"a": X[:2], "b": 2.0}), Mismatch, r"leaf 0.*\[2\]"),
    Case("tree_text", lambda b: of_tree(b, {"a": X, "b": "x"}), Mismatch, "leaf 1.*got str"),
    Case("seed_shape", lambda b: along(b, X, X[:2]), Mismatch, r"tangent.*\[3\], got .*\[2\]"),
    Case("seed_batched", lambda b: along(b, X, np.ones((2, 3))), Mismatch, "tangent"),
    Case("seed_complex", lambda b: along(b, X, X * 1j), Mismatch, "complex128"),
    Case("seed_structure", lambda b: along(b, X, (X,)), Mismatch, "structure"),
    Case(
        "other_batch",
        lambda b: called(
            di.prepare_pullback(square, b, X, np.ones((2, 3)), batched=True), X, np.ones((4, 3))
        ),
        Mismatch,
        r"\[2, 3\], got .*\[4, 3\]",
    ),
    Case(
        "same_point_seed",
        lambda b: di.prepare_pushforward_same_point(square, b, X, X)(X[:2]),
        Mismatch,
        "another seed",
    ),
    Case(
        "same_point_cotangent",
        lambda b: di.prepare_pullback_same_point(square, b, X, X)((X,)),
        Mismatch,
        "structure",
    ),
]


@on_every_engine
@table(MISMATCHES)
def test_mismatch(backend: Entry, case: Case) -> None:
    case.check(backend.adtype)


@on_every_engine
def test_all_differences_are_listed(backend: Entry) -> None:
    prep = di.prepare_hvp(total, backend.adtype, X, X, 2.0)
    with pytest.raises(Mismatch) as caught:
        prep(X[:2], X[:1], 3)
    assert [line.partition(":")[0] for line in caught.value.differences] == [
        "x",
        "context leaf 0",
        "the tangent",
    ]


@on_every_engine
@pytest.mark.parametrize("framework", ["jax", "torch"])
def test_framework_changed(backend: Entry, framework: str) -> None:
    pytest.importorskip(framework)
    x = import_module("torch").tensor(X) if framework == "torch" else jax_array(X)
    with pytest.raises(Mismatch, match=f"prepared for numpy .*, got {framework}"):
        di.prepare_gradient(total, backend.adtype, X)(x)


def jax_array(x: np.ndarray) -> Any:
    with import_module("jax").enable_x64(True):
        return import_module("jax.numpy").asarray(x)


@on_every_engine
def test_reprepare_serves_every_kind(backend: Entry) -> None:
    prep = di.prepare_gradient(total, backend.adtype, X, 1.0, on_mismatch="reprepare")
    tolerance = {"rtol": backend.tolerance("", "float32") * 10}
    for x, context in [
        (X, 2.0),
        (X[:2], 2.0),
        (X.astype("f4"), 3.0),
        (X[:2] + 1, 4.0),
        (np.array(2.0), 5),
        (1.5, 2.0),
        (X + 1, np.array(2.0)),
        (X, 1.0),
    ]:
        got = prep(x, context)
        np.testing.assert_allclose(got, 2 * np.asarray(x) * context, **tolerance)
        value, got = prep.value_and(x, context)
        np.testing.assert_allclose(value, np.sum(np.asarray(x) ** 2) * context, **tolerance)
    with pytest.raises(di.InputError):
        prep(np.arange(3), 1.0)


# --- what f captured -----------------------------------------------------------------------------

SCALE = 2.0


def scaled(x: Any) -> Any:
    return total(x) * SCALE


def by_helper(x: Any) -> Any:
    return scaled(x)


class Scaled:
    def __call__(self, x: Any) -> Any:
        return total(x) * SCALE

    def method(self, x: Any) -> Any:
        return total(x) * SCALE


def rebinding(kind: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Callable[[], None]]:
    """A function whose factor is 2, and a step that makes it 3."""
    held, module = 2.0, import_module(__name__)

    def set_global() -> None:
        monkeypatch.setattr(module, "SCALE", 3.0)

    def closure(x: Any) -> Any:
        return total(x) * held

    def set_cell() -> None:
        nonlocal held
        held = 3.0

    def default(x: Any, factor: float = 2.0) -> Any:
        return total(x) * factor

    def set_default() -> None:
        default.__defaults__ = (3.0,)

    def keyword(x: Any, *, factor: float = 2.0) -> Any:
        return total(x) * factor

    def set_keyword() -> None:
        assert keyword.__kwdefaults__ is not None
        keyword.__kwdefaults__["factor"] = 3.0

    def outer(x: Any) -> Any:
        return closure(x)

    def in_comprehension(x: Any) -> Any:
        return sum([total(x) * factor for factor in [held]])

    def code(x: Any) -> Any:
        return total(x) * 2.0

    def set_code() -> None:
        code.__code__ = (lambda x: total(x) * 3.0).__code__

    @functools.wraps(closure)
    def wrapped(*args: Any) -> Any:
        return closure(*args)

    return {
        "closure": (closure, set_cell),
        "global": (scaled, set_global),
        "helper": (by_helper, set_global),
        "default": (default, set_default),
        "keyword_default": (keyword, set_keyword),
        "inner_function": (outer, set_cell),
        "comprehension": (in_comprehension, set_cell),
        "lambda": (lambda x: closure(x), set_cell),
        "partial": (functools.partial(lambda _, x: closure(x), None), set_cell),
        "decorated": (wrapped, set_cell),
        "method": (Scaled().method, set_global),
        "callable_object": (Scaled(), set_global),
        "code": (code, set_code),
    }[kind]


KINDS = (
    "closure",
    "global",
    "helper",
    "default",
    "keyword_default",
    "inner_function",
    "comprehension",
    "lambda",
    "partial",
    "decorated",
    "method",
    "callable_object",
    "code",
)


@pytest.mark.parametrize("kind", KINDS)
@on_every_engine
def test_rebound(backend: Entry, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The right number, or an error: never that of the old binding."""
    f, rebind = rebinding(kind, monkeypatch)
    prep = di.prepare_gradient(f, backend.adtype, X)
    tolerance = backend.tolerance("", "float64")
    np.testing.assert_allclose(called(prep, X), 4 * X, rtol=tolerance)
    rebind()
    try:
        got = called(prep, X)
    except Mismatch as error:
        what = str(error)
    else:
        np.testing.assert_allclose(got, 6 * X, rtol=tolerance)
        return
    assert "since preparation" in what


@pytest.mark.parametrize("kind", KINDS)
@on_every_engine
def test_rebound_and_reprepared(backend: Entry, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    f, rebind = rebinding(kind, monkeypatch)
    prep = di.prepare_gradient(f, backend.adtype, X, on_mismatch="reprepare")
    tolerance = backend.tolerance("", "float64")
    np.testing.assert_allclose(called(prep, X), 4 * X, rtol=tolerance)
    rebind()
    np.testing.assert_allclose(called(prep, X), 6 * X, rtol=tolerance)


@on_every_engine
def test_callable_context_rebound(backend: Entry) -> None:
    """A function passed as a context is part of the program, and so is what it captured."""
    held = 2.0

    def factor(x: Any) -> Any:
        return x * held

    def f(x: Any, g: Any) -> Any:
        return g(total(x))

    prep = di.prepare_gradient(f, backend.adtype, X, factor)
    tolerance = backend.tolerance("", "float64")
    np.testing.assert_allclose(prep(X, factor), 4 * X, rtol=tolerance)
    held = 3.0
    try:
        got = prep(X, factor)
    except Mismatch:
        return
    np.testing.assert_allclose(got, 6 * X, rtol=tolerance)


@pytest.mark.parametrize(
    ("first", "second"), [(1, True), (1.0, 1), (0.0, -0.0), (True, 1.0)], ids=str
)
@on_every_engine
def test_static_values_that_only_compare_equal(backend: Entry, first: Any, second: Any) -> None:
    """1, True and 1.0 are equal, but f can tell them apart."""

    def f(x: Any, flag: Any) -> Any:
        return total(x) * (2.0 if repr(flag) == repr(first) else 3.0)

    prep = di.prepare_gradient(f, backend.adtype, X, di.Static(first))
    tolerance = backend.tolerance("", "float64")
    np.testing.assert_allclose(prep(X, di.Static(first)), 4 * X, rtol=tolerance)
    try:
        got = prep(X, di.Static(second))
    except Mismatch:
        return
    np.testing.assert_allclose(got, 6 * X, rtol=tolerance)


@on_every_engine
def test_branch_on_a_value(backend: Entry) -> None:
    """The branch taken at preparation must not answer for a point on the other side."""

    def f(x: Any) -> Any:
        return total(x) if x[0] > 0 else 5.0 * total(x)

    tolerance = backend.tolerance("", "float64")
    try:
        prep = di.prepare_gradient(f, backend.adtype, X)
        got = prep(-X)
    except (di.DiffInterfaceError, TypeError):
        return  # complex step has no comparisons, compiled code no branches on values
    np.testing.assert_allclose(got, -10 * X, rtol=tolerance)


@on_every_engine
def test_example_values_do_not_matter(backend: Entry) -> None:
    """Zeros, NaN and infinities are as good an example as any."""
    tolerance = backend.tolerance("jacobian", "float64")

    def f(x: Any) -> Any:
        return di.array_namespace(x).exp(x) * x

    for example in (np.zeros(3), np.full(3, np.nan), np.full(3, np.inf), np.full(3, 1e8)):
        with np.errstate(all="ignore"):
            prep = di.prepare_jacobian(f, backend.adtype, example)
        want = np.diag(np.exp(X) * (1 + X))
        np.testing.assert_allclose(prep(X), want, rtol=tolerance, atol=tolerance)


@on_every_engine
def test_example_that_hides_a_conjugate(backend: Entry) -> None:
    """z conj(z) has a complex derivative at 0 only: a preparation there must not vouch for it."""
    if backend.engine == "complexstep":
        pytest.skip("real x only")

    def f(z: Any) -> Any:
        return z * di.array_namespace(z).conj(z)

    with pytest.raises(di.NonAnalyticError):
        di.prepare_jacobian(f, backend.adtype, np.zeros(2, complex))(np.array([1 + 2j, 1j]))


def test_repr_names_what_was_prepared() -> None:
    prep = di.prepare_gradient(total, "forwarddiff", X)
    assert repr(prep) == ("<prepared gradient of total by AutoForwardDiff() at numpy float64[3]>")
