"""Ratios of our calls to the engines' own best calls: ``python -m tests.benchmarks [name ...]``."""

from __future__ import annotations

import os

# Before NumPy: two pools of threads that spin for the same cores would measure each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import platform
import re
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from . import bridge, duals, engines, modes, nesting, sparse
from .timing import Row, markdown

GROUPS: dict[str, Callable[[], Iterator[Row]]] = {
    "jax": engines.jax_rows,
    "torch": engines.torch_rows,
    "autograd": engines.autograd_rows,
    "duals": duals.rows,
    "modes": modes.rows,
    "nesting": nesting.rows,
    "bridge": bridge.rows,
    "sparse": sparse.rows,
}
BLOCK = re.compile(r"(<!-- benchmarks:begin -->\n).*?(<!-- benchmarks:end -->)", re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; default all")
    parser.add_argument("--write", nargs="*", type=Path, default=[], help="files with the markers")
    options = parser.parse_args()
    rows: list[Row] = []
    for name in options.groups or GROUPS:
        for row in GROUPS[name]():
            rows.append(row)
            print(markdown([row]).splitlines()[-1], flush=True)
    engine_versions = ", ".join(f"{n} {version(n)}" for n in ("jax", "torch", "autograd", "numpy"))
    note = f"Medians, interleaved in one process: Python {platform.python_version()}, {engine_versions}."
    for path in options.write:
        text = path.read_text()
        table = f"{markdown(rows)}\n\n{note}\n"
        path.write_text(BLOCK.sub(lambda m: m[1] + table + m[2], text))


if __name__ == "__main__":
    main()
