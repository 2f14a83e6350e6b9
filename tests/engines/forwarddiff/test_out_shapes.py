"""The shape of ``out=``: that of the result, and larger only where NumPy broadcasts into it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.sparse.detection import TracerDetector

X = np.array([0.6, 1.0, 2.0])


def square(x: Any) -> Any:
    return np.zeros_like(np.outer(x, x))


CALLS = {
    "sum into more": lambda x: np.sum(x, out=np.zeros_like(x)),
    "sum of an axis": lambda x: np.sum(np.outer(x, x), axis=0, out=np.zeros_like(x)),
    "sum that keeps axes": lambda x: np.sum(x, keepdims=True, out=np.zeros_like(x[:1])),
    "add.reduce into more": lambda x: np.add.reduce(x, out=np.zeros_like(x)),
    "dot into more": lambda x: np.dot(x, x, out=np.zeros_like(x)),
    "concatenate into more": lambda x: np.concatenate([x, x], out=square(x)),
    "cumsum into more": lambda x: np.cumsum(x, out=square(x)),
    "add.accumulate into more": lambda x: np.add.accumulate(x, out=square(x)),
    "take into more": lambda x: np.take(x, [0], out=np.zeros_like(x)),
    "add into more": lambda x: np.add(x, 1.0, out=square(x)),
    "add into less": lambda x: np.add(np.outer(x, x), 1.0, out=np.zeros_like(x)),
    "add into fewer axes": lambda x: np.add(x[None], 1.0, out=np.zeros_like(x)),
    "matmul into more": lambda x: np.matmul(np.outer(x, x), x, out=square(x)),
    "outer": lambda x: np.multiply.outer(x, x, out=square(x)),
}


def refused(f: Any) -> bool:
    try:
        f(X)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("f", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("backend", ["forwarddiff", "complexstep"])
def test_out_as_numpy_takes_it(backend: str, f: Any) -> None:
    if refused(f):
        with pytest.raises(ValueError, match="out= has shape"):
            di.jacobian(f, backend, X)
        with pytest.raises(ValueError, match="out= has shape"):
            TracerDetector().jacobian_pattern(f, X)
    else:
        wanted = di.jacobian(f, "finitediff", X)
        np.testing.assert_allclose(di.jacobian(f, backend, X), wanted, rtol=1e-5, atol=1e-6)
        found = TracerDetector().jacobian_pattern(f, X).toarray()
        assert np.all(found.reshape(wanted.shape) | (abs(wanted) < 1e-9))


@pytest.mark.parametrize("part", [0, 1])
def test_none_in_out_makes_a_new_array(part: int) -> None:
    def f(x: Any) -> Any:
        a = np.zeros_like(x)
        parts = np.modf(x, out=(a, None) if part == 0 else (None, a))
        assert parts[part] is a
        return parts[0] + 0 * parts[1]

    np.testing.assert_allclose(di.jacobian(f, "forwarddiff", X), np.eye(3))
    assert TracerDetector().jacobian_pattern(f, X).toarray().diagonal().all()
