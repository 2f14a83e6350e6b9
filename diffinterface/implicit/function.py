"""Functions that are defined by the equations that their values solve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, final

from ..arrays.framework import NUMPY, framework_of
from ..arrays.perturbations import tracing
from ..arrays.stop import stopped
from ..arrays.trees import Leaves
from ..declare.adtypes import ADType
from ..declare.config import as_adtype
from ..engine.capture import Captured, same_module_or_held
from ..engine.latest import Latest
from ..engine.registry import resolve
from ..errors import InputError
from ..operators import gradient
from .arguments import Arguments, plain
from .captured import refuse_captured
from .conditions import Conditions, Options
from .solution import Attached, Solution
from .solvers import LinearSolver, Representation, check


@final
class ImplicitFunction:
    """The function ``y(x)`` that solves ``conditions(x, y) = 0``, with the derivatives of the equation.

    Its derivatives come from the implicit function theorem, ``dy/dx = -(dc/dy)^-1 dc/dx`` at the
    solution, and never from the iterations of the solver: Griewank and Walther, "Evaluating
    Derivatives", 2nd edition, chapter 15; Blondel et al., "Efficient and Modular Implicit
    Differentiation", NeurIPS 2022. They are differentiable again, to any order, and any engine may take
    them: ours, ``jax.grad``, ``jax.jit``, a torch tape, ``torch.func``, autograd.

    Parameters
    ----------
    solve : callable
        ``y = solve(x, *contexts)``, by any means: SciPy, a loop, another library. It is given plain
        NumPy arrays, read only. With `has_aux` it returns ``(y, aux)``.
    conditions : callable
        ``conditions(x, y, *contexts)``, as many equations as y has entries, over the arrays of
        `backend`. With `has_aux`: ``conditions(x, y, aux, *contexts)``.
    backend : ADType or str or None
        The engine that differentiates the conditions; None means the configured one.
    has_aux : bool
        Whether solve returns a byproduct, arrays or numbers, that the conditions may use as a constant.
    representation : {"matrix", "operator"}
        Whether ``dc/dy`` is formed, or only multiplied with vectors.
    linear_solver : str or callable, optional
        ``"direct"`` (the default for a matrix), ``"gmres"`` (for an operator), ``"lgmres"``,
        ``"bicgstab"``, ``"cg"``, ``"minres"``, or ``(A, b) -> z`` for a matrix or a
        `scipy.sparse.linalg.LinearOperator` A. All but ``"direct"`` need SciPy.
    linear_tolerance : float, optional
        The relative residual asked of an iterative linear solver; by default ``eps**(2/3)``.
    tolerance : float, optional
        How far the solution may be from satisfying the conditions, relative to the size of the terms
        that cancel in them, without a warning; by default ``eps**(1/4)``.
    arrays : {"numpy", "backend"}
        What solve is given: NumPy arrays, or those of the engine.
    like : tree of array, optional
        An array like y (with `has_aux`, a pair like ``(y, aux)``). ``jax.jit`` must know the shape
        before solve can run; without `like`, solve is tried at an example point.

    Raises
    ------
    SingularSystemError
        If the conditions do not determine y near the solution.
    SolveError
        If the solution, or the conditions there, are not finite.
    NestedDifferentiationError
        If the conditions capture a value that is being differentiated, instead of taking it as an
        argument.

    Warns
    -----
    ConditionsWarning
        If the solution does not satisfy the conditions.
    LinearSolverWarning
        If a linear solver stopped early.

    Notes
    -----
    Every floating array among the arguments is differentiated, contexts included.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> from diffinterface.implicit import ImplicitFunction
    >>> root = ImplicitFunction(np.sqrt, lambda x, y: y**2 - x, backend="forwarddiff")
    >>> root(np.array([4.0, 9.0]))
    array([2., 3.])
    >>> di.jacobian(root, "forwarddiff", np.array([4.0, 9.0]))
    array([[0.25      , 0.        ],
           [0.        , 0.16666667]])
    """

    def __init__(
        self,
        solve: Callable[..., Any],
        conditions: Callable[..., Any],
        *,
        backend: ADType | str | None = None,
        has_aux: bool = False,
        representation: Representation = "matrix",
        linear_solver: LinearSolver = None,
        linear_tolerance: float | None = None,
        tolerance: float | None = None,
        arrays: Literal["numpy", "backend"] = "numpy",
        like: Any = None,
    ) -> None:
        for name, value in (("solve", solve), ("conditions", conditions)):
            if not callable(value):
                raise InputError(f"{name} must be callable, got {value!r}.", got=value)
        if arrays not in ("numpy", "backend"):
            raise InputError(f"arrays={arrays!r}, expected 'numpy' or 'backend'.", got=arrays)
        check(representation, linear_solver)
        self.solve, self.conditions, self.adtype = solve, conditions, as_adtype(backend)
        self.options = Options(
            has_aux, representation, linear_solver, linear_tolerance, tolerance, arrays, like
        )
        self._kinds: Latest[_Kind] = Latest()
        self._captured = Captured(conditions, follows=same_module_or_held)

    def __repr__(self) -> str:
        name = getattr(self.solve, "__name__", repr(self.solve))
        return f"ImplicitFunction({name}, {self.adtype!r})"

    @classmethod
    def from_optimality(
        cls, solve: Callable[..., Any], objective: Callable[..., Any], **options: Any
    ) -> ImplicitFunction:
        """The minimiser, or any stationary point, of ``objective(x, y, *contexts)`` over y.

        Parameters
        ----------
        solve : callable
            ``y = solve(x, *contexts)``.
        objective : callable
            A scalar; its gradient by y is the condition, so `backend` differentiates it twice.
        **options
            Those of `ImplicitFunction`.

        Examples
        --------
        >>> import numpy as np
        >>> import diffinterface as di
        >>> from diffinterface.implicit import ImplicitFunction
        >>> shrink = ImplicitFunction.from_optimality(
        ...     lambda x: x / 3,
        ...     lambda x, y: np.sum((y - x) ** 2 + 2 * y**2),
        ...     backend="forwarddiff",
        ... )
        >>> di.jacobian(shrink, "forwarddiff", np.array([3.0]))
        array([[0.33333333]])
        """
        adtype = as_adtype(options.get("backend"))

        def stationary(x: Any, y: Any, *contexts: Any) -> Any:
            return gradient(objective, adtype, y, x, *contexts, argnums=1)

        return cls(solve, stationary, **options)

    @classmethod
    def from_fixed_point(
        cls, solve: Callable[..., Any], step: Callable[..., Any], **options: Any
    ) -> ImplicitFunction:
        """The fixed point ``y = step(x, y, *contexts)``.

        Parameters
        ----------
        solve : callable
            ``y = solve(x, *contexts)``.
        step : callable
            What leaves the solution where it is; of the structure of y.
        **options
            Those of `ImplicitFunction`.

        Examples
        --------
        >>> import diffinterface as di
        >>> from diffinterface.implicit import ImplicitFunction
        >>> heron = ImplicitFunction.from_fixed_point(
        ...     lambda x: x**0.5, lambda x, y: (y + x / y) / 2, backend="forwarddiff"
        ... )
        >>> di.derivative(heron, "forwarddiff", 4.0)
        np.float64(0.25)
        """
        flatten = resolve(as_adtype(options.get("backend"))).flatten

        def fixed(x: Any, y: Any, *contexts: Any) -> Any:
            moved = flatten(step(x, y, *contexts))[0]
            return tuple(a - b for a, b in zip(moved, flatten(y)[0], strict=True))

        return cls(solve, fixed, **options)

    def __call__(self, x: Any, *contexts: Any) -> Any:
        """The solution, in the caller's arrays; with `has_aux`, the pair ``(y, aux)``."""
        engine = resolve(self.adtype)
        refuse_captured(self._captured, engine, "The conditions")
        leaves, structure = engine.flatten((x, *plain(contexts)))
        arguments = Arguments(leaves, structure)
        if not arguments.count:
            raise InputError("There is no floating array among the arguments.", got=leaves)
        kind = self._kinds.find(lambda known: known.arguments.same(arguments))
        kind = kind or self._kinds.keep(_Kind(self, arguments))
        return kind(*kind.arguments.split(leaves))


@final
class _Kind:
    """An implicit function at arguments of one layout."""

    def __init__(self, function: ImplicitFunction, arguments: Arguments) -> None:
        self.arguments = arguments
        given = function.conditions, function.adtype, arguments, function.options
        self._conditions = Conditions(*given)
        self._solution = Solution(function.solve, self._conditions)
        self._attached = Attached(self._solution, self._conditions)

    def __call__(self, x: Leaves, constants: Leaves) -> Any:
        solved = self._solution.entered(tuple(map(stopped, x)), tuple(map(stopped, constants)))
        conditions = self._conditions
        m = conditions.sizes[1]
        y, aux = solved[:m], solved[m:]
        if tracing(x) is not None:
            y = self._attached.at(x, (*solved, *constants))
        assert conditions.y is not None
        tree = conditions.y[1].unflatten(map(_scalar, y))
        if not conditions.options.has_aux:
            return tree
        return tree, conditions.aux[1].unflatten(map(_scalar, aux))


def _scalar(leaf: Any) -> Any:
    """A 0-d array of NumPy as the scalar that NumPy itself would give."""
    return leaf[()] if framework_of(leaf) is NUMPY and getattr(leaf, "ndim", 1) == 0 else leaf
