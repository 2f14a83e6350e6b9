"""What an error suggests: it names the right thing, and doing as it says works."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.declare import hints
from diffinterface.tools.cli import main

X = np.array([1.0, 2.0, 3.0])


def square(x: Any) -> Any:
    return (x**2).sum()


def said(call: Callable[[], Any]) -> str:
    """The message of the library's error, and its notes."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the tests look at what it says
        call()
    return " ".join([str(caught.value), *getattr(caught.value, "__notes__", ())])


# --- names that the package has not ----------------------------------------------------------------

EQUIVALENT = {
    "grad": lambda f, x: di.gradient(f, None, x),
    "jvp": lambda f, x: di.pushforward(f, None, x, x),
    "vjp": lambda f, x: di.pullback(f, None, x, 1.0),
    "jacfwd": lambda f, x: di.jacobian(f, di.forward_counterpart(None), x),
    "value_and_grad": lambda f, x: di.value_and_gradient(f, None, x)[1],
    "linearize": lambda f, x: di.prepare_pushforward_same_point(f, None, x, x)(x),
}


@pytest.mark.parametrize("name", EQUIVALENT)
def test_names_of_other_libraries(name: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(di, name)
    (written,) = re.findall(r"write di\.(\w+)\((.*)\)", str(caught.value))
    assert written[0] in di.__all__
    names = {
        "di": di,
        "f": square,
        "backend": "forwarddiff",
        "x": X,
        "t": 1.0 if name == "vjp" else X,
    }
    got = eval(f"di.{written[0]}({written[1]})", names)
    if name == "value_and_grad":
        got = got[1]
    if name == "linearize":
        got = got(X)
    np.testing.assert_allclose(got, EQUIVALENT[name](square, X))


@pytest.mark.parametrize("name", hints._OPERATORS)
def test_every_equivalent_exists_and_the_name_does_not(name: str) -> None:
    assert name not in dir(di)
    used = hints._OPERATORS[name]
    assert used.partition("(")[0] in di.__all__
    assert set(re.findall(r"di\.(\w+)", used)) <= {*di.__all__}
    with pytest.raises(AttributeError, match=f"{name!r}; write di.{used.partition('(')[0]}"):
        getattr(di, name)


@pytest.mark.parametrize("name", hints._ENGINES)
def test_engines_of_other_ecosystems(name: str) -> None:
    """As an attribute, and as a string; what is named instead can be written."""
    assert f"Auto{name}" not in dir(di)
    with pytest.raises(AttributeError, match=f"{name} is an engine for Julia") as caught:
        getattr(di, f"Auto{name}")
    instead = re.findall(r"(Auto\w+)\(\)", str(caught.value))
    assert instead
    assert all(isinstance(getattr(di, each)(), di.ADType) for each in instead)
    for text in (name.lower(), f"Auto{name}", f"{name}()"):
        with pytest.raises(di.UnknownBackendError, match=f"{name} is an engine for Julia"):
            di.gradient(square, text, X)


def test_a_slip_of_the_pen() -> None:
    with pytest.raises(AttributeError, match=r"Did you mean di\.jacobian\?"):
        di.jacobain  # noqa: B018
    with pytest.raises(AttributeError, match=r"Did you mean di\.AutoJax\?"):
        di.AutoJAX  # noqa: B018
    with pytest.raises(AttributeError, match=r"has no attribute 'qwertz'$"):
        di.qwertz  # noqa: B018
    assert not hasattr(di, "__grad__")


@pytest.mark.parametrize(
    ("text", "meant"),
    [("pytorch", "torch"), ("Jax", "jax"), ("TORCH", "torch"), ("forward-diff", "")],
)
def test_strings_near_a_backend(text: str, meant: str) -> None:
    message = said(lambda: di.gradient(square, text, X))
    assert (f"Did you mean '{meant}'?" in message) == bool(meant)
    assert not meant or meant in di.known_backends()


# --- objects that are no backends ------------------------------------------------------------------


@pytest.mark.parametrize("kind", [di.AutoForwardDiff, di.AutoJax, di.AutoTorch, di.SecondOrder])
def test_a_class_without_brackets(kind: Any) -> None:
    for call in (lambda: di.gradient(square, kind, X), lambda: di.set_config(backend=kind)):
        assert f"write {kind.__name__}() with parentheses" in said(call)


def test_a_prepared_object() -> None:
    prep = di.prepare_gradient(square, "forwarddiff", X)
    assert "prepared already: call it, prep(x)" in said(lambda: di.gradient(square, prep, X))  # type: ignore[arg-type]
    np.testing.assert_array_equal(prep(X), 2 * X)


def test_other_objects() -> None:
    from diffinterface.engine.registry import resolve

    backend: Any = resolve(di.AutoForwardDiff(3))
    assert f"its declaration, {backend.adtype!r}" in said(lambda: di.gradient(square, backend, X))
    assert "write the string 'numpy'" in said(lambda: di.gradient(square, np, X))  # type: ignore[arg-type]
    for x in (X, [1.0, 2.0], {"a": X}, 1.0):
        assert "op(f, backend, x)" in said(lambda x=x: di.gradient(square, x, "jax"))


# --- x, seeds and batches --------------------------------------------------------------------------


@pytest.mark.parametrize("f", [square, lambda x: np.linalg.norm(x.T @ x)], ids=["**", "attribute"])
def test_a_list_as_x(f: Any) -> None:
    assert "x is a list: a tree of numbers, not one array; pass np.array(x)" in said(
        lambda: di.gradient(f, "forwarddiff", [1.0, 2.0])
    )
    assert di.gradient(f, "forwarddiff", np.array([1.0, 2.0])).shape == (2,)


def test_a_list_of_arrays_is_meant() -> None:
    assert "tree of numbers" not in said(lambda: di.gradient(square, "forwarddiff", [X, X]))


def test_integers_in_a_list() -> None:
    def product(x: Any) -> Any:
        return x[0] * x[1]

    message = said(lambda: di.gradient(product, "forwarddiff", [1, 2]))
    assert "1.0 for 1, or np.array(x, dtype=float)" in message
    assert "float(x)" not in message
    assert di.gradient(product, "forwarddiff", [1.0, 2.0]) == [2.0, 1.0]
    np.testing.assert_array_equal(
        di.gradient(product, "forwarddiff", np.array([1, 2], dtype=float)), [2.0, 1.0]
    )
    assert "float(x)" in said(lambda: di.derivative(np.sin, "forwarddiff", 1))


def test_a_tuple_of_tangents() -> None:
    for t in ((X,), (X, X), [X]):
        for call in (
            lambda t=t: di.pushforward(np.sin, "forwarddiff", X, t),
            lambda t=t: di.hvp(square, "forwarddiff", X, t),
            lambda t=t: di.prepare_pushforward(np.sin, "forwarddiff", X, X)(X, t),
        ):
            assert "x is one array: pass the seed itself" in said(call)
        assert "f(x) is one array: pass the seed itself" in said(
            lambda t=t: di.pullback(np.sin, "forwarddiff", X, t)
        )
    both = di.pushforward(np.sin, "forwarddiff", X, np.stack([X, X]), batched=True)
    np.testing.assert_allclose(both, [X * np.cos(X)] * 2)


def test_an_array_where_a_tuple_of_tangents_belongs() -> None:
    def product(x: Any) -> Any:
        return x[0] * x[1]

    assert "Pass a tree like x: a tuple for a tuple" in said(
        lambda: di.pushforward(product, "forwarddiff", (X, X), X)
    )
    np.testing.assert_allclose(di.pushforward(product, "forwarddiff", (X, X), (X, X)), 2 * X * X)
    assert "Pass a tree like f(x): a tuple for a tuple" in said(
        lambda: di.pullback(lambda x: (x, x), "forwarddiff", X, X)
    )
    np.testing.assert_allclose(di.pullback(lambda x: (x, x), "forwarddiff", X, (X, X)), 2 * X)


BATCH = np.arange(12.0).reshape(4, 3)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.ones((2, 3)) @ x,
        lambda x: x[0] * x,
        lambda x: np.stack([x[0], x[1]]),
        lambda x: x @ x,
    ],
)
def test_a_function_of_one_sample_in_batched_jacobian(f: Any) -> None:
    message = said(lambda: di.batched_jacobian(f, "forwarddiff", BATCH))
    assert "whole batch" in message or "all samples" in message
    got = np.stack([di.jacobian(f, "forwarddiff", sample) for sample in BATCH])
    assert got.shape[0] == 4  # "call jacobian for each"


