"""The table in the README is that of the suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from diffinterface.testing import EXPECTED_FAILURES, why_not
from diffinterface.testing.scenario import OPERATORS

from ...backends import BACKENDS
from .capability_table import BEGIN, COLUMNS, FEATURES, replaced, table
from .scenarios import SCENARIOS

ROOT = Path(__file__).parents[3]


def test_every_engine_operator_and_feature_has_its_place() -> None:
    head, rule, *rows = table().split("\n\n")[0].splitlines()
    assert head.count("|") == rule.count("|") == len(COLUMNS) + 2
    assert len(rows) == len(OPERATORS) + len(FEATURES)


def test_every_feature_of_a_scenario_is_a_row() -> None:
    used = {feature for scenario in SCENARIOS for feature in scenario.features}
    assert used - {"nested"} == set(FEATURES)  # what nests stands on the page "Support"


def test_every_reason_covers_a_cell() -> None:
    used = {why_not(backend, scenario) for backend in BACKENDS for scenario in SCENARIOS}
    assert used - {None} == set(EXPECTED_FAILURES)


@pytest.mark.parametrize("path", ["README.md", "docs/reference/engines.md"])
def test_table_is_up_to_date(path: str) -> None:
    file = ROOT / path
    if not file.exists() or BEGIN not in file.read_text(encoding="utf-8"):
        pytest.skip(f"{path} has no capability table")
    text = file.read_text(encoding="utf-8")
    assert text == replaced(text), (
        "run python -m tests.contract.conformance.capability_table --write " + path
    )
