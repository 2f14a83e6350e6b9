"""Products: bilinear functions, by the product rule."""

from __future__ import annotations

from string import ascii_letters
from typing import Any

import numpy as np

from diffinterface.extend.functions import parse_subscripts

from ..adaptors import by_slices, common_namespace, composed, no_options
from ..dual import Dual
from ..errors import MissingRuleError
from ..levels import duals, top, value_at
from ..table import ARRAYS, RULES, base
from ..values import back, cast, front, namespace_of, plain


def _bilinear(name: str, left: Any, right: Any) -> None:
    """``left(xp, f, ta, b)`` and ``right(xp, f, a, tb)`` give the tangents' images."""

    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        a, b, *rest = args
        if left is not _loop_left:
            no_options(name, options)
        level = top(a, b)
        va, vb = value_at(a, level), value_at(b, level)
        xp = common_namespace(va, vb)
        va, vb = (v if hasattr(v, "shape") else xp.asarray(v) for v in (va, vb))
        f = base(xp, name, function)

        def apply(u: Any, v: Any) -> Any:
            return f(u, v, *rest, **options)

        y, tangent = apply(va, vb), None
        if isinstance(a, Dual) and a.level == level:
            tangent = left(xp, apply, a.tangent, vb)
        if isinstance(b, Dual) and b.level == level:
            part = right(xp, apply, va, b.tangent)
            tangent = part if tangent is None else tangent + part
        return Dual(y, cast(tangent, y.dtype), level)

    RULES[name] = rule
    ARRAYS[name] = 2


def _loop_left(xp: Any, f: Any, t: Any, b: Any) -> Any:
    return by_slices(xp, lambda column: f(column, b), t)


def _loop_right(xp: Any, f: Any, a: Any, t: Any) -> Any:
    return by_slices(xp, lambda column: f(a, column), t)


def _matmul_left(xp: Any, f: Any, t: Any, b: Any) -> Any:
    """Tangents ``(..., m, n, k)`` of the left factor, times b."""
    if t.ndim == 2:  # a vector on the left
        return xp.matmul(_swap(xp, b), t) if b.ndim > 1 else xp.matmul(b, t)
    if b.ndim == 1:
        return xp.matmul(_swap(xp, t), b)
    if t.ndim == 3 and b.ndim == 2:  # one big product instead of k small ones
        m, n, k = t.shape
        flat = xp.reshape(xp.moveaxis(t, -1, 0), (k * m, n))
        return xp.moveaxis(xp.reshape(xp.matmul(flat, b), (k, m, b.shape[-1])), 0, -1)
    return back(xp.matmul(front(t, b.ndim), b))


def _matmul_right(xp: Any, f: Any, a: Any, t: Any) -> Any:
    """A times tangents ``(..., n, p, k)`` of the right factor."""
    if t.ndim == 2:  # a vector on the right: its tangents are a matrix
        return xp.matmul(a, t)
    if t.ndim == 3 and a.ndim <= 2:
        n, p, k = t.shape
        flat = xp.matmul(a, xp.reshape(t, (n, p * k)))
        return xp.reshape(flat, (*a.shape[:-1], p, k))
    if a.ndim == 1:
        return xp.moveaxis(xp.matmul(a, xp.moveaxis(t, -1, 0)), 0, -1)
    return back(xp.matmul(a, front(t, a.ndim)))


def _swap(xp: Any, x: Any) -> Any:
    return xp.moveaxis(x, -1, -2)


_bilinear("matmul", _matmul_left, _matmul_right)
for _name in ("cross", "linalg.cross", "kron", "convolve", "correlate", "vdot", "inner"):
    _bilinear(_name, _loop_left, _loop_right)


