"""Products: linear in each factor, so that second derivatives pair one factor with another."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from diffinterface.arrays.composed import axes_of
from diffinterface.arrays.subscripts import LETTERS, parse

from ..results import result_of, sets_of
from ..sets import Sets
from ..table import composed, rule
from ..trace import Trace
from ..traced import is_traced, values
from .general import dense


def contract(trace: Trace, value: Any, operands: list[Any], names: list[str], output: str) -> Any:
    """`value`, a sum of products in Einstein's notation, each operand with letters of its own once.

    An output depends on the entries of a factor that it shares the index with. Two factors meet in the
    products: there their second derivatives are.
    """
    traced = [(op, s) for op, s in zip(operands, names, strict=True) if is_traced(op)]
    first = [_onto(op.first, s, output) for op, s in traced]
    second = [_onto(op.second, s, output) for op, s in traced if trace.second]
    if trace.second:
        for i, (a, one) in enumerate(traced):
            for b, other in traced[i + 1 :]:
                joint = one + "".join(c for c in other if c not in one)
                met = trace.event(_spread(a.first, one, joint), _spread(b.first, other, joint))
                second.append(_onto(met, joint, output))
    return result_of(trace, value, first, second)


def _onto(sets: Sets, names: str, output: str) -> Sets:
    """Unions over the letters that the output lacks, in its order, with length 1 for those of others."""
    axes = tuple(i for i, c in enumerate(names) if c not in output)
    if axes:
        sets = sets.over(axes, keepdims=False)
        names = "".join(c for c in names if c in output)
    return _spread(sets, names, output)


def _spread(sets: Sets, names: str, output: str) -> Sets:
    order = [names.index(c) for c in output if c in names]
    index = tuple(slice(None) if c in names else None for c in output)
    return sets.map(lambda part: part.transpose(order)[index])


def _compute(function: Any, args: Any, options: Any) -> Any:
    return np.asarray(function(*values(args), **options))


def _ndim(x: Any) -> int:
    return int(np.ndim(values(x)))


@rule("matmul", "sparse_matmul")
def _matmul(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    a, b = args
    if options.keys() - {"dtype", "casting"}:
        return dense(trace, function(*values(args), **values(options)), args)
    if hasattr(a, "tocoo"):
        return _sparse(trace, a.tocoo(), b)
    value = _compute(np.matmul, args, options)
    na, nb = _ndim(a), _ndim(b)
    wide = max(na, nb, 2) - 2
    batch = LETTERS[:wide]
    left = batch[wide - max(na - 2, 0) :] + ("Z" if na == 1 else "XZ")
    right = batch[wide - max(nb - 2, 0) :] + ("Z" if nb == 1 else "ZY")
    output = batch + ("X" if na > 1 else "") + ("Y" if nb > 1 else "")
    return contract(trace, value, [a, b], [left, right], output)


def _sparse(trace: Trace, matrix: Any, x: Any) -> Any:
    """A SciPy sparse matrix times an array: where it stores an entry, zero or not."""
    value = np.asarray(matrix @ x.value)
    row, column = matrix.coords if hasattr(matrix, "coords") else (matrix.row, matrix.col)

    def apply(sets: Sets) -> Sets:
        wide = [part.reshape(part.shape[0], -1) for part in sets.parts]
        k = wide[0].shape[1]
        rows = (row.astype(np.int64)[:, None] * k + np.arange(k)).ravel()
        ids = np.concatenate([part[column].ravel() for part in wide])
        merged = sets.store.merge(np.tile(rows, len(wide)), ids, matrix.shape[0] * k)
        return Sets(sets.store, [merged.reshape(value.shape)])

    return result_of(trace, value, *sets_of([x], apply))


@composed("dot")
def _dot(a: Any, b: Any, out: None = None) -> Any:
    if not _ndim(a) or not _ndim(b):
        return np.multiply(a, b)
    if _ndim(b) == 1 or (_ndim(a) <= 2 and _ndim(b) <= 2):
        return np.matmul(a, b)
    return np.tensordot(a, b, axes=((_ndim(a) - 1,), (_ndim(b) - 2,)))


@rule("tensordot")
def _tensordot(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    a, b, *rest = args
    axes = rest[0] if rest else options.get("axes", 2)
    na, nb = _ndim(a), _ndim(b)
    if isinstance(axes, int):
        axes = (tuple(range(na - axes, na)), tuple(range(axes)))
    over_a, over_b = axes_of(axes[0], na), axes_of(axes[1], nb)
    left, right = list(LETTERS[:na]), list(LETTERS[na : na + nb])
    for i, j in zip(over_a, over_b, strict=True):
        right[j] = left[i]
    output = [c for i, c in enumerate(left) if i not in over_a]
    output += [c for j, c in enumerate(right) if j not in over_b]
    product: Any = np.tensordot
    value = np.asarray(product(*values((a, b)), axes=(over_a, over_b)))
    return contract(trace, value, [a, b], ["".join(left), "".join(right)], "".join(output))


@composed("inner")
def _inner(a: Any, b: Any) -> Any:
    if not _ndim(a) or not _ndim(b):
        return np.multiply(a, b)
    return np.tensordot(a, b, axes=((_ndim(a) - 1,), (_ndim(b) - 1,)))


@composed("vdot")
def _vdot(a: Any, b: Any) -> Any:
    return np.sum(np.conj(np.reshape(a, (-1,))) * np.reshape(b, (-1,)))


@rule("vecdot")
def _vecdot(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    if options.keys() - {"axis"}:
        return dense(trace, function(*values(args), **values(options)), args)
    return np.sum(np.conj(args[0]) * args[1], axis=options.get("axis", -1))


@composed("outer")
def _outer(a: Any, b: Any, out: None = None) -> Any:
    return np.reshape(a, (-1, 1)) * np.reshape(b, (-1,))


@composed("kron")
def _kron(a: Any, b: Any) -> Any:
    n = max(_ndim(a), _ndim(b))
    one, other = ((1,) * (n - _ndim(x)) + np.shape(values(x)) for x in (a, b))
    left = np.reshape(a, tuple(extent for e in one for extent in (e, 1)))
    right = np.reshape(b, tuple(extent for e in other for extent in (1, e)))
    return np.reshape(left * right, tuple(i * j for i, j in zip(one, other, strict=True)))


@rule("convolve", "correlate", "polymul")
def _convolve(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """The sum of one factor's shifts, each times an entry of the other."""
    one, other, *rest = args
    a, b = np.reshape(one, (-1,)), np.reshape(other, (-1,))
    value = _compute(function, args, options)
    default = "valid" if name == "correlate" else "full"
    mode = rest[0] if rest else options.get("mode", default)
    if name == "polymul":
        return dense(trace, value, args)
    if name == "correlate":
        b = np.conj(b[::-1])
    n, m = a.shape[0], b.shape[0]
    short, long = (b, a) if m <= n else (a, b)
    terms = [np.pad(long, (k, short.shape[0] - 1 - k)) * short[k] for k in range(short.shape[0])]
    total: Any = reduce(np.add, terms)
    # What "same" and "valid" keep of the full result, in the middle.
    keep = {"full": n + m - 1, "same": max(n, m), "valid": max(n, m) - min(n, m) + 1}
    length = {0: "valid", 1: "same", 2: "full"}.get(mode, mode)
    start = (n + m - 1 - keep[length] + (name == "correlate" and m > n)) // 2
    kept: Any = total[start : start + keep[length]]
    return result_of(trace, value, *sets_of([kept]))


