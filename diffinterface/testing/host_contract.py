"""What the bridge asks of a host, asked of one: derivatives over it, beside those without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..arrays.framework import Framework
from ..arrays.namespace import array_namespace
from ..declare.adtypes import ADType, AutoForwardDiff
from ..declare.config import as_adtype
from ..errors import DiffInterfaceError
from ..nest import hosts as crossings
from ..nest.hosts import Host
from ..nest.with_engine import DifferentiateWith
from ..operators import gradient, hessian, jacobian, pullback, pushforward, value_and_jacobian
from .deviation import numpy_leaves
from .framework_contract import ContractError

X, T = np.array([0.5, -1.25, 2.0]), np.array([0.25, 1.0, -0.5])
C, WHOLE = np.array([1.5, 0.5, -1.0]), np.array([2, 1, 3])


def _mixed(x: Any, *c: Any) -> Any:
    """No symmetry between entries, so that none can be taken for another."""
    xp = array_namespace(x)
    return xp.sin(x) * x[0] + (c[0] if c else 1.0) * x**2


def _tree(p: Any) -> Any:
    xp = array_namespace(p["a"], p["b"])
    return {"first": p["a"] * p["b"][0], "second": xp.sum(p["b"] ** 2) * xp.sum(p["a"])}


def _holomorphic(x: Any) -> Any:
    return (1 + 2j) * x**2 + 1j * x[0]


def _sum(x: Any) -> Any:
    return array_namespace(x).sum(x)


#: The questions: a function that goes over the bridge, and what is asked of it, over it and without.
QUESTIONS: dict[str, tuple[Callable[..., Any], Callable[[Any, ADType], Any]]] = {
    "value": (_mixed, lambda f, b: gradient(lambda x: (_sum(f(x)), f(x)), b, X, has_aux=True)[1]),
    "pushforward": (_mixed, lambda f, b: pushforward(f, b, X, T)),
    "pullback": (_mixed, lambda f, b: pullback(f, b, X, T)),
    "batched": (_mixed, lambda f, b: jacobian(f, b, X)),
    "contexts": (_mixed, lambda f, b: jacobian(f, b, X, WHOLE)),
    "traced_contexts": (_mixed, lambda f, b: jacobian(lambda c: f(2 * c, c), b, C)),
    "several_leaves": (_tree, lambda f, b: jacobian(f, b, {"a": X, "b": C[:2]})),
    "one_traced_leaf": (
        _tree,
        lambda f, b: jacobian(lambda a, c: f({"a": a, "b": c}), b, X, C[:2]),
    ),
    "scalar": (lambda x: x**3, lambda f, b: jacobian(f, b, np.float64(1.5))),
    "between": (_mixed, lambda f, b: jacobian(lambda x: f(x**2) * x, b, X)),
    "second_order": (_mixed, lambda f, b: hessian(lambda x: _sum(f(x) ** 2), b, X)),
    "single_precision": (_mixed, lambda f, b: value_and_jacobian(f, b, X.astype("float32"))),
    "complex": (_holomorphic, lambda f, b: pullback(f, b, X + 0.5j, T - 1j)),
}


def check_host(backend: ADType | str, host: Host | None = None) -> None:
    """Ask a host every question that the bridge asks.

    Each function is differentiated by `backend` twice: as it is, and over a bridge on whose other side
    dual numbers differentiate it. What the engine itself cannot is not asked.

    Parameters
    ----------
    backend : ADType or str
        The engine whose arrays the host takes bridges in for.
    host : callable, optional
        The host to ask; by default the one that is declared for these arrays.

    Raises
    ------
    ContractError
        If a derivative over the bridge differs, or the host is never asked. It is an
        `AssertionError`, and its `failures` name each question.

    Examples
    --------
    >>> from diffinterface.testing import check_host
    >>> check_host("forwarddiff")
    """
    adtype = as_adtype(backend)
    failures: dict[str, str] = {}
    for name, (f, ask) in QUESTIONS.items():
        try:
            right = ask(f, adtype)
        except DiffInterfaceError:
            continue
        with _asked(host) as frameworks:
            try:
                got = ask(DifferentiateWith(f, AutoForwardDiff()), adtype)
            except Exception as error:  # whatever it raises is an answer too
                failures[name] = f"{type(error).__name__}: {error}"
                continue
        wrong = _wrong(got, right)
        if not frameworks:
            wrong = "the host was not asked: the engine's arrays do not say that they are traced"
        if wrong:
            failures[name] = wrong
    if failures:
        raise ContractError(f"The host of {adtype!r}", failures)


@contextmanager
def _asked(host: Host | None) -> Iterator[list[str]]:
    """Notes whose host is asked; a given one stands in for the declared one."""
    asked: list[str] = []
    declared = crossings._host

    def ask(outer: Framework) -> Host:
        asked.append(outer.name)
        return declared(outer) if host is None else host

    crossings._host = ask  # type: ignore[assignment]
    try:
        yield asked
    finally:
        crossings._host = declared


def _wrong(got: Any, right: Any) -> str:
    pairs = numpy_leaves(got), numpy_leaves(right)
    if len(pairs[0]) != len(pairs[1]):
        return f"{len(pairs[0])} arrays, expected {len(pairs[1])}"
    for a, b in zip(*pairs, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape:
            return f"shape {a.shape}, expected {b.shape}"
        if a.dtype != b.dtype:
            return f"dtype {a.dtype}, expected {b.dtype}"
        single = b.dtype in ("float32", "complex64")
        if not np.allclose(a, b, rtol=1e-4 if single else 1e-7, atol=1e-4 if single else 1e-7):
            return f"got {a.tolist()}, expected {b.tolist()}, as without the bridge"
    return ""
