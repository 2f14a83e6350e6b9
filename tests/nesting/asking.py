"""The inner operators of a loss: with parameters passed or captured, prepared or not."""

from __future__ import annotations

from typing import Any

import diffinterface as di

WAYS = ("once", "prepared inside", "prepared outside")


class Captured:
    """f with the parameters that a variable around it holds; `bind` gives the variable another value."""

    def __init__(self, f: Any, p: Any) -> None:
        def bind(q: Any) -> None:
            nonlocal p
            p = q

        self.f, self.bind = lambda x: f(x, p), bind


class Ask:
    """The operators of one backend, asked one of the `WAYS`.

    ``f(x, p)`` gets the parameters p as a context, or captures them. What is prepared outside is
    prepared at the first evaluation of the loss, and called in all further ones, in the same order.
    """

    def __init__(self, backend: Any, way: str = "once", captured: bool = False) -> None:
        self.backend, self.way, self.captured = backend, way, captured
        self._kept: list[Any] = []
        self._asked = 0

    def evaluation(self) -> None:
        """Start over: the loss is evaluated again."""
        self._asked = 0

    def __call__(self, operator: str, f: Any, x: Any, p: Any, *seeds: Any) -> Any:
        if self.way == "once":
            return self._once(operator, f, x, p, *seeds)
        prep, contexts = self._prepared(operator, f, x, p, *seeds)
        return prep(x, *seeds, *contexts)

    def value_and(self, operator: str, f: Any, x: Any, p: Any, *seeds: Any) -> Any:
        """The value of f before the result."""
        if self.way == "once":
            return self._once(f"value_and_{operator}", f, x, p, *seeds)
        prep, contexts = self._prepared(operator, f, x, p, *seeds)
        return prep.value_and(x, *seeds, *contexts)

    def _once(self, operator: str, f: Any, x: Any, p: Any, *seeds: Any) -> Any:
        if self.captured:
            return getattr(di, operator)(Captured(f, p).f, self.backend, x, *seeds)
        return getattr(di, operator)(f, self.backend, x, *seeds, p)

    def _prepared(self, operator: str, f: Any, x: Any, p: Any, *seeds: Any) -> Any:
        self._asked += 1
        if self.way == "prepared inside" or len(self._kept) < self._asked:
            prepare = getattr(di, f"prepare_{operator}")
            held = Captured(f, p)
            function, contexts = (held.f, ()) if self.captured else (f, (p,))
            # A captured tracer is another object than the array it stands for: JAX prepares again.
            prep = prepare(function, self.backend, x, *seeds, *contexts, on_mismatch="reprepare")
            self._kept.append((prep, held))
        prep, held = self._kept[-1 if self.way == "prepared inside" else self._asked - 1]
        held.bind(p)
        return prep, () if self.captured else (p,)
