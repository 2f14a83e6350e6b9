"""Which functions extend analytically, by name, and where on the real line they are defined.

A function outside its real domain gives NaN there, as it does for real arguments: its complex branch
(``log(-1) = i pi``) would pass for an enormous derivative.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from diffinterface.extend import array_namespace, is_complex
from diffinterface.extend.arrays import STANDARD_NAMES, innermost, is_numpy_scalar

from . import singular
from .analytic import RULES, Analytic, holds, unwrap, wrap
from .errors import refuse

_ELEMENTWISE = """
add subtract multiply divide negative positive power float_power square sqrt reciprocal exp exp2 expm1
log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh logaddexp
hypot isnan isinf isfinite deg2rad rad2deg matmul erf erfc gamma loggamma digamma expit xlogy log_expit
"""
_STRUCTURAL = """
sum prod mean nansum cumsum cumprod cumulative_sum cumulative_prod diff gradient trapezoid
average dot inner outer tensordot einsum kron cross vecdot convolve correlate polyval polyder trace
diagonal diag diagflat tril triu reshape ravel transpose matrix_transpose moveaxis swapaxes squeeze
expand_dims broadcast_to broadcast_arrays concatenate hstack vstack column_stack dstack append block
split array_split hsplit vsplit unstack tile repeat roll flip fliplr flipud rot90 pad take
take_along_axis where select atleast_1d atleast_2d atleast_3d copy zeros_like ones_like empty_like
full_like full linspace meshgrid shape size ndim result_type asanyarray
linalg.solve linalg.inv linalg.det linalg.matrix_power linalg.multi_dot linalg.trace linalg.diagonal
linalg.cross fft.fft fft.ifft fft.fftshift fft.ifftshift
"""

# Conditions on the real parts of the arguments.
_OUTSIDE: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("sqrt", "log", "log2", "log10"), lambda xp, a: a < 0),
    **dict.fromkeys(("arcsin", "arccos", "arctanh"), lambda xp, a: xp.abs(a) > 1),
    "log1p": lambda xp, a: a < -1,
    "arccosh": lambda xp, a: a < 1,
    "power": lambda xp, a, p: (a < 0) & (p != xp.round(p)),
}
# Functions of NumPy that are no ufuncs, and mean the same in the array-API standard.
_SAME = frozenset(
    """
    sum prod mean concatenate stack reshape where matmul tensordot broadcast_to expand_dims
    moveaxis squeeze flip roll tril triu linalg.solve linalg.inv linalg.det zeros_like ones_like
    """.split()
)


def _analytic(name: str, function: Any, args: Any, options: dict[str, Any]) -> Any:
    """A function of complex arrays in place of the one of real arrays."""
    if _has_complex((*args, *options.values())):
        raise refuse(f"{name} with a complex number")
    top = innermost((*args, *options.values()))
    assert isinstance(top, Analytic)
    plain = [unwrap(arg, top.level) for arg in args]
    kept = {key: unwrap(value, top.level) for key, value in _without_dtype(name, options).items()}
    if name in ("where", "select") and "complex" in str(getattr(plain[0], "dtype", "")):
        raise refuse(f"{name} with a condition computed from x")
    known = "power" if name == "float_power" else name
    hidden = singular.check(known, plain)
    function = _REPLACED.get(name) or _native(name, function, plain)
    result = function(*plain, **kept)
    condition = _OUTSIDE.get(known)
    if condition is not None:
        result = _nan_where(_outside(condition, result, plain), result)
    return wrap(result if hidden is None else _nan_where(hidden, result), top.level)


def _without_dtype(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Options less a real ``dtype``: it is the one that the complex result stands for."""
    dtype = options.get("dtype")
    if dtype is None or (name.endswith("_like") and "float" not in str(dtype)):
        return options
    if "float" not in str(dtype):
        raise refuse(f"{name} with dtype={dtype}")
    return {key: value for key, value in options.items() if key != "dtype"}


def _has_complex(tree: Any) -> bool:
    """Whether a plain complex array or number is among arguments: f must be real."""
    if isinstance(tree, tuple | list):
        return any(map(_has_complex, tree))
    if isinstance(tree, complex):
        return True
    return not isinstance(tree, Analytic) and hasattr(tree, "dtype") and is_complex(tree)


