"""The reference pages document every public name, and nothing that does not exist."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

import diffinterface as di
from diffinterface import errors, extend, implicit, sensitivity, sparse
from diffinterface.neutral import special

from .pages import ROOT

REFERENCE = sorted((ROOT / "docs" / "reference").glob("*.md"))
NEED_ENGINES = ("diffinterface_jax", "diffinterface_torch", "diffinterface_autograd")
DIRECTIVE = re.compile(r"^\.\. (auto\w+|currentmodule):: (\S+)$((?:\n   :.*)*)", re.M)

pytestmark = pytest.mark.skipif(
    not REFERENCE, reason="the reference is not part of this distribution"
)


def found(name: str) -> Any:
    """The object that a dotted name stands for; a function rather than the module of its name."""
    parts = name.split(".")
    for cut in (1, *range(len(parts), 1, -1)):
        try:
            place = importlib.import_module(".".join(parts[:cut]))
            for part in parts[cut:]:
                place = getattr(place, part)
        except (ModuleNotFoundError, AttributeError):
            continue
        return place
    raise AssertionError(f"{name}: nothing has this name")


def directives() -> Iterator[tuple[str, str, str]]:
    """Kind, full name and options of every autodoc directive."""
    for page in REFERENCE:
        module = ""
        for kind, name, options in DIRECTIVE.findall(page.read_text("utf-8")):
            if kind == "currentmodule":
                module = name
            else:
                full = name if name.startswith("diffinterface") else f"{module}.{name}"
                yield kind, full, options


@cache
def documented() -> list[tuple[str, Any]]:
    """Every documented object with the name it goes by; those of a module by their own names."""
    pairs = []
    for kind, name, options in directives():
        if name.startswith(NEED_ENGINES):
            continue  # Sphinx checks these where the engines are installed
        pairs.append((name, found(name)))
        if kind == "automodule" and ":members:" in options:
            module = found(name)
            own = getattr(module, "__all__", None) or [
                key
                for key, value in vars(module).items()
                if not key.startswith("_") and getattr(value, "__module__", "") == name
            ]
            pairs += [(f"{name}.{key}", getattr(module, key)) for key in own]
    return pairs


def public() -> dict[str, Any]:
    """Every public name and what it stands for, which a module of the same name must not hide."""
    rooms = [getattr(extend, room) for room in extend.ROOMS]
    modules = (di, extend, *rooms, sparse, implicit, sensitivity)
    return {f"{m.__name__}.{name}": getattr(m, name) for m in modules for name in m.__all__}


@pytest.mark.parametrize("name", public())
def test_every_public_name_is_documented(name: str) -> None:
    target = public()[name]
    assert any(value is target for _, value in documented())


def test_every_error_and_special_function_is_documented() -> None:
    for module, named in (errors, "diffinterface"), (special, special.__name__):
        here = {k: v for k, v in vars(module).items() if getattr(v, "__module__", "") == named}
        public = {key: value for key, value in here.items() if not key.startswith("_")}
        assert public
        for key, value in public.items():
            assert any(value is found for _, found in documented()), key


def test_nothing_is_documented_twice() -> None:
    names = [name for _, name, _ in directives()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("name", "value"), documented(), ids=lambda v: v if type(v) is str else "")
def test_documented_objects_say_what_they_are(name: str, value: Any) -> None:
    if inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value):
        assert inspect.getdoc(value), f"{name} has no docstring"
