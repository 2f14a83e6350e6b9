"""Linear systems at one point: factorised, or solved by products alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any, Literal

import numpy as np

from ..errors import BackendNotInstalledError, InputError
from .errors import LinearSolverWarning, SingularSystemError

Representation = Literal["matrix", "operator"]
LinearSolver = str | Callable[[Any, Any], Any] | None
Solve = Callable[[Any, bool], Any]

KRYLOV = ("gmres", "lgmres", "bicgstab", "cg", "minres")


def check(representation: Any, solver: LinearSolver) -> str | Callable[[Any, Any], Any]:
    """The linear solver to use; raises `InputError` where the two do not fit."""
    if representation not in ("matrix", "operator"):
        raise InputError(
            f"representation={representation!r}, expected 'matrix' or 'operator'.",
            got=representation,
        )
    solver = solver or ("direct" if representation == "matrix" else "gmres")
    if not callable(solver) and solver not in ("direct", *KRYLOV):
        raise InputError(
            f"linear_solver={solver!r}, expected 'direct', {', '.join(map(repr, KRYLOV))}, or a "
            "callable (A, b) -> z.",
            got=solver,
        )
    if solver == "direct" and representation == "operator":
        raise InputError("linear_solver='direct' needs representation='matrix'.", got=solver)
    return solver


def factorised(A: Any, residual: float) -> Solve:
    """``solve(b, adjoint)`` for a square matrix, dense or SciPy sparse, by its LU factors.

    Rows and columns are first scaled to comparable size, so that the condition number says how
    singular the matrix is and not in which units it is written (Golub and Van Loan, Matrix
    Computations, section 3.5.2).

    Raises
    ------
    SingularSystemError
        If the scaled matrix is singular to working precision.
    """
    sparse = hasattr(A, "tocsc")
    A = A.tocsc() if sparse else np.asarray(A)
    rows = _powers(_largest(A, 1))
    A = (A.multiply(rows[:, None]) if sparse else A * rows[:, None]) if A.size else A
    columns = _powers(_largest(A, 0))
    A = (A.multiply(columns[None, :]) if sparse else A * columns[None, :]) if A.size else A
    inner, rcond = (_sparse if sparse else _dense)(A)
    if not rcond > np.finfo(A.dtype).eps:
        raise SingularSystemError(
            "The Jacobian of the conditions by y is singular (reciprocal condition number "
            f"{rcond:.1e}): they do not determine y near the solution. Their residual there is "
            f"{residual:.1e}.",
            rcond=rcond,
            residual=residual,
        )
    return lambda b, adjoint: (
        rows * inner(columns * b, True) if adjoint else columns * inner(rows * b, False)
    )


def _largest(A: Any, axis: int) -> Any:
    largest = abs(A).max(axis=axis)
    return np.ravel(largest.toarray() if hasattr(largest, "toarray") else largest)


def _powers(sizes: Any) -> Any:
    """Reciprocals rounded to powers of two, which scale without rounding."""
    usable = (sizes > 0) & np.isfinite(sizes)
    exponents = np.zeros(sizes.shape, int)
    exponents[usable] = np.frexp(sizes[usable])[1]
    return np.ldexp(np.ones_like(sizes), -exponents)


def _dense(A: Any) -> tuple[Solve, float]:
    if not A.size or not np.all(np.isfinite(A)):
        return (lambda b, adjoint: b), 1.0 if not A.size else 0.0
    norm = np.abs(A).sum(axis=0).max()
    try:
        from scipy import linalg
    except ImportError:
        try:
            inverse = np.linalg.inv(A)
        except np.linalg.LinAlgError:
            return (lambda b, adjoint: b), 0.0
        rcond = 1 / (norm * np.abs(inverse).sum(axis=0).max())
        return lambda b, adjoint: np.linalg.solve(A.conj().T if adjoint else A, b), float(rcond)
    lapack: Any = linalg
    factor, solve, estimate = lapack.get_lapack_funcs(("getrf", "getrs", "gecon"), (A,))
    lu, pivots, info = factor(A)
    if info > 0:
        return (lambda b, adjoint: b), 0.0
    rcond, _ = estimate(lu, norm)
    return lambda b, adjoint: solve(lu, pivots, b, trans=2 if adjoint else 0)[0], float(rcond)


def _sparse(A: Any) -> tuple[Solve, float]:
    from scipy.sparse.linalg import LinearOperator, onenormest, splu

    A = A.tocsc()
    lu: Any
    try:
        lu = splu(A)
    except RuntimeError:  # SuperLU's word for exactly singular
        return (lambda b, adjoint: b), 0.0
    inverse = LinearOperator(
        A.shape, lu.solve, rmatvec=lambda b: lu.solve(b, trans="H"), dtype=A.dtype
    )
    rcond = 1 / (float(abs(A).sum(axis=0).max()) * onenormest(inverse))
    return lambda b, adjoint: lu.solve(b, trans="H" if adjoint else "N"), float(rcond)


def krylov(A: Any, solver: str, tolerance: float) -> Solve:
    """``solve(b, adjoint)`` by products with a SciPy linear operator."""
    linalg = scipy_module("sparse.linalg", "An iterative linear solver")
    method = getattr(linalg, solver)
    options: dict[str, Any] = {"restart": min(A.shape[0], 100)} if solver == "gmres" else {}

    def solve(b: Any, adjoint: bool) -> Any:
        with np.errstate(all="ignore"):  # a breakdown shows in the residual, which is checked
            z, _ = method(adjoint_of(A) if adjoint else A, b, rtol=tolerance, **options)
        return z

    return solve


def adjoint_of(A: Any) -> Any:
    """The conjugate transpose of a matrix or a linear operator."""
    return A.H if hasattr(A, "matvec") else A.conj().T


def scipy_module(name: str, what: str) -> Any:
    """A module of SciPy; raises `BackendNotInstalledError`, which says what needs it."""
    try:
        return import_module(f"scipy.{name}")
    except ImportError as error:
        raise BackendNotInstalledError(
            f"{what} needs SciPy. Install it with: pip install scipy",
            command="pip install scipy",
        ) from error


def _refuse_singular(A: Any, solve: Solve) -> None:
    """Warn where a random system has no solution.

    Krylov methods solve a singular system whose right-hand side happens to fit, by one of infinitely
    many solutions. A random one does not fit: it keeps the part that A cannot reach, about
    ``1 / sqrt(n)`` of it.
    """
    n = A.shape[0]
    b = np.random.default_rng(0).choice((-1.0, 1.0), size=n).astype(A.dtype)
    residual = float(np.linalg.norm(A @ np.ravel(solve(b, False)) - b) / np.sqrt(max(n, 1)))
    if not residual <= 0.1 / np.sqrt(max(n, 1)):
        warnings.warn(
            LinearSolverWarning(
                f"The linear solver leaves a relative residual of {residual:.1e} on a random system: "
                "the Jacobian of the conditions by y is singular, or too ill-conditioned for it. Use "
                "representation='matrix', or another linear_solver.",
                residual=residual,
                tolerance=0.1 / np.sqrt(max(n, 1)),
            ),
            stacklevel=2,
        )


def verified(A: Any, solve: Solve, tolerance: float) -> Solve:
    """The same, whose answers are checked: what an iterative solver claims is not taken on trust.

    Warns
    -----
    LinearSolverWarning
        If the relative residual exceeds the tolerance tenfold.

    Raises
    ------
    SingularSystemError
        If the answer is not finite.
    """
    _refuse_singular(A, solve)

    def checked(b: Any, adjoint: bool) -> Any:
        z = np.asarray(solve(b, adjoint)).reshape(np.shape(b))
        size = np.linalg.norm(b)
        residual = np.linalg.norm((adjoint_of(A) if adjoint else A) @ z - b)
        if not np.isfinite(residual):
            raise SingularSystemError(
                "The linear solver gave no finite answer: the Jacobian of the conditions by y is "
                "singular, or not finite.",
                rcond=0.0,
                residual=float(residual),
            )
        if residual > 10 * tolerance * size:
            relative = float(residual / size)
            warnings.warn(
                LinearSolverWarning(
                    f"The linear solver stopped at a relative residual of {relative:.1e}, expected "
                    f"{tolerance:.1e}: the derivative is no better than that. Use another "
                    "linear_solver, representation='matrix', or a wider linear_tolerance.",
                    residual=relative,
                    tolerance=tolerance,
                ),
                stacklevel=2,
            )
        return z

    return checked
