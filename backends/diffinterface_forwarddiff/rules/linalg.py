"""Linear algebra, batched over the tangents by a leading axis.

Formulas: Giles, *Collected matrix derivative results for forward and reverse mode algorithmic
differentiation* (2008), sections 2.2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..adaptors import composed, top, value_at
from ..dual import Dual
from ..errors import MissingRuleError
from ..table import RULES, base
from ..values import namespace_of


def _front(t: Any) -> Any:
    return namespace_of(t).moveaxis(t, -1, 0)


def _back(t: Any) -> Any:
    return namespace_of(t).moveaxis(t, 0, -1)


def _matrix(name: str, tangent: Callable[..., Any]) -> None:
    """Register ``f(A)``: ``tangent(xp, A, y, dA)`` with dA of shape ``(k, ..., n, n)``."""

    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        if options or len(args) > 1:
            raise MissingRuleError(name, "with options has no derivative rule")
        (a,) = args
        xp = namespace_of(a.value)
        y = base(xp, name, function)(a.value)
        parts = tangent(xp, a.value, y, _front(a.tangent))
        if not isinstance(y, tuple):
            return Dual(y, _back(parts), a.level)
        wrapped = [
            part if dt is None else Dual(part, _back(dt), a.level)
            for part, dt in zip(y, parts, strict=True)
        ]
        return type(y)(*wrapped) if hasattr(y, "_fields") else tuple(wrapped)

    RULES[name] = rule


def _trace(xp: Any, x: Any) -> Any:
    return xp.einsum("...ii->...", x)


def _inv(xp: Any, a: Any, y: Any, da: Any) -> Any:
    return -(y @ da @ y)


def _det(xp: Any, a: Any, y: Any, da: Any) -> Any:
    """``tr(adj(A) dA)``, through the inverse; a singular matrix has none."""
    return y * _trace(xp, xp.linalg.inv(a) @ da)


def _slogdet(xp: Any, a: Any, y: Any, da: Any) -> Any:
    return None, _trace(xp, xp.linalg.inv(a) @ da)


def _cholesky(xp: Any, a: Any, y: Any, da: Any) -> Any:
    left = xp.linalg.inv(y)
    middle = left @ da @ xp.matrix_transpose(left)
    half = xp.tril(middle) - 0.5 * middle * xp.eye(a.shape[-1])
    return y @ half


def _eigh(xp: Any, a: Any, y: Any, da: Any) -> Any:
    values, vectors = y
    inner = xp.matrix_transpose(xp.conj(vectors)) @ da @ vectors
    gaps = values[..., None, :] - values[..., :, None]
    eye = xp.eye(a.shape[-1])
    factor = (1 - eye) / (gaps + eye)
    return xp.real(xp.einsum("...ii->...i", inner)), vectors @ (factor * inner)


def _eigvalsh(xp: Any, a: Any, y: Any, da: Any) -> Any:
    return _eigh(xp, a, xp.linalg.eigh(a), da)[0]


def _svdvals(xp: Any, a: Any, y: Any, da: Any) -> Any:
    u, _, vh = xp.linalg.svd(a, full_matrices=False)
    inner = xp.matrix_transpose(xp.conj(u)) @ da @ xp.matrix_transpose(xp.conj(vh))
    return xp.real(xp.einsum("...ii->...i", inner))


_matrix("linalg.inv", _inv)
_matrix("linalg.det", _det)
_matrix("linalg.slogdet", _slogdet)
_matrix("linalg.cholesky", _cholesky)
_matrix("linalg.eigh", _eigh)
_matrix("linalg.eigvalsh", _eigvalsh)
_matrix("linalg.svdvals", _svdvals)


def _solve(name: str, function: Any, args: Any, options: Any) -> Any:
    """``A dx = db - dA x``."""
    a, b = args
    level = top(a, b)
    va, vb = value_at(a, level), value_at(b, level)
    xp = namespace_of(va if isinstance(a, Dual) and a.level == level else vb)
    x = base(xp, name, function)(va, vb)
    vector = len(vb.shape) == 1
    right: Any = 0
    if isinstance(b, Dual) and b.level == level:
        db = _front(b.tangent)
        right = db[..., None] if vector else db
    if isinstance(a, Dual) and a.level == level:
        right = right - _front(a.tangent) @ (x[..., None] if vector else x)
    dx = xp.linalg.solve(va, right)
    return Dual(x, _back(dx[..., 0] if vector else dx), level)


RULES["linalg.solve"] = _solve


def _norm(xp: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002
    matrix = (axis is None and x.ndim == 2 and ord is not None) or isinstance(axis, tuple)
    if matrix and ord not in (None, "fro", "f"):
        raise MissingRuleError(
            "linalg.norm", f"of a matrix with ord={ord!r} has no derivative rule"
        )
    if axis is None and ord is None and x.ndim != 2:
        x, axis = (x.reshape((-1,)), None) if not keepdims else (x, None)
    size = xp.abs(x)
    if ord in (None, 2, "fro", "f"):
        return _two_norm(xp, x, axis, keepdims)
    if ord == 1:
        return xp.sum(size, axis=axis, keepdims=keepdims)
    if ord in (float("inf"), -float("inf")):
        return (xp.max if ord > 0 else xp.min)(size, axis=axis, keepdims=keepdims)
    return xp.sum(size**ord, axis=axis, keepdims=keepdims) ** (1 / ord)


def _two_norm(xp: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    size = xp.abs(x)
    return xp.sqrt(xp.sum(size * size, axis=axis, keepdims=keepdims))


def _matrix_power(xp: Any, a: Any, n: int) -> Any:
    if n < 0:
        return _matrix_power(xp, xp.linalg.inv(a), -n)
    result = xp.eye(a.shape[-1]) + 0 * a if n == 0 else a
    for _ in range(n - 1):
        result = xp.matmul(result, a)
    return result


def _multi_dot(xp: Any, arrays: Any) -> Any:
    result = arrays[0]
    for array in arrays[1:]:
        result = xp.matmul(result, array)
    return result


def _pinv(xp: Any, a: Any) -> Any:
    """Of full rank: through the normal equations."""
    t = xp.conj(xp.matrix_transpose(a))
    if a.shape[-2] >= a.shape[-1]:
        return xp.linalg.solve(xp.matmul(t, a), t)
    return xp.conj(xp.matrix_transpose(xp.linalg.solve(xp.matmul(a, t), a)))


def _vector_norm(
    xp: Any,
    x: Any,
    axis: Any = None,
    keepdims: bool = False,
    ord: Any = 2,  # noqa: A002
) -> Any:
    return _norm(xp, x.reshape((-1,)) if axis is None and not keepdims else x, ord, axis, keepdims)


def _matrix_norm(xp: Any, x: Any, keepdims: bool = False, ord: Any = "fro") -> Any:  # noqa: A002
    return _norm(xp, x, ord, (-2, -1), keepdims)


composed("linalg.norm", _norm)
composed("linalg.vector_norm", _vector_norm)
composed("linalg.matrix_norm", _matrix_norm)
composed("linalg.matrix_power", _matrix_power)
composed("linalg.multi_dot", _multi_dot)
composed("linalg.pinv", _pinv)