@rule("cross", "linalg.cross")
def _cross(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    a, b = args[:2]
    axis = options.get("axis", -1)
    if (
        len(args) > 2
        or set(options) - {"axis"}
        or {np.shape(values(x))[axis] for x in (a, b)} != {3}
    ):
        return dense(trace, function(*values(args), **options), args)
    a, b = np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1)
    parts = [a[..., i] * b[..., j] - a[..., j] * b[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.moveaxis(np.stack(parts, axis=-1), -1, axis)


@rule("einsum")
def _einsum(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    subscripts, *operands = args
    value = _compute(np.einsum, args, options)
    if not isinstance(subscripts, str):
        return dense(trace, value, operands)
    names, output = parse(subscripts, [_ndim(op) for op in operands])
    if len(operands) == 1 and set(names[0]) == set(output):  # a view, in NumPy too
        return operands[0].moved(lambda part: np.einsum(f"{names[0]}->{output}", part))
    for i, (op, s) in enumerate(zip(operands, names, strict=True)):
        if len(set(s)) < len(s):  # a repeated letter is a diagonal
            names[i] = "".join(dict.fromkeys(s))
            if is_traced(op):
                operands[i] = op.moved(lambda part, s=s, t=names[i]: np.einsum(f"{s}->{t}", part))
    return contract(trace, value, operands, names, output)


composed("linalg.multi_dot")(lambda factors: reduce(np.dot, factors))


@rule("polyval")
def _polyval(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    coefficients, x = args
    if not is_traced(coefficients):
        value = function(*values(args))
        first, second = sets_of([x])
        if trace.second:
            second.append(trace.square(first))
        return result_of(trace, value, first, second)
    x = x if is_traced(x) else np.asarray(x)
    return reduce(lambda y, c: y * x + c, coefficients[1:], 0 * x + coefficients[0])
