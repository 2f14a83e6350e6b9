"""The complex step as an inner engine."""

from __future__ import annotations

from functools import reduce
from typing import Any, final

import numpy as np

from diffinterface.extend import (
    NUMBERS,
    AbstractBackend,
    Array,
    AutoComplexStep,
    AutoFiniteDiff,
    Backend,
    Function,
    Leaves,
    Mode,
    NonAnalyticError,
    Prep,
    UnsupportedOperatorError,
    array_namespace,
    cast,
    dtype_name,
    is_complex,
    map_leaves,
    none_pushed,
    resolve,
)
from diffinterface.extend.arrays import is_numpy_scalar, new_level
from diffinterface.extend.frameworks import stopped
from diffinterface.extend.modes import Level

from .analytic import Analytic

# Far below the last digit of a real part near 1, far above the smallest number (Martins, Sturdza &
# Alonso, The complex-step derivative approximation, ACM TOMS 29 (2003), section 2.1).
STEP = {"float64": 1e-20, "float32": 1e-15}
_COMPLEX = {"float64": "complex128", "float32": "complex64"}


@final
class ComplexStepBackend(Backend):
    """`AutoComplexStep`: ``f'(x) t = Im f(x + i h t) / h``, exact to rounding.

    f sees arrays that refuse every function which is not analytic. Second derivatives are central
    differences of complex-step derivatives, with a relative accuracy of about 1e-10.
    """

    adtype_class = AutoComplexStep
    orders, dtypes = 2, frozenset(STEP)

    def level(self, mode: Mode, directions: int) -> Level:
        # Each gives the value too, in complex arithmetic.
        return Level(mode, directions, max(directions, 1))

    def check_output(self, leaf: Array) -> Array:
        if not isinstance(leaf, Analytic) and is_complex(leaf):
            raise NonAnalyticError(
                "f returned a complex array; the complex step keeps the derivative in the imaginary "
                "part, so f must be real. Use AutoForwardDiff().",
                got=dtype_name(leaf),
            )
        return leaf

    def prepare_pushforward(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        self._check_x(x)
        h = max(STEP[dtype_name(leaf)] for leaf in x)

        def single(x: Leaves, contexts: Leaves, t: Leaves) -> tuple[Leaves, Leaves, Any]:
            norm, level = _norm(t), new_level()
            moved = tuple(_move(a, b, h / norm, level) for a, b in zip(x, t, strict=True))
            y, aux = fn(moved, contexts)
            value = tuple(_part(leaf, x[0], level, "real") for leaf in y)
            slope = (_part(leaf, x[0], level, "imag") for leaf in y)
            return value, tuple(leaf * cast(norm / h, leaf) for leaf in slope), _plain(aux, level)

        def run(x: Leaves, contexts: Leaves, t: Leaves) -> tuple[Leaves, Leaves, Any]:
            if not batched:
                return single(x, contexts, t)
            value: Leaves = ()
            aux, rows = None, []
            for k in range(t[0].shape[0]):
                value, row, aux = single(x, contexts, tuple(leaf[k, ...] for leaf in t))
                rows.append(row)
            if not rows:
                zero = tuple(array_namespace(leaf).zeros_like(leaf) for leaf in x)
                value, _, aux = single(x, contexts, zero)
                return value, none_pushed(value), aux
            columns = zip(*rows, strict=True)
            return value, tuple(array_namespace(*c).stack(c) for c in columns), aux

        return Prep(run)

    def prepare_batched_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        self._check_x(x)  # before f runs at x as it is
        return super().prepare_batched_jacobian(fn, x, contexts)

    def _check_x(self, x: Leaves) -> None:
        for leaf in x:
            if dtype_name(leaf) not in STEP:
                raise UnsupportedOperatorError(
                    f"The complex step needs a real x of float64 or float32, got {dtype_name(leaf)}; "
                    "use AutoForwardDiff() or AutoFiniteDiff().",
                    backend=self.adtype,
                    operator="pushforward",
                    got=dtype_name(leaf),
                )

    # --- second order ----------------------------------------------------------------------------

    def outer(self, x: Leaves) -> AbstractBackend:
        if not any(map(is_complex, x)):  # `derived` says what is wrong with those
            self._check_x(x)
        eps = max(float(np.finfo(dtype_name(leaf)).eps) for leaf in x)
        return resolve(AutoFiniteDiff(scheme="central", relative_step=eps ** (1 / 3)))


def _norm(t: Leaves) -> Any:
    """The largest modulus of the tangent, so that the step is the same for tangents of any size.

    An array, whose value an outer engine may hide; it cancels, so nothing is differentiated through it.
    """
    norms = [stopped(leaf) for leaf in t if 0 not in leaf.shape]
    if not norms:
        return 1.0
    xp = array_namespace(*norms)
    norm = reduce(xp.maximum, (xp.max(xp.abs(leaf)) for leaf in norms))
    return xp.where((norm > 0) & xp.isfinite(norm), norm, xp.ones_like(norm))


def _move(x: Array, t: Array, h: Any, level: int) -> Analytic:
    xp = array_namespace(x, t)
    dtype = getattr(xp, _COMPLEX[dtype_name(x)])
    moved = xp.astype(x, dtype) + 1j * xp.astype(h * t, dtype)
    # A number stays one, which f cannot write into; NumPy makes one of a 0-d array too.
    return Analytic(moved if is_numpy_scalar(x) else xp.asarray(moved), level)


def _part(leaf: Any, like: Array, level: int, part: str) -> Array:
    if isinstance(leaf, Analytic) and leaf.level == level:
        xp = array_namespace(leaf.value)
        return getattr(xp, part)(leaf.value)
    # Constant here; an outer engine may be differentiating it all the same.
    xp = array_namespace(like if isinstance(leaf, NUMBERS) else leaf)
    constant = xp.asarray(leaf)
    return constant if part == "real" else xp.zeros_like(constant)


def _plain(aux: Any, level: int) -> Any:
    """The auxiliary output back on the real line."""

    def strip(leaf: Any) -> Any:
        mine = isinstance(leaf, Analytic) and leaf.level == level
        return array_namespace(leaf.value).real(leaf.value) if mine else leaf

    return map_leaves(strip, aux)
