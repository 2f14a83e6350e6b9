"""What a prepared object and a transform tell of themselves: their declaration, and their plan."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import diffinterface as di

X, T = np.array([0.5, 1.5, 2.0]), np.array([1.0, -1.0, 0.5])


def scaled(x: Any, c: Any) -> Any:
    return c * di.array_namespace(x).sum(x**3)


def cubes(x: Any, c: Any) -> Any:
    return c * x**3


OBJECTS = [
    ("gradient", scaled, (X,)),
    ("hessian", scaled, (X,)),
    ("hvp", scaled, (X, T)),
    ("jacobian", cubes, (X,)),
    ("pushforward", cubes, (X, T)),
    ("pullback", cubes, (X, T)),
]


@pytest.mark.parametrize(("name", "f", "arguments"), OBJECTS)
@pytest.mark.parametrize("backend", ["forwarddiff", "finitediff"])
def test_they_explain_as_the_operator_is_explained(
    name: str, f: Any, arguments: tuple[Any, ...], backend: str
) -> None:
    arguments = (*arguments, 2.0)
    want = di.explain(name, f, backend, *arguments)
    prep = getattr(di, f"prepare_{name}")(f, backend, *arguments)
    transform = getattr(di, name)(f, backend)
    for told in (prep, transform):
        assert told.explain(*arguments) == want
        assert told.backend == want.backend
    kind = di.PreparedSeeded if len(arguments) == 3 else di.PreparedOperator
    assert type(prep) is kind
    assert isinstance(transform, di.Transform)
    if hasattr(di, f"prepare_{name}_same_point"):
        same = getattr(di, f"prepare_{name}_same_point")(f, backend, *arguments)
        assert type(same) is di.PreparedSamePoint
        assert same.explain(arguments[1]) == want
        assert same.backend == want.backend


def test_a_transform_of_the_configured_backend_tells_the_one_in_force() -> None:
    g = di.gradient(scaled)
    assert g.backend == di.get_config().backend
    with di.config_context(backend="finitediff"):
        assert g.backend == di.AutoFiniteDiff()
        assert g.explain(X, 2.0).engine == di.AutoFiniteDiff()
    assert g.explain(X, 2.0).engine == di.get_config().backend


@pytest.mark.parametrize(
    "kind", [di.PreparedOperator, di.PreparedSeeded, di.PreparedSamePoint], ids=lambda k: k.__name__
)
def test_help_shows_every_parameter(kind: type) -> None:
    for method in (kind.__call__, kind.value_and):  # type: ignore[attr-defined]
        text, names = str(inspect.getdoc(method)), [*inspect.signature(method).parameters][1:]
        assert {"out", "accumulate"} < set(names)
        for name in names:
            assert f"\n{name} : " in text.replace("*", "")
