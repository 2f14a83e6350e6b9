"""`TracerDetector`: f is called once, with arrays that remember what they were computed from."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from diffinterface.arrays.facts import dtype_name, is_inexact, shape_of, size_of
from diffinterface.arrays.framework import framework_of
from diffinterface.arrays.trees import flatten, flatten_with_none, map_leaves
from diffinterface.declare.contexts import Cache, Constant, Static
from diffinterface.declare.plugins import entries
from diffinterface.errors import DiffInterfaceError, InputError, OutputError

from .detectors import Detector, Pattern, scalar
from .errors import DetectionError, foreign
from .framework import framework as _registered  # noqa: F401 - makes tracers known to the core
from .results import blank, constant
from .rules.general import unseen
from .sets import Sets
from .store import SetStore
from .table import concrete, joined
from .trace import Trace, Unknown
from .traced import is_traced
from .tracer import Tracer


@final
@dataclass(frozen=True)
class TracerDetector(Detector):
    """Index-set tracing of NumPy and array-API code.

    f is called once with arrays that carry, for each element, the set of inputs that it depends on
    (Walther, *Computing sparse Hessians with automatic differentiation*, 2008, section 3; Hill & Dalle,
    *Sparser, better, faster, stronger: sparsity detection for efficient automatic differentiation*,
    2025). Nothing is ever left out: what has no rule raises, or counts for every input.

    Parameters
    ----------
    mode : {"global", "local"}
        "global": the pattern holds for every x, and for every value of the floating contexts. Both
        branches of ``np.where`` and ``np.maximum`` count, and control flow on values raises. "local": it
        holds at this x alone; control flow and branches follow the values.
    unknown : {"raise", "dense"}
        What to do at a function without a rule: raise, or count it as dependent on every input. Where
        f leaves arrays for Python numbers (``float(x)``), "dense" gives the full pattern.

    Raises
    ------
    UnknownFunctionError
        At a function without a rule, naming it.
    ValueDependenceError
        Where values decide the program, in global mode.
    DetectionError
        At a conversion that forgets what depends on x.

    Notes
    -----
    Contexts of integers and bools, ``Static`` ones and what f captured are used with their values (as
    indices, masks, lengths): the pattern holds for these.

    Examples
    --------
    >>> import numpy as np
    >>> from diffinterface.sparse.detection import TracerDetector
    >>> detector = TracerDetector()
    >>> pattern = detector.jacobian_pattern(lambda x: x[1:] * x[:-1], np.ones(4))
    >>> pattern.toarray().astype(int)
    array([[1, 1, 0, 0],
           [0, 1, 1, 0],
           [0, 0, 1, 1]])
    >>> detector.hessian_pattern(lambda x: np.sum(x[1:] * x[:-1]), np.ones(3)).toarray().astype(int)
    array([[0, 1, 0],
           [1, 0, 1],
           [0, 1, 0]])
    """

    mode: Literal["global", "local"] = "global"
    unknown: Unknown = "raise"

    def __post_init__(self) -> None:
        for name, allowed in (("mode", ("global", "local")), ("unknown", ("raise", "dense"))):
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"TracerDetector got {name}={getattr(self, name)!r}, expected one of {allowed}.",
                    got=getattr(self, name),
                    expected=allowed,
                )

    def jacobian_pattern(self, f: Callable[..., Any], x: Any, *contexts: Any) -> Pattern:
        trace, y = self._run(f, x, contexts, second=False)
        leaves = [_output(leaf, trace) for leaf in flatten_with_none(y)[0]]
        if not leaves:
            raise OutputError(f"f returned an empty {type(y).__name__}, expected an array.", got=y)
        return trace.jacobian([first for first, _ in leaves], sum(n for _, n in leaves))

    def hessian_pattern(self, f: Callable[..., Any], x: Any, *contexts: Any) -> Pattern:
        trace, y = self._run(f, x, contexts, second=True)
        leaf = scalar(y)
        _output(leaf, trace)
        events = leaf.second if isinstance(leaf, Tracer) else Sets.empty(trace.events, ())
        return trace.hessian(events)

    def _run(
        self, f: Callable[..., Any], x: Any, contexts: tuple[Any, ...], *, second: bool
    ) -> tuple[Trace, Any]:
        leaves, structure = flatten(x)
        for leaf in leaves:
            if framework_of(leaf) is None or not is_inexact(leaf):
                raise InputError(
                    f"x holds a {type(leaf).__qualname__} of dtype {_dtype(leaf)}, expected floating "
                    "arrays or numbers.",
                    got=leaf,
                )
        sizes = [size_of(leaf) for leaf in leaves]
        local = self.mode == "local"
        trace = Trace(sum(sizes), local=local, second=second, unknown=self.unknown)
        starts = np.cumsum([0, *sizes])
        inputs = [_input(leaf, int(n), trace) for leaf, n in zip(leaves, starts, strict=False)]
        arguments = [_context(context, trace) for context in contexts]
        try:
            with np.errstate(all="ignore"):
                y = f(structure.unflatten(inputs), *arguments)
        except (TypeError, ValueError) as error:
            cause = error.__cause__
            # NumPy replaces what a tracer says by words of its own.
            if isinstance(cause, DetectionError):
                raise cause from None
            if not isinstance(error, DiffInterfaceError) and "Tracer" in str(error):
                what, library = _where(error)
                if library != __name__.partition(".")[0]:  # ours says what is wrong with the call
                    raise foreign(what, library) from error
            raise
        return trace, map_leaves(joined, y) if y is not None else y


def _where(error: BaseException) -> tuple[str, str]:
    """What f called, and of which library: where the error comes from."""
    notes = " ".join(getattr(error, "__notes__", ())).lower()
    for library in entries("frameworks"):
        if library in notes:  # one that hides its own frames, and says so
            return f"a function of {library}", library
    frame = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][-1]
    library = frame.f_globals.get("__name__", "").partition(".")[0]
    return f"{library}.{frame.f_code.co_name}", library


def _dtype(leaf: Any) -> str:
    return dtype_name(leaf) if framework_of(leaf) is not None else "none"


def _plain(leaf: Any, trace: Trace) -> Any:
    """A NumPy copy; ones of its shape where an engine outside is recording it, and hides its values."""
    if framework_of(leaf) is None:
        raise OutputError(f"Expected an array, got a {type(leaf).__qualname__}.", got=leaf)
    value, known = concrete(leaf)
    if not known:
        unseen(trace, value)  # refused where values matter
    return value


def _input(leaf: Any, first: int, trace: Trace) -> Tracer:
    """A leaf of x: each entry depends on itself."""
    value = np.ascontiguousarray(_plain(leaf, trace)).reshape(shape_of(leaf))
    ids = SetStore.singletons(value.size, first).reshape(value.shape)
    tracer = blank(trace, value if value.ndim else value[()])
    tracer.first = Sets(trace.store, [ids])
    return tracer


def _context(context: Any, trace: Trace) -> Any:
    """A context as f sees it: data without dependences, or itself where its value is the program's."""
    if isinstance(context, Static):
        return context.value
    if isinstance(context, Cache):
        return map_leaves(lambda leaf: _scratch(leaf, trace), context.buffer)
    value = context.value if isinstance(context, Constant) else context
    return map_leaves(lambda leaf: _data(leaf, trace), value)


def _data(leaf: Any, trace: Trace) -> Any:
    if framework_of(leaf) is None or isinstance(leaf, int):
        return leaf
    value = _plain(leaf, trace)
    value.flags.writeable = False
    return constant(trace, value if value.ndim else value[()]) if is_inexact(value) else value


def _scratch(leaf: Any, trace: Trace) -> Any:
    value = _plain(leaf, trace)
    return blank(trace, value) if is_inexact(value) else value


def _output(leaf: Any, trace: Trace) -> tuple[Sets, int]:
    """What an output depends on, and its size."""
    if is_traced(leaf):
        if leaf.trace is not trace:
            raise DetectionError("f returned an array of another detection.", operation="return")
        return leaf.first, size_of(leaf)
    if framework_of(leaf) is None:
        raise OutputError(
            f"f returned a {type(leaf).__qualname__}, expected an array, a number or a tree of them"
            + ("; is a `return` missing?" if leaf is None else "."),
            got=leaf,
        )
    return Sets.empty(trace.store, shape_of(leaf)), size_of(leaf)
