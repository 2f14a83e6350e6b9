"""One fixture: every backend under test."""

from __future__ import annotations

import pytest

from .backends import CASES, Case, available, expected_failure


@pytest.fixture(params=CASES)
def backend(request: pytest.FixtureRequest) -> Case:
    return available(request.param)


@pytest.fixture(autouse=True)
def _expected(request: pytest.FixtureRequest) -> None:
    marker = request.node.get_closest_marker("scenario")
    if marker is not None and "backend" in request.fixturenames:
        name = request.node.callspec.params["backend"]
        reason = expected_failure(name, marker.args[0])
        if reason:
            import diffinterface as di

            request.node.add_marker(
                pytest.mark.xfail(raises=di.DiffInterfaceError, reason=reason, strict=True)
            )