def test_what_the_advice_for_batches_gives() -> None:
    one, every = (lambda x: x[0] * x), (lambda x: x[:, :1] * x)
    np.testing.assert_allclose(
        di.batched_jacobian(every, "forwarddiff", BATCH),
        [di.jacobian(one, "forwarddiff", sample) for sample in BATCH],
    )


# --- "torch:forward" -------------------------------------------------------------------------------


def test_the_short_form_wherever_a_string_goes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    short, meant = "finitediff:richardson", di.AutoFiniteDiff("richardson")
    assert di.testing.entry(short).adtype == meant
    assert di.check_available(short)
    assert di.capabilities(short).backend == meant
    with di.config_context(backend=short):
        assert di.get_config().backend == meant
    monkeypatch.setenv("DIFFINTERFACE_BACKEND", " torch:forward ")
    assert di.get_config().backend == di.AutoTorch(mode="forward")
    monkeypatch.delenv("DIFFINTERFACE_BACKEND")
    np.testing.assert_allclose(di.gradient(square, short, X), 2 * X, rtol=1e-9)
    tried = [
        each.backend for each in di.autotune(square, X, backends=["forwarddiff", short]).candidates
    ]
    assert meant in tried
    assert main(["sparse", "numpy:sin", "--at", "[1.0, 2.0]", "--backend", short]) == 0
    assert "2 x 2" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["forwarddiff:forward", "complexstep:auto"])
