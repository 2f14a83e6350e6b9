"""What torch differentiates right once or twice, and wrong, in silence, when it is differentiated again.

Batch, layer and instance normalization (torch 2.13): one pushforward and two pullbacks are right; what
is taken of these treats the saved mean and deviation as constants. A `torch.autograd.Function`: its
forward rule runs with the outer levels of forward mode switched off.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from types import ModuleType
from typing import Any, final
from weakref import ref

import torch
from torch._functorch.autograd_function import custom_function_call
from torch.autograd import forward_ad
from torch.autograd.forward_ad import _set_fwd_grad_enabled
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from diffinterface.extend import LEAF, Function
from diffinterface.extend.captures import instructions

from .inert import Reach, is_librarys

_unpack: Any = forward_ad.unpack_dual


@final
class Repairs:
    """A function under repaired rules, and whether it can do without them.

    Watching every operation of torch costs as much as small operations do.
    """

    __slots__ = ("_bound", "_of", "fn")

    def __init__(self, fn: Function) -> None:
        self._of, self._bound = ref(fn), _plain(fn)
        self.fn = fn.within(_Repaired)

    @staticmethod
    def of(fn: Function) -> Repairs:
        """Those of `fn`, made once."""
        known: Any = fn  # of no concern to the core
        repairs = getattr(fn, "di_repairs", None)
        if repairs is None or repairs._of() is not fn:  # of a function of which fn is a copy
            repairs = known.di_repairs = Repairs(fn)
        return repairs

    def unneeded(self) -> bool:
        """Whether all that f can reach are operations that torch differentiates right."""
        return self._bound is not None and self._bound()


def _plain(fn: Function) -> Callable[[], bool] | None:
    """Whether f still reaches nothing but `_PLAIN` operations, as a question; None if it does not."""
    # What comes with a tree or a context may be called by f, and have any name.
    if type(fn) is not Function or fn.layout or fn.x_structure is not LEAF:
        return None
    reach = Reach.of(fn.f)
    if reach is None:
        return None
    names = {name for _, name in reach.builtins}
    for value in reach.values:
        if is_librarys(value) and not isinstance(value, ModuleType):
            names.add(getattr(value, "__name__", ""))
    for function in reach.functions:
        for instruction in instructions(function.__code__):
            if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                names.add(instruction.argval)
    return reach.unchanged if names <= _PLAIN else None


#: Whoever calls others by other names, `torch.func` or a module say, runs under the repairs.
_PLAIN = frozenset(
    """
    abs acos acosh add amax amin arange array_namespace asarray asin asinh atan atan2 atanh bmm cat clamp
    clip clone concat conj cos cosh cumsum diagonal diff divide dot dtype e einsum exp expand expm1 eye
    flatten flip float imag int len linspace log log10 log1p log2 logsumexp matmul max maximum mean min
    minimum mm movedim mT multiply mv ndim negative new_zeros numel ones ones_like outer permute
    permute_dims pi pow prod range ravel real reciprocal relu reshape roll rsqrt shape sigmoid sin sinh
    size softmax softplus sqrt square squeeze stack std subtract sum T tan tanh tensor tensordot trace
    transpose tril triu unsqueeze var vdot view where zeros zeros_like zip
    """.split()
)


@final
class _Repaired(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is custom_function_call:
            return func(_with_outer_levels(args[0]), *args[1:])
        return _REPLACED.get(func, func)(*args, **(kwargs or {}))


def _with_outer_levels(function: Any) -> Any:
    """`function`, whose forward rule the outer levels of forward mode see."""
    if issubclass(function, _Marked):
        return function
    # The function keeps it: a memory of ours would keep both, of which one is a base of the other.
    repaired = vars(function).get("_di_repaired")
    if repaired is None:

        def jvp(ctx: Any, *tangents: Any) -> Any:
            with _set_fwd_grad_enabled(True):
                return function.jvp(_Primal(ctx), *map(_primal, tangents))

        body = {"jvp": staticmethod(jvp)}
        repaired = function._di_repaired = type(function.__name__, (_Marked, function), body)
    return repaired


class _Marked:
    """A function that has been repaired."""


class _Primal:
    """What a rule finds in its context, less the tangents of the rule's own level."""

    def __init__(self, ctx: Any) -> None:
        self._ctx = ctx

    def __getattr__(self, name: str) -> Any:
        return _primal(getattr(self._ctx, name))


def _primal(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(map(_primal, value))
    return _unpack(value).primal if isinstance(value, torch.Tensor) else value


def _normalized(x: Any, axes: list[int], weight: Any, bias: Any, eps: float) -> Any:
    """``(x - mean) / sqrt(variance + eps)`` over `axes`; weight and bias broadcast."""
    centered = x - x.mean(axes, keepdim=True)
    y = centered * torch.rsqrt((centered * centered).mean(axes, keepdim=True) + eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _by_channel(parameter: Any, x: Any) -> Any:
    return None if parameter is None else parameter.reshape(-1, *[1] * (x.ndim - 2))


def _layer_norm(
    input: Any,  # noqa: A002 - torch's name, by which it may be given
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Any:
    return _normalized(input, list(range(-len(normalized_shape), 0)), weight, bias, eps)


def _with_statistics(function: Callable[..., Any], batch: tuple[int, ...]) -> Callable[..., Any]:
    """Batch or instance normalization, of which one goes over the `batch` axis too."""
    call = signature(function)

    def run(*args: Any, **options: Any) -> Any:
        given = call.bind(*args, **options)
        given.apply_defaults()
        x, mean, variance, weight, bias, own, momentum, eps = given.arguments.values()
        if not own:  # by constants, which torch differentiates right
            return function(*args, **options)
        # Advances the statistics, and complains about shapes as torch does.
        function(x.detach(), mean, variance, None, None, True, momentum, eps)
        parameters = _by_channel(weight, x), _by_channel(bias, x)
        return _normalized(x, [*batch, *range(2, x.ndim)], *parameters, eps)

    return run


_batch_norm = _with_statistics(functional.batch_norm, (0,))
_instance_norm = _with_statistics(functional.instance_norm, ())


def _reordered(replacement: Callable[..., Any]) -> Callable[..., Any]:
    """For torch's own functions, whose arguments stand in another order."""

    def run(
        input: Any,  # noqa: A002
        weight: Any,
        bias: Any,
        running_mean: Any,
        running_var: Any,
        own: bool,
        momentum: float,
        eps: float,
        cudnn_enabled: bool,
    ) -> Any:
        return replacement(input, running_mean, running_var, weight, bias, own, momentum, eps)

    return run


_REPLACED: dict[Any, Callable[..., Any]] = {
    functional.layer_norm: _layer_norm,
    functional.batch_norm: _batch_norm,
    functional.instance_norm: _instance_norm,
    torch.layer_norm: _layer_norm,
    torch.batch_norm: _reordered(_batch_norm),
    torch.instance_norm: _reordered(_instance_norm),
}
