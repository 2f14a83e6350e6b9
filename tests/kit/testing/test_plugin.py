"""The pytest plugin, in test suites of its own: options, markers, fixtures, the environment, xdist."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

pytest_plugins = ["pytester"]

ENVIRONMENT = "DIFFINTERFACE_TEST_BACKEND"
Suite = Callable[..., Any]


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """Run a test module in a fresh pytest, with the plugin and nothing of this suite."""
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.delenv("DIFFINTERFACE_BACKEND", raising=False)

    def run(source: str, *options: str, ini: str = "", xdist: bool = False) -> Any:
        pytester.makeini(f"[pytest]\naddopts = --strict-markers\n{ini}")
        pytester.makepyfile(test_host=source)
        # Whether or not the entry point is installed, the plugin is loaded once.
        loaded = ["-p", "no:diffinterface", "-p", "diffinterface.testing.plugin"]
        workers = ["-n", "2"] if xdist else ["-p", "no:xdist"]
        return pytester.runpytest_subprocess(
            *loaded, *workers, "-p", "no:cacheprovider", "-rA", *options
        )

    return run


GRADIENT = """
import numpy as np
import pytest
import diffinterface as di

def test_gradient(ad_backend):
    assert di.get_config().backend == ad_backend
    got = di.gradient(lambda x: (x**2).sum(), None, np.array([1.0, 2.0]))
    np.testing.assert_allclose(got, [2.0, 4.0], rtol=1e-6)
"""


def test_a_test_runs_with_each_backend_named(suite: Suite) -> None:
    result = suite(GRADIENT, "--ad-backends=forwarddiff,finitediff:richardson, complexstep")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines_random(
        [
            "PASSED test_host.py::test_gradient[[]forwarddiff]",
            "PASSED test_host.py::test_gradient[[]finitediff:richardson]",
            "PASSED test_host.py::test_gradient[[]complexstep]",
        ]
    )


def test_under_xdist(suite: Suite) -> None:
    """Workers collect the same tests in the same order, or xdist refuses."""
    pytest.importorskip("xdist")
    scenarios = """
        def test_scenario(ad_backend, ad_scenario):
            check_scenario(ad_backend, ad_scenario)
    """
    source = "from diffinterface.testing import check_scenario\n" + GRADIENT
    source += "\n".join(line[8:] for line in scenarios.splitlines())
    result = suite(source, "--ad-backends=forwarddiff,finitediff", "-k", "gradient", xdist=True)
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] > 20
    assert set(outcomes) == {"passed"}


def test_the_ini_file_names_backends(suite: Suite) -> None:
    result = suite(GRADIENT, ini="ad_backends = forwarddiff,complexstep")
    result.assert_outcomes(passed=2)


def test_markers(suite: Suite) -> None:
    source = """
import diffinterface as di
import pytest

@pytest.mark.ad_backends("complexstep", "finitediff:forward")
def test_only(ad_backend):
    assert ad_backend in (di.AutoComplexStep(), di.AutoFiniteDiff("forward"))

@pytest.mark.xfail_ad_backend("finitediff", reason="too coarse")
def test_fails_on_one(ad_backend):
    assert ad_backend.name != "finitediff"

@pytest.mark.xfail_ad_backend("complexstep", reason="other", strict=True, raises=KeyError)
def test_fails_in_another_way(ad_backend):
    assert ad_backend.name != "complexstep"
"""
    result = suite(source, "--ad-backends=forwarddiff,complexstep,finitediff")
    result.assert_outcomes(passed=5, xfailed=1, failed=1)
    result.stdout.fnmatch_lines(["XFAIL*test_fails_on_one[[]finitediff]*too coarse*"])
    result.stdout.fnmatch_lines(["FAILED*test_fails_in_another_way[[]complexstep]*"])
    without = suite(source, "-k", "only", ini="ad_backends = forwarddiff")
    without.assert_outcomes(passed=2)  # the marker is the list, where no option narrows it


MISSING = """
import sys
import pytest
sys.modules["diffinterface_torch"] = None  # an import of it now fails
"""


def test_a_missing_engine_skips_or_fails(suite: Suite, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(MISSING)
    options = ("--ad-backends=forwarddiff,torch:forward",)
    result = suite(GRADIENT, *options)
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*torch:forward is not installed: pip install*"])
    required = suite(GRADIENT, *options, "--ad-require")
    required.assert_outcomes(passed=1, errors=1)
    required.stdout.fnmatch_lines(["*torch:forward is not installed: pip install*--ad-require*"])


HOST = """
import numpy as np
import pytest
import diffinterface as di
from diffinterface.testing import entry

