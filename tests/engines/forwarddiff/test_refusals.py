"""What would lose a derivative is refused, and the error says what was met or what to write."""

from __future__ import annotations

import json
import math
import operator
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import diffinterface as di
from diffinterface_forwarddiff import Dual, DualConversionError, MissingRuleError

from ...truth import close, differences

BACKEND = di.AutoForwardDiff()
X = np.array([[0.3, 1.2], [2.0, -0.7]])


def _item_into_plain(x: Any) -> Any:
    y = np.zeros(3)
    y[0] = x[0, 0]
    return y


def _slice_into_plain(x: Any) -> Any:
    y = np.zeros((2, 2))
    y[:] = x
    return y


def _add_into_plain(x: Any) -> Any:
    y = np.zeros((2, 2))
    y += x
    return y


def _entry_added_into_plain(x: Any) -> Any:
    y = np.zeros(2)
    y[0] += x[0, 0]
    return y


LOSING = {
    "float": lambda x: float(x[0, 0]),
    "int": lambda x: int(x[0, 0]),
    "complex": lambda x: complex(x[0, 0]),
    "round": lambda x: round(x[0, 0], 1),
    "index": lambda x: [1.0, 2.0][x[0, 0]],
    "range": lambda x: range(x[0, 0]),
    "math.sin": lambda x: math.sin(x[0, 0]),
    "math.exp": lambda x: math.exp(x[0, 0]),
    "item": lambda x: x[0, 0].item(),
    "tolist": lambda x: x.tolist(),
    "np.asarray": np.asarray,
    "np.array": np.array,
    "np.array of entries": lambda x: np.array([x[0, 0], x[0, 1]]),
    "np.array of rows": lambda x: np.array([x[0], x[1]]),
    "np.array of mixed": lambda x: np.array([x[0, 0], 1.0]),
    "np.float64": lambda x: np.float64(x[0, 0]),
    "np.fromiter": lambda x: np.fromiter(x.ravel(), float),
    "np.full": lambda x: np.full(3, x[0, 0]),
    "item into plain": _item_into_plain,
    "slice into plain": _slice_into_plain,
    "add into plain": _add_into_plain,
    "entry added into plain": _entry_added_into_plain,
    "add.at plain": lambda x: np.add.at(np.zeros(2), [0], x[0, 0]),
    "sparse elementwise": lambda x: scipy.sparse.csr_array(np.eye(2)) * x,
    "out": lambda x: np.sin(x, out=np.zeros((2, 2))),
    "out of sum": lambda x: np.sum(x, axis=0, out=np.zeros(2)),
    "sum with initial": lambda x: np.sum(np.ones(2), initial=x[0, 0]),
    "astype object": lambda x: np.sum(x.astype(object) * 2.0),
    "order F": lambda x: np.reshape(x, -1, order="F"),
    "zeros_like of integers": lambda x: operator.setitem(np.zeros_like(x, dtype=int), 0, x[0]),
}


@pytest.mark.parametrize("name", LOSING)
def test_refused(name: str) -> None:
    with pytest.raises(di.DiffInterfaceError) as caught:
        di.jacobian(LOSING[name], BACKEND, X)
    assert isinstance(caught.value, TypeError)


def test_the_message_says_what_to_write() -> None:
    with pytest.raises(DualConversionError, match=r"float\(\).*np\.sin\(x\) for math\.sin"):
        di.jacobian(lambda x: math.sin(x[0, 0]), BACKEND, X)
    with pytest.raises(DualConversionError, match=r"np\.zeros_like\(x\) for np\.zeros\(n\)"):
        di.jacobian(_item_into_plain, BACKEND, X)


