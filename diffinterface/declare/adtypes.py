"""Declarations of differentiation backends: inert, frozen, hashable, and free to import.

An `ADType` says *which* engine to use and how; it imports nothing. `diffinterface.engine.registry`
turns it into the `Backend` that does the work, through the entry point named by its `name`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

from ..errors import (
    InputError,
    NestedDifferentiationError,
    NonAnalyticError,
    UnsupportedOperatorError,
)
from .expected import EXACT, Tolerances, Unsupported

#: The mode of a declaration; "auto" lets each operator choose.
Mode = Literal["auto", "forward", "reverse"]
_MODES = ("auto", "forward", "reverse")
#: Under which a declaration keeps the backend that it resolved to; no field, and not pickled.
RESOLVED = "_resolved"


@dataclass(frozen=True)
class ADType:
    """Base of every declaration; subclass it to declare a backend of your own.

    Attributes
    ----------
    name : str
        Class attribute: the entry point (group ``diffinterface.backends``) that resolves it.
    arrays : str
        Class attribute: the top-level module of the arrays that the engine's users hold.
    expected_failures : tuple of Unsupported
        Class attribute: what the engine refuses, alone or in a composite; read by the test kit.
    tolerances : pair of pair of float
        How close derivatives of first and of second order come, each in 64 and in 32 bits, relative to
        the largest entry; read by the test kit.
    """

    name: ClassVar[str] = ""
    arrays: ClassVar[str] = "numpy"
    expected_failures: ClassVar[tuple[Unsupported, ...]] = ()

    @property
    def tolerances(self) -> tuple[Tolerances, Tolerances]:
        return EXACT

    def __getstate__(self) -> Any:
        return {name: value for name, value in vars(self).items() if name != RESOLVED}

    def __init_subclass__(cls) -> None:
        # Before a dataclass makes its own, which tells every default.
        if "__repr__" not in vars(cls):
            cls.__repr__ = ADType.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        rows = [(option, getattr(self, option.name)) for option in fields(self) if option.repr]
        told = {o.name: value for o, value in rows if o.default is MISSING or value != o.default}
        needed = [o.name for o, _ in rows if o.default is MISSING and o.default_factory is MISSING]
        words = [repr(v) if [name] == needed else f"{name}={v!r}" for name, v in told.items()]
        return f"{type(self).__name__}({', '.join(words)})"

    def in_mode(self, mode: Literal["forward", "reverse"]) -> ADType:
        """The same engine in one mode; itself where it has no choice. See `forward_counterpart`."""
        has = getattr(self, "mode", None) in _MODES
        return replace(self, mode=mode) if has else self  # type: ignore[call-arg]


def _check_choice(owner: ADType, field: str, got: object, allowed: tuple[object, ...]) -> None:
    if not any(got is choice or (got == choice and isinstance(got, str)) for choice in allowed):
        wanted = ", ".join(repr(choice) for choice in allowed)
        raise InputError(
            f"{type(owner).__name__}: {field}={got!r} is not one of {wanted}.",
            got=got,
            expected=allowed,
        )


def _check_positive(owner: ADType, field: str, got: object, kind: type = Real) -> None:
    fits = isinstance(got, kind) and not isinstance(got, bool) and 0 < got < math.inf  # type: ignore[operator]
    if got is not None and not fits:
        wanted = "int" if kind is Integral else "number"
        raise InputError(
            f"{type(owner).__name__}: {field}={got!r}, expected a positive {wanted} or None.",
            got=got,
        )


@dataclass(frozen=True)
class AutoForwardDiff(ADType):
    """Dual numbers over the caller's own arrays; needs only the base install.

    Parameters
    ----------
    chunk_size : int, optional
        How many tangents one evaluation of f carries; None means 64.
    """

    name: ClassVar[str] = "forwarddiff"
    chunk_size: int | None = None

    def __post_init__(self) -> None:
        _check_positive(self, "chunk_size", self.chunk_size, Integral)


@dataclass(frozen=True)
class AutoFiniteDiff(ADType):
    """Finite differences: for functions that no other engine can enter.

    Parameters
    ----------
    scheme : {"central", "forward", "richardson"}
        Two-sided, one-sided, or central differences extrapolated to a vanishing step.
    relative_step, absolute_step : float, optional
        The step is ``max(relative_step * abs(x), absolute_step)``; None chooses it from the
        precision that f really returns. Where f varies on another scale than that of x, as
        ``sin(1e8 * x)`` does, or jumps near x, no step of this kind measures its slope, and nothing
        tells: pass steps of the right scale.
    """

    name: ClassVar[str] = "finitediff"
    scheme: Literal["central", "forward", "richardson"] = "central"
    relative_step: float | None = None
    absolute_step: float | None = None

    def __post_init__(self) -> None:
        _check_choice(self, "scheme", self.scheme, ("central", "forward", "richardson"))
        _check_positive(self, "relative_step", self.relative_step)
        _check_positive(self, "absolute_step", self.absolute_step)

    @property
    def tolerances(self) -> tuple[Tolerances, Tolerances]:
        return _OF_SCHEMES[self.scheme]


# As exact as the documentation says, with a margin of ten.
_OF_SCHEMES: dict[str, tuple[Tolerances, Tolerances]] = {
    "central": ((1e-9, 1e-3), (1e-6, 1e-1)),
    "forward": ((1e-7, 1e-2), (1e-4, 1.0)),
    "richardson": ((1e-11, 1e-4), (1e-8, 1e-2)),
}


@dataclass(frozen=True)
class AutoComplexStep(ADType):
    """The complex-step method: exact to rounding, for real functions that extend analytically."""

    name: ClassVar[str] = "complexstep"
    expected_failures = (
        Unsupported(
            ("complexstep",),
            UnsupportedOperatorError,
            "the imaginary part carries the derivative, so x must be real",
            features=("complex x",),
        ),
        Unsupported(
            ("complexstep",),
            NonAnalyticError,
            "the imaginary part carries the derivative, so f(x) must be real",
            features=("complex f(x)",),
        ),
    )

    @property
    def tolerances(self) -> tuple[Tolerances, Tolerances]:
        return (1e-12, 1e-5), (1e-9, 1e-3)  # a second derivative is a difference of first ones


@dataclass(frozen=True)
class AutoJax(ADType):
    """JAX.

    Parameters
    ----------
    mode : {"auto", "forward", "reverse"}
        "auto" lets each operator choose.
    jit : bool
        Whether prepared calls are compiled with ``jax.jit``. Calls without preparation never are.
    """

    name: ClassVar[str] = "jax"
    arrays: ClassVar[str] = "jax"
    expected_failures = (
        Unsupported(
            ("jax", "second?finitediff,jax*"),
            UnsupportedOperatorError,
            "JAX arrays are immutable",
            features=("inplace",),
        ),
        Unsupported(
            ("mixed?jax*",),
            UnsupportedOperatorError,
            "JAX arrays are immutable",
            operators=("pushforward",),
            features=("inplace",),
        ),
    )
    mode: Mode = "auto"
    jit: bool = True

    def __post_init__(self) -> None:
        _check_choice(self, "mode", self.mode, _MODES)
        _check_choice(self, "jit", self.jit, (True, False))


@dataclass(frozen=True)
class AutoTorch(ADType):
    """PyTorch: the autograd tape, and ``torch.func`` where transforms are needed.

    Parameters
    ----------
    mode : {"auto", "forward", "reverse"}
        "auto" lets each operator choose.
    compile : bool
        Whether prepared calls run f through ``torch.compile``.
    """

    name: ClassVar[str] = "torch"
    arrays: ClassVar[str] = "torch"
    mode: Mode = "auto"
    compile: bool = False

    def __post_init__(self) -> None:
        _check_choice(self, "mode", self.mode, _MODES)
        _check_choice(self, "compile", self.compile, (True, False))


@dataclass(frozen=True)
class AutoAutograd(ADType):
    """HIPS autograd, over ``autograd.numpy``."""

    name: ClassVar[str] = "autograd"
    expected_failures = (
        Unsupported(
            ("second?forwarddiff,autograd*",),
            NestedDifferentiationError,
            "dual numbers reach autograd over the bridge, which an auxiliary output does not cross",
            operators=("second_derivative", "hvp", "hessian"),
            features=("has_aux",),
        ),
    )
    mode: Mode = "auto"

    def __post_init__(self) -> None:
        _check_choice(self, "mode", self.mode, _MODES)


@dataclass(frozen=True)
class NoAutoDiff(ADType):
    """A declaration that this function must not be differentiated: every operator raises."""

    name: ClassVar[str] = "none"

    def in_mode(self, mode: Literal["forward", "reverse"]) -> ADType:
        raise UnsupportedOperatorError(
            f"{self!r} does not differentiate, in no mode; name an engine.", backend=self
        )


@dataclass(frozen=True)
class SecondOrder(ADType):
    """Two backends for second-order operators: `outer` differentiates the derivative by `inner`.

    First-order operators use `inner`.
    """

    name: ClassVar[str] = "second_order"
    outer: ADType
    inner: ADType

    def __post_init__(self) -> None:
        _check_members(self, outer=self.outer, inner=self.inner)

    def in_mode(self, mode: Literal["forward", "reverse"]) -> ADType:
        raise InputError(
            f"{self!r} is of two modes; ask for the counterpart of its outer and of its inner.",
            got=self,
        )


@dataclass(frozen=True)
class MixedMode(ADType):
    """A forward backend for pushforwards and a reverse one for pullbacks.

    Operators that can be had both ways go to the one that the shapes favor.
    """

    name: ClassVar[str] = "mixed_mode"
    forward: ADType
    reverse: ADType

    def __post_init__(self) -> None:
        _check_members(self, forward=self.forward, reverse=self.reverse)


@dataclass(frozen=True)
class AutoSparse(ADType):
    """Jacobians and Hessians with few entries that are not zero, by few products; needs ``sparse``.

    A detector finds the pattern, a coloring groups columns or rows that share no row or column, and one
    product a color gives all entries. Every other operator goes to `dense`. With a `MixedMode` inside,
    columns and rows are colored together.

    Parameters
    ----------
    dense : ADType
        The engine of the products.
    detector : Detector, optional
        Who finds the pattern (`diffinterface.sparse`); None means ``TracerDetector()``, and
        ``JaxprDetector()`` where f cannot be entered by that one, dense is JAX and asdex is there.
    coloring : GreedyColoring, OptimalColoring or ConstantColoring, optional
        Who colors it; None means the better of two orders, largest first and saturation.
    output : {"csr", "native", "data", "compressed"}
        A ``scipy.sparse.csr_array``; the sparse array of the engine's framework (``BCOO``,
        ``torch.sparse_csr``; SciPy's again for NumPy's arrays); a `diffinterface.sparse.SparseMatrix`,
        through which an outer engine differentiates; or the products as they are, one a row.
    plan : SparsePlan, optional
        Pattern and colors from an earlier preparation; `coloring` is not asked then, and `detector` only
        if the pattern is that of one point.
    chunk_size : int, optional
        How many products one evaluation computes; None means as many as the engine and memory allow.
    executor : concurrent.futures.Executor, optional
        Where to compute the products, one task a chunk. With processes, f must pickle.
    sharding : jax.sharding.Sharding, optional
        How the seeds' leading axis lies over devices; of AutoJax.
    progress : callable, optional
        Called as ``progress(done, total)`` after each chunk of products.

    Notes
    -----
    The matrix of a leaf of f(x) by a leaf of x has a row for each entry of the one and a column for each
    of the other, both raveled. A preparation compares the result with one more product, and so does each
    call without preparation: a pattern that misses entries raises `diffinterface.sparse.PatternError`.

    Raises
    ------
    InputError
        If a field is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x[1:] * x[:-1]
    >>> prep = di.prepare_jacobian(f, di.AutoSparse(di.AutoForwardDiff()), np.zeros(1000))
    >>> prep(np.ones(1000)).nnz
    1998
    >>> prep.details
    SparsePlan(jacobian: 999 x 1000, 1998 entries, 2 column colors, 500x fewer products)
    """

    name: ClassVar[str] = "sparse"
    dense: ADType
    detector: Any = None
    coloring: Any = None
    output: Literal["csr", "native", "data", "compressed"] = "csr"
    plan: Any = None
    chunk_size: int | None = None
    executor: Any = None
    sharding: Any = None
    progress: Callable[[int, int], None] | None = None

    def __post_init__(self) -> None:
        _check_members(self, dense=self.dense)
        _check_choice(self, "output", self.output, ("csr", "native", "data", "compressed"))
        _check_positive(self, "chunk_size", self.chunk_size, Integral)
        if isinstance(self.dense, AutoSparse):
            raise InputError("AutoSparse: dense is sparse already; give its dense.", got=self.dense)
        # By what they do, not by their classes: a declaration imports none of them.
        for field, method, instead in (
            ("detector", "jacobian_pattern", "TracerDetector() or KnownPattern(pattern)"),
            ("coloring", "decompression", "GreedyColoring(), for example"),
            ("plan", "coloring", "the details of a prepared operator, or load_plan(path)"),
        ):
            got = getattr(self, field)
            if got is not None and not hasattr(got, method):
                raise InputError(
                    f"AutoSparse: {field}={got!r} is none; write {instead}, of diffinterface.sparse.",
                    got=got,
                )

    def in_mode(self, mode: Literal["forward", "reverse"]) -> ADType:
        return replace(self, dense=self.dense.in_mode(mode))


def _check_members(owner: ADType, **members: object) -> None:
    for field, member in members.items():
        if not isinstance(member, ADType):
            raise InputError(
                f"{type(owner).__name__}: {field}={member!r} is not an ADType; "
                f"write {field}=AutoForwardDiff(), AutoJax() or another declaration.",
                got=member,
            )
