"""Linear algebra, batched over the tangents by a leading axis.

Formulas: Giles, *Collected matrix derivative results for forward and reverse mode algorithmic
differentiation* (2008), sections 2.2 and 3; of the pseudo-inverse, Golub & Pereyra, *The
differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate*
(1973), equation 4.12.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from functools import reduce
from typing import Any

from diffinterface.extend import is_complex
from diffinterface.extend.functions import matrix_power

from ..adaptors import apply, common_namespace, composed, constant, no_options
from ..dual import Dual
from ..levels import top, value_at
from ..table import ARRAYS, RULES, SEQUENCES, base
from ..values import back, cast, front, namespace_for

RESULTS = {
    "linalg.eigh": namedtuple("EighResult", ("eigenvalues", "eigenvectors")),
    "linalg.qr": namedtuple("QRResult", ("Q", "R")),
    "linalg.slogdet": namedtuple("SlogdetResult", ("sign", "logabsdet")),
    "linalg.svd": namedtuple("SVDResult", ("U", "S", "Vh")),
}


def matrix(name: str, tangent: Callable[..., Any]) -> None:
    """Register ``f(A)``, which returns an array or a tuple of arrays.

    ``tangent(xp, A, y, dA, *args, **options)`` gives the tangents' images, in a tuple where y is one,
    with None for a constant; dA has the shape ``(k, ..., m, n)``.
    """

    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        a, *rest = args
        xp = namespace_for(a.value, a.tangent)
        y = base(xp, name, function)(a.value, *rest, **options)
        parts = apply(name, tangent, xp, a.value, y, front(a.tangent), *rest, **options)
        if not isinstance(y, tuple):
            return Dual(y, back(parts), a.level)
        wrapped = [
            part if dt is None else Dual(part, back(dt), a.level)
            for part, dt in zip(y, parts, strict=True)
        ]
        return RESULTS[name](*wrapped)

    RULES[name] = rule


def adjoint(xp: Any, x: Any) -> Any:
    """The conjugate transpose."""
    return xp.conj(xp.matrix_transpose(x)) if is_complex(x) else xp.matrix_transpose(x)


def _trace(xp: Any, x: Any) -> Any:
    return xp.sum(xp.linalg.diagonal(x), axis=-1)


def _inv(xp: Any, a: Any, y: Any, da: Any) -> Any:
    return -(y @ da @ y)


def _det(xp: Any, a: Any, y: Any, da: Any) -> Any:
    """``tr(adj(A) dA)``, through the inverse; a singular matrix has none."""
    return y * _trace(xp, xp.linalg.inv(a) @ da)


def _slogdet(xp: Any, a: Any, y: Any, da: Any) -> Any:
    """``d log det A = tr(A^-1 dA)``: the imaginary part turns the sign."""
    moved = _trace(xp, xp.linalg.inv(a) @ da)
    if not is_complex(a):
        return None, moved
    return 1j * xp.imag(moved) * y[0], xp.real(moved)


def _pinv(xp: Any, a: Any, y: Any, da: Any, rcond: Any = None, *, rtol: Any = None) -> Any:
    """Where the rank stays what it is."""
    daj, yj = adjoint(xp, da), adjoint(xp, y)
    # y y^H dA^H (I - A y) and (I - y A) dA^H y^H y, without the unit matrices.
    left, right = y @ yj @ daj, daj @ yj @ y
    return -(y @ da @ y) + (left - left @ a @ y) + (right - y @ a @ right)


matrix("linalg.inv", _inv)
matrix("linalg.det", _det)
matrix("linalg.slogdet", _slogdet)
matrix("linalg.pinv", _pinv)
constant("linalg.matrix_rank")


def _solve(name: str, function: Any, args: Any, options: Any) -> Any:
    """``A dx = db - dA x``, with A and b broadcast against each other."""
    a, b = args
    no_options(name, options)
    level = top(a, b)
    va, vb = value_at(a, level), value_at(b, level)
    mine_a, mine_b = (isinstance(v, Dual) and v.level == level for v in (a, b))
    tangents = [v.tangent for v, mine in ((a, mine_a), (b, mine_b)) if mine]
    xp = common_namespace(va, vb, *tangents)
    x = base(xp, name, function)(va, vb)
    vector = len(vb.shape) == 1
    ndim = len(x.shape) + vector
    right: Any = 0
    if mine_b:
        right = front(b.tangent[..., None, :] if vector else b.tangent, ndim)
    if mine_a:
        right = right - front(a.tangent, ndim) @ (x[..., None] if vector else x)
    dx = xp.linalg.solve(va, right)
    return Dual(x, cast(back(dx[..., 0] if vector else dx), x.dtype), level)


RULES["linalg.solve"] = _solve
ARRAYS["linalg.solve"] = 2


composed("linalg.matrix_power", matrix_power)
composed("linalg.multi_dot", lambda xp, arrays: reduce(xp.matmul, arrays))
SEQUENCES.add("linalg.multi_dot")