def _sparse_matmul(name: str, function: Any, args: Any, options: Any) -> Any:
    """A constant matrix of scipy.sparse times x: one product for all tangents."""
    matrix, x = args
    y = matrix @ x.value
    n, k = x.shape[0], x.width
    moved = matrix @ x.tangent.reshape((n, -1))
    return Dual(y, cast(moved.reshape((*y.shape, k)), y.dtype), x.level)


RULES["sparse_matmul"] = _sparse_matmul


def _ndim(x: Any) -> int:
    return len(getattr(x, "shape", ()))


def _dot(xp: Any, a: Any, b: Any) -> Any:
    if not _ndim(a) or not _ndim(b):
        return a * b
    if _ndim(b) == 1 or (_ndim(a) <= 2 and _ndim(b) <= 2):
        return xp.matmul(a, b)
    return _tensordot(xp, a, b, ((_ndim(a) - 1,), (_ndim(b) - 2,)))


def _tensordot(xp: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    if isinstance(axes, int):
        over_a = tuple(range(_ndim(a) - axes, _ndim(a)))
        over_b = tuple(range(axes))
    else:
        over_a, over_b = (
            tuple(i % _ndim(x) for i in (ax if isinstance(ax, tuple | list) else (ax,)))
            for ax, x in zip(axes, (a, b), strict=True)
        )
    free_a = [i for i in range(_ndim(a)) if i not in over_a]
    free_b = [i for i in range(_ndim(b)) if i not in over_b]
    size = int(np.prod([a.shape[i] for i in over_a], dtype=int))
    left = xp.reshape(xp.permute_dims(a, (*free_a, *over_a)), (-1, size))
    right = xp.reshape(xp.permute_dims(b, (*over_b, *free_b)), (size, -1))
    shape = (*(a.shape[i] for i in free_a), *(b.shape[i] for i in free_b))
    return xp.reshape(xp.matmul(left, right), shape)


def _polymul(xp: Any, a: Any, b: Any) -> Any:
    """A convolution of coefficients, of which NumPy drops zeros in front."""
    return xp.convolve(_trimmed(a), _trimmed(b))


def _trimmed(coefficients: Any) -> Any:
    coefficients = coefficients.reshape(-1) if _ndim(coefficients) else [coefficients]
    found = np.flatnonzero(plain(coefficients))
    return coefficients[int(found[0]) if len(found) else -1 :]


composed("dot", _dot, arrays=2)
composed("outer", lambda xp, a, b: xp.reshape(a, (-1, 1)) * xp.reshape(b, (1, -1)), arrays=2)
composed("vecdot", lambda xp, a, b, axis=-1: xp.sum(xp.conj(a) * b, axis=axis), arrays=2)
composed("tensordot", _tensordot, arrays=2)
composed("polymul", _polymul, arrays=2)


def _einsum(name: str, function: Any, args: Any, options: Any) -> Any:
    subscripts, *operands = args
    if not isinstance(subscripts, str):
        raise MissingRuleError("einsum", "with subscripts as lists has no derivative rule")
    inputs, output = parse_subscripts(subscripts, [_ndim(op) for op in operands])
    letter = next(c for c in ascii_letters if not any(c in s for s in inputs))
    level = top(operands)
    values = [value_at(op, level) for op in operands]
    xp = namespace_of(next(d for d in duals(operands) if d.level == level).value)
    y = xp.einsum(f"{','.join(inputs)}->{output}", *values, **options)
    tangent: Any = None
    for i, operand in enumerate(operands):
        if isinstance(operand, Dual) and operand.level == level:
            names = [s + letter * (i == j) for j, s in enumerate(inputs)]
            parts = [operand.tangent if i == j else v for j, v in enumerate(values)]
            part = xp.einsum(f"{','.join(names)}->{output}{letter}", *parts, **options)
            tangent = part if tangent is None else tangent + part
    y = y if hasattr(y, "shape") else np.asarray(y)
    return Dual(y, cast(tangent, y.dtype), level)


RULES["einsum"] = _einsum
ARRAYS["einsum"] = 99