def _native(name: str, function: Callable[..., Any], plain: list[Any]) -> Callable[..., Any]:
    """NumPy's functions on another framework's arrays, as that framework's own."""
    arrays = [a for arg in plain for a in (arg if isinstance(arg, tuple | list) else (arg,))]
    array = next((a for a in arrays if hasattr(a, "dtype") and not isinstance(a, _NUMPY)), None)
    if array is None or not (isinstance(function, np.ufunc) or name in _SAME):
        return function
    home = array_namespace(array)
    for part in STANDARD_NAMES.get(name, name).split("."):
        home = getattr(home, part)
    return home


_NUMPY = (np.ndarray, np.generic)


def _outside(condition: Callable[..., Any], result: Any, plain: list[Any]) -> Any:
    xp = array_namespace(result)
    return condition(xp, *(_real(xp, argument, result) for argument in plain))


def _nan_where(condition: Any, result: Any) -> Any:
    xp = array_namespace(result)
    nan = xp.asarray(complex(math.nan, math.nan), dtype=result.dtype)
    kept = xp.where(condition, nan, xp.asarray(result))
    return kept[()] if is_numpy_scalar(result) else kept


def _real(xp: Any, a: Any, like: Any) -> Any:
    a = xp.asarray(a, dtype=None if hasattr(a, "dtype") else xp.real(xp.asarray(like)).dtype)
    return xp.real(a) if is_complex(a) else a


def _logaddexp(a: Any, b: Any) -> Any:
    xp = array_namespace(*[v for v in (a, b) if hasattr(v, "dtype")])
    a, b = xp.asarray(a), xp.asarray(b)
    ra, rb = (xp.real(v) if "complex" in str(v.dtype) else v for v in (a, b))
    top = xp.where(ra > rb, ra, rb)  # a constant shift: it changes no derivative
    return top + xp.log(xp.exp(a - top) + xp.exp(b - top))


def _vecdot(a: Any, b: Any, *, axis: int = -1) -> Any:
    product = a * b  # without the conjugate, which would turn the derivative round
    return array_namespace(product).sum(product, axis=axis)


def _hypot(a: Any, b: Any) -> Any:
    return (a * a + b * b) ** 0.5


def _expit(z: Any) -> Any:
    return np.exp(-_logaddexp(0.0 * z, -z))


_REPLACED: dict[str, Callable[..., Any]] = {
    "logaddexp": _logaddexp,
    "hypot": _hypot,
    "vecdot": _vecdot,
    "correlate": lambda a, v, *mode, **options: np.correlate(a, np.conj(v), *mode, **options),
    "expit": _expit,
    "log_expit": lambda z: -_logaddexp(0.0 * z, -z),
    "deg2rad": lambda z: z * (np.pi / 180),
    "rad2deg": lambda z: z * (180 / np.pi),
    "xlogy": lambda a, z: a * np.log(z),
    "float_power": lambda z, p: z**p,
}


# --- the table -------------------------------------------------------------------------------------


def _astype(name: str, function: Any, args: Any, options: Any) -> Any:
    """The same array: a real dtype is the one that it stands for."""
    x, dtype, *_ = args
    if np.dtype(dtype).kind != "f":
        raise refuse(f"a cast to {dtype}")
    return x


def _asarray(name: str, function: Any, args: Any, options: Any) -> Any:
    """The array itself, or a stack of the numbers in nested lists."""
    x = args[0]
    if isinstance(x, tuple | list):
        return _stack("stack", np.stack, ([_asarray(name, function, (p,), {}) for p in x],), {})
    dtype = options.get("dtype")
    return x if dtype is None or not holds(x) else x.astype(dtype)


def _stack(name: str, function: Any, args: Any, options: Any) -> Any:
    """Arrays, numbers among them, along a new axis."""
    arrays, *rest = args
    like = innermost(arrays)
    if like is not None and not isinstance(like.value, _NUMPY) and not _has_complex(arrays):
        xp = array_namespace(like.value)
        plain = (xp.asarray(unwrap(a, like.level)) for a in arrays)
        arrays = [wrap(xp.astype(a, like.value.dtype), like.level) for a in plain]
    return _analytic(name, function, (arrays, *rest), options)


RULES.update(dict.fromkeys((_ELEMENTWISE + _STRUCTURAL).split(), _analytic))
RULES.update(asarray=_asarray, astype=_astype, stack=_stack)
RULES.update(iscomplexobj=lambda *_: False, isrealobj=lambda *_: True)  # x is real to f
