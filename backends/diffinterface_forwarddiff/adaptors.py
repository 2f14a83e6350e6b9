"""From a line of a table to a rule: elementwise, constant, linear and composed functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .dual import Dual
from .errors import MissingRuleError
from .table import RULES, base
from .values import copied, namespace_of, zeros_beside


def duals(tree: Any) -> Iterator[Dual]:
    """The Duals among arguments, in lists and tuples too."""
    if isinstance(tree, Dual):
        yield tree
    elif isinstance(tree, tuple | list):
        for part in tree:
            yield from duals(part)


def holds(*trees: Any) -> bool:
    """Whether any Dual is among arguments."""
    return next(duals(trees), None) is not None


def top(*trees: Any) -> int:
    """The highest level among arguments: the perturbation to differentiate for now."""
    return max((d.level for d in duals(trees)), default=0)


def level_of(x: Any) -> int:
    """The level of a Dual, 0 of anything else."""
    return x.level if type(x) is Dual else 0


def value_at(tree: Any, level: int) -> Any:
    """Arguments with Duals of `level` replaced by their values."""
    if isinstance(tree, Dual):
        return tree.value if tree.level == level else tree
    if isinstance(tree, tuple | list):
        return type(tree)([value_at(part, level) for part in tree])
    return tree


def no_options(name: str, options: dict[str, Any]) -> None:
    """Refuse keyword arguments, which elementwise rules do not know."""
    kept = [key for key, value in options.items() if not (key == "where" and value is True)]
    if kept:
        raise MissingRuleError(name, f"with {', '.join(kept)}= has no derivative rule")


def _namespace(*values: Any) -> Any:
    wrapped = [v for v in values if isinstance(v, Dual)]
    arrays = wrapped or [v for v in values if hasattr(v, "dtype")]
    others = [v for v in arrays if type(v).__module__.partition(".")[0] != "numpy"]
    return namespace_of((others or arrays or values)[0])


def unary(name: str, factor: Callable[[Any, Any, Any], Any]) -> None:
    """Register an elementwise function of one argument with derivative ``factor(xp, x, y)``."""

    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        if options:
            no_options(name, options)
        (x,) = args
        value = x.value
        xp = namespace_of(value)
        y = base(xp, name, function)(value)
        return Dual(y, factor(xp, value, y)[..., None] * x.tangent, x.level)

    RULES[name] = rule


def binary(
    name: str,
    factor_a: Callable[[Any, Any, Any, Any], Any] | None,
    factor_b: Callable[[Any, Any, Any, Any], Any] | None,
) -> None:
    """Register an elementwise function of two arguments, with its two partial derivatives.

    A factor of None says that the function is not differentiated in that argument, and raises.
    """

    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        if options:
            no_options(name, options)
        a, b = args
        level = top(a, b)
        va, vb = value_at(a, level), value_at(b, level)
        xp = _namespace(va, vb)
        y = base(xp, name, function)(*_standard(xp, va, vb))
        tangent: Any = None
        for argument, factor in ((a, factor_a), (b, factor_b)):
            if isinstance(argument, Dual) and argument.level == level:
                if factor is None:
                    raise MissingRuleError(name, "has no derivative in this argument")
                part = scale(factor(xp, va, vb, y), argument.tangent)
                tangent = part if tangent is None else tangent + part
        return Dual(y, spread(tangent, y), level)

    RULES[name] = rule


def _standard(xp: Any, *values: Any) -> tuple[Any, ...]:
    """Arguments as the standard's functions want them: arrays, where NumPy takes numbers too."""
    import numpy as np

    if xp is np or all(hasattr(v, "dtype") for v in values):
        return values
    like = next(v for v in values if hasattr(v, "dtype"))
    return tuple(
        v if hasattr(v, "dtype") else xp.asarray(v, dtype=like.dtype, device=_device(like))
        for v in values
    )


def _device(x: Any) -> Any:
    return None if isinstance(x, Dual) else getattr(x, "device", None)


_NUMBERS = (int, float, complex)


def scale(factor: Any, tangent: Any) -> Any:
    """Tangents times an elementwise factor."""
    if isinstance(factor, _NUMBERS) or not hasattr(factor, "shape"):
        return factor * tangent
    return factor[..., None] * tangent


def added(a: Any, b: Any) -> Any:
    """``a + b``, in the memory of a, which nobody else holds, where that is possible."""
    if (
        type(a) is np.ndarray
        and type(b) is np.ndarray
        and a.shape == b.shape
        and a.dtype == b.dtype
    ):
        return np.add(a, b, out=a)
    return a + b


def spread(tangent: Any, y: Any) -> Any:
    """Tangents broadcast to the shape of y."""
    shape = (*y.shape, tangent.shape[-1])
    if tuple(tangent.shape) == shape:
        return tangent
    xp = namespace_of(tangent)
    # A copy: a broadcast array is read-only, and a Dual may be written into.
    return copied(xp.broadcast_to(tangent, shape))


def constant(*names: str) -> None:
    """Register functions whose derivative is zero or that return no floating array."""

    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        while holds(args, tuple(options.values())):
            level = top(args, tuple(options.values()))
            args = value_at(tuple(args), level)
            options = {key: value_at(v, level) for key, v in options.items()}
        return base(_namespace(*_flat(args)), name, function)(*args, **options)

    for name in names:
        RULES[name] = rule


def _flat(tree: Any) -> list[Any]:
    if isinstance(tree, tuple | list):
        return [leaf for part in tree for leaf in _flat(part)]
    return [tree]


def linear(name: str, on_tangent: Callable[..., Any]) -> None:
    """Register a function that is linear in its first argument.

    ``on_tangent(xp, f, x, t, *args, **options)`` gives the tangents' image: f applied with the trailing
    axis kept. x is the value, of whose shape it needs to know.
    """

    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        x, *rest = args
        if not isinstance(x, Dual):
            raise MissingRuleError(name, "has no derivative in this argument")
        xp = namespace_of(x.value)
        f = base(xp, name, function)
        y = f(x.value, *rest, **options)
        return Dual(y, on_tangent(xp, f, x.value, x.tangent, *rest, **options), x.level)

    RULES[name] = rule


def slicewise(*names: str) -> None:
    """Register linear functions that are applied to one tangent after the other.

    For functions whose axes cannot be told from the trailing one; the cost is a loop over k.
    """

    def on_tangent(xp: Any, f: Any, x: Any, t: Any, *args: Any, **options: Any) -> Any:
        columns = [f(t[..., j], *args, **options) for j in range(t.shape[-1])]
        if not columns:
            return zeros_beside(f(x, *args, **options), 0)
        return xp.stack(columns, axis=-1)

    for name in names:
        linear(name, on_tangent)


def composed(name: str, body: Callable[..., Any]) -> None:
    """Register ``body(xp, *args, **options)``, written in functions that have rules."""

    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        first = next(duals((args, tuple(options.values()))))
        return body(namespace_of(first), *args, **options)

    RULES[name] = rule
