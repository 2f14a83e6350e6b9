"""Cases of products and of linear algebra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

from .cases_elementwise import points
from .truth import Case

V3, M23 = points("real", (3,), (2, 3))
A2 = np.array([[2.0, 0.3], [-0.4, 1.5]])
A3 = np.array([[2.0, 0.3, -0.5], [-0.4, 1.5, 0.2], [0.1, 0.6, -1.1]])
BATCH = np.stack([A2, A2.T @ A2 - 0.5])
B33 = points("real", (3, 3))[0]
VECTOR = np.array([0.5, -1.0, 2.0])


def filled(*shape: int) -> Any:
    return points("real", shape)[0]


def _matmuls() -> list[Case]:
    """All pairs of ranks, with the dual on the left, on the right, and on both sides."""
    left = {1: (3,), 2: (2, 3), 3: (4, 2, 3), 4: (2, 1, 2, 3)}
    right = {1: (3,), 2: (3, 2), 3: (4, 3, 2), 4: (2, 4, 3, 2)}
    result = []
    for i, a in left.items():
        for j, b in right.items():
            ca, cb = filled(*a), np.cos(filled(*b))
            result += [
                Case("matmul", lambda xp, x, b=cb: xp.matmul(x, b) ** 2, ca),
                Case("matmul", lambda xp, x, a=ca: xp.matmul(a, x) ** 2, cb),
            ]
            if i + j < 6:
                # Both from one x: its entries fill either factor.
                result.append(
                    Case(
                        "matmul",
                        lambda xp, x, a=a, b=b: xp.matmul(
                            xp.reshape(x[np.arange(np.prod(a)) % 3], a),
                            xp.reshape(x[np.arange(np.prod(b)) % 3] ** 2, b),
                        ),
                        V3,
                    )
                )
    return result


def product(
    name: str, *pairs: tuple[Callable[[Any, Any, Any], Any], Any, Any], how: str = "complex"
) -> list[Case]:
    """``f(xp, a, b)`` with a dual left, a dual right, and two duals."""
    result = []
    for f, a, b in pairs:
        n, ab = a.size, np.concatenate([a.ravel(), b.ravel()])
        result += [
            Case(name, lambda xp, x, f=f, b=b: f(xp, x, b) ** 2, a, how),
            Case(name, lambda xp, x, f=f, a=a: f(xp, a, x) ** 2, b, how),
            Case(
                name,
                lambda xp, x, f=f, n=n, a=a, b=b: f(
                    xp, xp.reshape(x[:n], a.shape), xp.reshape(x[n:], b.shape)
                ),
                ab,
                how,
            ),
        ]
    return result


def _spd(xp: Any, x: Any) -> Any:
    return xp.matmul(x, xp.matrix_transpose(x)) + 0.5 * np.eye(x.shape[-1])


def _projector(xp: Any, x: Any) -> Any:
    """Eigenvectors are determined up to a sign; what they project onto is determined."""
    vectors = xp.linalg.eigh(x + xp.matrix_transpose(x))[1]
    return vectors[..., :, :1] * vectors[..., None, :, 0]


def _low_rank(xp: Any, x: Any) -> Any:
    """The best matrix of rank one: of the factors, what does not depend on their signs."""
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    return u[..., :, :1] * s[..., None, :1] * vh[..., :1, :]


def _triangle(xp: Any, x: Any) -> Any:
    q, r = xp.linalg.qr(x)
    return xp.matmul(xp.matrix_transpose(q), x**2) + r


def matrix(name: str, f: Callable[[Any, Any], Any], how: str = "complex") -> list[Case]:
    return [Case(f"linalg.{name}", f, x, how) for x in (A2, A3, BATCH)]


def norm(f: Callable[[Any, Any], Any], x: Any, name: str = "norm") -> Case:
    return Case(f"linalg.{name}", f, x, "double")


def _inner(subscripts: str) -> Callable[[Any, Any, Any], Any]:
    return lambda xp, a, b: xp.einsum(subscripts, a, b)


STIFFNESS = scipy.sparse.csr_array(np.array([[2.0, -1.0, 0.0], [0.0, 2.0, -1.0], [1.0, 0.0, 3.0]]))


def scattered(ufunc: np.ufunc, x: Any, index: Any, values: Any) -> Any:
    """``ufunc.at`` into a copy of what is computed from x."""
    total = 2 * x
    ufunc.at(total, index, values)
    return total


CASES = [
    *_matmuls(),
    *product(
        "cross",
        (lambda xp, a, b: xp.cross(a, b), V3, VECTOR),
        (lambda xp, a, b: xp.cross(a, b, axis=0), M23.T, VECTOR[:, None] + np.ones((3, 2))),
    ),
    *product(
        "linalg.cross",
        (lambda xp, a, b: xp.linalg.cross(a, b), V3, VECTOR),
        (lambda xp, a, b: xp.linalg.cross(a, b, axis=0), filled(3, 2), np.ones((3, 2)) + A2[:1]),
    ),
    *product("kron", (lambda xp, a, b: xp.kron(a, b), M23[:, :2], A2)),
    *product(
        "convolve",
        (lambda xp, a, b: xp.convolve(a, b), V3, filled(5)),
        (lambda xp, a, b: xp.convolve(a, b, "same"), V3, filled(5)),
        (lambda xp, a, b: xp.convolve(a, b, mode="valid"), filled(5), V3),
    ),
    *product(
        "correlate", (lambda xp, a, b: xp.correlate(a, b, mode="full"), filled(5), V3), how="long"
    ),
    Case("vdot", lambda xp, x: xp.vdot(x, x**2), M23, "long"),
    Case("vdot", lambda xp, x: xp.real(xp.vdot(xp.exp(1j * x), x * (1 + 2j))), V3, "long"),
    *product("polymul", (lambda xp, a, b: xp.polymul(a, b), V3, np.array([2.0, -0.5]))),
    *product(
        "inner",
        (lambda xp, a, b: xp.inner(a, b), V3, VECTOR),
        (lambda xp, a, b: xp.inner(a, b), M23, np.stack([VECTOR] * 4)),
    ),
    *product(
        "dot",
        (lambda xp, a, b: xp.dot(a, b), V3, VECTOR),
        (lambda xp, a, b: xp.dot(a, b), M23, VECTOR),
        (lambda xp, a, b: xp.dot(a, b), M23, M23.T),
        (lambda xp, a, b: xp.dot(a, b), VECTOR, filled(2, 3, 2)),
        (lambda xp, a, b: xp.dot(a, b), filled(2, 2, 3), M23.T),
        (lambda xp, a, b: xp.dot(a, b), np.array(1.5), M23),
    ),
    Case("dot", lambda xp, x: x.dot(x) ** 2, V3),
    Case("dot", lambda xp, x: xp.dot(x, [1.0, -2.0, 3.0]) ** 2, M23),
    Case("dot", lambda xp, x: xp.dot([1.0, -2.0, 3.0], x) ** 2, V3),
    *product("outer", (lambda xp, a, b: xp.outer(a, b), V3, VECTOR)),
    *product("outer", (lambda xp, a, b: xp.outer(a, b), M23, VECTOR)),
    *product("multiply", (lambda xp, a, b: np.multiply.outer(a, b), M23, VECTOR)),
    Case("multiply", lambda xp, x: np.multiply.outer(x, [1.0, 2.0, 3.0]) ** 2, V3),
    Case("multiply", lambda xp, x: np.multiply.outer([1.0, 2.0, 3.0], x) ** 2, V3),
    Case("multiply", lambda xp, x: np.multiply.outer(x, 2.0) ** 2, V3),
    *product("subtract", (lambda xp, a, b: np.subtract.outer(a, b) ** 2, M23, VECTOR)),
    *product("divide", (lambda xp, a, b: np.divide.outer(a, b), VECTOR, M23)),
    Case("bincount", lambda xp, x: np.bincount([0, 2, 2], x) ** 2, V3, "double"),
    Case(
        "bincount", lambda xp, x: np.bincount([0, 2, 2], weights=x, minlength=5) ** 2, V3, "double"
    ),
    Case("sparse_matmul", lambda xp, x: (STIFFNESS @ x) ** 2, V3),
    Case("sparse_matmul", lambda xp, x: (STIFFNESS @ x) ** 2, M23.T),
    Case("sparse_matmul", lambda xp, x: STIFFNESS.dot(x) ** 2, V3),
    Case("sparse_matmul", lambda xp, x: (x @ STIFFNESS) ** 2, M23),
    Case("sparse_matmul", lambda xp, x: (scipy.sparse.csc_matrix(STIFFNESS) * x) ** 2, V3),
    Case("add.at", lambda xp, x: scattered(np.add, x, [0, 1, 0], x) ** 2, V3),
    Case("add.at", lambda xp, x: scattered(np.add, x, (..., [1, 1]), x[:, :1]) ** 2, M23),
    Case("add.at", lambda xp, x: scattered(np.add, x, 1, 2.0) ** 2, V3),
    Case("add.at", lambda xp, x: scattered(np.add, x, [0, 2], x[1]) ** 2, V3),
    Case("subtract.at", lambda xp, x: scattered(np.subtract, x, [0, 1, 0], x) ** 2, V3),
    Case("vecdot", lambda xp, x: xp.vecdot(x, x**2), M23, "long"),
    Case("vecdot", lambda xp, x: xp.vecdot(x, VECTOR[:, None], axis=0) ** 2, M23.T, "long"),
    *product(
        "tensordot",
        (lambda xp, a, b: xp.tensordot(a, b), M23, M23 + 1),
        (lambda xp, a, b: xp.tensordot(a, b, axes=1), filled(2, 2, 3), M23.T),
        (lambda xp, a, b: xp.tensordot(a, b, axes=([0, -1], [1, 0])), filled(2, 2, 3), M23.T),
        (lambda xp, a, b: xp.tensordot(a, b, 0), V3, VECTOR),
    ),
    *product(
        "einsum",
        (_inner("ij,kj->ik"), M23, B33),
        (_inner("ij,kj"), M23, B33),
        (_inner("ij,ij->"), M23, M23 - 1),
        (_inner("...i,...i->..."), M23, VECTOR),
        (_inner("...ij,jk"), filled(2, 2, 3), B33),
        (_inner("i,j->ji"), V3, VECTOR),
    ),
    *(
        Case("einsum", lambda xp, x, s=s: xp.einsum(s, x) ** 2, x)
        for s, x in (("ii", A3), ("ii->i", A3), ("ij->ji", M23), ("ij->", M23), ("...ii", BATCH))
    ),
    Case("einsum", lambda xp, x: xp.einsum("ij,jk,k->i", x, x, x[0], optimize=True), A3),
    *matrix("inv", lambda xp, x: xp.linalg.inv(x)),
    *matrix("det", lambda xp, x: xp.linalg.det(x)),
    *matrix("slogdet", lambda xp, x: xp.linalg.slogdet(x)[1], "double"),
    *matrix("slogdet", lambda xp, x: xp.linalg.slogdet(x).sign * x[..., 0, 0], "double"),
    *matrix("cholesky", lambda xp, x: xp.linalg.cholesky(_spd(xp, x)), "double"),
    *matrix("eigh", lambda xp, x: xp.linalg.eigh(_spd(xp, x)).eigenvalues, "double"),
    *matrix("eigh", _projector, "double"),
    *matrix("eigvalsh", lambda xp, x: xp.linalg.eigvalsh(_spd(xp, x)), "double"),
    *(
        Case("linalg.svdvals", lambda xp, x: xp.linalg.svdvals(x), x, "double")
        for x in (A3, M23, M23.T, BATCH)
    ),
    *matrix("svd", _low_rank, "double"),
    Case("linalg.svd", lambda xp, x: xp.linalg.svd(x, compute_uv=False), M23, "double"),
    Case("linalg.svd", _low_rank, M23, "double"),
    Case("linalg.svd", _low_rank, M23.T, "double"),
    *matrix("qr", _triangle, "double"),
    Case("linalg.qr", _triangle, M23.T, "double"),
    *product(
        "linalg.solve",
        (lambda xp, a, b: xp.linalg.solve(a, b), A3, VECTOR),
        (lambda xp, a, b: xp.linalg.solve(a, b), A3, B33[:, :2]),
        (lambda xp, a, b: xp.linalg.solve(a, b), BATCH, filled(2, 2, 3)),
        (lambda xp, a, b: xp.linalg.solve(a, b), BATCH, filled(2, 1)),
        (lambda xp, a, b: xp.linalg.solve(a, b), BATCH, filled(2)),
        (lambda xp, a, b: xp.linalg.solve(a, b), A2, filled(3, 2, 2)),
    ),
    *(
        norm(lambda xp, x, o=o: xp.linalg.norm(x, **o), x)
        for x, o in (
            (np.array(-0.7), {}),
            (V3, {}),
            (np.array([1.0, 0.0]), {}),
            (M23, {}),
            (filled(2, 3, 2), {}),
            *((V3, {"ord": o}) for o in (1, 2, 3, np.inf, -np.inf, 0.5, -1)),
            (M23, {"axis": 1, "keepdims": True}),
            (M23, {"ord": 1, "axis": 0}),
            (M23, {"ord": "fro"}),
            (M23, {"keepdims": True}),
            (filled(2, 3, 2), {"axis": (0, 2)}),
        )
    ),
    *(
        norm(lambda xp, x, o=o: xp.linalg.vector_norm(x, **o), x, "vector_norm")
        for x, o in (
            (M23, {}),
            (M23, {"axis": 0, "ord": 3}),
            (M23, {"keepdims": True}),
            (filled(2, 3, 2), {"axis": (0, 2)}),
        )
    ),
    *(
        norm(lambda xp, x, o=o: xp.linalg.matrix_norm(x, **o), x, "matrix_norm")
        for x, o in ((M23, {}), (filled(2, 3, 2), {"keepdims": True}))
    ),
    *(
        Case("linalg.matrix_power", lambda xp, x, n=n: xp.linalg.matrix_power(x, n), x)
        for n in (0, 1, 3, -2)
        for x in (A3, BATCH)
    ),
    Case("linalg.multi_dot", lambda xp, x: xp.linalg.multi_dot([x[0], x.T, A2, x]), M23),
    *(
        Case("linalg.pinv", lambda xp, x: xp.linalg.pinv(x), x, "double")
        for x in (A3, M23, M23.T, filled(2, 3, 2))
    ),
]
