"""What to write instead of a name that is none here: those of other libraries, and slips of the pen."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from .adtypes import ADType

#: Names of JAX, torch.func, HIPS autograd and DifferentiationInterface.jl, and the operators here.
_OPERATORS = {
    "grad": "gradient(f, backend, x)",
    "elementwise_grad": "derivative(f, backend, x)",
    "egrad": "derivative(f, backend, x)",
    "diff": "derivative(f, backend, x)",
    "value_and_grad": "value_and_gradient(f, backend, x)",
    "grad_and_value": "value_and_gradient(f, backend, x)",
    "grad_and_aux": "gradient(f, backend, x, has_aux=True)",
    "jvp": "pushforward(f, backend, x, t)",
    "make_jvp": "pushforward(f, backend, x, t)",
    "value_and_jvp": "value_and_pushforward(f, backend, x, t)",
    "vjp": "pullback(f, backend, x, t)",
    "make_vjp": "pullback(f, backend, x, t)",
    "value_and_vjp": "value_and_pullback(f, backend, x, t)",
    "linearize": "prepare_pushforward_same_point(f, backend, x, t)",
    "jac": "jacobian(f, backend, x)",
    "jacfwd": "jacobian(f, di.forward_counterpart(backend), x)",
    "jacrev": "jacobian(f, di.reverse_counterpart(backend), x)",
    "value_and_jac": "value_and_jacobian(f, backend, x)",
    "hess": "hessian(f, backend, x)",
    "vhp": "hvp(f, backend, x, t)",
    "make_hvp": "hvp(f, backend, x, t)",
    "hessian_vector_product": "hvp(f, backend, x, t)",
    "value_and_hessian": "value_gradient_and_hessian(f, backend, x)",
    "value_and_derivative_and_second_derivative": (
        "value_derivative_and_second_derivative(f, backend, x)"
    ),
    "detach": "stop_gradient(x)",
}
_REVERSE = "for reverse mode, write AutoJax(), AutoTorch() or AutoAutograd()"
_FORWARD = "for forward mode, write AutoForwardDiff()"
_COMPILED = "for compiled derivatives, write AutoJax()"
#: Engines of other ecosystems by the names of ADTypes.jl, and what is nearest here.
_ENGINES = {
    "ChainRules": _REVERSE,
    "Diffractor": _REVERSE,
    "Enzyme": _COMPILED,
    "FastDifferentiation": _COMPILED,
    "FiniteDifferences": "for finite differences, write AutoFiniteDiff()",
    "GTPSA": _FORWARD,
    "HyperHessians": _FORWARD,
    "ModelingToolkit": _COMPILED,
    "Mooncake": _REVERSE,
    "MooncakeForward": _FORWARD,
    "PolyesterForwardDiff": _FORWARD,
    "Reactant": _COMPILED,
    "ReverseDiff": _REVERSE,
    "Symbolics": _COMPILED,
    "Tapir": _REVERSE,
    "TaylorDiff": _FORWARD,
    "Tracker": _REVERSE,
    "Zygote": _REVERSE,
}


def of_attribute(name: str, known: Iterable[str]) -> str:
    """What the package says of an attribute that it has not; empty where nothing comes to mind."""
    if name in _OPERATORS:
        return f"; write di.{_OPERATORS[name]}"
    return _engine(name) or _near(name, known, "di.{}")


def of_backend_name(name: str, known: Iterable[str]) -> str:
    """The same of a string that names no backend."""
    return _engine(name) or _near(name, known, "'{}'")


def _engine(name: str) -> str:
    wanted = name.lower().removeprefix("auto").removesuffix(".jl")
    for other, instead in _ENGINES.items():
        if wanted == other.lower():
            return f". {other} is an engine for Julia; {instead}."
    return ""


def _near(name: str, known: Iterable[str], form: str) -> str:
    by_lower = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), by_lower, 1, 0.75)
    return f". Did you mean {form.format(by_lower[near[0]])}?" if near else ""


def of_backend(got: Any) -> str:
    """The same of an object that is no backend."""
    if isinstance(got, type) and issubclass(got, ADType):
        return f"; write {got.__name__}() with parentheses"
    if isinstance(got, ModuleType):
        return f"; write the string {got.__name__.partition('.')[0]!r}"
    if hasattr(got, "value_and"):
        return "; it is prepared already: call it, prep(x)"
    if isinstance(getattr(got, "adtype", None), ADType):
        return f"; write its declaration, {got.adtype!r}"
    if hasattr(got, "shape") or isinstance(got, int | float | complex | list | tuple | dict):
        return (
            "; if it is x, it comes after the backend, which may be None: write op(f, backend, x), or "
            "op(f, backend)(x)"
        )
    return ""
