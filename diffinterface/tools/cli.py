"""The command line."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ..errors import DiffInterfaceError, InputError

if TYPE_CHECKING:
    from .compare import Comparison, Problem


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``python -m diffinterface``; returns the exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        0 where all is well: something could be compared, every installed engine is right. 1 where
        it is not. 2 for unusable arguments.
    """
    options = _parser().parse_args(argv)
    try:
        status: int = options.run(options)
    except DiffInterfaceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m diffinterface", description=__doc__)
    parser.add_argument(
        "--version", action="version", version=f"diffinterface {version('diffinterface')}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    compare = commands.add_parser(
        "compare",
        help="which engines run a function, do they agree, which is fastest",
        description="Differentiate a function with every installed engine: the result, its largest "
        "deviation from the reference, and the time per prepared call.",
    )
    add = compare.add_argument
    target = "PATH.py:FUNCTION or MODULE:FUNCTION; without it, a Bayesian linear regression"
    add("function", nargs="?", help=target)
    point = "the point: JSON such as '[1.0, 2.0]', or the path of a .npy file"
    add("--at", metavar="X", help=point)
    what = "what to take, such as gradient,hessian; by default what the shapes ask for"
    add("--operators", metavar="LIST", help=what)
    sizes = "numbers of entries of x, such as 10,100,1000: those of --at, over and over"
    add("--sizes", metavar="LIST", help=sizes)
    add("--json", action="store_true", help="print the figures as JSON, and nothing else")
    longest = "stop an engine that takes longer (60)"
    add("--limit", type=float, default=60.0, metavar="SECONDS", help=longest)
    named = "name each engine as it begins, on standard error"
    add("--verbose", action="store_true", help=named)
    add("--plot", metavar="PNG", help="draw time against the size of x")
    changed = "how times have changed since an earlier --json"
    add("--compare", metavar="OLD.json", help=changed)
    compare.set_defaults(run=_compare)
    doctor = commands.add_parser(
        "doctor",
        help="what is installed, what each engine can do here, and what is missing",
        description="Print versions, try every engine on small functions whose derivatives are known "
        "by hand, and list what is missing with the command that installs it.",
    )
    doctor.set_defaults(run=_doctor)
    _add_sparse(commands)
    table = commands.add_parser(
        "capabilities",
        help="what each installed engine says that it can do",
        description="A table of what engines declare: modes, orders, dtypes, arrays and the like.",
    )
    table.add_argument("backend", nargs="*", help="such as jax or torch:forward; by default all")
    table.set_defaults(run=_capabilities)
    return parser


def _add_sparse(commands: Any) -> None:
    sparse = commands.add_parser(
        "sparse",
        help="the sparse Jacobian or Hessian of a function: pattern, colors, times",
        description="Find the pattern of a Jacobian or Hessian, color it, evaluate it, and say what each"
        " step took.",
    )
    add = sparse.add_argument
    add("function", help="PATH.py:FUNCTION or MODULE:FUNCTION")
    add("--at", metavar="X", required=True, help="the point: JSON, or the path of a .npy file")
    add("--backend", help="the engine of the products; the configured one by default")
    add("--hessian", action="store_true", help="the Hessian of a scalar function")
    add("--chunk-size", type=int, metavar="N", help="how many products one evaluation computes")
    add("--save", metavar="FILE", help="write the plan, for diffinterface.sparse.load_plan")
    add("--matrix", metavar="NPZ", help="write the matrix, for scipy.sparse.load_npz")
    add("--spy", metavar="PNG", help="draw the pattern in its colors")
    sparse.set_defaults(run=_sparse)


def _capabilities(options: argparse.Namespace) -> int:
    from .capabilities import CapabilityTable, capabilities

    rows = map(capabilities, options.backend) if options.backend else capabilities()
    print(CapabilityTable(rows))
    return 0


def _sparse(options: argparse.Namespace) -> int:
    from .sparse_plans import run

    return run(options)


def _compare(options: argparse.Namespace) -> int:
    from ..testing.benchmark import Benchmark
    from .compare import compare, regression
    from .compare.report import changes, describe_fit, report

    problems = [_problem(options)]
    if options.sizes is not None:
        problems = [problems[0].of_size(n) for n in _sizes(options.sizes)]
    operators = _operators(options.operators)
    old = None if options.compare is None else Benchmark.from_json(options.compare)
    if options.plot is not None:
        _check_plot(options.plot)
    progress = _Progress(0.0 if options.verbose else 1.0)
    done: list[Comparison] = []
    for operator in operators:
        for problem in problems:
            done.append(
                compare(problem, progress, operator, everything=options.json, limit=options.limit)
            )
            if not options.json:
                print(report(done[-1]), end="\n\n" if len(operators) * len(problems) > 1 else "\n")
    rows = Benchmark(row for comparison in done for row in comparison.rows)
    if options.json:
        print(rows.to_json())
    elif options.function is None:
        print(describe_fit(*regression.fit(regression.START)))
    if old is not None:
        print(changes(rows, old, options.compare), file=sys.stderr if options.json else sys.stdout)
    worked = any(outcome.call is not None for each in done for outcome in each.outcomes)
    if worked and options.plot is not None:
        rows.plot(options.plot)
    return 0 if worked else 1


def _problem(options: argparse.Namespace) -> Problem:
    from .compare import Problem, regression
    from .compare.problem import load_function, load_point

    if options.function is None:
        if options.at is not None:
            raise InputError("--at needs a function: compare PATH.py:FUNCTION --at X.")
        if options.sizes is not None:
            raise InputError("--sizes needs a function: compare PATH.py:FUNCTION --at X --sizes 9.")
        return regression.problem()
    if options.at is None:
        raise InputError("Give the point: --at '[1.0, 2.0]' or --at x.npy.")
    f = load_function(options.function)
    return Problem(f"{options.function} at {options.at}", f, load_point(options.at))


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(word) for word in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise InputError(f"--sizes {text!r}, expected positive numbers such as 10,100.", got=text)
    return sizes


def _operators(text: str | None) -> Sequence[str | None]:
    from ..testing.scenario import OPERATORS

    names = [None] if text is None else [word.strip() for word in text.split(",")]
    for name in names:
        if name is not None and name not in OPERATORS:
            raise InputError(
                f"--operators {text!r}: unknown is {name!r}; known are {', '.join(OPERATORS)}.",
                got=text,
            )
    return names


def _check_plot(path: str) -> None:
    """Say before everything is timed that nothing can be drawn."""
    from importlib.util import find_spec
    from pathlib import Path

    from ..testing.rows import missing

    if find_spec("matplotlib") is None:
        raise missing("matplotlib", "benchmark")
    if Path(path).suffix not in (".png", ".svg", ".pdf"):
        raise InputError(f"--plot {path!r}, expected a name that ends in .png, .svg or .pdf.")
    if not Path(path).resolve().parent.is_dir():
        raise InputError(f"--plot {path!r}: no such folder.")


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import diagnose

    findings = diagnose(_Progress())
    print(findings)
    return 0 if findings.healthy else 1


class _Progress:
    """Lines on standard error, once the run has taken long enough for someone to wonder."""

    def __init__(self, patience: float = 1.0) -> None:
        self._start, self._patience = time.monotonic(), patience

    def __call__(self, line: str) -> None:
        if time.monotonic() - self._start >= self._patience:
            print(f"... {line}", file=sys.stderr, flush=True)
