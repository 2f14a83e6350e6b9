"""What `explain` found out, as data and in words."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from ..declare.adtypes import ADType, Mode
from .route import Route


@dataclass(frozen=True)
class Explanation:
    """What `explain` found out; ``print`` it for the plan in words.

    Attributes
    ----------
    operator : str
        The operator's name.
    function : str
        The name of f.
    backend : ADType
        What was asked for.
    engine : ADType
        The declaration that runs the operator: `backend`, or a member of it.
    outer : tuple of str
        What records the arguments, or what f captured, outermost first; empty outside other derivatives.
    traced : dict of str to tuple of str
        The same for each of ``"x"``, ``"t"``, ``"contexts[k]"`` and ``"captured"`` that is recorded.
    route : {"direct", "native", "over", "bridge", "refused"}
        Nothing around the call; in the same framework; by an engine that runs on the outer one's arrays;
        through the bridge; or `NestedDifferentiationError` (see `config_context`).
    levels : tuple of (mode, int)
        What the engine does, outermost first: "forward" or "reverse", and how many directions it pushes
        or pulls; of one sample, in a batched Jacobian. Two reverse levels of a pushforward are two
        pullbacks; columns and rows of a sparse Jacobian come side by side.
    inputs, outputs : int
        Entries of x and of f(x).
    evaluations : float
        The cost to expect, in evaluations of f, its own value (and for the second order its gradient's)
        included; exact for finite differences and the complex step, elsewhere an upper bound, as a rule.
        Not those that finite differences take beforehand, to find the precision of f.
    relative : float or None
        The time to expect, over that of the other mode; None where there is none, or no measurement.
    why : tuple of str
        The reasons: for the route, and for the mode.
    """

    operator: str
    function: str
    backend: ADType
    engine: ADType
    outer: tuple[str, ...]
    traced: dict[str, tuple[str, ...]] = field(hash=False)
    route: Route
    levels: tuple[tuple[Mode, int], ...]
    inputs: int
    outputs: int
    evaluations: float
    relative: float | None
    why: tuple[str, ...]

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes of the levels."""
        return tuple(mode for mode, _ in self.levels)

    def __str__(self) -> str:
        about = {
            "direct": "nothing differentiates around this call",
            "over": "on the outer's arrays",
        }
        outer = " > ".join(self.outer) or "none"
        recorded = ", ".join("what f captured" if t == "captured" else t for t in self.traced)
        # One Jacobian in both modes: columns and rows, side by side.
        both = "jacobian" in self.operator and len(set(self.modes)) == 2
        work = (" and " if both else " over ").join(
            f"{_directions(*level)} in {level[0]} mode" for level in self.levels
        )
        relative = (
            "" if self.relative is None else f"; {self.relative:.2g} of the other mode's time"
        )
        lines = [
            f"{self.operator} of {self.function} by {_short(self.backend)}",
            f"  outer   {outer}" + (f", recording {recorded}" if recorded else ""),
            f"    |     {self.route}: {about.get(self.route, self.why[0])}",
            f"  inner   {_short(self.engine)}: {work or 'no products'}",
            *(f"    |     {why}" for why in self.why[self.route not in about :]),
            f"  f       {_entries(self.inputs)} to {_entries(self.outputs)}",
            f"  cost    about {self.evaluations:.3g} evaluations of f{relative}",
        ]
        return "\n".join(lines)

    __repr__ = __str__


def _short(adtype: ADType) -> str:
    """A declaration without the options left at their defaults."""
    given = [
        f"{option.name}={_short(value) if isinstance(value, ADType) else repr(value)}"
        for option in fields(adtype)
        for value in [getattr(adtype, option.name)]
        if value != option.default
    ]
    return f"{type(adtype).__name__}({', '.join(given)})"


def _directions(mode: Mode, n: int) -> str:
    return f"{n} {'column' if mode == 'forward' else 'row'}{'' if n == 1 else 's'}"


def _entries(n: int) -> str:
    return f"{n} entr{'y' if n == 1 else 'ies'}"
