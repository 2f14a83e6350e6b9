"""The command line."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from .errors import DiffInterfaceError


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``python -m diffinterface``; returns the exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        0 where something could be compared, 1 where nothing could, 2 for unusable arguments.
    """
    options = _parser().parse_args(argv)
    run: int = options.run(options)
    return run


def _parser() -> argparse.ArgumentParser:
    from . import __version__

    parser = argparse.ArgumentParser(prog="python -m diffinterface", description=__doc__)
    parser.add_argument("--version", action="version", version=f"diffinterface {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    compare = commands.add_parser(
        "compare",
        help="which engines run a function, do they agree, which is fastest",
        description="Differentiate a function with every installed engine: the result, its largest "
        "deviation from the reference, and the time per prepared call.",
    )
    compare.add_argument(
        "function",
        nargs="?",
        help="PATH.py:FUNCTION or MODULE:FUNCTION; without it, a Bayesian linear regression",
    )
    compare.add_argument(
        "--at", metavar="X", help="the point: JSON such as '[1.0, 2.0]', or the path of a .npy file"
    )
    compare.set_defaults(run=_compare)
    return parser


def _compare(options: argparse.Namespace) -> int:
    from .compare import Problem, compare, regression
    from .compare.problem import load_function, load_point
    from .compare.report import describe_fit, report

    fitted = ""
    try:
        if options.function is None:
            if options.at is not None:
                raise DiffInterfaceError("--at needs a function: compare PATH.py:FUNCTION --at X.")
            problem = regression.problem()
            fitted = describe_fit(*regression.fit(regression.START))
        else:
            if options.at is None:
                raise DiffInterfaceError("Give the point: --at '[1.0, 2.0]' or --at x.npy.")
            f = load_function(options.function)
            problem = Problem(f"{options.function} at {options.at}", f, load_point(options.at))
    except DiffInterfaceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    comparison = compare(problem, _Progress())
    print(report(comparison))
    if fitted:
        print(fitted)
    return 0 if any(outcome.call is not None for outcome in comparison.outcomes) else 1


class _Progress:
    """Lines on standard error, once the run has taken long enough for someone to wonder."""

    def __init__(self, patience: float = 1.0) -> None:
        self._start, self._patience = time.monotonic(), patience

    def __call__(self, line: str) -> None:
        if time.monotonic() - self._start > self._patience:
            print(f"... {line}", file=sys.stderr, flush=True)
