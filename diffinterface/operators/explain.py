"""`explain`: how an operator would differentiate here, and what is differentiating around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np

from ..arrays.facts import Array, dtype_name, shape_of, size_of
from ..arrays.framework import framework_of
from ..arrays.stop import stopped
from ..arrays.trees import Leaves
from ..declare.adtypes import ADType, Mode
from ..declare.config import as_adtype, get_config
from ..engine.arguments import split
from ..engine.contract import AbstractBackend, Levels
from ..engine.conversion import Converter
from ..engine.function import Argnums, Function, check_argnums
from ..engine.modes import evaluations, reason, relative
from ..engine.registry import resolve
from ..errors import InputError
from ..prepare.call import own
from ..prepare.operator import OPERATORS, Operator
from ..prepare.signature import flatten_any

Route = Literal["direct", "native", "over", "bridge", "refused"]

_VARIANTS = {
    "gradient_and_hvp": "hvp",
    "value_gradient_and_hessian": "hessian",
    "value_derivative_and_second_derivative": "second_derivative",
}


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
        pullbacks.
    inputs, outputs : int
        Entries of x and of f(x).
    evaluations : float
        The cost to expect, in evaluations of f.
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
    levels: Levels
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
        work = " over ".join(f"{_directions(*level)} in {level[0]} mode" for level in self.levels)
        relative = (
            "" if self.relative is None else f"; {self.relative:.2g} of the other mode's time"
        )
        lines = [
            f"{self.operator} of {self.function} by {_short(self.backend)}",
            f"  outer   {outer}" + (f", recording {recorded}" if recorded else ""),
            f"    |     {self.route}: {about.get(self.route, self.why[0])}",
            f"  inner   {_short(self.engine)}: {work}",
            *(f"    |     {why}" for why in self.why[self.route not in about :]),
            f"  f       {_entries(self.inputs)} to {_entries(self.outputs)}",
            f"  cost    about {self.evaluations:.3g} evaluations of f{relative}",
        ]
        return "\n".join(lines)

    __repr__ = __str__


def explain(
    op: Callable[..., Any] | str,
    f: Callable[..., Any],
    backend: ADType | str | None,
    x: Any,
    *contexts: Any,
    argnums: Argnums = 0,
    has_aux: bool = False,
    batched: bool = False,
) -> Explanation:
    """The plan of ``op(f, backend, x, *contexts)`` at this place, without taking any derivative.

    Call it where the operator is called: inside the loss, the ``jax.jit``, or what ``torch.func`` takes.
    To learn the size of f's output, and what f captured, it runs f once: abstractly under JAX, and
    elsewhere by one plain evaluation, at the values of x, or at made-up ones where an outer engine hides
    them.

    Parameters
    ----------
    op : callable or str
        An operator, one of its variants (``value_and_*``, ``prepare_*``), or its name.
    f : callable
        The function.
    backend : ADType or str or None
        The engine; None means the configured one (`config_context`).
    x : tree of array
        The point.
    *contexts : any
        The operator's further arguments: for pushforward, pullback and hvp, first the tangent.
    argnums : int or tuple of int
        Which parameters of f the tree x fills.
    has_aux : bool
        Whether f returns ``(y, aux)``.
    batched : bool
        Whether the tangent carries one extra leading axis.

    Returns
    -------
    Explanation
        Prints as the plan; its attributes hold the data.

    Raises
    ------
    InputError
        If `op` is no operator, or misses its tangent.
    NonScalarOutputError, ShapeError
        If the operator itself would refuse x or f(x).

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> di.explain(di.gradient, lambda x: np.sum(x**2), "finitediff", np.ones(3))
    gradient of <lambda> by AutoFiniteDiff()
      outer   none
        |     direct: nothing differentiates around this call
      inner   AutoFiniteDiff(): 3 columns in forward mode
        |     the only mode of this engine
      f       3 entries to 1 entry
      cost    about 7 evaluations of f
    """
    operator = _operator(op)
    if not callable(f):
        raise InputError(f"f must be callable, got {f!r}; call explain(op, f, backend, x).", got=f)
    adtype = as_adtype(backend)
    asked = resolve(adtype)
    leaves, structure = flatten_any(x, asked.flatten)
    operator.check_x(leaves)
    seeds: Leaves = ()
    if operator.tangent is not None:
        if not contexts:
            raise InputError(
                f"explain({operator.name}, f, backend, x, t): the tangent t is missing."
            )
        seeds, contexts = flatten_any(contexts[0], asked.flatten)[0], contexts[1:]
    layout, data = split(contexts, asked.flatten)
    fn = Function(
        f,
        asked,
        structure,
        layout,
        argnums=check_argnums(argnums, x, len(contexts)),
        has_aux=has_aux,
        scalar=operator.scalar_y,
        reuse=False,
    )
    traced = {"x": _recorders(leaves), "t": _recorders(seeds)}
    for k, context in enumerate(contexts):
        traced[f"contexts[{k}]"] = _recorders(split((context,), asked.flatten)[1])
    point, constants = (tuple(map(stopped, own(part))) for part in (leaves, data))
    engine = asked.member(operator.name, fn, point, constants)
    crossing = _crossing(engine, leaves, data, seeds)
    if crossing is not None:
        point, constants = (tuple(map(_plain, part)) for part in (point, constants))
    fn, converter = fn.on(engine), Converter(engine, point)
    point = converter.enter(point)
    constants = converter.enter_contexts(constants, point)
    y, captured = engine.probe(fn, point, constants)
    abstract = _recorders((*point, *constants))  # under ``jax.jit`` a constant is abstract too
    traced["captured"] = tuple(name for name in _recorders(captured) if name not in abstract)
    traced = {name: names for name, names in traced.items() if names}
    outer = tuple(dict.fromkeys(name for names in traced.values() for name in names))
    route, because = _route(engine, crossing, traced)
    seeded = shape_of(seeds[0])[0] if batched and seeds else 1
    inside = crossing is None and bool(outer)
    levels = engine.levels(operator.name, fn, point, constants, y, seeded, inside)
    return Explanation(
        operator=operator.name,
        function=getattr(f, "__name__", type(f).__name__),
        backend=adtype,
        engine=engine.adtype,
        outer=outer,
        traced=traced,
        route=route,
        levels=levels,
        inputs=sum(map(size_of, leaves)),
        outputs=sum(map(size_of, y)),
        evaluations=evaluations(engine, levels),
        relative=relative(engine, operator.name, levels, leaves, y),
        why=(*because, reason(engine, operator.name, levels)),
    )


def _operator(op: Any) -> Operator:
    name = op if isinstance(op, str) else getattr(op, "__name__", "")
    base = name.removeprefix("value_and_").removeprefix("prepare_").removesuffix("_same_point")
    base = _VARIANTS.get(base, base)
    for operator in OPERATORS:
        if operator.name == base:
            return operator
    names = ", ".join(operator.name for operator in OPERATORS)
    raise InputError(f"explain got {op!r}, expected an operator: {names}.", got=op)


def _recorders(leaves: Leaves) -> tuple[str, ...]:
    """What records any of the leaves, outermost first."""
    found: dict[str, None] = {}
    for leaf in leaves:
        framework = framework_of(leaf)
        if framework is not None:
            found.update(dict.fromkeys(framework.recorders(leaf)))
    return tuple(found)


def _crossing(engine: AbstractBackend, x: Leaves, *others: Leaves) -> str | None:
    """Why the arguments cannot reach the engine as they are; None if they can."""
    for leaf in (*x, *(leaf for part in others for leaf in part)):
        framework = framework_of(leaf)
        native = engine.framework
        if framework is None or native is None or framework.name in engine.accepts:
            continue
        if framework.is_traced(leaf):
            name = engine.adtype.name
            return f"{framework.name} records an argument, with which {name} cannot compute"
    return None


def _route(
    engine: AbstractBackend, crossing: str | None, traced: dict[str, tuple[str, ...]]
) -> tuple[Route, tuple[str, ...]]:
    if crossing is not None and not get_config().nested_switching:
        return "refused", (f"{crossing}, and nested_switching=False",)
    if crossing is not None:
        return "bridge", (crossing,)
    if not traced:
        return "direct", ()
    if engine.framework is None:
        return "over", ()
    what = "what f captured" if tuple(traced) == ("captured",) else "the arguments"
    return "native", (f"{engine.adtype.name} records {what}, and the result stays on its record",)


def _plain(leaf: Array) -> Any:
    """A leaf's values in NumPy, or others where an outer engine does not know them yet."""
    framework = framework_of(leaf)
    values = None if framework is None else framework.values(leaf)
    if values is not None or framework is None:
        return leaf if values is None else values
    return np.full(shape_of(leaf), 0.5).astype(dtype_name(leaf))


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
