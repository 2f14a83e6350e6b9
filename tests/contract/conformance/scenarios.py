"""Which of the kit's scenarios a backend runs."""

from __future__ import annotations

from diffinterface.testing import Scenario, default_scenarios

SCENARIOS = default_scenarios()
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def _named(names: str) -> tuple[Scenario, ...]:
    return tuple(BY_NAME[name] for name in names.split())


# For variants of a backend: each operator, each direction that a Jacobian can be built in.
REPRESENTATIVE = _named("""
    pushforward-vector_to_longer pushforward-vector_to_shorter-batch3 pushforward-inplace
    pushforward-empty_x pullback-tree_to_scalar pullback-vector_to_shorter-batch3 pullback-complex_y
    pullback-cache derivative-scalar_to_tree derivative-holomorphic_scalar
    gradient-tree_to_scalar gradient-squared_modulus gradient-empty_x gradient-pair-argnums_tuple
    jacobian-vector_to_longer jacobian-vector_to_shorter jacobian-tree_to_scalar jacobian-contexts
    jacobian-holomorphic jacobian-complex_y jacobian-empty_y jacobian-vector_to_shorter-aux
    second_derivative-scalar_to_vector hvp-vector_to_scalar hvp-vector_to_scalar-batch2
    hvp-vector_to_scalar-aux hessian-vector_to_scalar hessian-unused_leaf
    batched_jacobian-samples batched_jacobian-samples_to_longer batched_jacobian-samples_of_trees
    gradient-nested_penalty jacobian-banded gradient-square_to_scalar hvp-short_arrow
""")

# For the checks beyond a right number: each operator.
FOR_CHECKS = _named("""
    pushforward-vector_to_longer pullback-vector_to_shorter derivative-scalar_to_vector
    gradient-vector_to_scalar gradient-square_to_scalar jacobian-matrix_to_matrix
    second_derivative-scalar_to_vector hvp-vector_to_scalar hessian-vector_to_scalar
    batched_jacobian-samples
""")

# For callers with other arrays and dtypes: each kind of result.
FOR_CALLERS = _named("""
    derivative-scalar_to_tree second_derivative-scalar_to_vector gradient-tree_to_scalar
    hessian-vector_to_scalar hvp-tree_to_scalar jacobian-contexts pullback-tree_to_tree
    pushforward-tree_to_tree batched_jacobian-samples gradient-vector_to_scalar-aux
    jacobian-holomorphic gradient-squared_modulus gradient-two_precisions hessian-square_to_scalar
""")
