"""Three tiers of tests, in one table: what runs when.

``pytest`` runs the quick tier, the loop of work: of each test over a product of engines, operators,
shapes, ... a cover of all pairs of values, where what is slow is covered value by value.
``pytest -m full`` runs the rest, and draws as many examples as the tests ask for;
``pytest -m nightly`` draws ten times as many. ``-m "full or not full"`` runs all there is, and
tests that are named, as in ``file.py::test``, run in any case.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from itertools import combinations
from typing import Any
from zlib import crc32

import pytest

#: What is slow to ask, by words in the names of tests: JAX compiles each program.
SLOW = ("jax", "richardson")
#: Tests that take long, by the start of their names: each value of each axis is enough for the loop.
VALUES = (
    "tests/contract/conformance/test_conformance.py::test_checks",
    "tests/contract/conformance/test_conformance.py::test_variant",
    "tests/contract/conformance/test_threads.py::test_two_questions",
    "tests/contract/namespace/test_standard.py::test_call",
    "tests/contract/transforms/",
    "tests/contract/promises/test_unadapted.py",
    "tests/contract/promises/test_out.py",
    "tests/engines/torch/test_compile.py::test_every_operator",
    "tests/equations/sensitivity/test_exact.py::test_hessians",
    "tests/equations/sensitivity/test_models.py::test_lotka_volterra",
    "tests/nesting/bridge/test_in_jax.py::test_a_vector_valued_function",
    "tests/nesting/lux/test_cases.py",
    "tests/nesting/test_matrix.py",
    "tests/nesting/test_third_order.py::test_three_engines",
    "tests/sparse/test_problems.py",
)
#: Tests that take long and are no full product: they wait for the full tier, by their whole names.
WAIT = (
    "tests/docs/test_blocks.py::test_blocks_run",
    "tests/docs/test_commands.py::test_the_command_line",
    "tests/docs/test_commands.py::test_the_pytest_plugin",
    "tests/docs/test_packages.py::test_the_suite_of_a_package",
    "tests/docs/test_plugin.py::test_its_own_test_passes",
    "tests/docs/test_stubs.py::test_a_script_by_mypy",
    "tests/engines/torch/test_compile.py::test_with_the_code_generator",
    "tests/equations/implicit/test_derivatives.py::test_the_third_order",
    "tests/equations/implicit/test_solvers.py::test_sparse_jacobians",
    "tests/equations/sensitivity/test_exact.py::test_a_compiled_loop_stores_stages_alone",
    "tests/equations/sensitivity/test_exact.py::test_backwards_in_time",
    "tests/equations/sensitivity/test_models.py::test_backsolve_of_a_stiff_problem_is_refused",
    "tests/equations/sensitivity/test_models.py::test_robertson",
    "tests/equations/sensitivity/test_models.py::test_robertson_in_its_own_units",
    "tests/equations/sensitivity/test_models.py::test_robertson_step_by_step",
    "tests/equations/sensitivity/test_outer_engines.py::test_torch_twice",
    "tests/kit/cli/test_figures.py::test_changes",
    "tests/kit/cli/test_figures.py::test_sizes",
    "tests/kit/cli/test_functions.py::test_as_a_program",
    "tests/kit/plugin/test_broken.py::test_the_comparison_shows_the_good_and_names_the_broken",
    "tests/kit/plugin/test_broken_frameworks.py::test_advice_names_no_package_that_is_not_known",
    "tests/kit/plugin/test_broken_frameworks.py::test_the_others_work",
    "tests/kit/plugin/test_framework.py::test_engines_with_arrays_of_their_own_take_its_arrays",
    "tests/kit/testing/test_benchmark.py::test_evaluations_are_counted",
    "tests/kit/testing/test_benchmark.py::test_failures_stand_in_the_table",
    "tests/kit/testing/test_benchmark.py::test_one_row_for_each_backend_and_scenario",
    "tests/kit/testing/test_benchmark.py::test_peak_memory_sees_an_array",
    "tests/kit/testing/test_engines.py::test_all_checks_on_all_scenarios",
    "tests/kit/testing/test_engines.py::test_derivatives_by_hand_are_right",
    "tests/kit/testing/test_engines.py::test_elementary_rules",
    "tests/kit/testing/test_limits.py::test_the_command_line_names_and_stops",
    "tests/kit/testing/test_mutants.py::test_without_a_fault_nothing_is_found",
    "tests/kit/testing/test_oneliners.py::test_every_installed_engine_is_right",
    "tests/kit/testing/test_primitives.py::test_every_feature",
    "tests/kit/testing/test_plugin.py::test_a_missing_engine_skips_or_fails",
    "tests/kit/testing/test_plugin.py::test_a_name_that_is_none_stops_the_run",
    "tests/kit/testing/test_plugin.py::test_a_test_runs_with_each_backend_named",
    "tests/kit/testing/test_plugin.py::test_markers",
    "tests/kit/testing/test_plugin.py::test_scenarios",
    "tests/kit/testing/test_plugin.py::test_the_ini_file_names_backends",
    "tests/kit/testing/test_plugin.py::test_under_xdist",
    "tests/nesting/bridge/test_in_jax.py::test_control_flow",
    "tests/nesting/layers/test_jax.py::test_a_loss_with_a_jacobian",
    "tests/nesting/layers/test_jax.py::test_equinox_without_state",
    "tests/sparse/coloring/test_optimal.py::test_columns_and_rows",
    "tests/sparse/coloring/test_theory.py::test_optimal_stencils",
    "tests/sparse/test_outputs.py::test_torch_may_turn_warnings_into_errors",
    "tests/sparse/test_parallel.py::test_seeds_over_eight_devices",
)
#: Tests that draw examples, which every tier runs: the number of examples is the tier's (`examples`).
DRAWN: tuple[str, ...] = (
    "tests/contract/properties/",
    "tests/nesting/bridge/test_compositions.py::test_compositions",
    "tests/nesting/test_compositions.py::test_compositions",
    "tests/sparse/coloring/test_greedy.py",
    "tests/sparse/detection/test_properties.py",
    "tests/sparse/detection/test_store.py",
)
SHARES = {"quick": 1 / 6, "full": 1, "nightly": 10}
_tier = "full"


def choose(markers: str) -> None:
    """The tier of this session, by what ``-m`` says."""
    global _tier
    _tier = next((tier for tier in ("nightly", "full", "quick") if tier in markers), "full")


def examples(count: int, least: int = 3) -> int:
    """How many of `count` examples are drawn in this session."""
    return max(round(count * SHARES[_tier]), min(count, least))


# --- which tests are quick ------------------------------------------------------------------------

Row = tuple[Hashable, ...]  # of one test: its value on each axis


def family(item: pytest.Item) -> str:
    """The name of the test function."""
    return item.nodeid.partition("[")[0]


def rows(items: Sequence[pytest.Item]) -> list[Row]:
    """The tests of one family as rows of (axis, number); equal values have equal numbers."""
    axes: dict[str, dict[Hashable, int]] = {}

    def number(axis: str, value: Any) -> int:
        try:
            key: Hashable = (type(value), value)
            hash(key)
        except TypeError:
            key = id(value)
        found = axes.setdefault(axis, {})
        return found.setdefault(key, len(found))

    return [
        tuple((axis, number(axis, value)) for axis, value in sorted(_parameters(item).items()))
        for item in items
    ]


def _parameters(item: pytest.Item) -> dict[str, Any]:
    call = getattr(item, "callspec", None)
    return {} if call is None else call.params


def cover(rows: Sequence[Row], pairs: Sequence[bool]) -> set[int]:
    """Rows in which every value occurs, and every two values that a row with `pairs` has: greedily.

    Of rows that bring equally much, one of those with `pairs` is taken, and of these one by lot, so that
    no value stands in most of them; the lots are always the same.
    """
    parts = [
        {*row, *(combinations(row, 2) if wanted else ())}
        for row, wanted in zip(rows, pairs, strict=True)
    ]
    chosen = {k for k, row in enumerate(rows) if not row}
    left = set().union(*parts)
    # What a row brings only shrinks: the best by an old count is the best if it still counts as much.
    lots = [
        (not wanted, crc32(repr(row).encode())) for row, wanted in zip(rows, pairs, strict=True)
    ]
    queue = {k: len(parts[k]) for k in sorted(range(len(rows)), key=lots.__getitem__)}
    while left:
        best = max(queue, key=queue.__getitem__)
        brings = len(parts[best] & left)
        if brings == queue[best]:
            chosen.add(best)
            left -= parts[best]
            brings = 0
        if brings:
            queue[best] = brings
        else:
            del queue[best]
    return chosen


def quick(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """The tests of the quick tier."""
    families: dict[str, list[pytest.Item]] = {}
    for item in items:
        families.setdefault(family(item), []).append(item)
    return {members[k] for name, members in families.items() for k in _quick(name, members)}


def _quick(name: str, members: Sequence[pytest.Item]) -> set[int]:
    if not name.startswith("tests/"):
        return {*range(len(members))}
    if name in WAIT:
        return set()
    if name.startswith(VALUES):
        return cover(rows(members), [False] * len(members))
    return cover(rows(members), [not any(word in item.nodeid for word in SLOW) for item in members])


def mark(items: Iterable[pytest.Item]) -> None:
    """Give each test the marks of its tiers."""
    items = list(items)
    loop = quick(items)
    for item in items:
        drawn = item.nodeid.startswith(DRAWN)
        if item in loop:
            item.add_marker("quick")
        if item not in loop or drawn:
            item.add_marker("full")
        if drawn:
            item.add_marker("nightly")
