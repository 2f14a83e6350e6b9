"""Functions of the standard that make arrays, some of them from boxes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_compat.numpy as plain
import autograd.numpy as anp
import numpy as np
from autograd.extend import defjvp, defjvp_argnum, defvjp, defvjp_argnum
from autograd.numpy.numpy_jvps import broadcast
from autograd.numpy.numpy_vjps import unbroadcast_f
from autograd.tracer import getval, isbox

from .buffer import frozen
from .rules import is_floating

# --- autograd's own rules, made complete -----------------------------------------------------------

defvjp(anp.full, lambda ans, shape, fill, *_, **__: unbroadcast_f(fill, lambda g: g), argnums=(1,))
defjvp(anp.full, lambda g, ans, *_, **__: broadcast(g, ans), argnums=(1,))


def _weight(end: int, ans: Any, num: int = 50, endpoint: bool = True, **options: Any) -> Any:
    """How much each entry of a `linspace` has of its start, or of its `end`."""
    if options.get("retstep") or options.get("axis", 0) != 0:
        raise NotImplementedError
    weight = np.linspace(0.0, 1.0, num, endpoint=endpoint)
    weight = weight.reshape(-1, *(1,) * (anp.ndim(ans) - 1))
    return weight if end else 1 - weight


def _pull_linspace(end: int, ans: Any, args: Any, options: Any) -> Any:
    weight = _weight(end, ans, *args[2:], **options)
    return unbroadcast_f(args[end], lambda g: g * weight)


def _push_linspace(end: int, g: Any, ans: Any, args: Any, options: Any) -> Any:
    return g * _weight(end, ans, *args[2:], **options) + np.zeros(anp.shape(ans))


defvjp_argnum(anp.linspace, _pull_linspace)
defjvp_argnum(anp.linspace, _push_linspace)


# --- the standard's functions ----------------------------------------------------------------------


def _constant(name: str) -> Callable[..., Any]:
    """A function whose result does not change with the values of a box."""
    function = getattr(plain, name)

    def constant(*args: Any, **options: Any) -> Any:
        return function(*map(getval, args), **options)

    constant.__name__ = name
    return constant


def _arange(
    start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None
) -> Any:
    start, stop = (0, start) if stop is None else (start, stop)
    values = np.arange(getval(start), getval(stop), getval(step), dtype=dtype)
    if not (isbox(start) or isbox(step)) or not is_floating(values.dtype):
        return values
    return start + step * np.arange(values.size, dtype=values.dtype)


def _asarray(
    obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None
) -> Any:
    if isbox(obj):
        array = frozen(obj) if copy else obj
    elif isinstance(obj, list | tuple):
        array = anp.array(obj)
    else:
        return np.asarray(obj, dtype=dtype, copy=copy)
    return array if dtype is None or array.dtype == dtype else array.astype(dtype)


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """`x` in another dtype; in one of integers it is constant."""
    if not is_floating(dtype):
        return getval(x).astype(dtype)
    return x if not copy and x.dtype == dtype else frozen(x).astype(dtype)


def _full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    if dtype is not None and not is_floating(dtype):
        fill_value = getval(fill_value)
    return anp.full(shape, fill_value, dtype)


def _full_like(x: Any, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    return _full(x.shape, fill_value, dtype=x.dtype if dtype is None else dtype)


def _linspace(
    start: Any,
    stop: Any,
    /,
    num: int,
    *,
    dtype: Any = None,
    device: Any = None,
    endpoint: bool = True,
) -> Any:
    values = anp.linspace(start, stop, num, endpoint)
    return values if dtype is None else astype(values, dtype)


def _meshgrid(*arrays: Any, indexing: str = "xy") -> tuple[Any, ...]:
    sizes = tuple(array.size for array in arrays)
    grids = [
        anp.broadcast_to(anp.reshape(a, (-1, *(1,) * (len(sizes) - 1 - i))), sizes)
        for i, a in enumerate(arrays)
    ]
    swap = indexing == "xy" and len(sizes) > 1
    return tuple(anp.swapaxes(grid, 0, 1) if swap else grid for grid in grids)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "arange": _arange,
    "asarray": _asarray,
    "astype": astype,
    "full": _full,
    "full_like": _full_like,
    "linspace": _linspace,
    "meshgrid": _meshgrid,
}
FUNCTIONS.update(
    (name, _constant(name))
    for name in (
        "empty empty_like eye ones ones_like zeros zeros_like tril_indices triu_indices "
        "can_cast finfo iinfo isdtype result_type isfinite isinf isnan signbit "
        "argmax argmin argsort count_nonzero nonzero searchsorted all any"
    ).split()
)
