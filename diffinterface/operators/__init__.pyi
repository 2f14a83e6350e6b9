"""The types of the operators, written by docs/stubs.py from the signatures in the modules."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar, final, overload, type_check_only

from ..declare.adtypes import ADType
from ..engine.function import Argnums
from ..prepare.transform import Transform
from .first_order import prepare_derivative as prepare_derivative
from .first_order import prepare_gradient as prepare_gradient
from .hessian_products import prepare_hvp as prepare_hvp
from .hessian_products import prepare_hvp_same_point as prepare_hvp_same_point
from .jacobians import prepare_batched_jacobian as prepare_batched_jacobian
from .jacobians import prepare_jacobian as prepare_jacobian
from .pullbacks import prepare_pullback as prepare_pullback
from .pullbacks import prepare_pullback_same_point as prepare_pullback_same_point
from .pushforwards import prepare_pushforward as prepare_pushforward
from .pushforwards import prepare_pushforward_same_point as prepare_pushforward_same_point
from .second_order import prepare_hessian as prepare_hessian
from .second_order import prepare_second_derivative as prepare_second_derivative

__all__ = [
    "batched_jacobian",
    "derivative",
    "gradient",
    "gradient_and_hvp",
    "hessian",
    "hvp",
    "jacobian",
    "prepare_batched_jacobian",
    "prepare_derivative",
    "prepare_gradient",
    "prepare_hessian",
    "prepare_hvp",
    "prepare_hvp_same_point",
    "prepare_jacobian",
    "prepare_pullback",
    "prepare_pullback_same_point",
    "prepare_pushforward",
    "prepare_pushforward_same_point",
    "prepare_second_derivative",
    "pullback",
    "pushforward",
    "second_derivative",
    "value_and_batched_jacobian",
    "value_and_derivative",
    "value_and_gradient",
    "value_and_jacobian",
    "value_and_pullback",
    "value_and_pushforward",
    "value_derivative_and_second_derivative",
    "value_gradient_and_hessian",
]

T = TypeVar("T")

@type_check_only
@final
class _BatchedJacobian(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> Any: ...

@type_check_only
@final
class _BatchedJacobianWithAux(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any]: ...

@type_check_only
@final
class _Derivative(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> Any: ...

@type_check_only
@final
class _DerivativeWithAux(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any]: ...

@type_check_only
@final
class _Gradient(Transform):
    def __call__(
        self,
        x: T,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> T: ...

@type_check_only
@final
class _GradientWithAux(Transform):
    def __call__(
        self,
        x: T,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[T, Any]: ...

@type_check_only
@final
class _GradientAndHvp(Transform):
    def __call__(
        self,
        x: T,
        t: T,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[T, T]: ...

@type_check_only
@final
class _GradientAndHvpWithAux(Transform):
    def __call__(
        self,
        x: T,
        t: T,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[T, T, Any]: ...

@type_check_only
@final
class _Hessian(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> Any: ...

@type_check_only
@final
class _HessianWithAux(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any]: ...

@type_check_only
@final
class _Hvp(Transform):
    def __call__(
        self,
        x: T,
        t: T,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> T: ...

@type_check_only
@final
class _HvpWithAux(Transform):
    def __call__(
        self,
        x: T,
        t: T,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[T, Any]: ...

@type_check_only
@final
class _Jacobian(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> Any: ...

@type_check_only
@final
class _JacobianWithAux(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any]: ...

@type_check_only
@final
class _Pullback(Transform):
    def __call__(
        self,
        x: T,
        t: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> T: ...

@type_check_only
@final
class _PullbackWithAux(Transform):
    def __call__(
        self,
        x: T,
        t: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[T, Any]: ...

@type_check_only
@final
class _Pushforward(Transform):
    def __call__(
        self,
        x: Any,
        t: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> Any: ...

@type_check_only
@final
class _PushforwardWithAux(Transform):
    def __call__(
        self,
        x: Any,
        t: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any]: ...

@type_check_only
@final
class _SecondDerivative(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> Any: ...

@type_check_only
@final
class _SecondDerivativeWithAux(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any]: ...

@type_check_only
@final
class _ValueAndBatchedJacobian(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any]: ...

@type_check_only
@final
class _ValueAndBatchedJacobianWithAux(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any, Any]: ...

@type_check_only
@final
class _ValueAndDerivative(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any]: ...

@type_check_only
@final
class _ValueAndDerivativeWithAux(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any, Any]: ...

@type_check_only
@final
class _ValueAndGradient(Transform):
    def __call__(
        self,
        x: T,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, T]: ...

@type_check_only
@final
class _ValueAndGradientWithAux(Transform):
    def __call__(
        self,
        x: T,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, T, Any]: ...

@type_check_only
@final
class _ValueAndJacobian(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any]: ...

@type_check_only
@final
class _ValueAndJacobianWithAux(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any, Any]: ...

@type_check_only
@final
class _ValueAndPullback(Transform):
    def __call__(
        self,
        x: T,
        t: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, T]: ...

@type_check_only
@final
class _ValueAndPullbackWithAux(Transform):
    def __call__(
        self,
        x: T,
        t: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, T, Any]: ...

@type_check_only
@final
class _ValueAndPushforward(Transform):
    def __call__(
        self,
        x: Any,
        t: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any]: ...

@type_check_only
@final
class _ValueAndPushforwardWithAux(Transform):
    def __call__(
        self,
        x: Any,
        t: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any, Any]: ...

@type_check_only
@final
class _ValueDerivativeAndSecondDerivative(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any, Any]: ...

@type_check_only
@final
class _ValueDerivativeAndSecondDerivativeWithAux(Transform):
    def __call__(
        self,
        x: Any,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, Any, Any, Any]: ...

@type_check_only
@final
class _ValueGradientAndHessian(Transform):
    def __call__(
        self,
        x: T,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, T, Any]: ...

@type_check_only
@final
class _ValueGradientAndHessianWithAux(Transform):
    def __call__(
        self,
        x: T,
        *contexts: Any,
        out: Any = None,
        accumulate: bool = False,
    ) -> tuple[Any, T, Any, Any]: ...

@overload
def batched_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
) -> _BatchedJacobian: ...
@overload
def batched_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def batched_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
) -> _BatchedJacobianWithAux: ...
@overload
def batched_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any]: ...
@overload
def batched_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
) -> _Derivative: ...
@overload
def derivative(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
) -> _DerivativeWithAux: ...
@overload
def derivative(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any]: ...
@overload
def derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def gradient(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
) -> _Gradient: ...
@overload
def gradient(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: T,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    out: Any = None,
    accumulate: bool = False,
) -> T: ...
@overload
def gradient(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
) -> _GradientWithAux: ...
@overload
def gradient(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: T,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    out: Any = None,
    accumulate: bool = False,
) -> tuple[T, Any]: ...
@overload
def gradient(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def gradient_and_hvp(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    batched: bool = False,
) -> _GradientAndHvp: ...
@overload
def gradient_and_hvp(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: T,
    t: T,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[T, T]: ...
@overload
def gradient_and_hvp(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    batched: bool = False,
) -> _GradientAndHvpWithAux: ...
@overload
def gradient_and_hvp(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: T,
    t: T,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[T, T, Any]: ...
@overload
def gradient_and_hvp(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    t: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def hessian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
) -> _Hessian: ...
@overload
def hessian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def hessian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
) -> _HessianWithAux: ...
@overload
def hessian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any]: ...
@overload
def hessian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def hvp(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    batched: bool = False,
) -> _Hvp: ...
@overload
def hvp(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: T,
    t: T,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> T: ...
@overload
def hvp(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    batched: bool = False,
) -> _HvpWithAux: ...
@overload
def hvp(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: T,
    t: T,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[T, Any]: ...
@overload
def hvp(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    t: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
) -> _Jacobian: ...
@overload
def jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
) -> _JacobianWithAux: ...
@overload
def jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any]: ...
@overload
def jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def pullback(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    batched: bool = False,
) -> _Pullback: ...
@overload
def pullback(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: T,
    t: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> T: ...
@overload
def pullback(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    batched: bool = False,
) -> _PullbackWithAux: ...
@overload
def pullback(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: T,
    t: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[T, Any]: ...
@overload
def pullback(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    t: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def pushforward(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    batched: bool = False,
) -> _Pushforward: ...
@overload
def pushforward(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    t: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def pushforward(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    batched: bool = False,
) -> _PushforwardWithAux: ...
@overload
def pushforward(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    t: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any]: ...
@overload
def pushforward(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    t: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def second_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
) -> _SecondDerivative: ...
@overload
def second_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def second_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
) -> _SecondDerivativeWithAux: ...
@overload
def second_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any]: ...
@overload
def second_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def value_and_batched_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
) -> _ValueAndBatchedJacobian: ...
@overload
def value_and_batched_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any]: ...
@overload
def value_and_batched_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
) -> _ValueAndBatchedJacobianWithAux: ...
@overload
def value_and_batched_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any, Any]: ...
@overload
def value_and_batched_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def value_and_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
) -> _ValueAndDerivative: ...
@overload
def value_and_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any]: ...
@overload
def value_and_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
) -> _ValueAndDerivativeWithAux: ...
@overload
def value_and_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any, Any]: ...
@overload
def value_and_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def value_and_gradient(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
) -> _ValueAndGradient: ...
@overload
def value_and_gradient(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: T,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, T]: ...
@overload
def value_and_gradient(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
) -> _ValueAndGradientWithAux: ...
@overload
def value_and_gradient(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: T,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, T, Any]: ...
@overload
def value_and_gradient(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def value_and_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
) -> _ValueAndJacobian: ...
@overload
def value_and_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any]: ...
@overload
def value_and_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
) -> _ValueAndJacobianWithAux: ...
@overload
def value_and_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any, Any]: ...
@overload
def value_and_jacobian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def value_and_pullback(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    batched: bool = False,
) -> _ValueAndPullback: ...
@overload
def value_and_pullback(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: T,
    t: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, T]: ...
@overload
def value_and_pullback(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    batched: bool = False,
) -> _ValueAndPullbackWithAux: ...
@overload
def value_and_pullback(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: T,
    t: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, T, Any]: ...
@overload
def value_and_pullback(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    t: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def value_and_pushforward(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    batched: bool = False,
) -> _ValueAndPushforward: ...
@overload
def value_and_pushforward(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    t: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any]: ...
@overload
def value_and_pushforward(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    batched: bool = False,
) -> _ValueAndPushforwardWithAux: ...
@overload
def value_and_pushforward(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    t: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any, Any]: ...
@overload
def value_and_pushforward(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    t: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    batched: bool = False,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def value_derivative_and_second_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
) -> _ValueDerivativeAndSecondDerivative: ...
@overload
def value_derivative_and_second_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any, Any]: ...
@overload
def value_derivative_and_second_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
) -> _ValueDerivativeAndSecondDerivativeWithAux: ...
@overload
def value_derivative_and_second_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, Any, Any, Any]: ...
@overload
def value_derivative_and_second_derivative(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
@overload
def value_gradient_and_hessian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
) -> _ValueGradientAndHessian: ...
@overload
def value_gradient_and_hessian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: T,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[False] = False,
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, T, Any]: ...
@overload
def value_gradient_and_hessian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: Literal[True],
) -> _ValueGradientAndHessianWithAux: ...
@overload
def value_gradient_and_hessian(
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: T,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: Literal[True],
    out: Any = None,
    accumulate: bool = False,
) -> tuple[Any, T, Any, Any]: ...
@overload
def value_gradient_and_hessian(
    f: Callable[..., Any],
    backend: ADType | str | None = None,
    x: Any = ...,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool,
    out: Any = None,
    accumulate: bool = False,
) -> Any: ...
