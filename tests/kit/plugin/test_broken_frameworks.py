"""Frameworks and hosts of plugins that are broken: named where they are used, and no harm elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .distribution import answer, entry, install, python
from .test_broken import ATTEMPTS, GOOD

ARRAYS = """
import numpy as np
from diffinterface.extend import Framework

class Array(np.ndarray):
    pass

class ArrayFramework(Framework):
    name = "{name}"

    def from_numpy(self, a, like):
        return np.array(a).view(Array)

framework = ArrayFramework()
"""
# name: what the module holds, the object named, what the error says
BROKEN = {
    "a_class": (ARRAYS, "ArrayFramework", "no instance of Framework"),
    "a_function": (ARRAYS + "\ndef make(): pass", "make", "no instance of Framework"),
    "a_module": (ARRAYS, "", "no instance of Framework"),
    "nameless": (ARRAYS.replace('name = "{name}"', "pass"), "framework", "a name of its own"),
    "named_as_torch": (ARRAYS.replace("{name}", "torch"), "framework", "that of diffinterface"),
    "named_as_duals": (ARRAYS.replace("{name}", "forwarddiff"), "framework", "diffinterface"),
    "leaves_on_import": (ARRAYS + "\nimport m_exit", "framework", "SystemExit"),
}
USE = """

def arrays(name):
    kind = type("Array", (np.ndarray,), {"__module__": name})
    return np.array([1.0, 2.0]).view(kind)
"""


def lay(target: Path, name: str, source: str, toml: str) -> None:
    install(target, f"d-{name}", {f"m_{name}": source.replace("{name}", name)}, toml)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("frameworks")
    (target / "m_exit.py").write_text("raise SystemExit(3)\n", "utf-8")
    for name, (source, value, _) in BROKEN.items():
        where = f"m_{name}:{value}".rstrip(":")
        lay(target, name, source, entry(f"m_{name}", where, "frameworks"))
    lay(target, "exits", "raise SystemExit('no display')", entry("exits", "m_exits:Backend"))
    claims = entry("numpy", "m_usurper:framework", "frameworks")
    claims += entry("torch", "m_usurper:framework", "frameworks").partition("\n")[2]
    lay(target, "usurper", ARRAYS, claims)
    return target


def test_a_framework_is_refused_by_name(broken: Path) -> None:
    code = f"""
result = {{name: attempt(lambda: di.gradient(np.sum, "forwarddiff", arrays("m_" + name)))
          for name in {[*BROKEN]!r}}}
"""
    errors = answer(broken, ATTEMPTS + USE + code)
    for name, (_, _, told) in BROKEN.items():
        kind, _, message, _ = errors[name]
        assert kind == "clear", (name, errors[name])
        assert f"d-{name}" in message
        assert told in message


def test_the_others_work(broken: Path) -> None:
    code = """
import importlib.util
names = ["forwarddiff", "finitediff", "complexstep"]
names += [name for name in ("jax", "torch", "autograd") if importlib.util.find_spec(name)]
result = [di.gradient(lambda x: (x**2).sum(), name, x).round(6).tolist() for name in names]
result.append(di.gradient(lambda x: x**2, "forwarddiff", np.float64(3.0)))
"""
    *gradients, scalar = answer(broken, ATTEMPTS + code)
    assert gradients == [[2.0, 4.0]] * len(gradients)
    assert scalar == 6.0


def test_a_claim_to_the_library_s_own_modules_is_told(broken: Path) -> None:
    code = "import diffinterface as di, numpy as np; di.gradient(np.sum, 'forwarddiff', np.ones(2))"
    code += "; from diffinterface.declare import plugins; plugins.entries('frameworks')"
    run = python(broken, "-c", code)
    assert run.returncode == 0
    for module in ("numpy", "torch"):
        assert f"d-usurper declares '{module}'" in run.stderr
        assert run.stderr.count(f"declares '{module}'") == 1


def test_a_plugin_that_leaves_python_is_refused_by_name(broken: Path) -> None:
    code = """
from diffinterface.testing import entries
result = attempt(lambda: di.gradient(np.sum, "exits", x)), [e.id for e in entries()]
"""
    (kind, _, message, _), usable = answer(broken, ATTEMPTS + code)
    assert kind == "clear"
    assert "d-exits" in message
    assert "no display" in message
    assert "forwarddiff" in usable
    assert "exits" not in usable


def test_a_host_that_cannot_be_called(tmp_path: Path) -> None:
    source = ARRAYS.replace('name = "{name}"', 'name, wraps = "outer", True') + "\nhost = 3\n"
    toml = entry("m_outer", "m_outer:framework", "frameworks") + entry(
        "outer", "m_outer:host", "hosts"
    )
    lay(tmp_path, "outer", source, toml)
    code = """
from m_outer import Array
f = di.DifferentiateWith(lambda x: x**2, di.AutoFiniteDiff())
result = attempt(lambda: f(x.view(Array)))
"""
    kind, _, message, _ = answer(tmp_path, ATTEMPTS + code)
    assert kind == "clear"
    assert "d-outer" in message
    assert "no function of" in message


def test_advice_names_no_package_that_is_not_known(tmp_path: Path) -> None:
    """A module is not always called as its package: only a declared requirement is advised."""
    for name, requires in (("told", "Requires-Dist: no.such_engine (>=2)\n"), ("silent", "")):
        source = "import no_such_engine\n" + GOOD.replace("{name}", name)
        lay(tmp_path, name, source, entry(name, f"m_{name}:BrokenBackend"))
        with (tmp_path / f"d_{name}-1.0.dist-info" / "METADATA").open(
            "a", encoding="utf-8"
        ) as file:
            file.write(requires)
    code = """
from diffinterface.tools.compare.engines import engines
(tried,) = (engine for engine in engines() if engine.name == "silent")
result = [attempt(lambda: di.gradient(np.sum, name, x)) for name in ("told", "silent")]
result.append([tried.command, tried.error])
"""
    told, silent, (command, error) = answer(tmp_path, ATTEMPTS + code)
    assert told[3] == "pip install no.such_engine"
    assert told[3] in told[2]
    assert silent[3] == ""
    assert "pip install" not in silent[2]
    assert "d-silent" in silent[2]
    assert command == ""
    assert "no_such_engine" in error


WRAPS = """
import numpy as np
from diffinterface.extend import Framework

class Box:
    dtype, shape = np.dtype(float), (2,)

class BoxFramework(Framework):
    name, wraps = "box", True

    def namespace(self, x):
        return np
{inside}
framework = BoxFramework()
"""


@pytest.mark.parametrize("inside", ["", "\n    def inside(self, x):\n        return Box()\n"])
def test_a_wrapper_that_does_not_say_what_it_wraps_ends(tmp_path: Path, inside: str) -> None:
    """Neither one that keeps the default, nor one that wraps for ever."""
    source = WRAPS.replace("{inside}", inside)
    lay(tmp_path, "box", source, entry("m_box", "m_box:framework", "frameworks"))
    code = """
from m_box import Box

def f(x):
    di.array_namespace(x, Box())
    return x.sum()

result = attempt(lambda: di.gradient(f, "forwarddiff", x))
"""
    found: Any = answer(tmp_path, ATTEMPTS + code)
    assert found[0] in ("no error", "clear")
