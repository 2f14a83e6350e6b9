"""pymanopt with any AD engine: a decorator of cost functions, as pymanopt's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pymanopt.autodiff import backend_decorator_factory
from pymanopt.autodiff.backends._backend import Backend as ManoptBackend

import diffinterface as di


def differentiable(
    manifold: Any, backend: di.ADType | str | None = None, *data: Any
) -> Callable[..., Any]:
    """Decorate a cost function on a manifold.

    Parameters
    ----------
    manifold : pymanopt.manifolds.manifold.Manifold
        Where the arguments of the cost function live.
    backend : ADType or str or None
        The engine; None means the configured one.
    *data : any
        Further arguments of the cost function. They come to it as the engine's own arrays, which what
        it captures does not.

    Returns
    -------
    callable
        The decorator.
    """
    return backend_decorator_factory(partial(_AnyEngine, backend, data))(manifold)


class _AnyEngine(ManoptBackend):
    """Gradients and Hessian-vector products in the ambient space.

    For complex points pymanopt asks for the direction of steepest ascent, which is what `gradient`
    gives on every engine.
    """

    def __init__(self, backend: Any, data: tuple[Any, ...]) -> None:
        super().__init__(f"diffinterface with {backend}")
        self._backend, self._data = backend, data

    def is_available(self) -> bool:  # type: ignore[override]  # pymanopt asks the instance
        return self._backend is None or di.check_available(self._backend)

    def prepare_function(self, function: Callable[..., Any]) -> Callable[..., float]:
        def value(*points: Any) -> float:
            every = tuple(range(len(points)))
            return float(di.evaluate(function, self._backend, points, *self._data, argnums=every))

        return value

    def generate_gradient_operator(self, function: Callable[..., Any], count: int) -> Any:
        gradient = self._lazily(di.prepare_gradient, function, count)

        def operator(*points: Any) -> Any:
            return _alone(gradient(points), count)

        return operator

    def generate_hessian_operator(self, function: Callable[..., Any], count: int) -> Any:
        hvp = self._lazily(di.prepare_hvp, function, count)

        def operator(*arguments: Any) -> Any:
            return _alone(hvp(arguments[:count], arguments[count:]), count)

        return operator

    def _lazily(self, prepare: Any, function: Callable[..., Any], count: int) -> Any:
        """Prepared at the first call: pymanopt says only then what the points look like."""
        prepared: list[Any] = []

        def call(*arguments: Any) -> Any:
            arguments = (*arguments, *self._data)
            if not prepared:
                options = {"argnums": tuple(range(count)), "on_mismatch": "reprepare"}
                prepared.append(prepare(function, self._backend, *arguments, **options))
            return prepared[0](*arguments)

        return call


def _alone(parts: Any, count: int) -> Any:
    return parts[0] if count == 1 else list(parts)