def newton(f, x):
    return di.gradient(f, None, x)  # a library that never names a backend

def test_library():
    assert di.get_config().backend == di.AutoComplexStep()
    np.testing.assert_allclose(newton(lambda x: (x**3).sum(), np.array([2.0])), [12.0])

def test_in_a_thread():
    from threading import Thread
    found = []
    thread = Thread(target=lambda: found.append(di.get_config().backend))
    thread.start(); thread.join()
    assert found == [di.AutoComplexStep()]

def test_fixture(ad_backend):
    assert ad_backend == di.AutoComplexStep()

@pytest.mark.ad_backends("finitediff")
def test_for_another():
    raise AssertionError

@pytest.mark.ad_backends("finitediff")
def test_fixture_for_another(ad_backend):
    raise AssertionError

@pytest.mark.xfail_ad_backend("complexstep", reason="x is complex")
def test_fails():
    raise AssertionError
"""


def test_the_environment_reruns_a_suite_on_another_backend(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, "complexstep")
    result = suite(HOST)
    result.assert_outcomes(passed=3, skipped=2, xfailed=1)
    result.stdout.fnmatch_lines(["diffinterface: the whole suite on complexstep"])


@pytest.mark.parametrize(
    ("options", "name", "message"),
    [
        (["--ad-backends=nobody"], "", "*--ad-backends: Unknown backend 'nobody'*"),
        (["--ad-backends=forwarddiff:fast"], "", "*has no modes*"),
        ([], "nobody", f"*{ENVIRONMENT}: Unknown backend 'nobody'*"),
        ([], "jax,torch", f"*{ENVIRONMENT}=jax,torch: expected one backend, got 2*"),
    ],
)
def test_a_name_that_is_none_stops_the_run(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, options: list[str], name: str, message: str
) -> None:
    if name:
        monkeypatch.setenv(ENVIRONMENT, name)
    result = suite(GRADIENT, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_scenarios(suite: Suite) -> None:
    source = """
import numpy as np
import pytest
from diffinterface.testing import Scenario, check_scenario

mine = Scenario("gradient", lambda x: (x**2).sum(), np.array([1.0, 2.0]), name="mine")

@pytest.mark.ad_scenarios(mine, "contexts")
def test_scenario(ad_backend, ad_scenario):
    check_scenario(ad_backend, ad_scenario)

@pytest.mark.ad_scenarios(mine)
def test_reference(ad_scenario):
    np.testing.assert_allclose(ad_scenario.result, [2.0, 4.0], rtol=1e-8)

@pytest.mark.ad_scenarios("complex")
def test_unsupported(ad_backend, ad_scenario):
    check_scenario(ad_backend, ad_scenario)
"""
    result = suite(source, "--ad-backends=forwarddiff,complexstep")
    outcomes = result.parseoutcomes()
    assert outcomes["xfailed"] == 9  # the complex scenarios, on the complex step
    assert outcomes["passed"] == 2 * 10 + 1 + 9
    assert set(outcomes) == {"passed", "xfailed"}


def test_the_plugin_brings_no_framework(suite: Suite) -> None:
    source = """
import sys

def test_modules():
    assert not {"jax", "torch", "autograd", "scipy", "matplotlib", "rich"} & set(sys.modules)
"""
    suite(source).assert_outcomes(passed=1)


def test_without_pytest_the_kit_works() -> None:
    import subprocess

    code = "import sys; sys.modules['pytest'] = None; import diffinterface.testing"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_limit_of_time_is_an_option(suite: Suite) -> None:
    source = """
from diffinterface.testing import limits

def test_limit():
    assert limits.LIMIT == 3.5
"""
    suite(source, "--ad-limit=3.5").assert_outcomes(passed=1)
