"""Bridged functions inside torch: every transformation equals itself on the same function in torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .common import Inner, T, X, close, every_operator, model

torch = pytest.importorskip("torch")
func = torch.func


def _t(*values: Any) -> Any:
    return torch.tensor(values if values else T, dtype=torch.float64)


def _grad(y: Any, x: Any, **options: Any) -> Any:
    return torch.autograd.grad(y, x, **options)[0]


def _tape(f: Any, x: Any) -> Any:
    x = x.clone().requires_grad_()
    y = f(x)
    rows = [_grad(y[i], x, retain_graph=True) for i in range(2)]
    return torch.stack(rows)


def _double_backward(f: Any, x: Any) -> Any:
    x = x.clone().requires_grad_()
    g = _grad((f(x) ** 2).sum(), x, create_graph=True)
    return _grad((g**2).sum(), x)


def _triple_backward(f: Any, x: Any) -> Any:
    x = x.clone().requires_grad_()
    g = _grad((f(x) ** 2).sum(), x, create_graph=True)
    h = _grad((g**2).sum(), x, create_graph=True)
    return _grad((h**2).sum(), x)


def _dual_level(f: Any, x: Any) -> Any:
    forward = torch.autograd.forward_ad
    with forward.dual_level():
        return forward.unpack_dual(f(forward.make_dual(x, _t()))).tangent


def _tape_over_dual_level(f: Any, x: Any) -> Any:
    x = x.clone().requires_grad_()
    return _grad((_dual_level(f, x) ** 2).sum(), x)


def _along(f: Any) -> Any:
    return lambda x: func.jvp(f, (x,), (_t(),))[1]


def _scalar(f: Any) -> Any:
    return lambda x: (f(torch.sin(x)) ** 2).sum()


def _pair(x: Any) -> Any:
    return torch.stack([x, -x])


#: By the order of derivative that each takes: from a function and a point to a tensor.
OPERATORS: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "call": (0, lambda f, x: f(x)),
    "vmap": (0, lambda f, x: func.vmap(f)(_pair(x))),
    "vmap over axis 1": (0, lambda f, x: func.vmap(f, 1, 1)(_pair(x).T)),
    "vmap of vmap": (0, lambda f, x: func.vmap(func.vmap(f))(_pair(x)[None])),
    "tape": (1, _tape),
    "dual level": (1, _dual_level),
    "grad": (1, lambda f, x: func.grad(_scalar(f))(x)),
    "jvp": (1, lambda f, x: func.jvp(f, (x,), (_t(),))[1]),
    "vjp": (1, lambda f, x: func.vjp(f, x)[1](_t(0.5, -2.0))[0]),
    "jacfwd": (1, lambda f, x: func.jacfwd(f)(x)),
    "jacrev": (1, lambda f, x: func.jacrev(f)(x)),
    "vmap of grad": (1, lambda f, x: func.vmap(func.grad(_scalar(f)))(_pair(x))),
    "vmap of jacfwd": (1, lambda f, x: func.vmap(func.jacfwd(f))(_pair(x))),
    "grad of vmap": (1, lambda f, x: func.grad(_scalar(func.vmap(f)))(_pair(x))),
    "functional.jacobian": (1, lambda f, x: torch.autograd.functional.jacobian(f, x)),
    "double backward": (2, _double_backward),
    "tape over dual level": (2, _tape_over_dual_level),
    "hessian": (2, lambda f, x: func.hessian(f)(x)),
    "jacrev of jacrev": (2, lambda f, x: func.jacrev(func.jacrev(f))(x)),
    "jacrev of jacfwd": (2, lambda f, x: func.jacrev(func.jacfwd(f))(x)),
    "jacfwd of jacfwd": (2, lambda f, x: func.jacfwd(func.jacfwd(f))(x)),
    "jvp of jvp": (2, lambda f, x: _along(_along(f))(x)),
    "grad of jvp": (2, lambda f, x: func.grad(_scalar(_along(f)))(x)),
    "jvp of grad": (2, lambda f, x: _along(func.grad(_scalar(f)))(x)),
    "vmap of hessian": (2, lambda f, x: func.vmap(func.hessian(_scalar(f)))(_pair(x))),
    "functional.hessian": (2, lambda f, x: torch.autograd.functional.hessian(_scalar(f), x)),
    "triple backward": (3, _triple_backward),
    "jacfwd of hessian": (3, lambda f, x: func.jacfwd(func.hessian(f))(x)),
    "jacrev of hessian": (3, lambda f, x: func.jacrev(func.hessian(f))(x)),
    "jvp of jvp of jvp": (3, lambda f, x: _along(_along(_along(f)))(x)),
}


#: One of each kind: a call, a batch, each mode on the tape and in ``torch.func``, two orders.
BY_ALL = ("call", "vmap", "tape", "dual level", "jvp", "vmap of grad", "double backward", "hessian")


@every_operator(OPERATORS, BY_ALL)
def test_every_operator(inner: Inner, order: int, op: Any) -> None:
    tolerance = inner.tolerance(order)
    x = torch.tensor(X)
    close(op(inner.bridged(model), x), op(model, x), 10 * tolerance)
