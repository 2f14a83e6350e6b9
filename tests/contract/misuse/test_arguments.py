"""Points, seeds and options that no operator can use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ...backends import Entry
from .common import Case, X, Z, on_every_engine, square, table, total

PAIR = {"a": X, "b": np.array(2.0)}


def pair_energy(p: Any) -> Any:
    return total(p["a"]) * p["b"]


def pair_squares(p: Any) -> Any:
    return {"u": p["a"] ** 2, "v": p["a"] * p["b"]}


POINTS = [
    Case(
        "integer_array",
        lambda b: di.gradient(total, b, np.arange(3)),
        di.InputError,
        r"int64, which cannot be differentiated.*x\.astype",
    ),
    Case("boolean_array", lambda b: di.jacobian(square, b, X > 1), di.InputError, "dtype bool"),
    Case("integer", lambda b: di.derivative(square, b, 3), di.InputError, r"int64.*float\(x\)"),
    Case("boolean", lambda b: di.derivative(square, b, True), di.InputError, "dtype bool"),
    Case("text", lambda b: di.gradient(total, b, "1.0"), di.InputError, "holds a str"),
    Case("none", lambda b: di.gradient(total, b, None), di.InputError, "holds no array"),
    Case("empty_tree", lambda b: di.gradient(total, b, {}), di.InputError, "holds no array"),
    Case("empty_list", lambda b: di.jacobian(square, b, [[]]), di.InputError, "holds no array"),
    Case(
        "objects",
        lambda b: di.gradient(total, b, np.array([1.0, None], object)),
        di.InputError,
        "dtype object",
    ),
    Case(
        "text_in_a_tree",
        lambda b: di.gradient(pair_energy, b, {"a": X, "b": "two"}),
        di.InputError,
        "holds a str",
    ),
    Case(
        "integers_in_a_tree",
        lambda b: di.gradient(pair_energy, b, {"a": X, "b": np.array(2)}),
        di.InputError,
        "int64",
    ),
    Case(
        "dates",
        lambda b: di.gradient(total, b, np.array(["2020-01-01"], "datetime64[D]")),
        di.InputError,
        "datetime64",
    ),
    Case(
        "callable_point", lambda b: di.gradient(total, b, total), di.InputError, "holds a function"
    ),
    Case(
        "vector_for_derivative",
        lambda b: di.derivative(square, b, X),
        di.ShapeError,
        r"scalar x, got shape \(3,\); use jacobian or gradient",
    ),
    Case(
        "tree_for_second_derivative",
        lambda b: di.second_derivative(lambda p: p[0] * p[1], b, (1.0, 2.0)),
        di.ShapeError,
        "expects a scalar x",
    ),
    Case(
        "numbers_without_a_batch",
        lambda b: di.batched_jacobian(square, b, 2.0),
        di.ShapeError,
        "leading batch axis",
    ),
    Case(
        "batches_of_two_lengths",
        lambda b: di.batched_jacobian(lambda p: p[0] * 1.0, b, (np.ones((3, 2)), np.ones(2))),
        di.ShapeError,
        "leading batch axis",
    ),
    Case(
        "batch_lost_on_the_way",
        lambda b: di.batched_jacobian(lambda x: x[:2], b, np.ones((3, 2))),
        di.ShapeError,
        "leading batch axis",
    ),
]


@on_every_engine
@table(POINTS)
def test_point(backend: Entry, case: Case) -> None:
    case.check(backend.adtype)


SEEDS = [
    Case(
        "tangent_shape",
        lambda b: di.pushforward(square, b, X, np.ones(2)),
        di.ShapeError,
        r"tangent has shape \(2,\), expected \(3,\), the shape of x",
    ),
    Case(
        "tangent_rank",
        lambda b: di.pushforward(square, b, X, np.ones((1, 3))),
        di.ShapeError,
        r"shape \(1, 3\)",
    ),
    Case("tangent_number", lambda b: di.pushforward(square, b, X, 1.0), di.ShapeError, r"\(\)"),
    Case(
        "tangent_structure",
        lambda b: di.pushforward(pair_squares, b, PAIR, (X, 2.0)),
        di.ShapeError,
        "structure",
    ),
    Case(
        "tangent_with_other_keys",
        lambda b: di.pushforward(pair_squares, b, PAIR, {"a": X, "c": 2.0}),
        di.ShapeError,
        "structure",
    ),
    Case(
        "tangent_with_fewer_leaves",
        lambda b: di.hvp(pair_energy, b, PAIR, {"a": X}),
        di.ShapeError,
        "structure",
    ),
    Case(
        "tangent_leaves_swapped",
        lambda b: di.hvp(pair_energy, b, PAIR, {"a": 2.0, "b": X}),
        di.ShapeError,
        r"shape \(\), expected \(3,\)",
    ),
    Case(
        "tangent_complex",
        lambda b: di.pushforward(square, b, X, X * 1j),
        di.InputError,
        "complex128 where x is float64",
    ),
    Case("tangent_text", lambda b: di.pushforward(square, b, X, "x"), di.InputError, "str"),
    Case("tangent_none", lambda b: di.hvp(total, b, X, None), di.ShapeError, "structure"),
    Case(
        "batch_axis_missing",
        lambda b: di.pushforward(square, b, X, X, batched=True),
        di.ShapeError,
        r"shape \(\) behind the batch axis",
    ),
    Case(
        "batch_axis_not_asked_for",
        lambda b: di.hvp(total, b, X, np.ones((2, 3))),
        di.ShapeError,
        r"shape \(2, 3\), expected \(3,\)",
    ),
    Case(
        "batches_unequal",
        lambda b: di.pushforward(
            pair_squares, b, PAIR, {"a": np.ones((2, 3)), "b": np.ones(4)}, batched=True
        ),
        di.ShapeError,
        "the same length",
    ),
    Case(
        "batch_axis_missing_on_one",
        lambda b: di.hvp(pair_energy, b, PAIR, {"a": np.ones((2, 3)), "b": 1.0}, batched=True),
        di.ShapeError,
        "leading axis",
    ),
    Case(
        "cotangent_shape",
        lambda b: di.pullback(square, b, X, np.ones(4)),
        di.ShapeError,
        r"cotangent has shape \(4,\), expected \(3,\), the shape of f\(x\)",
    ),
    Case("cotangent_number", lambda b: di.pullback(square, b, X, 1.0), di.ShapeError, r"\(\)"),
    Case(
        "cotangent_structure",
        lambda b: di.pullback(pair_squares, b, PAIR, (X, X)),
        di.ShapeError,
        "structure",
    ),
    Case(
        "cotangent_with_other_keys",
        lambda b: di.pullback(pair_squares, b, PAIR, {"u": X, "w": X}),
        di.ShapeError,
        "structure",
    ),
    Case(
        "cotangent_too_few",
        lambda b: di.pullback(pair_squares, b, PAIR, {"u": X}),
        di.ShapeError,
        "1 leaves, expected the 2|structure",
    ),
    Case(
        "cotangent_complex",
        lambda b: di.pullback(square, b, X, X * 1j),
        di.InputError,
        r"complex128 where f\(x\) is float64",
    ),
    Case(
        "cotangent_none",
        lambda b: di.pullback(square, b, X, None),
        di.ShapeError,
        "0 leaves|structure",
    ),
    Case(
        "cotangents_unequal",
        lambda b: di.pullback(
            pair_squares, b, PAIR, {"u": np.ones((2, 3)), "v": np.ones((1, 3))}, batched=True
        ),
        di.ShapeError,
        "the same length",
    ),
]


@on_every_engine
@table(SEEDS)
def test_seed(backend: Entry, case: Case) -> None:
    case.check(backend.adtype)


def frozen() -> np.ndarray:
    out = np.zeros(3)
    out.flags.writeable = False
    return out


OPTIONS = [
    Case("f_is_no_function", lambda b: di.gradient(3.0, b, X), di.InputError, "f must be callable"),
    Case("f_is_text", lambda b: di.gradient("sum", b, X), di.InputError, "f must be callable"),
    Case(
        "f_and_x_swapped", lambda b: di.gradient(X, b, total), di.InputError, "f must be callable"
    ),
    Case(
        "argnums_too_large",
        lambda b: di.gradient(total, b, X, 2.0, argnums=2),
        di.InputError,
        "argnums=2 does not name",
    ),
    Case(
        "argnums_too_small",
        lambda b: di.gradient(total, b, X, argnums=-2),
        di.InputError,
        "argnums=-2 does not name",
    ),
    Case(
        "argnums_twice",
        lambda b: di.gradient(total, b, (X, X), argnums=(0, 0)),
        di.InputError,
        "distinct",
    ),
    Case(
        "argnums_twice_in_two_ways",
        lambda b: di.gradient(total, b, (X, X), argnums=(0, -2)),
        di.InputError,
        "distinct",
    ),
    Case(
        "argnums_tuple_for_an_array",
        lambda b: di.gradient(total, b, X, argnums=(0,)),
        di.InputError,
        "expects x to be a tuple of 1",
    ),
    Case(
        "argnums_tuple_of_another_length",
        lambda b: di.gradient(total, b, (X,), argnums=(0, 1)),
        di.InputError,
        "tuple of 2|does not name",
    ),
    Case("argnums_text", lambda b: di.gradient(total, b, X, argnums="x"), di.InputError, "argnums"),
    Case(
        "argnums_list", lambda b: di.gradient(total, b, (X,), argnums=[0]), di.InputError, "argnums"
    ),
    Case(
        "argnums_float", lambda b: di.gradient(total, b, X, argnums=0.0), di.InputError, "argnums"
    ),
    Case(
        "argnums_none", lambda b: di.gradient(total, b, X, argnums=None), di.InputError, "argnums"
    ),
    Case(
        "out_shape",
        lambda b: di.gradient(total, b, X, out=np.zeros(2)),
        di.ShapeError,
        r"out has shape \(2,\), expected \(3,\)",
    ),
    Case(
        "out_structure",
        lambda b: di.gradient(total, b, X, out=(np.zeros(3),)),
        di.ShapeError,
        "out has structure",
    ),
    Case("out_list", lambda b: di.gradient(total, b, X, out=[0.0] * 3), di.ShapeError, "structure"),
    Case(
        "out_integers",
        lambda b: di.gradient(total, b, X, out=np.zeros(3, int)),
        di.InputError,
        "out of dtype int64",
    ),
    Case(
        "out_narrower",
        lambda b: di.gradient(total, b, X, out=np.zeros(3, np.float32)),
        di.InputError,
        "out of dtype float32",
    ),
    Case(
        "out_read_only",
        lambda b: di.gradient(total, b, X, out=frozen()),
        di.InputError,
        "writeable: False",
    ),
    Case("out_number", lambda b: di.gradient(total, b, 2.0, out=1.0), di.InputError, "out= takes"),
    Case(
        "on_mismatch",
        lambda b: di.prepare_gradient(total, b, X, on_mismatch="ignore"),
        di.InputError,
        "expected 'error' or 'reprepare'",
    ),
    Case(
        "static_unhashable",
        lambda b: di.gradient(total, b, X, di.Static([1.0])),
        di.InputError,
        "not hashable",
    ),
    Case(
        "static_array",
        lambda b: di.gradient(total, b, X, di.Static(X)),
        di.InputError,
        "not hashable",
    ),
]


@on_every_engine
@table(OPTIONS)
def test_option(backend: Entry, case: Case) -> None:
    case.check(backend.adtype)


COMPLEX = [
    Case(
        "gradient_of_a_complex_value",
        lambda b: di.gradient(lambda z: di.array_namespace(z).sum(z**2), b, Z),
        di.NonAnalyticError,
        "real-valued",
    ),
    Case(
        "jacobian_of_conj",
        lambda b: di.jacobian(lambda z: di.array_namespace(z).conj(z), b, Z),
        di.NonAnalyticError,
        "not holomorphic",
    ),
    Case(
        "derivative_of_a_modulus",
        lambda b: di.derivative(lambda z: z * di.array_namespace(z).conj(z), b, 1 + 2j),
        di.NonAnalyticError,
        "not holomorphic",
    ),
    Case(
        "batched_jacobian_of_conj",
        lambda b: di.batched_jacobian(lambda z: di.array_namespace(z).conj(z), b, Z),
        di.NonAnalyticError,
        "not holomorphic",
    ),
    Case(
        "hessian",
        lambda b: di.hessian(_modulus, b, Z),
        di.UnsupportedOperatorError,
        "hessian at a complex x",
    ),
    Case(
        "hvp",
        lambda b: di.hvp(_modulus, b, Z, Z),
        di.UnsupportedOperatorError,
        "hvp at a complex x",
    ),
]


def _modulus(z: Any) -> Any:
    xp = di.array_namespace(z)
    return xp.sum(xp.real(z * xp.conj(z)))


@on_every_engine
@table(COMPLEX)
def test_complex(backend: Entry, case: Case) -> None:
    if backend.engine == "complexstep" and case.error is di.NonAnalyticError:
        case = Case(case.name, case.call, di.UnsupportedOperatorError, "real x")
    case.check(backend.adtype)


@pytest.mark.parametrize("operator", ["pushforward", "pullback", "hvp"])
def test_no_autodiff_seeded(operator: str) -> None:
    with pytest.raises(di.UnsupportedOperatorError, match="does not differentiate"):
        getattr(di, operator)(total, di.NoAutoDiff(), X, X)


@pytest.mark.parametrize(
    "operator",
    ["gradient", "jacobian", "derivative", "second_derivative", "hessian", "batched_jacobian"],
)
def test_no_autodiff(operator: str) -> None:
    x = 2.0 if "derivative" in operator else X
    with pytest.raises(di.UnsupportedOperatorError, match="does not differentiate"):
        getattr(di, operator)(square, di.NoAutoDiff(), x)


def test_frameworks_mix_in_one_tree(backend: Entry) -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(di.InputError, match="mixes arrays of numpy and torch"):
        di.gradient(pair_energy, backend.adtype, {"a": X, "b": torch.tensor(2.0)})
