"""``python -m diffinterface sparse``: the sparse derivative of a function, planned, shown and saved."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TextIO

from ..declare.adtypes import AutoSparse
from ..declare.config import as_adtype
from ..errors import InputError
from .compare.problem import load_function, load_point

_WIDTH = 40


def run(options: argparse.Namespace) -> int:
    """Do what the arguments say; returns the exit status."""
    from .. import prepare_hessian, prepare_jacobian

    f, x = load_function(options.function), load_point(options.at)
    dense = as_adtype(options.backend)
    bar = Bar(sys.stderr)
    backend = AutoSparse(dense, chunk_size=options.chunk_size, progress=bar)
    prepare = prepare_hessian if options.hessian else prepare_jacobian
    start = time.perf_counter()
    prep = prepare(f, backend, x)
    prepared = time.perf_counter()
    matrix = prep(x)
    done = time.perf_counter()
    plan = prep.details
    if plan is None or not hasattr(matrix, "nnz"):
        raise InputError(
            "sparse takes one array x, and f with one array as its output.", got=type(matrix)
        )
    print(f"{options.function} at {options.at}, by {dense.name}")
    print(plan)
    print(f"pattern, colors and check  {prepared - start:9.3g} s")
    print(f"evaluation                 {done - prepared:9.3g} s")
    if options.save is not None:
        plan.save(options.save)
    if options.matrix is not None:
        from scipy.sparse import save_npz

        save_npz(options.matrix, matrix)
    if options.spy is not None:
        plan.spy().figure.savefig(options.spy, bbox_inches="tight")
    return 0


class Bar:
    """A bar of products done, once the run has taken long enough for someone to wonder.

    On a terminal it moves; elsewhere it is a line for each tenth.
    """

    def __init__(self, stream: TextIO, patience: float = 1.0) -> None:
        self._stream, self._patience = stream, patience
        self._start, self._tenth = time.monotonic(), -1

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self._start < self._patience or not total:
            return
        filled = _WIDTH * done // total
        line = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {done}/{total} products"
        if self._stream.isatty():
            print(f"\r{line}", end="\n" if done == total else "", file=self._stream, flush=True)
        elif 10 * done // total > self._tenth:
            self._tenth = 10 * done // total if done < total else -1
            print(line, file=self._stream, flush=True)
