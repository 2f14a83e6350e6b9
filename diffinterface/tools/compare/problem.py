"""What is compared: a function, a point, and the operator that the output's shape asks for."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...arrays.facts import dtype_name, is_inexact, shape_of
from ...arrays.framework import framework_of
from ...arrays.trees import flatten
from ...errors import InputError
from .engines import line


@dataclass(frozen=True)
class Problem:
    """A function at a point.

    Attributes
    ----------
    operator : str or None
        What to take if nothing else is asked for; by default what the shapes of x and f(x) ask for.
    reference : tuple of (tree, str) or None
        The exact result of `operator` and where it comes from, if known.
    contexts : tuple
        Further arguments of f.
    """

    name: str
    f: Callable[..., Any]
    x: Any
    operator: str | None = None
    reference: tuple[Any, str] | None = None
    contexts: tuple[Any, ...] = ()

    def of_size(self, n: int) -> Problem:
        """The same at a point of n entries: those of x, over and over.

        Raises
        ------
        InputError
            If x is no vector.
        """
        if framework_of(self.x) is None or len(shape_of(self.x)) != 1:
            raise InputError(
                "--sizes needs an x that is one vector: --at '[1.0, 2.0]'.", got=self.x
            )
        return replace(self, x=np.resize(self.x, n))


def load_function(target: str) -> Callable[..., Any]:
    """The function named by ``PATH.py:FUNCTION`` or ``MODULE:FUNCTION``.

    Raises
    ------
    InputError
        With one line that says what is wrong.
    """
    place, colon, name = target.rpartition(":")
    if not colon or not place or not name:
        raise InputError(
            f"{target!r} names no function; write PATH.py:FUNCTION or MODULE:FUNCTION."
        )
    module = _load_file(Path(place)) if place.endswith(".py") else _import(place)
    function = getattr(module, name, None)
    if function is None:
        raise InputError(f"{place} has no function {name!r}.")
    if not callable(function):
        raise InputError(
            f"{name!r} in {place} is a {type(function).__name__}, expected a function."
        )
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        raise InputError(f"{name!r} must take one argument x (others need defaults).") from None
    except ValueError:
        pass  # a builtin without a signature: calling it will tell
    return function


def _load_file(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"No such file: {path}.")
    # Under a name of its own: dataclasses look their module up, and no installed one is shadowed.
    name = f"_diffinterface_compare_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise InputError(f"{path} cannot be loaded: {line(error)}.") from error
    finally:
        sys.path.pop(0)
    return module


def _import(name: str) -> Any:
    sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise InputError(f"Module {name!r} cannot be loaded: {line(error)}.") from error
    finally:
        sys.path.pop(0)


def load_point(text: str) -> Any:
    """The point given by ``--at``: JSON (numbers, nested lists, objects) or the path of a ``.npy`` file.

    Raises
    ------
    InputError
        With one line that says what is wrong.
    """
    if text.endswith(".npy"):
        x = _load_array(Path(text))
    else:
        try:
            x = _arrays(json.loads(text))
        except json.JSONDecodeError:
            raise InputError(
                f"--at {text!r} is neither JSON nor a .npy file; write '[1.0, 2.0]', '2.0' or x.npy."
            ) from None
    leaves, _ = flatten(x)
    if not leaves:
        raise InputError("--at holds no number.")
    for leaf in leaves:
        if framework_of(leaf) is None:
            raise InputError(f"--at holds {leaf!r}, expected numbers.")
        if not is_inexact(leaf):
            raise InputError(
                f"--at has dtype {dtype_name(leaf)}, which cannot be differentiated; write floating "
                "values: [1.0, 2.0] for [1, 2]."
            )
        if not np.all(np.isfinite(leaf)):
            raise InputError("--at holds a value that is not finite.")
    return x


def _load_array(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"No such file: {path}.") from None
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path} is not an array of numbers: {line(error)}.") from None


def _arrays(value: Any) -> Any:
    if isinstance(value, list):
        try:
            return np.array(value)
        except ValueError:
            raise InputError("--at: the lists are of different lengths.") from None
    if isinstance(value, dict):
        return {key: _arrays(part) for key, part in value.items()}
    return value
