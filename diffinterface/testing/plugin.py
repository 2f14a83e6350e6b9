"""The pytest plugin: a test suite on every backend, or a whole suite on another one.

Loaded by pytest itself (entry point ``diffinterface`` in the group ``pytest11``). The only module of
`diffinterface` that imports pytest; what it needs of the library, it imports when it is used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .backends import Entry
    from .scenario import Scenario

ENVIRONMENT = "DIFFINTERFACE_TEST_BACKEND"
_WHOLE_SUITE = pytest.StashKey["Entry"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options and the ini setting."""
    group = parser.getgroup("diffinterface", "derivatives on several backends")
    group.addoption(
        "--ad-backends",
        metavar="LIST",
        help="backends for the fixture ad_backend: jax,torch:forward,... or 'installed'",
    )
    group.addoption(
        "--ad-require",
        action="store_true",
        help="fail, instead of skipping, where an engine is not installed",
    )
    group.addoption(
        "--ad-limit",
        metavar="SECONDS",
        type=float,
        help="stop each check of diffinterface.testing after so many seconds (600); inf for no limit",
    )
    parser.addini("ad_backends", "the default of --ad-backends", default="installed")


def pytest_configure(config: pytest.Config) -> None:
    """Markers; and the backend of the whole suite, if the environment names one."""
    for line in (
        "ad_backends(*names): run with these backends only",
        "ad_scenarios(*scenarios): scenarios, or names of default groups, for ad_scenario",
        "xfail_ad_backend(name, reason=...): expected to fail on a backend; further keywords as xfail's",
    ):
        config.addinivalue_line("markers", line)
    named = os.environ.get(ENVIRONMENT)
    if named:
        (backend,) = _parsed(named, ENVIRONMENT, most=1)
        if config.getoption("--ad-require") and not _available(backend):
            raise pytest.UsageError(f"{ENVIRONMENT}={named}: {_missing(backend)}")
        config.stash[_WHOLE_SUITE] = backend
        _set_backend(backend.adtype)
    text = config.getoption("--ad-backends")
    if text is not None:
        _parsed(text, "--ad-backends")
    limit = config.getoption("--ad-limit")
    if limit is not None:
        from . import limits

        limits.LIMIT = limit


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the configuration as it was."""
    if _WHOLE_SUITE in config.stash:
        _set_backend(None)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Which backend None means in this run."""
    backend = config.stash.get(_WHOLE_SUITE, None)
    return [f"diffinterface: the whole suite on {backend.id}"] if backend else []


def _set_backend(adtype: Any) -> None:
    from ..declare.config import set_config

    set_config(backend=adtype)


def _parsed(text: str, what: str, most: int | None = None) -> tuple[Entry, ...]:
    from ..errors import DiffInterfaceError
    from .backends import entries

    try:
        found = entries(text)
    except DiffInterfaceError as error:
        raise pytest.UsageError(f"{what}: {error}") from error
    if most is not None and len(found) > most:
        raise pytest.UsageError(f"{what}={text}: expected one backend, got {len(found)}.")
    return found


def _available(backend: Entry) -> bool:
    from ..engine.registry import check_available

    return check_available(backend.adtype)


def _missing(backend: Entry) -> str:
    from ..engine.registry import why_missing

    command, error = why_missing(backend.adtype)
    return f"{backend.id} is not installed: {command or error}"


def _skip_or_fail(config: pytest.Config, backend: Entry) -> None:
    """A missing engine skips locally, and fails where it is required."""
    if not _available(backend):
        if config.getoption("--ad-require"):
            pytest.fail(f"{_missing(backend)} (--ad-require)", pytrace=False)
        pytest.skip(_missing(backend))


# --- which backends a test runs with -------------------------------------------------------------


def _selected(config: pytest.Config, node: Any) -> list[Entry]:
    """The session's backends, or those of the test's own marker, or what both name."""
    whole = config.stash.get(_WHOLE_SUITE, None)
    option = config.getoption("--ad-backends")
    marked = _marked(node)
    if whole is None and option is None and marked is not None:
        return marked
    session = (
        [whole] if whole else list(_parsed(option or config.getini("ad_backends"), "ad_backends"))
    )
    if marked is None:
        return session
    return [e for e in session if any(e.matches(m.id) for m in marked)]