# Functions of NumPy without a rule: each must be named.
UNKNOWN = {
    "linalg.eig": np.linalg.eig,
    "linalg.tensorsolve": lambda x: np.linalg.tensorsolve(x, np.ones(2)),
    "unique": np.unique,
    "frexp": np.frexp,
    "nextafter": lambda x: np.nextafter(x, 1.0),
    "multiply.at": lambda x: np.multiply.at(x, 0, 2.0),
    "subtract.reduce": np.subtract.reduce,
    "apply_along_axis": lambda x: np.apply_along_axis(np.sum, 0, x),
    "histogram": np.histogram,
    "roots": lambda x: np.roots(x[0]),
    "put": lambda x: np.put(x, 0, 1.0),
    "fill_diagonal": lambda x: np.fill_diagonal(x, 1.0),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_functions_without_a_rule_name_themselves(name: str) -> None:
    with pytest.raises(MissingRuleError, match=rf"^{name}\b.*defrule"):
        di.jacobian(UNKNOWN[name], BACKEND, X)


def test_special_functions_without_a_rule_name_themselves() -> None:
    special: Any = pytest.importorskip("scipy.special")
    for name, f in {
        "hyp2f1": lambda x: special.hyp2f1(1.0, 2.0, 3.0, x),
        "gammainc": lambda x: special.gammainc(x, 1.0),
        "jv": lambda x: special.jv(x, 1.0),
    }.items():
        with pytest.raises(MissingRuleError, match=name):
            di.derivative(f, BACKEND, 0.5)


# Keywords that the rules do not know.
UNKNOWN_KEYWORDS = {
    "sum": lambda x: np.sum(x, where=x > 0),
    "mean": lambda x: np.mean(x, where=x > 0),
    "max": lambda x: np.max(x, initial=0.0),
    "min": lambda x: np.min(x, where=x > 0, initial=5.0),
    "prod": lambda x: np.prod(x, where=x > 0),
    "var": lambda x: np.var(x, where=x > 0),
    "quantile": lambda x: np.quantile(x, 0.5, method="lower"),
    "diff": lambda x: np.diff(x, prepend=0.0),
    "gradient": lambda x: np.gradient(x, edge_order=2),
    "interp": lambda x: np.interp(x, [0.0, 1.0], [1.0, 2.0], period=1.0),
    "cov": lambda x: np.cov(x, bias=True),
    "sin": lambda x: np.sin(x, dtype=np.float32),
    "add": lambda x: np.add(x, 1.0, dtype=np.float32),
    "cholesky": lambda x: np.linalg.cholesky(x @ x.T, upper=True),
    "eigh": lambda x: np.linalg.eigh(x @ x.T, UPLO="U")[0],
    "pinv": lambda x: np.linalg.pinv(x, rcond=0.5),
    "norm": lambda x: np.linalg.norm(x, "nuc"),
    "pad": lambda x: np.pad(x, 1, mode="maximum"),
}


@pytest.mark.parametrize("name", UNKNOWN_KEYWORDS)
def test_keywords_without_a_rule_are_right_or_named(name: str) -> None:
    f = UNKNOWN_KEYWORDS[name]
    try:
        value, got = di.value_and_jacobian(f, BACKEND, X)
    except TypeError as error:
        refusal: Exception = error
    else:
        close(value, f(X), 1e-6)  # of single precision, some of them
        close(got, differences(f, X, 2.0**-7), 1e-4)
        return
    assert isinstance(refusal, MissingRuleError)
    assert name in str(refusal)


# What NumPy itself refuses must not become a number.
INVALID = {
    "uneven split": lambda x: np.split(x.ravel(), 3)[0],
    "quantile above 1": lambda x: np.quantile(x, 1.5),
    "quantile below 0": lambda x: np.quantile(x, -0.1),
    "choose out of range": lambda x: np.choose(np.array([0, 5]), [x[0], x[1]]),
    "shapes": lambda x: x + np.ones(3),
    "matmul shapes": lambda x: x @ np.ones(3),
    "reshape": lambda x: x.reshape(3, -1),
    "concatenate": lambda x: np.concatenate([x, np.ones(3)]),
    "einsum": lambda x: np.einsum("ijk->i", x),
    "axis": lambda x: np.sum(x, axis=2),
    "squeeze": lambda x: np.squeeze(x, axis=0),
    "item": lambda x: x[5],
    "length": lambda x: len(x[0, 0]),
    "vector norm of a kind for matrices": lambda x: np.linalg.norm(x[0], "fro"),
}


@pytest.mark.parametrize("name", INVALID)
def test_what_numpy_refuses(name: str) -> None:
    errors = (ValueError, IndexError, TypeError)
    with pytest.raises(errors):
        INVALID[name](X.copy())
    with pytest.raises(errors):
        di.jacobian(INVALID[name], BACKEND, X)


def test_a_singular_matrix_has_no_derivative() -> None:
    for f in (np.linalg.inv, np.linalg.det, lambda a: np.linalg.solve(a, np.ones(2))):
        with pytest.raises(np.linalg.LinAlgError):
            di.jacobian(f, BACKEND, np.ones((2, 2)))


def test_python_protocols() -> None:
    def f(x: Any) -> Any:
        y = x[0, 0]
        with pytest.raises(TypeError, match="unhashable"):
            hash(y)
        with pytest.raises(TypeError, match="format"):
            f"{y:.3f}"
        with pytest.raises(TypeError):
            json.dumps(y)
        with pytest.raises(ValueError, match="ambiguous"):
            bool(x)
        with pytest.raises(TypeError, match="0-d"):
            iter(y).__next__()
        with pytest.raises(AttributeError, match="flat"):
            _ = x.flat
        assert bool(y)
        assert not bool(0 * y)
        assert "tangents=4" in repr(x)
        assert (len(x), x.shape, x.ndim, x.size, x.dtype) == (2, (2, 2), 2, 4, np.float64)
        assert isinstance(y, Dual)
        return y

    di.jacobian(f, BACKEND, X)


def test_comparisons_use_values() -> None:
    def f(x: Any) -> Any:
        y = x[0, 0]
        for compare in (
            operator.lt,
            operator.le,
            operator.gt,
            operator.ge,
            operator.eq,
            operator.ne,
        ):
            for other in (0.3, x[0, 1], np.float64(2.0)):
                expected = compare(0.3, getattr(other, "value", other))
                assert compare(y, other) == expected
                assert isinstance(compare(y, other), np.bool_ | bool)
            assert not isinstance(compare(x, x.T), Dual)
        assert 0.3 in x[0]
        assert 0.4 not in x[0]
        assert sorted([x[0, 1], y]) == [y, x[0, 1]]
        return x

    np.testing.assert_array_equal(di.jacobian(f, BACKEND, X), np.eye(4).reshape(2, 2, 2, 2))


def test_integers_have_no_derivative() -> None:
    """Casts to integers are piecewise constant, as floor is."""

    def f(x: Any) -> Any:
        assert not isinstance(x.astype(int), Dual)
        assert not isinstance(np.astype(x, np.int32), Dual)
        return x * x.astype(int) + np.floor(x) * x

    expected = np.diag((X.astype(int) + np.floor(X)).ravel()).reshape(2, 2, 2, 2)
    np.testing.assert_array_equal(di.jacobian(f, BACKEND, X), expected)


def test_the_errors_travel() -> None:
    for error in (DualConversionError("float()"), MissingRuleError("linalg.qr")):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert "linalg.qr" in str(again) or "float()" in str(again)
