"""Exact derivatives: polynomials in x, y, exp(x), sin(y) and cos(y), a ring closed under d/dx and d/dy.

Coefficients are integers, and values are computed with 40 digits, so that the truth has no rounding.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import mpmath

Powers = tuple[int, int, int, int, int]  # of x, y, exp(x), sin(y), cos(y)


@dataclass(frozen=True)
class Expression:
    """A sum of monomials in the five generators."""

    terms: dict[Powers, int]

    def __add__(self, other: Expression) -> Expression:
        terms = dict(self.terms)
        for powers, a in other.terms.items():
            terms[powers] = terms.get(powers, 0) + a
        return Expression({powers: a for powers, a in terms.items() if a})

    def __mul__(self, other: Expression | int) -> Expression:
        if isinstance(other, int):
            return Expression({powers: a * other for powers, a in self.terms.items() if other})
        total = Expression({})
        for p, a in self.terms.items():
            product = {_sum(p, q): a * b for q, b in other.terms.items()}
            total = total + Expression(product)
        return total

    __rmul__ = __mul__

    def by(self, k: int) -> Expression:
        """The derivative by x (k = 0) or y (k = 1)."""
        total = Expression({})
        for powers, a in self.terms.items():
            for change, factor in _RULES[k](*powers):
                if factor:
                    total = total + Expression({_sum(powers, change): a * factor})
        return total

    def along(self, direction: tuple[int, int]) -> Expression:
        """The directional derivative."""
        return self.by(0) * direction[0] + self.by(1) * direction[1]

    def value(self, x: float, y: float) -> tuple[float, float]:
        """The value, and the sum of the moduli of the terms: the scale of rounding errors."""
        with mpmath.workdps(40):
            x, y = mpmath.mpf(x), mpmath.mpf(y)
            generators = (x, y, mpmath.exp(x), mpmath.sin(y), mpmath.cos(y))
            parts = [
                a * mpmath.fprod(g**n for g, n in zip(generators, powers, strict=True))
                for powers, a in self.terms.items()
            ]
            return float(mpmath.fsum(parts)), float(mpmath.fsum(map(abs, parts)))

    def program(self, xp: Any, z: Any) -> Any:
        """The same as a program over any array z = (x, y)."""
        makers = (
            lambda: z[0],
            lambda: z[1],
            *(lambda f=f, k=k: getattr(xp, f)(z[k]) for f, k in _CALLS),
        )
        used = [any(powers[i] for powers in self.terms) for i in range(len(makers))]
        generators = [
            make() if is_used else None for make, is_used in zip(makers, used, strict=True)
        ]
        parts = []
        for powers, a in self.terms.items():
            factors = [g for g, n in zip(generators, powers, strict=True) for _ in range(n)]
            parts.append(reduce(operator.mul, factors) * a)
        return reduce(operator.add, parts)


def _sum(p: Powers, q: Powers) -> Powers:
    return tuple(a + b for a, b in zip(p, q, strict=True))  # type: ignore[return-value]


def _by_x(a: int, b: int, e: int, s: int, c: int) -> list[tuple[Powers, int]]:
    return [((-1, 0, 0, 0, 0), a), ((0, 0, 0, 0, 0), e)]


def _by_y(a: int, b: int, e: int, s: int, c: int) -> list[tuple[Powers, int]]:
    return [((0, -1, 0, 0, 0), b), ((0, 0, 0, -1, 1), s), ((0, 0, 0, 1, -1), -c)]


_CALLS = (("exp", 0), ("sin", 1), ("cos", 1))
_RULES: tuple[Callable[..., list[tuple[Powers, int]]], ...] = (_by_x, _by_y)
X, Y = Expression({(1, 0, 0, 0, 0): 1}), Expression({(0, 1, 0, 0, 0): 1})
