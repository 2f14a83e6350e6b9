"""The engines' own operators, by the names of ours: ``own(f, x, t)`` for arrays of the engine."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

Own = Callable[[Any, Any, Any], Any]


def _torch() -> dict[str, Own]:
    import torch

    func = torch.func

    def pushforward(f: Any, x: Any, t: Any) -> Any:
        return func.jvp(f, (x,), (t,))[1]

    def total(f: Any) -> Any:
        return lambda x: f(x).sum()

    return {
        "gradient": lambda f, x, t: func.grad(lambda x: (t * f(x)).sum())(x),
        "pushforward": pushforward,
        "pullback": lambda f, x, t: func.vjp(f, x)[1](t)[0],
        "jacobian": lambda f, x, t: func.jacrev(f)(x) @ t,
        "hvp": lambda f, x, t: pushforward(func.grad(total(f)), x, t),
        "hessian": lambda f, x, t: func.hessian(total(f))(x) @ t,
        "second_derivative": lambda f, x, t: pushforward(lambda x: pushforward(f, x, t), x, t),
    }


def _jax() -> dict[str, Own]:
    import jax

    def pushforward(f: Any, x: Any, t: Any) -> Any:
        return jax.jvp(f, (x,), (t,))[1]

    def total(f: Any) -> Any:
        return lambda x: f(x).sum()

    return {
        "gradient": lambda f, x, t: jax.grad(lambda x: (t * f(x)).sum())(x),
        "pushforward": pushforward,
        "pullback": lambda f, x, t: jax.vjp(f, x)[1](t)[0],
        "jacobian": lambda f, x, t: jax.jacrev(f)(x) @ t,
        "hvp": lambda f, x, t: pushforward(jax.grad(total(f)), x, t),
        "hessian": lambda f, x, t: jax.hessian(total(f))(x) @ t,
        "second_derivative": lambda f, x, t: pushforward(lambda x: pushforward(f, x, t), x, t),
    }


def _autograd() -> dict[str, Own]:
    import autograd
    import autograd.numpy as anp

    def total(f: Any) -> Any:
        return lambda x: anp.sum(f(x))

    def pushforward(f: Any, x: Any, t: Any) -> Any:
        return autograd.make_jvp(f)(x)(t)[1]

    return {
        "gradient": lambda f, x, t: autograd.grad(lambda x: anp.sum(t * f(x)))(x),
        "pushforward": pushforward,
        "pullback": lambda f, x, t: autograd.make_vjp(f)(x)[0](t),
        "jacobian": lambda f, x, t: anp.dot(autograd.jacobian(f)(x), t),
        "hvp": lambda f, x, t: autograd.hessian_vector_product(total(f))(x, t),
        "hessian": lambda f, x, t: anp.dot(autograd.hessian(total(f))(x), t),
        "second_derivative": lambda f, x, t: pushforward(lambda x: pushforward(f, x, t), x, t),
    }


NATIVE: dict[str, dict[str, Own]] = {
    name: build()
    for name, build in {"torch": _torch, "jax": _jax, "autograd": _autograd}.items()
    if importlib.util.find_spec(name) is not None
}