def _marked(node: Any) -> list[Entry] | None:
    """The backends of the nearest `ad_backends` marker."""
    from .backends import entries

    marker = node.get_closest_marker("ad_backends")
    if marker is None:
        return None
    if not marker.args:
        raise pytest.UsageError("ad_backends(...) names no backend.")
    return list(entries(marker.args))


def _xfails(node: Any, backend: Entry) -> list[Any]:
    """The `xfail` marks that a test's `xfail_ad_backend` markers mean for a backend."""
    marks = []
    for marker in node.iter_markers("xfail_ad_backend"):
        if not marker.args:
            raise pytest.UsageError("xfail_ad_backend(name, reason=...) names no backend.")
        if any(backend.matches(name) for name in marker.args):
            marks.append(pytest.mark.xfail(**marker.kwargs))
    return marks


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each backend, each scenario, or each pair of them."""
    wants = [name for name in ("ad_backend", "ad_scenario") if name in metafunc.fixturenames]
    node = metafunc.definition
    backends = _selected(metafunc.config, node) if "ad_backend" in wants else []
    scenarios = _scenarios(node) if "ad_scenario" in wants else ()
    if wants == ["ad_backend"]:
        rows = [pytest.param(e, id=e.id, marks=_xfails(node, e)) for e in backends]
    elif wants == ["ad_scenario"]:
        rows = [pytest.param(s, id=s.name) for s in scenarios]
    elif wants:
        rows = [_pair(node, e, s) for e in backends for s in scenarios]
    else:
        return
    metafunc.parametrize(wants, rows, indirect=True)


def _pair(node: Any, backend: Entry, scenario: Scenario) -> Any:
    """One cell; expected to fail where the backend does not support the scenario."""
    from .differentiation import scenario_marks

    marks = _xfails(node, backend)
    expected = scenario_marks(backend, scenario)
    if expected is not None:
        marks.append(pytest.mark.xfail(**expected))
    return pytest.param(backend, scenario, id=f"{backend.id}-{scenario.name}", marks=marks)


def _scenarios(node: Any) -> list[Scenario]:
    from .defaults import default_scenarios

    marker = node.get_closest_marker("ad_scenarios")
    if marker is None:
        return list(default_scenarios())
    found: list[Scenario] = []
    for arg in marker.args:
        found += default_scenarios(arg) if isinstance(arg, str) else [arg]
    return found


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Markers on tests without the fixture speak of the backend of the whole suite."""
    whole = config.stash.get(_WHOLE_SUITE, None)
    if whole is None:
        return
    missing = None if _available(whole) else _missing(whole)
    for item in items:
        if missing is not None:
            item.add_marker(pytest.mark.skip(reason=missing))
        elif "ad_backend" not in getattr(item, "fixturenames", ()):
            marked = _marked(item)
            if marked is not None and not any(whole.matches(m.id) for m in marked):
                item.add_marker(pytest.mark.skip(reason=f"not for {whole.id}"))
            for mark in _xfails(item, whole):
                item.add_marker(mark)


# --- fixtures ------------------------------------------------------------------------------------


@pytest.fixture
def ad_backend(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The `ADType` under test, which is also what ``backend=None`` means during the test."""
    from ..declare.config import config_context

    backend: Entry = request.param
    _skip_or_fail(request.config, backend)
    with config_context(backend=backend.adtype):
        yield backend.adtype


@pytest.fixture
def ad_scenario(request: pytest.FixtureRequest) -> Scenario:
    """The `Scenario` under test, with its reference."""
    from .backends import entry
    from .reference import with_reference

    scenario: Scenario = request.param
    engines = [name for name in ("ad_backend",) if name in request.fixturenames]
    return with_reference(scenario, *(entry(request.getfixturevalue(name)) for name in engines))
