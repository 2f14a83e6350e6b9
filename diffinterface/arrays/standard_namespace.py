"""A base for the namespaces of arrays that have functions like NumPy's: it says what is missing."""

from __future__ import annotations

from typing import Any

from .names import STANDARD

#: Functions and constants of the array-API standard (2024.12), extensions aside.
NAMES = tuple(
    """
    abs acos acosh add all any arange argmax argmin argsort asarray asin asinh astype atan atan2
    atanh bitwise_and bitwise_invert bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor
    bool broadcast_arrays broadcast_to can_cast ceil clip complex128 complex64 concat conj copysign
    cos cosh count_nonzero cumulative_prod cumulative_sum diff divide e empty empty_like equal exp
    expand_dims expm1 eye finfo flip float32 float64 floor floor_divide from_dlpack full full_like
    greater greater_equal hypot iinfo imag inf int16 int32 int64 int8 isdtype isfinite isinf isnan
    less less_equal linspace log log10 log1p log2 logaddexp logical_and logical_not logical_or
    logical_xor matmul matrix_transpose max maximum mean meshgrid min minimum moveaxis multiply nan
    negative newaxis nextafter nonzero not_equal ones ones_like permute_dims pi positive pow prod
    real reciprocal remainder repeat reshape result_type roll round searchsorted sign signbit sin
    sinh sort sqrt square squeeze stack std subtract sum take take_along_axis tan tanh tensordot
    tile tril triu trunc uint16 uint32 uint64 uint8 unique_all unique_counts unique_inverse
    unique_values unstack var vecdot where zeros zeros_like
    """.split()
)
_NUMPY = {name: other for other, name in STANDARD.items()}


class NumPyLike:
    """An array-API namespace over a module with functions like NumPy's.

    A function is taken from a subclass, if it defines it (as a static method), else from the module by
    its standard name, or by NumPy's older one (`concatenate` for `concat`).

    Parameters
    ----------
    module : module
        The functions.
    name : str
        Whose they are, for messages; the module's name by default.

    Examples
    --------
    >>> import types
    >>> import numpy as np
    >>> from diffinterface.extend.frameworks import NumPyLike
    >>> class Namespace(NumPyLike):
    ...     @staticmethod
    ...     def astype(x, dtype):
    ...         return x.astype(dtype)
    >>> xp = Namespace(types.SimpleNamespace(concatenate=np.concatenate), "mylib")
    >>> xp.concat([np.ones(1), np.zeros(1)])
    array([1., 0.])
    >>> xp.sin
    Traceback (most recent call last):
    ...
    AttributeError: mylib has no function 'sin' of the array-API standard; define it in Namespace
    """

    def __init__(self, module: Any, name: str | None = None) -> None:
        self._module, self._name = module, name or module.__name__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        for each in (name, _NUMPY.get(name, name)):
            try:
                return getattr(self._module, each)
            except AttributeError:
                continue
        standard = " of the array-API standard" if name in NAMES else ""
        raise AttributeError(
            f"{self._name} has no function {name!r}{standard}; define it in {type(self).__name__}"
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """What the standard has and this namespace has not, extensions aside."""
        return tuple(name for name in NAMES if not hasattr(self, name))
