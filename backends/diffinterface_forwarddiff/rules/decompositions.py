"""Decompositions of matrices, batched over the tangents by a leading axis.

Where factors are determined up to a sign or a phase only, the derivative is that of one smooth choice.
Equal eigenvalues or singular values leave their vectors undetermined: their derivatives are not finite.
"""

from __future__ import annotations

from typing import Any

from diffinterface.extend import is_complex

from ..adaptors import composed
from ..errors import MissingRuleError
from ..table import RULES
from ..values import copied
from .linalg import adjoint, matrix


def _hermitian(xp: Any, da: Any) -> Any:
    """The part that counts: a factorisation of symmetric matrices only reads one triangle."""
    return (da + adjoint(xp, da)) / 2


def _cholesky(xp: Any, a: Any, y: Any, da: Any) -> Any:
    """``dL = L Phi(L^-1 dA L^-H)``, Phi halving the diagonal of the lower triangle (Giles 2008)."""
    inner = xp.linalg.solve(y, _hermitian(xp, da))
    inner = adjoint(xp, xp.linalg.solve(y, adjoint(xp, inner)))
    return y @ (xp.tril(inner) + xp.tril(inner, k=-1)) / 2


def _off_diagonal(xp: Any, gaps: Any) -> Any:
    """``1 / gaps``, and 0 on the diagonal."""
    ones = xp.ones_like(gaps)
    off = xp.tril(ones, k=-1) + xp.triu(ones, k=1)
    return off / (gaps + (ones - off))


def _diagonal(xp: Any, x: Any) -> Any:
    """Real diagonals, which are views, copied."""
    return copied(xp.real(xp.linalg.diagonal(x)))


def _eigh(xp: Any, a: Any, y: Any, da: Any, UPLO: str = "L") -> Any:
    """Giles 2008, section 3.1, with a symmetric dA."""
    values, vectors = y
    inner = adjoint(xp, vectors) @ _hermitian(xp, da) @ vectors
    factor = _off_diagonal(xp, values[..., None, :] - values[..., :, None])
    return _diagonal(xp, inner), vectors @ (factor * inner)


def _eigvalsh(xp: Any, a: Any, y: Any, da: Any, UPLO: str = "L") -> Any:
    vectors = xp.linalg.eigh(a, **({} if UPLO == "L" else {"UPLO": UPLO}))[1]
    return _diagonal(xp, adjoint(xp, vectors) @ _hermitian(xp, da) @ vectors)


def _svdvals(xp: Any, a: Any, y: Any, da: Any) -> Any:
    u, _, vh = xp.linalg.svd(a, full_matrices=False)
    return _diagonal(xp, adjoint(xp, u) @ da @ adjoint(xp, vh))


def _svd(
    xp: Any,
    a: Any,
    y: Any,
    da: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    hermitian: bool = False,
) -> Any:
    """Townsend, *Differentiating the singular value decomposition* (2016)."""
    if not compute_uv:
        return _svdvals(xp, a, y, da)
    m, n = a.shape[-2:]
    if full_matrices and m != n:
        raise MissingRuleError(
            "linalg.svd", "with full_matrices=True of a matrix that is not square has no derivative"
        )
    u, s, vh = y
    uh, v = adjoint(xp, u), adjoint(xp, vh)
    inner = uh @ da @ v
    row, column = s[..., None, :], s[..., :, None]
    factor = _off_diagonal(xp, (row - column) * (row + column))
    turned = inner * row
    du = factor * (turned + adjoint(xp, turned))
    turned = inner * column
    dv = factor * (turned + adjoint(xp, turned))
    if is_complex(a):  # the phase of a pair of vectors: half of it to each would do, all goes to U
        skew = (inner - adjoint(xp, inner)) / (2 * row)
        du = du + xp.tril(xp.triu(skew))
    du, dv = u @ du, v @ dv
    if m > n:
        outside = da @ v
        du = du + (outside - u @ (uh @ outside)) / row
    if n > m:
        outside = adjoint(xp, da) @ u
        dv = dv + (outside - v @ (vh @ outside)) / row
    return du, _diagonal(xp, inner), adjoint(xp, dv)


def _qr(xp: Any, a: Any, y: Any, da: Any, mode: str = "reduced") -> Any:
    """Walter & Lehmann, *On evaluating higher-order derivatives of the QR decomposition* (2010)."""
    m, n = a.shape[-2:]
    if mode == "r":
        return _qr(xp, a, xp.linalg.qr(a), da)[1]
    if mode != "reduced" and (mode != "complete" or m > n):
        raise MissingRuleError("linalg.qr", f"with mode={mode!r} has no derivative rule")
    q, r = y
    # The first m columns of a wide matrix give Q, which then gives the others of R.
    r1, da1 = r[..., :, :m], da[..., :, :m]
    moved = xp.matrix_transpose(
        xp.linalg.solve(xp.matrix_transpose(r1), xp.matrix_transpose(da1))
    )  # dA R^-1
    inner = adjoint(xp, q) @ moved
    lower = xp.tril(inner, k=-1)
    turn = lower - adjoint(xp, lower)
    if is_complex(a):  # R has a real diagonal
        turn = turn + 1j * xp.imag(xp.tril(xp.triu(inner)))
    dq = moved + q @ (turn - inner)
    dr = (inner - turn) @ r1
    if n > m:
        rest = adjoint(xp, dq) @ a[..., :, m:] + adjoint(xp, q) @ da[..., :, m:]
        dr = xp.concat([dr, rest], axis=-1)
    return dq, dr


matrix("linalg.cholesky", _cholesky)
matrix("linalg.eigh", _eigh)
matrix("linalg.eigvalsh", _eigvalsh)
matrix("linalg.svdvals", _svdvals)
matrix("linalg.svd", _svd)
matrix("linalg.qr", _qr)

_lower = RULES["linalg.cholesky"]


def _triangular(xp: Any, a: Any, *, upper: bool = False) -> Any:
    """The upper factor is the adjoint of the lower one, of a matrix given by its upper triangle."""
    if not upper:
        return _lower("linalg.cholesky", None, (a,), {})
    return adjoint(xp, _lower("linalg.cholesky", None, (adjoint(xp, a),), {}))


composed("linalg.cholesky", _triangular)
