"""What would lose a dependence raises, or counts for all; nothing is left out in silence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse

import diffinterface as di
from diffinterface.sparse.detection import (
    DetectionError,
    TracerDetector,
    UnknownFunctionError,
    ValueDependenceError,
)

from .checks import covers, dense

X = np.linspace(0.53, 2.05, 4)


def assigned(x: Any) -> Any:
    y = np.zeros(4)
    y[1] = x[0]
    return y


def by_list(x: Any) -> Any:
    return np.array([x[0], x[1]])


def out_by_position(function: Callable[..., Any], *args: Any) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        buffer = np.zeros_like(function(np.ones(4), *args))
        function(x, *args, buffer)
        return buffer

    return f


LOSES: dict[str, Callable[[Any], Any]] = {
    "math.sin": lambda x: x * math.sin(x[0]),
    "float": lambda x: x * float(x[1]),
    "complex": lambda x: x * complex(x[1]).real,
    "item": lambda x: x * x[0].item(),
    "tolist": lambda x: np.asarray(x.tolist()),
    "asarray": lambda x: np.asarray(x) * 2,
    "list": by_list,
    "assignment": assigned,
    "out": lambda x: np.sin(x, out=np.zeros(4)),
    "out in add": out_by_position(np.add, 1.0),
    "out in sum": out_by_position(lambda x, *out: np.sum(x.reshape(2, 2), 0, None, *out)),
    "out in clip": out_by_position(np.clip, 0.0, 1.0),
    "out in dot": out_by_position(np.dot, np.ones((4, 2))),
    "out in cumsum": out_by_position(lambda x, *out: x.cumsum(0, None, *out)),
    "copyto": lambda x: _filled(lambda y: np.copyto(y, x)),
    "put": lambda x: _filled(lambda y: np.put(y, [0], x[1])),
    "unknown function": lambda x: np.apply_along_axis(np.sum, 0, x),
    "unknown method of a ufunc": lambda x: np.add.reduceat(x, [0, 2]),
    "adding into a plain array": lambda x: _filled(lambda y: np.add.at(y, [0], x[:1])),
    "SciPy": lambda x: scipy.linalg.solve(np.eye(4), x),
    "sparse array times": lambda x: scipy.sparse.eye_array(4).tocsr() * x,
}


def _filled(write: Callable[[Any], Any]) -> Any:
    y = np.zeros(4)
    write(y)
    return y


@pytest.mark.parametrize("name", LOSES)
@pytest.mark.parametrize("mode", ["global", "local"])
def test_conversions_raise(name: str, mode: Any) -> None:
    with pytest.raises(DetectionError) as caught:
        TracerDetector(mode).jacobian_pattern(LOSES[name], X)
    assert caught.value.operation
    assert "KnownPattern" in str(caught.value)


@pytest.mark.parametrize(
    "name", sorted({*LOSES} - {"unknown method of a ufunc", "sparse array times"})
)
def test_conversions_are_dense_on_request(name: str) -> None:
    detector = TracerDetector(unknown="dense")
    f = LOSES[name]
    assert dense(detector.jacobian_pattern(f, X)).all()
    assert dense(detector.hessian_pattern(lambda x: np.sum(f(x)), X)).all()


def test_an_unknown_function_counts_for_its_own_arguments() -> None:
    f = lambda x: np.apply_along_axis(np.cumsum, 0, x[:2])  # noqa: E731
    with pytest.raises(UnknownFunctionError, match="apply_along_axis") as caught:
        TracerDetector().jacobian_pattern(f, X)
    assert caught.value.function == "apply_along_axis"
    assert dense(TracerDetector(unknown="dense").jacobian_pattern(f, X)).all()


def bubble(x: Any) -> Any:
    return x if x[0] > x[1] else x[::-1]


BRANCHES: dict[str, Callable[[Any], Any]] = {
    "if": bubble,
    "while": lambda x: _halved(x),
    "max of Python": lambda x: max(x[0], x[1]) * x,
    "sorted": lambda x: np.stack(sorted(x)),
    "any": lambda x: x if np.any(x > 1) else 2 * x,
    "assert": lambda x: _asserting(x),
    "int": lambda x: x[: int(x[2])],
    "index by argmax in range": lambda x: x[: np.argmax(x)],
    "mask": lambda x: np.sum(x[x > 1]),
    "empty mask": lambda x: np.sum(x[x > 100]) * x,
    "nonzero": lambda x: x[np.nonzero(x > 1)[0]],
    "where of one": lambda x: x[np.where(x > 1)],
    "unique": lambda x: np.unique(x),
    "compress": lambda x: np.compress(x > 1, x),
    "extract": lambda x: np.extract(x > 1, x),
    "mask as argument of repeat": lambda x: np.repeat(x, np.floor(x).astype(int)),
    "arange": lambda x: di.array_namespace(x).arange(0, x[3], 0.5),
    "assignment of a comparison": lambda x: x * _filled(lambda y: y.__setitem__(0, x[0] > 1)),
}


def _halved(x: Any) -> Any:
    while x[0] > 1e-3:
        x = x / 2
    return x


def _asserting(x: Any) -> Any:
    assert np.all(x > 0)
    return x


@pytest.mark.parametrize("name", BRANCHES)
def test_control_flow_raises_in_global_mode(name: str) -> None:
    with pytest.raises(ValueDependenceError, match=r'mode="local"'):
        TracerDetector().jacobian_pattern(BRANCHES[name], X)


@pytest.mark.parametrize("name", BRANCHES)
def test_control_flow_runs_in_local_mode(name: str) -> None:
    pattern = dense(TracerDetector("local").jacobian_pattern(BRANCHES[name], X))
    covers(pattern, differences(BRANCHES[name]) != 0)


def differences(f: Callable[[Any], Any]) -> Any:
    """The Jacobian at X by central differences, exact zeros where nothing changes."""
    steps = 1e-4 * np.eye(4)
    return np.stack([(f(X + t) - f(X - t)).ravel() for t in steps], axis=1)


def test_functions_of_other_frameworks_are_named() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(UnknownFunctionError, match=r"torch.sin.*torch.*array_namespace"):
        TracerDetector().jacobian_pattern(lambda x: torch.sin(x), torch.ones(3))
    with pytest.raises(UnknownFunctionError, match="array_namespace"):
        TracerDetector().jacobian_pattern(lambda x: torch.stack([x[0], x[1]]), torch.ones(3))


def test_functions_of_jax_are_named() -> None:
    jnp = pytest.importorskip("jax.numpy")
    with pytest.raises(UnknownFunctionError, match=r"jax.*JaxprDetector"):
        TracerDetector().jacobian_pattern(lambda x: jnp.sin(x), np.ones(3))


def test_an_error_of_f_is_its_own() -> None:
    def f(x: Any) -> Any:
        raise TypeError("mine")

    with pytest.raises(TypeError, match=r"^mine$"):
        TracerDetector().jacobian_pattern(f, X)
    with pytest.raises(ValueError, match="broadcast"):
        TracerDetector().jacobian_pattern(lambda x: x[:2] + x[:3], X)


def test_two_detections_do_not_meet() -> None:
    def f(x: Any) -> Any:
        inner = TracerDetector()
        return inner.jacobian_pattern(lambda y: x * y, np.ones(4)).toarray() * x

    with pytest.raises(DetectionError):
        TracerDetector().jacobian_pattern(f, X)


@pytest.mark.parametrize("options", [{"mode": "locally"}, {"unknown": "ignore"}])
def test_options_are_checked(options: Any) -> None:
    with pytest.raises(di.InputError, match="expected one of"):
        TracerDetector(**options)


def test_inputs_and_outputs_are_checked() -> None:
    detector = TracerDetector()
    with pytest.raises(di.InputError, match="int64"):
        detector.jacobian_pattern(np.sin, np.arange(3))
    with pytest.raises(di.OutputError, match="return"):
        detector.jacobian_pattern(lambda x: None, X)
    with pytest.raises(di.OutputError):
        detector.jacobian_pattern(lambda x: "text", X)
    with pytest.raises(di.NonScalarOutputError):
        detector.hessian_pattern(lambda x: x, X)


@pytest.mark.parametrize("part", ["real", "imag"])
def test_halves_of_complex_numbers_are_not_written_into(part: str) -> None:
    """A view in NumPy; the sets of the number would lose those of its other half."""

    def f(z: Any) -> Any:
        z = z * 1.0
        getattr(z, part)[...] = 0.0
        return z

    with pytest.raises(ValueError, match="read-only"):
        TracerDetector().jacobian_pattern(f, X + 0j)


def test_entries_that_are_no_view_are_not_written_into() -> None:
    def f(x: Any) -> Any:
        x.reshape(2, 2).T.flat[0] = 0.0
        return x

    with pytest.raises(ValueError, match="read-only"):
        TracerDetector().jacobian_pattern(f, X)


@pytest.mark.parametrize(
    "f", [lambda x: x * len(x[0]), lambda x: sum(x[0]), lambda x: np.hstack(x[0])]
)
def test_a_number_has_no_length(f: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"len\(\) of a 0-d Tracer"):
        TracerDetector().jacobian_pattern(f, X)
