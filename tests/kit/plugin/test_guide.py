"""The plugin of the guide for writers of backends, installed and used as its reader would."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from textwrap import dedent

import pytest

from .distribution import answer, guide, install, python

OPERATORS = """
import numpy as np
from numpy.testing import assert_array_equal as same
import diffinterface as di

X, T = np.array([2.0, 3.0]), np.array([1.0, -2.0])
J = np.array([[3.0, 2.0], [-3.0, 6.0]])
H = np.array([[0.0, 1.0], [1.0, 2.0]])

def f(x):
    return np.stack([x[0] * x[1], x[1] ** 2 - 3 * x[0]])

def energy(x):
    return x[0] * x[1] + x[1] ** 2

def curve(x):
    return x**2 * np.array([1.0, 3.0])

def check(ad):
    same(di.pushforward(f, ad, X, T), J @ T)
    same(di.pullback(f, ad, X, T), J.T @ T)
    same(di.derivative(curve, ad, 2.0), [4.0, 12.0])
    same(di.gradient(energy, ad, X), [3.0, 8.0])
    same(di.jacobian(f, ad, X), J)
    same(di.second_derivative(curve, ad, 2.0), [2.0, 6.0])
    same(di.hvp(energy, ad, X, T), H @ T)
    same(di.hessian(energy, ad, X), H)
    same(di.batched_jacobian(lambda x: x**2, ad, np.stack([X, T])), [np.diag(2 * X), np.diag(2 * T)])

def check_the_rest(ad):
    batch = np.stack([T, X, 0 * T])
    same(di.pushforward(f, ad, X, batch, batched=True), batch @ J.T)
    same(di.pullback(f, ad, X, batch, batched=True), batch @ J)
    same(di.hvp(energy, ad, X, batch, batched=True), batch @ H)
    value, g, h = di.value_gradient_and_hessian(energy, ad, X)
    same(value, 15.0); same(g, [3.0, 8.0]); same(h, H)
    value, j = di.value_and_jacobian(lambda p, c: {"y": f(p["x"]) * c}, ad, {"x": X}, 2.0)
    same(value["y"], 2 * f(X)); same(j["y"]["x"], 2 * J)
    prep = di.prepare_jacobian(f, ad, np.zeros(2))
    same(prep(X), J)
    same(di.prepare_pullback_same_point(f, ad, X, T)(T), J.T @ T)
    out = np.zeros((2, 2))
    assert di.jacobian(f, ad, X, out=out) is out
    same(out, J)
    for mixed in (di.MixedMode(ad, di.AutoForwardDiff()), di.MixedMode(di.AutoForwardDiff(), ad)):
        same(di.jacobian(f, mixed, X), J)
        same(di.pullback(f, mixed, X, T), J.T @ T)
    same(di.hessian(energy, di.SecondOrder(ad, di.AutoForwardDiff()), X), H)
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("plugin")
    module, toml, _ = guide()
    install(target, "my-package", {"my_package": module}, toml)
    return target


def test_all_operators_by_name_and_by_declaration(plugin: Path) -> None:
    code = """
        from my_package import AutoQuadratic
        import diffinterface as di
        with di.config_context(backend="quadratic(step=0.25)"):
            check(None)
        check("quadratic")
        check(AutoQuadratic(step=2.0))
        check_the_rest(AutoQuadratic())
        result = [di.check_available("quadratic"), "quadratic" in di.known_backends()]
    """
    assert answer(plugin, OPERATORS + dedent(code)) == [
        True,
        True,
    ]


def test_the_guides_own_test_passes(plugin: Path) -> None:
    _, _, test = guide()
    assert "assert" in test
    start = "from my_package import *\nimport numpy as np\nimport diffinterface as di\n"
    run = python(plugin, "-W", "error", "-c", start + test)
    assert run.returncode == 0, run.stderr


def test_an_outer_engine_that_it_cannot_carry_is_refused(plugin: Path) -> None:
    """The guide's plugin copies into plain arrays, where the derivative of a dual would be lost."""
    code = """
        from my_package import AutoQuadratic
        try:
            result = di.hessian(energy, di.SecondOrder(di.AutoForwardDiff(), AutoQuadratic()), X)
        except di.DiffInterfaceError as error:
            result = str(error)
    """
    assert "would lose its derivative" in answer(plugin, OPERATORS + dedent(code))


def test_options_are_read_and_refused(plugin: Path) -> None:
    code = """
        import diffinterface as di
        from diffinterface.declare.strings import parse
        result = [repr(parse("quadratic(step=0.25)"))]
        for text in ("quadratic(stride=1)", "quadratik"):
            try:
                parse(text)
            except di.UnknownBackendError as error:
                result.append(str(error))
    """
    read, option, name = answer(plugin, code)
    assert read == "AutoQuadratic(step=0.25)"
    assert "AutoQuadratic takes step" in option
    assert "known are" in name
    assert "quadratic" in name


def test_it_is_loaded_only_when_used(plugin: Path) -> None:
    code = """
        import sys
        import numpy as np
        import diffinterface as di
        di.known_backends()
        di.gradient(np.sum, "forwarddiff", np.ones(2))
        result = ["my_package" in sys.modules]
        di.gradient(np.sum, "quadratic", np.ones(2))
        result.append("my_package" in sys.modules)
    """
    assert answer(plugin, code) == [False, True]


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("pip", "setuptools"))), reason="needs pip and setuptools"
)
def test_installed_by_pip(tmp_path: Path) -> None:
    """What an installer makes of the guide's pyproject.toml is what the registry reads."""
    module, toml, _ = guide()
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "my_package.py").write_text(module, "utf-8")
    build = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    project = '[project]\nname = "my-package"\nversion = "1.0"\n'
    modules = '[tool.setuptools]\npy-modules = ["my_package"]\n'
    (source / "pyproject.toml").write_text("\n".join([build, project, toml, modules]), "utf-8")
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--no-input"]
    run = python(
        target, "-m", "pip", "install", *options, "--target", str(target), str(source), cwd=tmp_path
    )
    assert run.returncode == 0, run.stderr
    assert answer(target, OPERATORS + "\ncheck('quadratic')\nresult = 'right'") == "right"
