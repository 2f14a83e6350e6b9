"""Prepared operators: decide once, call many times, and never answer for something else.

A prepared call checks that its arguments are of the kind that it was prepared for, and that nothing
an engine may have compiled in was rebound since.
"""

from __future__ import annotations

from typing import Any, Literal, final

from .capture import Capture
from .errors import InputError, PreparationMismatchError
from .plan import Plan, Request
from .prep import Prep
from .registry import resolve
from .trees import Leaves

OnMismatch = Literal["error", "reprepare"]
_CHOICES = ("error", "reprepare")


class Prepared:
    """An operator prepared for one function and one kind of arguments.

    Call it as the operator was called, without f and the backend. It is immutable, and threads may
    share it.

    Raises
    ------
    PreparationMismatchError
        On a call whose arguments differ in structure, shape, dtype or device from those of the
        preparation, or after a captured variable of f was rebound (engines that compile), unless
        prepared with ``on_mismatch="reprepare"``.
    """

    __slots__ = ("_capture", "_fast", "_finish", "_on_mismatch", "_plan", "_variants")

    def __init__(
        self,
        request: Request,
        x: Any,
        contexts: tuple[Any, ...],
        t: Any = None,
        *,
        on_mismatch: OnMismatch = "error",
    ) -> None:
        if on_mismatch not in _CHOICES:
            raise InputError(
                f"on_mismatch={on_mismatch!r}, expected 'error' or 'reprepare'.", got=on_mismatch
            )
        compiles = resolve(request.adtype).compiles
        self._capture = Capture(request.f) if compiles else None
        self._plan, arguments = Plan.with_arguments(request, x, contexts, t)
        self._on_mismatch = on_mismatch
        self._variants: dict[str, Prepared] = {}
        self._fast = self._fast_path(arguments, x, contexts, t)
        self._finish = self._plan.finish

    def __repr__(self) -> str:
        request = self._plan.request
        name = getattr(request.f, "__name__", repr(request.f))
        kinds = ", ".join(map(repr, self._plan.check_x.leaves))
        return f"<prepared {request.operator.name} of {name} by {request.adtype!r} at {kinds}>"

    def _fast_path(
        self, arguments: tuple[Leaves, ...], x: Any, contexts: tuple[Any, ...], t: Any
    ) -> Prep | None:
        """The backend's plan, if arguments of the very same kind can go straight into it."""
        plan = self._plan
        given = [plan.check_x.exact(x), plan.check_contexts.exact(contexts)]
        if plan.check_seed is not None:
            given.append(plan.check_seed.exact(t))
        untouched = all(
            before is not None and all(a is b for a, b in zip(before, after, strict=True))
            for before, after in zip(given, arguments, strict=True)
        )
        return plan.prep if untouched and not plan.request.has_aux else None

    def _arguments(
        self, x: Any, contexts: tuple[Any, ...], t: Any
    ) -> tuple[Plan, tuple[Leaves, ...]]:
        """The plan that serves these arguments, and the arguments as it takes them."""
        rebound = self._capture.rebound() if self._capture is not None else []
        if not rebound:
            arguments = self._plan.arguments(x, contexts, t)
            if arguments is not None:
                return self._plan, arguments
        lines = [f"{name}: rebound since preparation" for name in rebound]
        lines += self._plan.differences(x, contexts, t)
        if self._on_mismatch == "reprepare" and not self._plan.request.same_point:
            return self._variant("\n".join(lines), x, contexts, t)._arguments(x, contexts, t)
        request = self._plan.request
        raise PreparationMismatchError(
            f"{request.operator.name} was prepared for other arguments:\n  "
            + "\n  ".join(lines)
            + "\nPrepare again, pass the changing value as a context, or prepare with "
            "on_mismatch='reprepare'.",
            differences=lines,
        )

    def _variant(self, key: str, x: Any, contexts: tuple[Any, ...], t: Any) -> Prepared:
        variant = self._variants.get(key)
        if variant is None or (variant._capture is not None and variant._capture.rebound()):
            variant = type(self)(self._plan.request, x, contexts, t, on_mismatch=self._on_mismatch)
            self._variants[key] = variant
        return variant


@final
class PreparedOperator(Prepared):
    """A prepared operator without a seed: call ``prep(x, *contexts)``."""

    __slots__ = ()

    def __call__(self, x: Any, *contexts: Any) -> Any:
        """The result at x."""
        if self._fast is not None and (self._capture is None or not self._capture.rebound()):
            plan = self._plan
            leaves = plan.check_x.exact(x)
            if leaves is not None:
                data = plan.check_contexts.exact(contexts)
                if data is not None:
                    return self._finish(self._fast.result(leaves, data))
        plan, arguments = self._arguments(x, contexts, None)
        return plan.result(arguments)

    def value_and(self, x: Any, *contexts: Any) -> tuple[Any, ...]:
        """The value of f (for second order: and its derivative), then the result at x."""
        plan, arguments = self._arguments(x, contexts, None)
        return plan.value_and(arguments)


@final
class PreparedSeeded(Prepared):
    """A prepared operator with a seed: call ``prep(x, t, *contexts)``."""

    __slots__ = ()

    def __call__(self, x: Any, t: Any, *contexts: Any) -> Any:
        """The result at x for the tangent or cotangent t."""
        if self._fast is not None and (self._capture is None or not self._capture.rebound()):
            plan = self._plan
            leaves, seeds = plan.check_x.exact(x), plan.check_seed.exact(t)  # type: ignore[union-attr]
            if leaves is not None and seeds is not None:
                data = plan.check_contexts.exact(contexts)
                if data is not None:
                    return self._finish(self._fast.result(leaves, data, seeds))
        plan, arguments = self._arguments(x, contexts, t)
        return plan.result(arguments)

    def value_and(self, x: Any, t: Any, *contexts: Any) -> tuple[Any, ...]:
        """The value of f (for hvp: the gradient), then the result at x for t."""
        plan, arguments = self._arguments(x, contexts, t)
        return plan.value_and(arguments)


@final
class PreparedSamePoint:
    """An operator linearised at one point: call ``prep(t)`` for any number of seeds.

    The point and the contexts are those of the preparation: overwriting the caller's arrays
    afterwards changes nothing.
    """

    __slots__ = ("_plan",)

    def __init__(self, request: Request, x: Any, contexts: tuple[Any, ...], t: Any) -> None:
        self._plan = Plan(request, x, contexts, t)

    def __repr__(self) -> str:
        request = self._plan.request
        return f"<{request.operator.name} by {request.adtype!r} linearised at one point>"

    def __call__(self, t: Any) -> Any:
        """The result for the tangent or cotangent t."""
        return self._plan.result(self._arguments(t))

    def value_and(self, t: Any) -> tuple[Any, ...]:
        """The value at the point (for hvp: the gradient), then the result for t."""
        return self._plan.value_and(self._arguments(t))

    def _arguments(self, t: Any) -> tuple[Leaves, ...]:
        arguments = self._plan.arguments(None, (), t)
        if arguments is None:
            lines = self._plan.differences(None, (), t)
            raise PreparationMismatchError(
                f"{self._plan.request.operator.name} was prepared for another seed:\n  "
                + "\n  ".join(lines),
                differences=lines,
            )
        return arguments
