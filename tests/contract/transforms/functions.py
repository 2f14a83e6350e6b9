"""What the tests of transforms differentiate, and with what arguments each operator is called."""

from __future__ import annotations

from typing import Any

import numpy as np

import diffinterface as di

X = np.array([0.5, 2.0])
T = np.array([1.0, -3.0])


def scalar(x: Any, c: Any = 1.0) -> Any:
    return di.array_namespace(x).sum(x**3) * c


def vector(x: Any, c: Any = 1.0) -> Any:
    return x**3 * c


#: f and the arguments of each operator, and of its variant with the value.
CALLS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "pushforward": (vector, (X, T)),
    "pullback": (vector, (X, T)),
    "derivative": (vector, (0.5,)),
    "gradient": (scalar, (X,)),
    "jacobian": (vector, (X,)),
    "second_derivative": (vector, (0.5,)),
    "hvp": (scalar, (X, T)),
    "hessian": (scalar, (X,)),
    "batched_jacobian": (vector, (np.stack([X, T]),)),
}
VALUED = {
    "hvp": "gradient_and_hvp",
    "hessian": "value_gradient_and_hessian",
    "second_derivative": "value_derivative_and_second_derivative",
}
OPERATORS = {
    variant: call
    for name, call in CALLS.items()
    for variant in (name, VALUED.get(name, f"value_and_{name}"))
}
