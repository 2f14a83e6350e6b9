"""The public operators. Each is its row in `prepare.operator`, called, valued or prepared."""

from .first_order import (
    derivative,
    gradient,
    prepare_derivative,
    prepare_gradient,
    value_and_derivative,
    value_and_gradient,
)
from .hessian_products import gradient_and_hvp, hvp, prepare_hvp, prepare_hvp_same_point
from .jacobians import (
    batched_jacobian,
    jacobian,
    prepare_batched_jacobian,
    prepare_jacobian,
    value_and_batched_jacobian,
    value_and_jacobian,
)
from .pullbacks import (
    prepare_pullback,
    prepare_pullback_same_point,
    pullback,
    value_and_pullback,
)
from .pushforwards import (
    prepare_pushforward,
    prepare_pushforward_same_point,
    pushforward,
    value_and_pushforward,
)
from .second_order import (
    hessian,
    prepare_hessian,
    prepare_second_derivative,
    second_derivative,
    value_derivative_and_second_derivative,
    value_gradient_and_hessian,
)

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
