"""A plugin whose engine has arrays of its own, made known in the group diffinterface.frameworks."""

from __future__ import annotations

from pathlib import Path

import pytest

from .distribution import answer, entry, install

MODULE = """
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
import diffinterface as di
from diffinterface.extend import NUMPY, Backend, Framework, Prep

class Field(np.ndarray):
    '''The arrays of this engine; it takes no others.'''

class FieldFramework(Framework):
    name = "fieldlib"

    def to_numpy(self, x):
        return np.array(x, subok=False)

    def from_numpy(self, a, like):
        return np.array(a).view(Field)

    def scratch(self, buffer, like):
        return np.array(buffer).view(Field)

framework = FieldFramework()

@dataclass(frozen=True)
class AutoField(di.ADType):
    name: ClassVar[str] = "field"

class FieldBackend(Backend):
    adtype_class = AutoField
    framework = framework
    accepts = frozenset({"fieldlib"})

    def prepare_pushforward(self, fn, x, contexts, t, batched=False):
        def along(x, contexts, t):
            assert all(type(a) is Field for a in (*x, *t)), [type(a) for a in (*x, *t)]
            after, _ = fn(tuple(a + b / 2 for a, b in zip(x, t)), contexts)
            before, _ = fn(tuple(a - b / 2 for a, b in zip(x, t)), contexts)
            return tuple(p - m for p, m in zip(after, before))

        def run(x, contexts, t):
            x, t = [tuple(np.asarray(a).view(Field) for a in leaves) for leaves in (x, t)]
            value, aux = fn(x, contexts)
            if not batched:
                return value, along(x, contexts, t), aux
            rows = [along(x, contexts, tuple(s[k] for s in t)) for k in range(len(t[0]))]
            return value, tuple(np.stack(column).view(Field) for column in zip(*rows)), aux

        return Prep(run)
"""
TOML = entry("field", "fieldlib:FieldBackend") + entry(
    "fieldlib", "fieldlib:framework", "frameworks"
)
START = """
import numpy as np
import diffinterface as di
from fieldlib import AutoField, Field

X, C = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, -1.0])

def f(x, c):
    kinds.update(type(a).__name__ for a in (x, c))
    return x @ x * c

def jacobian():
    eye = np.eye(2)
    return (np.einsum("ik,lj->ijkl", eye, X) + np.einsum("ik,lj->ijkl", X, eye)) * C[:, None, None]

kinds = set()
"""


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("fields")
    install(target, "fieldlib", {"fieldlib": MODULE}, TOML)
    return target


def test_both_groups_are_read(fields: Path) -> None:
    code = "\nresult = [sorted(plugins.entries(g)) for g in ('backends', 'frameworks')]"
    backends, frameworks = answer(fields, "from diffinterface.declare import plugins" + code)
    assert "field" in backends
    assert "fieldlib" in frameworks


def test_numpy_arguments_are_converted_both_ways(fields: Path) -> None:
    code = """
value, j = di.value_and_jacobian(f, "field", X, C)
np.testing.assert_allclose(j, jacobian(), rtol=1e-13)
np.testing.assert_allclose(value, X @ X * C)
result = [sorted(kinds), type(value).__name__, type(j).__name__]
"""
    assert answer(fields, START + code) == [["Field"], "ndarray", "ndarray"]


def test_its_own_arrays_come_back_as_such(fields: Path) -> None:
    code = """
x = X.view(Field)
value, j = di.value_and_jacobian(f, AutoField(), x, C.view(Field))
np.testing.assert_allclose(np.asarray(j), jacobian(), rtol=1e-13)
g = di.prepare_gradient(lambda p: (p["a"] ** 2).sum(), "field", {"a": x})({"a": 2 * x})["a"]
np.testing.assert_allclose(np.asarray(g), 4 * X, rtol=1e-13)
result = [type(value).__name__, type(j).__name__, type(g).__name__]
"""
    assert answer(fields, START + code) == ["Field"] * 3


def test_other_engines_take_its_arrays(fields: Path) -> None:
    code = """
x = X.view(Field)
result = []
for backend in ("finitediff", "forwarddiff", "complexstep"):
    g = di.gradient(lambda x: (x**2).sum(), backend, x)
    np.testing.assert_allclose(np.asarray(g), 2 * X, rtol=1e-8)
    result.append(type(g).__name__)
"""
    assert answer(fields, START + code) == ["Field"] * 3


def test_engines_with_arrays_of_their_own_take_its_arrays(fields: Path) -> None:
    code = """
result = ["Field"]
for engine in filter(di.check_available, ("jax", "torch", "autograd")):
    g = di.gradient(lambda x: (x**2).sum(), engine, X.view(Field))
    np.testing.assert_allclose(np.asarray(g), 2 * X, rtol=1e-12)
    result.append(type(g).__name__)
"""
    assert set(answer(fields, START + code)) == {"Field"}


def test_a_prepared_call_tells_its_arrays_from_numpys(fields: Path) -> None:
    code = """
prep = di.prepare_gradient(lambda x: (x**2).sum(), "field", X)
try:
    prep(X.view(Field))
except di.PreparationMismatchError as error:
    result = str(error)
"""
    assert "prepared for numpy float64[2, 2], got fieldlib float64[2, 2]" in answer(
        fields, START + code
    )


def test_a_broken_framework_harms_its_own_arrays_only(tmp_path: Path) -> None:
    install(
        tmp_path,
        "fieldlib",
        {"fieldlib": MODULE},
        TOML.replace("fieldlib:framework", "nowhere:framework"),
    )
    code = """
result = [di.gradient(lambda x: (x**2).sum(), "forwarddiff", X).tolist()]
try:
    di.gradient(lambda x: (x**2).sum(), "forwarddiff", X.view(Field))
except di.DiffInterfaceError as error:
    result.append(str(error))
"""
    right, message = answer(tmp_path, START + code)
    assert right == [[2.0, 4.0], [6.0, 8.0]]
    assert "fieldlib" in message
    assert "nowhere" in message
