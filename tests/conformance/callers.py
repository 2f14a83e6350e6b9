"""Callers: the arrays that x comes in, and in which the result must come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import optree
import pytest

import diffinterface as di

_SINGLE = {"float64": "float32", "complex128": "complex64"}


@dataclass(frozen=True)
class Caller:
    """One framework and precision.

    Attributes
    ----------
    framework : {"numpy", "jax", "torch"}
        Whose arrays.
    dtype : {"float64", "float32"}
        The real precision.
    """

    framework: str
    dtype: str = "float64"

    @property
    def id(self) -> str:
        return f"{self.framework}-{self.dtype}"

    def narrow(self, tree: Any) -> Any:
        """NumPy leaves in this caller's precision; integers and text stay."""
        if self.dtype == "float64":
            return tree

        def leaf(a: Any) -> Any:
            name = getattr(getattr(a, "dtype", None), "name", "")
            return a.astype(_SINGLE[name]) if name in _SINGLE else a

        return optree.tree_map(leaf, tree)

    def give(self, tree: Any) -> Any:
        """A tree of NumPy arrays as this caller's own arrays, wrapped contexts included."""
        if isinstance(tree, di.Static):
            return tree
        if isinstance(tree, di.Constant):
            return di.Constant(self.give(tree.value))
        if isinstance(tree, di.Cache):
            return di.Cache(self.give(tree.buffer))
        return optree.tree_map(self._leaf, self.narrow(tree))

    def _leaf(self, a: Any) -> Any:
        if not isinstance(a, np.ndarray):
            return a
        if self.framework == "jax":
            return import_module("jax.numpy").asarray(a)
        if self.framework == "torch":
            return import_module("torch").from_numpy(a.copy())
        return a.copy()

    @contextmanager
    def scope(self) -> Iterator[None]:
        """JAX callers with 64-bit arrays have switched 64 bits on."""
        wide = self.framework == "jax" and self.dtype == "float64"
        with import_module("jax").enable_x64(True) if wide else nullcontext():
            yield

    def check(self, leaf: Any) -> np.ndarray:
        """A leaf of a result as NumPy, after it was found to be this caller's array."""
        if self.framework == "jax":
            assert isinstance(leaf, import_module("jax").Array), type(leaf)
            return np.asarray(leaf)
        if self.framework == "torch":
            assert isinstance(leaf, import_module("torch").Tensor), type(leaf)
            assert not leaf.requires_grad
            return np.asarray(leaf.resolve_conj().numpy())
        assert isinstance(leaf, np.ndarray | np.generic), type(leaf)
        assert not isinstance(leaf, np.ndarray) or (leaf.ndim and leaf.flags.writeable)
        return np.asarray(leaf)


NUMPY = Caller("numpy")
CALLERS = (
    Caller("numpy", "float32"),
    Caller("jax", "float32"),
    Caller("jax", "float64"),
    Caller("torch", "float32"),
    Caller("torch", "float64"),
)


def skip_if_missing(caller: Caller) -> None:
    """Skip the test that asks, where the caller's framework is not installed."""
    if caller.framework != "numpy":
        pytest.importorskip(caller.framework)


Check = Callable[[Any], None]
