"""What the complex step refuses: the error says what f did, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.sparse.detection import TracerDetector

X = np.array([0.6, 1.0, 2.0])

REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "real": (lambda x: x.real, r"met \.real,"),
    "imag": (lambda x: x.imag, r"met \.imag,"),
    "abs": (np.abs, "met absolute,"),
    "out": (
        lambda x: np.add(x, 1.0, out=np.zeros(3)),
        r"met add with out= a plain array \(use np.zeros_like\(x\)\)",
    ),
    "out of a function": (
        lambda x: np.sum(x, out=np.zeros(())),
        r"met sum with out= a plain array \(use np.zeros_like\(x\)\)",
    ),
    "out of what is refused": (
        lambda x: np.abs(x, out=np.zeros(3)),
        r"met absolute with out= a plain array \(use np.zeros_like\(x\)\)",
    ),
}


@pytest.mark.parametrize(("f", "message"), REFUSED.values(), ids=REFUSED)
def test_the_message_names_what_f_did(f: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(di.NonAnalyticError, match=message):
        di.jacobian(f, "complexstep", X)


def looks_up(x: Any) -> Any:
    xp = di.array_namespace(x)
    assert not hasattr(xp, "no_such_function")
    assert not hasattr(xp.linalg, "no_such_function")
    assert hasattr(xp, "sin")
    assert hasattr(xp.linalg, "solve")
    with pytest.raises(AttributeError, match="no_such_function"):
        _ = xp.no_such_function
    return xp.sin(x)


def test_a_namespace_has_the_functions_of_the_plain_one() -> None:
    np.testing.assert_allclose(di.jacobian(looks_up, "complexstep", X), np.diag(np.cos(X)))
    assert TracerDetector().jacobian_pattern(looks_up, X).toarray().trace() == 3
