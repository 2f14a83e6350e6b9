"""Matrix factorizations, each factor an operation of its own.

Where f uses the eigenvalues only, equal ones have derivatives all the same, so the rule of the vectors
must not be met: autograd's factorizations have one rule for all factors. Each factor here is computed
at the point by one call of NumPy (`known`), and its rule asks the others anew, so that derivatives of
every order follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import autograd.numpy as anp
import autograd.numpy.linalg as alinalg
import numpy as np
from autograd.extend import defvjp, primitive
from autograd.tracer import getval, isbox

from .errors import MissingRuleError
from .linear import define, transpose
from .shapes import adjoint, matrix_transpose


class QRResult(NamedTuple):
    """A matrix of orthonormal columns, and an upper triangular one."""

    Q: Any
    R: Any


def factors(*names: str) -> Iterator[Any]:
    """Primitives of a matrix, each of which gives one of its factors that are `known`, by name."""
    for name in names:

        def factor(x: Any, known: Any, name: str = name) -> Any:
            return getattr(known, name)

        factor.__name__ = name
        yield primitive(factor)


def _mirrored(g: Any) -> Any:
    """The Hermitian matrix that NumPy reads: of `g` the lower triangle only."""
    below, diagonal = anp.tril(g, -1), anp.real(anp.diagonal(g, 0, -2, -1))
    return below + adjoint(below) + diagonal[..., None] * np.eye(g.shape[-1])


def _inverse_gaps(values: Any) -> Any:
    """``1 / (v_j - v_i)``, zero on the diagonal; NaN for equal values, whose vectors are not unique."""
    gaps = values[..., None, :] - values[..., :, None]
    eye = np.eye(values.shape[-1], dtype=bool)
    equal = (getval(gaps) == 0) & ~eye
    return anp.where(eye, 0.0, anp.where(equal, np.nan, 1 / anp.where(eye | equal, 1.0, gaps)))


def _diagonal(x: Any) -> Any:
    return anp.real(anp.diagonal(x, 0, -2, -1))


# --- Cholesky ------------------------------------------------------------------------------------------


@primitive  # type: ignore[untyped-decorator]
def _cholesky_factor(x: Any) -> Any:
    return np.linalg.cholesky(x)


def _push_cholesky(g: Any, ans: Any, x: Any) -> Any:
    """I. Murray, "Differentiation of the Cholesky decomposition", 2016, equation 8."""
    middle = alinalg.solve(ans, adjoint(alinalg.solve(ans, _mirrored(g))))
    return ans @ (anp.tril(middle, -1) + 0.5 * _diagonal(middle)[..., None] * np.eye(x.shape[-1]))


define(_cholesky_factor, _push_cholesky)


def _cholesky(x: Any, /, *, upper: bool = False) -> Any:
    return adjoint(_cholesky_factor(adjoint(x))) if upper else _cholesky_factor(x)


# --- eigenvalues of Hermitian matrices -----------------------------------------------------------------


_eigenvalues, _eigenvectors = factors("eigenvalues", "eigenvectors")


def _push_eigenvalues(g: Any, ans: Any, x: Any, known: Any) -> Any:
    """M. Giles, "Collected matrix derivative results", 2008, section 3.1."""
    vectors = _eigenvectors(x, known)
    return _diagonal(adjoint(vectors) @ _mirrored(g) @ vectors)


def _push_eigenvectors(g: Any, ans: Any, x: Any, known: Any) -> Any:
    """The same section."""
    return ans @ (_inverse_gaps(_eigenvalues(x, known)) * (adjoint(ans) @ _mirrored(g) @ ans))


define(_eigenvalues, _push_eigenvalues)
define(_eigenvectors, _push_eigenvectors)


def _pull_eigh(ans: Any, x: Any, UPLO: Any = "L") -> Any:
    """Autograd leaves out the vectors where their cotangent is zero; its derivative may not be."""
    known: Any = np.linalg.eigh(getval(x), UPLO)

    def turned(a: Any) -> Any:
        return a if UPLO == "L" else adjoint(a)

    def push_vectors(t: Any) -> Any:
        return _push_eigenvectors(turned(t), _eigenvectors(turned(x), known), turned(x), known)

    values = transpose(lambda t: _push_eigenvalues(turned(t), None, turned(x), known), x)
    vectors = transpose(push_vectors, x)
    return lambda g: values(g[0]) + (vectors(g[1]) if isbox(g[1]) or np.any(g[1]) else 0)


defvjp(alinalg.eigh, _pull_eigh)


def _eigh(x: Any, /) -> Any:
    known = np.linalg.eigh(getval(x))
    return type(known)(_eigenvalues(x, known), _eigenvectors(x, known))


def _eigvalsh(x: Any, /) -> Any:
    return _eigenvalues(x, np.linalg.eigh(getval(x)))


# --- singular values -----------------------------------------------------------------------------------


_left, _singular, _right = factors("U", "S", "Vh")


def _inner(g: Any, x: Any, known: Any) -> Any:
    return adjoint(_left(x, known)) @ g @ adjoint(_right(x, known))


def _push_left(g: Any, ans: Any, x: Any, known: Any) -> Any:
    """J. Townsend, "Differentiating the singular value decomposition", 2016.

    Of complex vectors the phase is free; it is the left ones that turn (Z.-Q. Wan and S.-X. Zhang,
    arXiv:1909.02659).
    """
    values, right, inner = _singular(x, known), _right(x, known), _inner(g, x, known)
    row = values[..., None, :]
    turn = _inverse_gaps(values**2) * (inner * row + adjoint(inner * row))
    if anp.iscomplexobj(inner):
        phase = anp.imag(anp.diagonal(inner, 0, -2, -1)) / values
        turn = turn + 1j * phase[..., None] * np.eye(values.shape[-1])
    moved = g @ adjoint(right)
    return ans @ turn + (moved - ans @ (adjoint(ans) @ moved)) / row


def _push_right(g: Any, ans: Any, x: Any, known: Any) -> Any:
    values, left, inner = _singular(x, known), _left(x, known), _inner(g, x, known)
    column = values[..., :, None]
    turn = _inverse_gaps(values**2) * (column * inner + adjoint(column * inner))
    moved = adjoint(left) @ g
    return adjoint(turn) @ ans + (moved - (moved @ adjoint(ans)) @ ans) / column


define(_left, _push_left)
define(_singular, lambda g, ans, x, known: _diagonal(_inner(g, x, known)))
define(_right, _push_right)


def _svd(x: Any, /, *, full_matrices: bool = True) -> Any:
    if full_matrices and x.shape[-2] != x.shape[-1]:
        raise MissingRuleError("svd with full_matrices=True of a matrix that is not square", "rule")
    known = np.linalg.svd(getval(x), full_matrices=False)
    return type(known)(_left(x, known), _singular(x, known), _right(x, known))


def svdvals(x: Any, /) -> Any:
    """The singular values."""
    return _singular(x, np.linalg.svd(getval(x), full_matrices=False))


# --- QR ------------------------------------------------------------------------------------------------


@primitive  # type: ignore[untyped-decorator]
def _orthonormal(x: Any) -> Any:
    return np.linalg.qr(x).Q


def _push_orthonormal(g: Any, ans: Any, x: Any) -> Any:
    """S. F. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions", 2010."""
    across = matrix_transpose(
        alinalg.solve(matrix_transpose(_triangular(ans, x)), matrix_transpose(g))
    )
    inner = adjoint(ans) @ across
    below = anp.tril(inner, -1)
    turn = below - adjoint(below)
    if anp.iscomplexobj(inner):  # LAPACK keeps the diagonal of R real
        phase = anp.imag(anp.diagonal(inner, 0, -2, -1))
        turn = turn + 1j * phase[..., None] * np.eye(x.shape[-1])
    return across + ans @ (turn - inner)


def _triangular(q: Any, x: Any) -> Any:
    return anp.triu(adjoint(q) @ x)


define(_orthonormal, _push_orthonormal)


def _qr(x: Any, /, *, mode: str = "reduced") -> QRResult:
    rows, columns = x.shape[-2:]
    if mode != "reduced" and rows > columns:
        raise MissingRuleError(f"qr with mode={mode!r} of a tall matrix", "rule")
    q = _orthonormal(x[..., :, :rows])
    return QRResult(q, _triangular(q, x))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "cholesky": _cholesky,
    "eigh": _eigh,
    "eigvalsh": _eigvalsh,
    "qr": _qr,
    "svd": _svd,
    "svdvals": svdvals,
}
