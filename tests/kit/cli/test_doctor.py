"""``python -m diffinterface doctor``."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest

import diffinterface as di
from diffinterface.engine import registry
from diffinterface.testing.backends import Unsupported
from diffinterface.tools.cli import main
from diffinterface.tools.compare.engines import engines

Doctor = Callable[..., str]


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """What ``doctor`` prints about some backends, in one line for each sentence."""

    def run(*names: str, status: int = 0) -> str:
        monkeypatch.setattr(
            "diffinterface.tools.compare.engines.known_backends", lambda: list(names)
        )
        assert main(["doctor"]) == status
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= 100
        return re.sub(r"\n {3,}", " ", out)

    return run


def test_versions(doctor: Doctor) -> None:
    out = doctor("forwarddiff")
    assert f"diffinterface {di.__version__} on Python {sys.version.split()[0]}" in out
    for package in ("numpy", "optree", "array-api-compat"):
        assert f"{package} {version(package)}" in out
    assert "backend=None means AutoForwardDiff" in out
    with di.config_context(backend="finitediff"):
        assert "backend=None means AutoFiniteDiff" in doctor("forwarddiff")


def test_what_an_engine_can_do(doctor: Doctor) -> None:
    out = doctor("forwarddiff", "complexstep")
    ours = f"9 of 9 operators right (diffinterface {di.__version__})"
    assert f"forwarddiff  {ours}\n  and contexts, trees, Cache, inplace" in out
    assert f"complexstep  {ours}" in out
    assert out.count("  not complex x: the imaginary part carries the derivative") == 1
    assert "WRONG" not in out
    assert out.endswith("All is well.\n")


@pytest.mark.parametrize("engine", ["jax", "torch", "autograd"])
def test_the_versions_of_an_engine(doctor: Doctor, engine: str) -> None:
    pytest.importorskip(engine)
    assert f"{engine:<12} 9 of 9 operators right ({engine} {version(engine)})" in doctor(engine)


def test_what_is_missing(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffinterface_torch", None)  # an import of it now fails
    registry.forget()
    out = doctor("torch")
    assert "torch        not installed: pip install 'diffinterface[torch]'\n" in out
    assert out.endswith("All is well.\n")


def test_optional_packages(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str) -> str:
        return "" if name == "numba" else "1.0"

    monkeypatch.setattr("diffinterface.tools.doctor._version", found)
    out = doctor("forwarddiff")
    assert "  scipy      scipy 1.0\n" in out
    assert "  sparse     numba is missing, scipy 1.0: pip install 'diffinterface[sparse]'\n" in out


def test_a_plugin_that_is_broken(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> type:
        if name == "autograd":
            raise RuntimeError("built for another NumPy")
        return kinds(name)

    kinds = registry._load
    monkeypatch.setattr(registry, "_load", load)
    registry.forget()
    out = doctor("autograd", status=1)
    assert "autograd     BROKEN: RuntimeError: built for another NumPy" in out
    assert out.endswith("Something is wrong: see above.\n")


def test_an_engine_that_gives_wrong_numbers(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doubled(*args: Any, **options: Any) -> Any:
        return 2 * gradient(*args, **options)

    gradient = di.gradient
    monkeypatch.setattr("diffinterface.operators.gradient", doubled)
    out = doctor("forwarddiff", status=1)
    assert "8 of 9 operators right" in out
    assert re.search(r"\n  WRONG: gradient: differs by", out)


def test_an_error_that_is_not_documented_is_none_that_is_expected(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing: list[Unsupported] = []
    monkeypatch.setattr("diffinterface.tools.doctor.why_not", lambda *_: next(iter(nothing), None))
    out = doctor("complexstep", status=1)
    assert "WRONG: complex x: UnsupportedOperatorError" in out


def test_all_engines_are_asked() -> None:
    assert sorted(engine.name for engine in engines()) == di.known_backends()