def test_no_modes(text: str) -> None:
    assert "has no modes" in said(lambda: di.gradient(square, text, X))


def test_a_wrong_word_in_the_short_form() -> None:
    assert "mode='sideways' is not one of 'auto', 'forward'" in said(
        lambda: di.gradient(square, "jax:sideways", X)
    )


# --- representations -------------------------------------------------------------------------------

SHORT = {
    "AutoForwardDiff()": di.AutoForwardDiff(),
    "AutoForwardDiff(chunk_size=3)": di.AutoForwardDiff(3),
    "AutoTorch(mode='forward')": di.AutoTorch("forward"),
    "AutoSparse(AutoJax())": di.AutoSparse(di.AutoJax()),
    "AutoSparse(AutoJax(jit=False), output='data')": di.AutoSparse(
        di.AutoJax(jit=False), output="data"
    ),
    "SecondOrder(outer=AutoForwardDiff(), inner=AutoJax())": di.SecondOrder(
        di.AutoForwardDiff(), di.AutoJax()
    ),
    "NoAutoDiff()": di.NoAutoDiff(),
}


@pytest.mark.parametrize("text", SHORT)
def test_declarations_tell_what_is_not_the_default(text: str) -> None:
    assert repr(SHORT[text]) == text
    assert eval(text, vars(di)) == SHORT[text]


def test_representations_without_addresses() -> None:
    class Squaring:
        def __call__(self, x: Any) -> Any:
            return square(x)

    def fill(y: Any, x: Any) -> None:
        y[...] = x

    tree = {"w": X, "b": 1.0}
    layer = di.StatefulLayer(lambda p, s, x: (p["w"] * x, s), tree, ())
    shown = {
        repr(di.inplace(fill, X)): "inplace(fill)",
        repr(layer): "StatefulLayer(<lambda>)",
        repr(layer.with_params(tree)): "StatefulLayer(<lambda>)",
        repr(di.prepare_gradient(Squaring(), "forwarddiff", X)): "gradient of Squaring by",
        repr(di.prepare_gradient(lambda p: square(p["w"]) * p["b"], "forwarddiff", tree)): (
            "at {'w': numpy float64[3], 'b': numpy float64[]}>"
        ),
        repr(di.prepare_jacobian(di.inplace(fill, X), "forwarddiff", X)): "of inplace(fill) by",
        repr(di.prepare_pushforward_same_point(square, "forwarddiff", X, X)): "of square by",
    }
    for text, part in shown.items():
        assert part in text
        assert " at 0x" not in text
