"""The array-API namespace over ``autograd.numpy``: the standard's names, autograd's derivatives.

`autograd.numpy` wraps every function of NumPy under its own name, but gives derivatives only to the
older names. Here each name of the standard leads to the function that has them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import autograd.numpy as anp
import autograd.numpy.fft as afft
import autograd.numpy.linalg as alinalg
import numpy as np

_RENAMED = {
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "concat": "concatenate",
    "permute_dims": "transpose",
    "pow": "power",
    "bitwise_invert": "invert",
    "bitwise_left_shift": "left_shift",
    "bitwise_right_shift": "right_shift",
}


def _std(x: Any, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    return anp.std(x, axis=axis, ddof=correction, keepdims=keepdims)


def _var(x: Any, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    return anp.var(x, axis=axis, ddof=correction, keepdims=keepdims)


def _cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    if axis is None:
        if x.ndim > 1:
            raise ValueError("cumulative_sum expects an axis for more than one dimension.")
        axis = 0
    total = anp.cumsum(x if dtype is None else x.astype(dtype), axis=axis)
    if not include_initial:
        return total
    shape = list(total.shape)
    shape[axis] = 1
    return anp.concatenate([np.zeros(shape, total.dtype), total], axis=axis)


def _take(x: Any, indices: Any, /, *, axis: int | None = None) -> Any:
    index: list[Any] = [slice(None)] * x.ndim
    index[0 if axis is None else axis] = indices
    return x[tuple(index)]


def _take_along_axis(x: Any, indices: Any, /, *, axis: int = -1) -> Any:
    index = list(np.ogrid[tuple(slice(extent) for extent in indices.shape)])
    index[axis] = indices
    return x[tuple(index)]


def _unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    moved = anp.moveaxis(x, axis, 0)
    return tuple(moved[i] for i in range(moved.shape[0]))


def _vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return anp.sum(anp.conj(x1) * x2, axis=axis)


def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    return x.astype(dtype)


def _asarray(
    obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None
) -> Any:
    array = obj if hasattr(obj, "_value") else anp.array(obj)
    return array if dtype is None or array.dtype == dtype else array.astype(dtype)


def _matrix_transpose(x: Any, /) -> Any:
    return anp.swapaxes(x, -1, -2)


def _clip(x: Any, /, min: Any = None, max: Any = None) -> Any:  # noqa: A002 - the standard's names
    low = x if min is None else anp.where(x < min, min, x)
    return low if max is None else anp.where(low > max, max, low)


def _reshape(x: Any, /, shape: Any, *, copy: bool | None = None) -> Any:
    return anp.reshape(x, shape)


def _creation(name: str) -> Callable[..., Any]:
    function = getattr(np, name)

    def create(*args: Any, device: Any = None, **options: Any) -> Any:
        return function(*[getattr(a, "_value", a) for a in args], **options)

    create.__name__ = name
    return create


def _norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:  # noqa: A002
    if axis is None:
        x, axis = anp.reshape(x, (-1,)), 0
    if ord == 2:
        return anp.sqrt(anp.sum(anp.abs(x) ** 2, axis=axis, keepdims=keepdims))
    if ord == 1:
        return anp.sum(anp.abs(x), axis=axis, keepdims=keepdims)
    if ord == float("inf"):
        return anp.max(anp.abs(x), axis=axis, keepdims=keepdims)
    return anp.sum(anp.abs(x) ** ord, axis=axis, keepdims=keepdims) ** (1 / ord)


def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:  # noqa: A002
    if ord != "fro":
        raise ValueError(
            f"matrix_norm with ord={ord!r} has no derivative under autograd; use 'fro'."
        )
    return anp.sqrt(anp.sum(anp.abs(x) ** 2, axis=(-2, -1), keepdims=keepdims))


def _linalg(name: str) -> Any:
    own = {
        "vector_norm": _norm,
        "matrix_norm": _matrix_norm,
        "matmul": anp.matmul,
        "tensordot": anp.tensordot,
        "vecdot": _vecdot,
        "outer": anp.outer,
        "matrix_transpose": _matrix_transpose,
        "trace": anp.trace,
        "diagonal": anp.diagonal,
    }
    return own[name] if name in own else getattr(alinalg, name)


class _Part(SimpleNamespace):
    """A sub-namespace whose missing names come from a function."""

    def __init__(self, find: Callable[[str], Any]) -> None:
        super().__init__(_find=find)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._find(name)


class Namespace:
    """What `di.array_namespace` gives for an autograd box."""

    __name__ = "diffinterface_autograd.namespace"
    linalg = _Part(_linalg)
    fft = _Part(lambda name: getattr(afft, name))

    std = staticmethod(_std)
    var = staticmethod(_var)
    cumulative_sum = staticmethod(_cumulative_sum)
    take = staticmethod(_take)
    take_along_axis = staticmethod(_take_along_axis)
    unstack = staticmethod(_unstack)
    vecdot = staticmethod(_vecdot)
    astype = staticmethod(_astype)
    asarray = staticmethod(_asarray)
    matrix_transpose = staticmethod(_matrix_transpose)
    clip = staticmethod(_clip)
    reshape = staticmethod(_reshape)

    def __getattr__(self, name: str) -> Any:
        if name in _CREATION:
            return _creation(name)
        return getattr(anp, _RENAMED.get(name, name))

    def __repr__(self) -> str:
        return "<array-API namespace over autograd.numpy>"


_CREATION = frozenset(
    {
        *("arange", "empty", "empty_like", "eye", "full", "full_like", "linspace", "meshgrid"),
        *("ones", "ones_like", "zeros", "zeros_like", "isdtype", "finfo", "iinfo", "result_type"),
        *("can_cast", "isnan", "isinf", "isfinite", "tril_indices", "triu_indices"),
    }
)

namespace = Namespace()
