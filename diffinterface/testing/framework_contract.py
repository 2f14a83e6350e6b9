"""What the core asks of a `Framework`, asked of one: each question by name, with the right answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, final

import numpy as np

from ..arrays.facts import Array, dtype_name, is_inexact, shape_of
from ..arrays.framework import NUMPY, Framework, find_framework, framework_of
from ..errors import DiffInterfaceError, InputError

_VALUES = (
    np.array([[0.5, -1.25, 2.0], [3.0, 0.25, -0.75]]),
    np.array([1.5, -2.0, 0.5], "float32"),
    np.array(0.75),
    np.zeros((0, 2)),
    np.array([1 + 2j, -0.5j, 3.0]),
    np.array([3, 1, 2]),
    np.array([True, False]),
)
_DEEPEST = 100
#: Functions without which operators, or most functions that users write, do not work.
NEEDED = (
    "abs all any arange argmax asarray astype broadcast_to concat conj cos equal exp expand_dims eye "
    "float32 float64 full imag isfinite log matmul max maximum mean min moveaxis ones ones_like "
    "permute_dims real reshape sin sqrt stack sum take tanh where zeros zeros_like"
).split()


class ContractError(AssertionError):
    """Answers that break a contract; `failures` has what is wrong by the name of the question."""

    def __init__(self, whose: str, failures: dict[str, str]) -> None:
        self.failures = failures
        told = "\n".join(f"  {question}: {wrong}" for question, wrong in failures.items())
        super().__init__(f"{whose} answers {len(failures)} questions wrongly:\n{told}")


def check_framework(framework: Framework | str, examples: Sequence[Array] = ()) -> None:
    """Ask a framework every question that the core asks.

    Parameters
    ----------
    framework : Framework or str
        The framework, or the module under which a plugin declares it.
    examples : sequence of array
        Arrays of it, three-dimensional at most, that hold numbers. One that `wraps` needs some, traced;
        of others, which are made by its `from_numpy`, they are a welcome addition.

    Raises
    ------
    ContractError
        If an answer is wrong. It is an `AssertionError`, and its `failures` name each question.
    InputError
        If there is no such framework, or none of its arrays to ask about.

    Examples
    --------
    >>> import numpy as np
    >>> from diffinterface.extend import Framework
    >>> from diffinterface.testing import check_framework
    >>> class Forgetful(Framework):
    ...     name = "forgetful"
    ...     def from_numpy(self, a, like):
    ...         return a
    >>> check_framework(Forgetful())
    Traceback (most recent call last):
    ...
    diffinterface.testing.framework_contract.ContractError: forgetful answers 1 questions wrongly:
      from_numpy: it shares memory with the array that it was given
    """
    asked = find_framework(framework) if isinstance(framework, str) else framework
    if asked is None:
        raise InputError(f"No plugin declares a framework for the module {framework!r}.")
    if asked.wraps and not examples:
        raise InputError(
            f"{asked.name} wraps arrays: pass examples=, arrays that it is tracing.", got=framework
        )
    questions = _Questions(asked, examples, isinstance(framework, str))
    failures = {}
    for question in questions.all():
        try:
            wrong = next(iter(question()), None)
        except Exception as error:  # whatever it raises is an answer too
            wrong = f"{type(error).__name__}: {error}"
        if wrong is not None:
            failures[question.__name__.strip("_")] = wrong
    if failures:
        raise ContractError(asked.name, failures)


Answer = Iterator[str]


@final
class _Questions:
    """Each method yields what is wrong with the answers to the question of its name."""

    def __init__(self, framework: Framework, examples: Sequence[Array], declared: bool) -> None:
        self.framework, self.examples, self.declared = framework, examples, declared

    def all(self) -> list[Callable[[], Answer]]:
        both = [self.name, self.owns, self.namespace, self.is_traced, self.recorders, self.ending]
        both += [self.inside, self.stop_gradient, self.values, self.own, self.scope, self.device]
        if self.framework.wraps:
            return [*both, self.refuses]
        arrays = [self.from_numpy, self.to_numpy, self.has_dtype, self.scratch, self.put]
        return [*both, *arrays, self.take, self.concrete, self.scan, self.is_dense]

    # --- material ----------------------------------------------------------------------------------

    def _pairs(self) -> Iterator[tuple[Any, Array]]:
        """Values, and fresh arrays of the framework that hold them."""
        for values in _VALUES:
            if self.framework.has_dtype(values.dtype.name):
                yield values, self.framework.from_numpy(values.copy(), None)

    def _arrays(self) -> list[Array]:
        made = [] if self.framework.wraps else [x for _, x in self._pairs()]
        return [*self.examples, *made]

    def _read(self, x: Array) -> Any:
        return self.framework.to_numpy(x)

    # --- of all ------------------------------------------------------------------------------------

    def name(self) -> Answer:
        name = self.framework.name
        if not isinstance(name, str) or not name or name == NUMPY.name:
            yield f"it is {name!r}, expected a name of its own"

    def owns(self) -> Answer:
        for x in self._arrays():
            if not self.framework.owns(type(x)):
                yield f"it disowns {type(x).__qualname__}, the class of its own arrays"
            if self.declared and framework_of(x) is not self.framework:
                yield f"{type(x).__module__}.{type(x).__qualname__} is found to be of another framework"

    def namespace(self) -> Answer:
        for x in self._arrays():
            xp = self.framework.namespace(x)
            missing = [name for name in NEEDED if not hasattr(xp, name)]
            if missing:
                yield f"it lacks {', '.join(missing)}"
            if not is_inexact(x):
                continue
            with self.framework.scope(x):
                y = xp.sum(xp.reshape(x, (-1,)))
            if shape_of(y) != ():
                yield f"sum gives an array of shape {shape_of(y)}, expected ()"

    def is_traced(self) -> Answer:
        if self.framework.wraps:
            if not all(map(self.framework.is_traced, self.examples)):
                yield "it says that a wrapper is not traced: a copy would lose the derivative"
        elif any(self.framework.is_traced(x) for _, x in self._pairs()):
            yield "it says that a plain array is traced: no engine could copy it"

    def recorders(self) -> Answer:
        for x in self._arrays():
            names = self.framework.recorders(x)
            if not isinstance(names, tuple) or bool(names) is not bool(self.framework.is_traced(x)):
                yield f"{names!r}, expected a tuple of names, empty where nothing is traced"

    def ending(self) -> Answer:
        for x in self._arrays():
            ended = self.framework.ending(x)
            if ended is not None and ended() is not False:
                yield "it says that the transform has ended, or cannot tell, while it goes on"

    def inside(self) -> Answer:
        for x in self._arrays():
            within, depth = self.framework.inside(x), 0
            if self.framework.wraps and within is x:
                yield "a wrapper gives itself, expected what it wraps"
            if not self.framework.wraps and within is not x:
                yield "a plain array gives another, expected itself"
            while framework_of(within) is self.framework and self.framework.wraps:
                within, depth = self.framework.inside(within), depth + 1
                if depth > _DEEPEST:
                    yield "it goes on for ever: what a wrapper wraps must come to an end"

    def stop_gradient(self) -> Answer:
        for x in self._arrays():
            y = self.framework.stop_gradient(x)
            home = framework_of(y) or self.framework
            if shape_of(y) != shape_of(x) or dtype_name(y) != dtype_name(x):
                yield "it changes shape or dtype"
            if home.is_traced(y) and self.framework.wraps:
                yield "its result is still traced"
            plain = not self.framework.wraps and not self.framework.is_traced(x)
            if plain and not np.array_equal(self._read(y), self._read(x)):
                yield "it changes values"

    def values(self) -> Answer:
        for x in self._arrays():
            found = self.framework.values(x)
            if found is not None and type(found) is not np.ndarray and not np.isscalar(found):
                yield f"a {type(found).__qualname__}, expected a NumPy array, or None"
            if found is not None and np.shape(found) != shape_of(x):
                yield f"of shape {np.shape(found)}, expected {shape_of(x)}"
        for values, x in () if self.framework.wraps else self._pairs():
            if not np.array_equal(self.framework.values(x), values):
                yield "other values than the array has"

    def own(self) -> Answer:
        for x in self._arrays():
            y = self.framework.own(x)
            if (
                type(y) is not type(x)
                or shape_of(y) != shape_of(x)
                or dtype_name(y) != dtype_name(x)
            ):
                yield "another class, shape or dtype"
            if self.framework.is_traced(x) and not self.framework.is_traced(y):
                yield "the copy is no longer traced: it loses the derivative"
        for values, x in () if self.framework.wraps else self._pairs():
            y = self.framework.own(x)
            if not np.array_equal(self._read(y), values):
                yield "other values"
            if self.framework.mutable and values.ndim and values.size:
                x[(0,) * values.ndim] = 1
                if not np.array_equal(self._read(y), values):
                    yield "it shares memory with the array, into which its owner may write"

    def scope(self) -> Answer:
        for x in self._arrays():
            with self.framework.scope(x):
                pass
        yield from ()

    def device(self) -> Answer:
        for x in self._arrays():
            if self.framework.device(x) != self.framework.device(x):
                yield "it is not equal to itself"

    # --- of wrappers -------------------------------------------------------------------------------

    def refuses(self) -> Answer:
        for x in self.examples:
            try:
                self.framework.to_numpy(x)
            except DiffInterfaceError:
                continue
            yield "to_numpy gives a copy, which loses the derivative; raise a DiffInterfaceError"

    # --- of plain arrays ---------------------------------------------------------------------------

    def from_numpy(self) -> Answer:
        for values in _VALUES:
            if not self.framework.has_dtype(values.dtype.name):
                continue
            a = values.copy()
            x = self.framework.from_numpy(a, None)
            if shape_of(x) != a.shape or dtype_name(x) != a.dtype.name:
                yield f"{dtype_name(x)}{list(shape_of(x))} from {a.dtype.name}{list(a.shape)}"
            if not np.array_equal(self._read(x), values):
                yield "other values than it was given"
            a[...] = 0
            if not np.array_equal(self._read(x), values):
                yield "it shares memory with the array that it was given"
            frozen = values[..., ::-1] if values.ndim else values.copy()
            frozen.flags.writeable = False
            if not np.array_equal(self._read(self.framework.from_numpy(frozen, x)), frozen):
                yield "other values from a read-only array with negative strides"

    def to_numpy(self) -> Answer:
        for values, x in self._pairs():
            a = self.framework.to_numpy(x)
            if type(a) is not np.ndarray or a.dtype != values.dtype or a.shape != values.shape:
                yield f"{a!r}, expected a NumPy array of {values.dtype}{list(values.shape)}"
                continue
            if not np.array_equal(a, values):
                yield "other values than the array has"
            if not a.flags.writeable:
                yield "a read-only array, expected one that may be overwritten"
                continue
            a[...] = 1
            if not np.array_equal(self.framework.to_numpy(x), values):
                yield "it shares memory with the array: who writes into the copy changes it"

    def has_dtype(self) -> Answer:
        if not any(map(self.framework.has_dtype, ("float32", "float64"))):
            yield "it has neither float32 nor float64: nothing could be differentiated"

    def scratch(self) -> Answer:
        for values, x in self._pairs():
            if values.dtype.kind not in "fc":
                continue
            for buffer in (values.copy(), self.framework.from_numpy(values.copy(), None)):
                y = self.framework.scratch(buffer, x)
                if type(y) is not type(x):
                    yield f"a {type(y).__qualname__}, expected a {type(x).__qualname__}"
                    return
                if not np.array_equal(self._read(y), values):
                    yield "other values than the buffer's"
                if self.framework.mutable and values.ndim and values.size:
                    y[(0,) * values.ndim] = 1
                    now = buffer if isinstance(buffer, np.ndarray) else self._read(buffer)
                    if not np.array_equal(now, values):
                        yield "it shares memory with the buffer, which is the caller's"

    def put(self) -> Answer:
        values = np.array([1.0, 2.0, 3.0], "float32")
        x = self.framework.from_numpy(values.copy(), None)
        y = self.framework.put(x, 1, 5.0)
        if not np.array_equal(self._read(y), [1, 5, 3]):
            yield f"{self._read(y)} from [1 2 3] with 5 at 1"
        if (y is x) is not bool(self.framework.mutable):
            yield "a mutable array is written into and given back, others are kept"
        if not self.framework.mutable and not np.array_equal(self._read(x), values):
            yield "it writes into an array that is not mutable"

    def take(self) -> Answer:
        x = self.framework.from_numpy(np.array([1.0, 2.0, 3.0], "float32"), None)
        at = self.framework.from_numpy(np.array([2, 0]), None)
        if not np.array_equal(self._read(self.framework.take(x, at)), [3, 1]):
            yield "other entries than those at the indices"

    def concrete(self) -> Answer:
        kind = self.framework.concrete
        if kind is not None and not isinstance(kind, type):
            yield f"{kind!r}, expected a class or None"
        for x in self.examples:
            if type(x) is kind and self.framework.is_traced(x):
                yield "an array of the class is traced: results would lose a derivative"

    def scan(self) -> Answer:
        if self.framework.scan is None:
            return
        xs = self.framework.from_numpy(np.array([1.0, 2.0, 4.0], "float32"), None)
        carry, ys = self.framework.scan(lambda c, x: (c + x, c * x), xs[0] * 0, xs)
        if float(carry) != 7 or not np.array_equal(self._read(ys), [0, 2, 12]):
            yield "another carry or other outputs than those of the loop that it stands for"

    def is_dense(self) -> Answer:
        if not all(map(self.framework.is_dense, (x for _, x in self._pairs()))):
            yield "it says that a dense array is sparse: results in it would not be converted"
