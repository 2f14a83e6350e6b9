"""Linear algebra of the standard that autograd differentiates in part: products, norms, inverses.

Formulas: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation", 2008, by section.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import autograd.numpy.linalg as alinalg
import numpy as np
from autograd.core import primitive_jvps, primitive_vjps
from autograd.extend import defjvp, defjvp_argnum, defvjp, defvjp_argnum
from autograd.numpy.numpy_vjps import grad_inner, match_complex, unbroadcast_f
from autograd.tracer import getval

from .creation import astype
from .factorizations import factors
from .linear import define, transpose
from .rules import primitive_of
from .shapes import adjoint, matrix_transpose

# --- autograd's own rules, made right or complete ----------------------------------------------------


def _relative(g: Any, x: Any) -> Any:
    """The trace of ``x^-1 g``."""
    return anp.sum(matrix_transpose(alinalg.inv(x)) * g, axis=(-2, -1))


defjvp(alinalg.inv, lambda g, ans, x: -(ans @ g @ ans))  # 2.2.3
defjvp(alinalg.det, lambda g, ans, x: ans * _relative(g, x))  # 2.2.4


def _push_solve(argnum: int, g: Any, ans: Any, args: Any, options: Any) -> Any:
    """Section 2.3.1: ``a dx = db - da x``."""
    a, b = tuple(args) + tuple(options.values())
    if argnum:
        return alinalg.solve(a, g)
    if anp.ndim(b) == 1:
        return -alinalg.solve(a, g @ ans[..., None])[..., 0]
    return -alinalg.solve(a, g @ ans)


def _pull_solve(argnum: int, ans: Any, args: Any, options: Any) -> Any:
    a, b = tuple(args) + tuple(options.values())
    vector = anp.ndim(b) == 1

    def pull(g: Any) -> Any:
        back = alinalg.solve(matrix_transpose(a), g[..., None] if vector else g)
        if argnum:
            return back[..., 0] if vector else back
        return -(back @ matrix_transpose(ans[..., None] if vector else ans))

    return unbroadcast_f(args[argnum], pull)


# Autograd's mistakes a batch of vectors for a matrix.
defjvp_argnum(alinalg.solve, _push_solve)
defvjp_argnum(alinalg.solve, _pull_solve)


def _push_pinv(g: Any, ans: Any, x: Any, *_: Any, **__: Any) -> Any:
    """Where the rank does not change.

    G. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
    problems whose variables separate", 1973.
    """
    pt, gt = adjoint(ans), adjoint(g)
    outside = gt - gt @ x @ ans
    inside = gt - ans @ x @ gt
    return -(ans @ g @ ans) + ans @ (pt @ outside) + (inside @ pt) @ ans


define(alinalg.pinv, _push_pinv)


def _covered(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Autograd takes the maximum norm for one of a power, and counts negative axes wrongly."""

    def checked(argnums: Any, *rest: Any) -> Any:
        args, options = rest[-2:]
        given = {**dict(zip(("ord", "axis"), args[1:], strict=False)), **options}
        order, axis = given.get("ord"), given.get("axis")
        if order == "nuc" and isinstance(axis, tuple) and min(axis) < 0:
            raise NotImplementedError
        if isinstance(order, float) and np.isinf(order):
            raise NotImplementedError
        return rule(argnums, *rest)

    return checked


_norm = primitive_of(np.linalg.norm)
for _rules in (primitive_jvps, primitive_vjps):
    _rules[_norm] = _covered(_rules[_norm])


def _pull_slogdet(ans: Any, x: Any) -> Any:
    """Autograd leaves out the sign, which of complex matrices is not constant."""
    sign = transpose(lambda t: _push_sign(t, ans[0], x), x)
    logabsdet = transpose(lambda t: _push_logabsdet(t, ans[1], x), x)
    if not anp.iscomplexobj(x):
        return lambda g: logabsdet(g[1])
    return lambda g: sign(g[0]) + logabsdet(g[1])


def _push_sign(g: Any, ans: Any, x: Any, known: Any = None) -> Any:
    return 1j * ans * anp.imag(_relative(g, x))


def _push_logabsdet(g: Any, ans: Any, x: Any, known: Any = None) -> Any:
    return anp.real(_relative(g, x))


defvjp(alinalg.slogdet, _pull_slogdet)


def _pull_inner(argnum: int, ans: Any, args: Any, options: Any) -> Any:
    """Autograd's may leave an imaginary part in the cotangent of a real array."""
    back = grad_inner(argnum, ans, *args)
    return lambda g: match_complex(args[argnum], back(g))


defvjp_argnum(anp.inner, _pull_inner)


# --- products ----------------------------------------------------------------------------------------


def _cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError("cross expects three entries along the axis.")
    a, b = anp.moveaxis(x1, axis, 0), anp.moveaxis(x2, axis, 0)
    parts = [a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2] for i in range(3)]
    return anp.moveaxis(anp.stack(parts), 0, axis)


def _diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return anp.diagonal(x, offset, -2, -1)


def _outer(x1: Any, x2: Any, /) -> Any:
    return x1[:, None] * x2[None, :]


def _trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    entries = _diagonal(x, offset=offset)
    return anp.sum(entries if dtype is None else astype(entries, dtype), axis=-1)


def _vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return anp.sum(anp.conj(x1) * x2, axis=axis)


# --- determinants ------------------------------------------------------------------------------------


_sign, _logabsdet = factors("sign", "logabsdet")
define(_sign, _push_sign)
define(_logabsdet, _push_logabsdet)


def _slogdet(x: Any, /) -> Any:
    known = np.linalg.slogdet(getval(x))
    sign = _sign(x, known) if anp.iscomplexobj(x) else known.sign
    return type(known)(sign, _logabsdet(x, known))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "cross": _cross,
    "diagonal": _diagonal,
    "matmul": anp.matmul,
    "matrix_rank": lambda x, /, *, rtol=None: np.linalg.matrix_rank(getval(x), rtol=rtol),
    "matrix_transpose": matrix_transpose,
    "outer": _outer,
    "slogdet": _slogdet,
    "tensordot": anp.tensordot,
    "trace": _trace,
    "vecdot": _vecdot,
}
