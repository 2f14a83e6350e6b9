"""Callers: the arrays that x comes in, and in which the result must come back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays.framework import NUMPY as NUMPY_ARRAYS
from ..arrays.framework import Framework, find_framework, framework_of
from ..arrays.trees import flatten, map_leaves
from ..declare.contexts import Cache, Constant, Static
from ..declare.strings import SHIPPED
from ..errors import DiffInterfaceError

_SINGLE = {"float64": "float32", "complex128": "complex64"}


@dataclass(frozen=True)
class Caller:
    """One framework and precision.

    Attributes
    ----------
    framework : str
        Whose arrays: "numpy", "jax", "torch", or the top-level module of another array library for
        which a plugin speaks.
    dtype : {"float64", "float32"}
        The real precision; complex numbers follow.
    device : array, optional
        An array on the device to use; by default the framework's own choice.
    """

    framework: str = "numpy"
    dtype: str = "float64"
    device: Any = None

    @property
    def id(self) -> str:
        """Its name in test ids."""
        return f"{self.framework}-{self.dtype}"

    @property
    def single(self) -> bool:
        """Whether numbers have 32 bits."""
        return self.dtype == "float32"

    @property
    def arrays(self) -> Framework:
        """The framework's own answers about its arrays.

        Raises
        ------
        DiffInterfaceError
            If no adapter speaks for it, or it is not installed.
        """
        found = NUMPY_ARRAYS if self.framework == "numpy" else find_framework(self.framework)
        if found is None:
            raise DiffInterfaceError(f"No adapter speaks for arrays of {self.framework!r}.")
        return found

    def narrow(self, tree: Any) -> Any:
        """NumPy leaves in this caller's precision; integers and text stay."""

        def leaf(a: Any) -> Any:
            name = getattr(getattr(a, "dtype", None), "name", "")
            return a.astype(_SINGLE[name]) if isinstance(a, _NUMPY) and name in _SINGLE else a

        return map_leaves(leaf, tree) if self.single else tree

    def give(self, tree: Any) -> Any:
        """A tree of NumPy arrays as this caller's own arrays, wrapped contexts included.

        Arrays of other frameworks stay as they are: a scenario written over tensors keeps them.
        """
        if isinstance(tree, Static):
            return tree
        if isinstance(tree, Constant):
            return Constant(self.give(tree.value))
        if isinstance(tree, Cache):
            return Cache(self.give(tree.buffer))
        return map_leaves(self._leaf, self.narrow(tree))

    def _leaf(self, a: Any) -> Any:
        if not isinstance(a, np.ndarray):
            return a
        # Indices too have 32 bits where JAX has not been told to use 64.
        narrow = self.single and a.dtype == np.int64
        return self.arrays.from_numpy(a.astype(np.int32) if narrow else a, self.device)

    @contextmanager
    def scope(self, tree: Any) -> Iterator[None]:
        """In which the caller's own arrays keep their precision (JAX: 64 bits switched on)."""
        with ExitStack() as stack:
            for leaf in map(self._leaf, flatten(self.narrow(tree))[0]):
                framework = framework_of(leaf)
                if framework is not None:
                    stack.enter_context(framework.scope(leaf))
            yield


_NUMPY = (np.ndarray, np.generic)
NUMPY = Caller()
SINGLE = Caller(dtype="float32")
CALLERS = (
    SINGLE,
    *(
        Caller(kind.arrays, dtype)
        for kind in SHIPPED
        if kind.arrays != "numpy"
        for dtype in ("float32", "float64")
    ),
)
