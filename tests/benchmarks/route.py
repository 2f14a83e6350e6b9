"""Through how many functions of ours one call passes: ``python -m tests.benchmarks.route [name ...]``.

Counted are, by `sys.setprofile`, the calls of functions that are defined in ``diffinterface/`` and
``backends/``, and how often the next of them stands in another file. Calls of the same kind come first:
what is found once and remembered does not count. With ``--trace`` every call is told, in order.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

import diffinterface as di

ROOT = Path(di.__file__).parents[1]
OURS = tuple(str(path / "_")[:-1] for path in (ROOT / "diffinterface", ROOT / "backends"))


@dataclass
class Route:
    """The calls that one call makes, in order: depth, file and function."""

    calls: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def files(self) -> int:
        return len({file for _, file, _ in self.calls})

    @property
    def changes(self) -> int:
        return sum(a[1] != b[1] for a, b in pairwise(self.calls))


def route(call: Callable[[], Any]) -> Route:
    """The route of a call in this thread."""
    found, depth = Route(), 0

    def follow(frame: FrameType, event: str, _: Any) -> None:
        nonlocal depth
        code = frame.f_code
        if not code.co_filename.startswith(OURS):
            return
        if event == "call":
            found.calls.append((depth, code.co_filename[len(str(ROOT)) + 1 :], code.co_qualname))
            depth += 1
        elif event == "return":
            depth -= 1

    sys.setprofile(follow)
    try:
        call()
    finally:
        sys.setprofile(None)
    return found


# --- the routes -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One route, and the most calls and changes of file that it may have."""

    name: str
    make: Callable[[], Callable[[], Any]]
    calls: int | None = None
    changes: int | None = None

    def exceeded(self, way: Route) -> bool:
        """Whether a route of this case is longer than it may be."""
        pairs = (len(way.calls), self.calls), (way.changes, self.changes)
        return any(most is not None and count > most for count, most in pairs)


def squares(x: Any) -> Any:
    return (x**2).sum()


def single() -> Callable[[], Any]:
    """a gradient by JAX, NumPy in and out"""
    return partial(di.gradient, squares, "jax", np.ones(3))


def prepared() -> Callable[[], Any]:
    """the same, prepared"""
    x = np.ones(3)
    return partial(di.prepare_gradient(squares, "jax", x), x)


def general() -> Callable[[], Any]:
    """the same of a tree, which the fast way leaves to the general one"""
    x = {"a": np.ones(3)}
    return partial(di.prepare_gradient(lambda x: squares(x["a"]), "jax", x), x)


def crossing() -> Callable[[], Any]:
    """a value and gradient by JAX, inside a gradient by autograd"""

    def loss(x: Any) -> Any:
        _, slope = di.value_and_gradient(squares, "jax", x)
        return squares(slope)

    return partial(di.gradient, loss, "autograd", np.ones(3))


def tape() -> Callable[[], Any]:
    """a gradient by JAX on torch's tape, and back"""
    import torch

    x = torch.ones(3, requires_grad=True)
    return lambda: squares(di.gradient(squares, "jax", x)).backward()


def function() -> Callable[[], Any]:
    """a function that keeps its engine, JAX, on torch's tape, and back"""
    import torch

    f, x = di.DifferentiateWith(squares, "jax"), torch.ones(3, requires_grad=True)
    return lambda: f(x).backward()


def sparse() -> Callable[[], Any]:
    """a sparse Jacobian by dual numbers, from the pattern on"""
    return partial(di.jacobian, np.diff, di.AutoSparse(di.AutoForwardDiff()), np.arange(9.0))


CASES = (
    Case("gradient", single, 80, 40),
    Case("prepared", prepared),
    Case("general", general),
    Case("crossing", crossing, 450),
    Case("tape", tape, 415),
    Case("function", function),
    Case("sparse", sparse),
)


def measured(case: Case) -> Route:
    """The route of a case, after two calls: bridges remember what the first two told."""
    call = case.make()
    call()
    call()
    return route(call)


def main() -> int:
    """Print the table; 1 where a route is longer than it may be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", help=f"of {', '.join(case.name for case in CASES)}")
    parser.add_argument(
        "--trace", action="store_true", help="every call: its file and name, by depth"
    )
    options = parser.parse_args()
    cases = [case for case in CASES if case.name in (options.names or [case.name])]
    found = [(case, measured(case)) for case in cases]
    print("| route | of | calls | changes of file | files |\n|---|---|---:|---:|---:|")
    for case, way in found:
        calls, changes = _told(len(way.calls), case.calls), _told(way.changes, case.changes)
        print(f"| {case.name} | {case.make.__doc__} | {calls} | {changes} | {way.files} |")
    for case, way in found if options.trace else ():
        print(f"\n{case.name}")
        for depth, file, name in way.calls:
            print(f"{'  ' * depth}{file}  {name}")
    return int(any(case.exceeded(way) for case, way in found))


def _told(count: int, most: int | None) -> str:
    return f"{count}" if most is None else f"{count} (at most {most})"


if __name__ == "__main__":
    sys.exit(main())
