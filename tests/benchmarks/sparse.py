"""Sparse derivatives: against asdex and SciPy, and against what one would write by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import diffinterface as di
from diffinterface.sparse import TracerDetector
from diffinterface.sparse.choice import cheapest
from diffinterface.sparse.coloring import ColoringProblem
from tests.sparse.problems import (
    arrow,
    blocks,
    brusselator,
    brusselator_in_a_line,
    burgers,
    laplacian,
    point,
    rosenbrocks,
)

from .timing import Call, Row, at_least, at_most, markdown, medians

CELLS = 224  # of a side: 1e5 rows
SMALL = 70  # 1e4 rows


def rows() -> Iterator[Row]:
    try:
        import asdex  # noqa: F401
    except ImportError:
        print("asdex is not installed: no rows against it")
    else:
        yield from detection_rows()
        yield from coloring_rows()
        yield from asdex_rows()
    yield from jax_rows()
    yield from dual_rows()


def _slow(name: str, ours: Call, theirs: Call, factor: float, rounds: int = 3) -> Row:
    """`at_least` for calls of seconds: the best of few."""
    samples: dict[Call, list[float]] = {ours: [], theirs: []}
    ours()
    for _ in range(rounds):
        for call, times in samples.items():
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    a, b = min(samples[ours]), min(samples[theirs])
    return Row(name, a, b, f">= {factor:g}x faster", a * factor <= b)


def detection_rows() -> Iterator[Row]:
    import asdex
    import jax

    cases = ((laplacian, 100_000), (brusselator, 2 * CELLS**2))
    with jax.enable_x64(True):
        for f, n in cases:
            x = point(n)
            yield _slow(
                f"detection over asdex, {f.__name__}, {n} rows",
                partial(TracerDetector().jacobian_pattern, f, x),
                partial(asdex.jacobian_sparsity, f, jax.numpy.asarray(x)),
                5,
                rounds=2,
            )


def coloring_rows() -> Iterator[Row]:
    """Colors as well as time: the choice that AutoSparse makes for an engine with both modes."""
    import asdex

    from diffinterface.engine.registry import resolve

    cases: tuple[tuple[Callable[[Any], Any], int], ...] = (
        (brusselator, 2 * CELLS**2),
        (brusselator_in_a_line, 100_000),
        (blocks, 50_000),
        (laplacian, 100_000),
        (arrow, 2_000),
    )
    for f, n in cases:
        pattern = TracerDetector().jacobian_pattern(f, point(n))
        theirs = _asdex_pattern(asdex, pattern)
        if f is arrow:
            dense = resolve(di.MixedMode(di.AutoJax(), di.AutoJax()))
            problems = [ColoringProblem(partition="bidirectional")]
        else:
            dense = resolve(di.AutoJax())
            problems = [ColoringProblem(partition=side) for side in ("column", "row")]
        ours = partial(cheapest, pattern, problems, None, dense)
        other = partial(asdex.jacobian_coloring_from_sparsity, theirs)
        a, b = medians(ours, other)
        colors, others = ours().num_colors, other().num_colors
        yield Row(
            f"coloring over asdex's, {f.__name__}, {pattern.shape[0]} rows: "
            f"{colors} colors, asdex {others}",
            a,
            b,
            "<= 1.5x, no more colors",
            a <= 1.5 * b and colors <= others,
        )


def _asdex_pattern(asdex: Any, pattern: Any) -> Any:
    from diffinterface.arrays.sparse_matrix import Layout

    layout = Layout(pattern.indptr, pattern.indices, pattern.shape)
    return asdex.SparsityPattern.from_coo(layout.rows, layout.indices, layout.shape)


def asdex_rows() -> Iterator[Row]:
    """Evaluations, prepared, of the same matrices; both compiled."""
    import asdex
    import jax

    x = point(2 * SMALL**2)
    with jax.enable_x64(True):
        there = jax.device_put(x)
        ours = _prepared(di.AutoJax(), there, "native")
        theirs = jax.jit(asdex.jacobian(brusselator, there))
        yield at_most(
            "AutoJax, BCOO, over asdex's, Brusselator 1e4",
            lambda: jax.block_until_ready(ours(there).data),
            lambda: jax.block_until_ready(theirs(there).data),
            1.0,
        )
        ours_csr = _prepared(di.AutoJax(), x, "csr")
        theirs_csr = asdex.jacobian(jax.jit(brusselator), there, output_format="scipy_csr")
        yield at_most(
            "AutoJax, csr_array, over asdex's, Brusselator 1e4",
            lambda: ours_csr(x),
            lambda: theirs_csr(x),
            1.5,
        )


def jax_rows() -> Iterator[Row]:
    import jax

    x = point(2 * SMALL**2)
    with jax.enable_x64(True):
        there = jax.device_put(x)
        ours = _prepared(di.AutoJax(mode="forward"), there, "data")
        coloring = ours.details.coloring
        seeds = jax.device_put(coloring.column_seeds())
        where = jax.device_put(coloring.indices)

        @jax.jit
        def by_hand(x: Any, seeds: Any, where: Any) -> Any:
            push = jax.vmap(lambda t: jax.jvp(brusselator, (x,), (t,))[1])
            return push(seeds).reshape(-1)[where]

        yield at_most(
            "AutoJax, entries, over vmap and gather by hand, Brusselator 1e4",
            lambda: jax.block_until_ready(ours(there).data),
            lambda: jax.block_until_ready(by_hand(there, seeds, where)),
            1.4,
        )
        dense = jax.jit(jax.jacfwd(brusselator))
        yield _slow(
            "AutoJax, csr_array, over the dense Jacobian, Brusselator 1e4",
            partial(_prepared(di.AutoJax(), x, "csr"), x),
            lambda: jax.block_until_ready(dense(there)),
            1000,
            rounds=1,
        )


def dual_rows() -> Iterator[Row]:
    from scipy.optimize._numdiff import approx_derivative, group_columns

    x = point(2 * SMALL**2)
    for f in (rosenbrocks, laplacian, burgers, brusselator):
        ours = di.prepare_jacobian(f, di.AutoSparse(di.AutoForwardDiff()), x)
        pattern = ours.details.coloring.pattern
        sparsity = pattern, group_columns(pattern)
        yield at_least(
            f"AutoForwardDiff, csr_array, over SciPy's grouped differences, {f.__name__} 1e4",
            partial(ours, x),
            partial(approx_derivative, f, x, method="2-point", sparsity=sparsity),
            20,
        )


def _prepared(dense: di.ADType, x: Any, output: Any) -> Any:
    return di.prepare_jacobian(brusselator, di.AutoSparse(dense, output=output), x)


if __name__ == "__main__":
    for row in rows():
        print(markdown([row]).splitlines()[-1], flush=True)
