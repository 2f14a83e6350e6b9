"""What the operators' docstrings share is written once, in ``docs/docstrings.py``."""

from __future__ import annotations

import importlib.util
import inspect
import re
from types import ModuleType

import pytest

import diffinterface as di
from diffinterface import operators

from .pages import ROOT

SCRIPT = ROOT / "docs" / "docstrings.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    if not SCRIPT.is_file():
        pytest.skip("the script is not part of this distribution")
    spec = importlib.util.spec_from_file_location("docstrings", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_source_is_what_the_tables_say(script: ModuleType) -> None:
    assert not script.behind(), "run python docs/docstrings.py"


def test_what_was_changed_by_hand_is_mended(script: ModuleType) -> None:
    source = (script.SOURCE / "first_order.py").read_text("utf-8")
    section = re.compile(r"    Raises\n    -+\n.*?\n\n", re.S)
    for changed in (source.replace("The point.", "A point."), section.sub("", source)):
        assert changed != source
        assert script.rewritten(changed) == source


def test_what_is_written_by_hand_stays(script: ModuleType) -> None:
    source = (script.SOURCE / "first_order.py").read_text("utf-8")
    changed = source.replace("Like x; with", "As x is; with").replace("steepest", "fastest")
    assert changed != source
    assert script.rewritten(changed) == changed


@pytest.mark.parametrize("name", operators.__all__)
def test_every_parameter_is_in_the_docstring_itself(name: str) -> None:
    function = getattr(di, name)
    section = re.search(r"\nParameters\n-+\n(.*?)\n\n", inspect.getdoc(function), re.S)[1]
    documented = re.findall(r"^(\S+) : ", section, re.M)
    parameters = inspect.signature(function).parameters.values()
    assert documented == [str(p).partition(":")[0] for p in parameters]
