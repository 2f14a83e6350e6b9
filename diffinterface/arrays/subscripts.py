"""Einstein's notation, as `einsum` takes it."""

from __future__ import annotations

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def parse(subscripts: str, ndims: list[int]) -> tuple[list[str], str]:
    """Subscripts without an ellipsis and with an explicit output."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    dots = ""
    if "..." in left:
        spare = [c for c in LETTERS if c not in subscripts]
        hidden = [n - len(s) + 3 for s, n in zip(inputs, ndims, strict=True) if "..." in s]
        dots = "".join(spare[: max(hidden)])
        inputs = [
            s.replace("...", dots[len(dots) - (n - len(s) + 3) :] if n > len(s) - 3 else "")
            for s, n in zip(inputs, ndims, strict=True)
        ]
    if arrow:
        return inputs, right.replace("...", dots)
    letters = "".join(inputs)
    once = sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1)
    return inputs, dots + "".join(once)
