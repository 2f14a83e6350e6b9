"""Plugins that are broken: one clear error where they are used, and no harm anywhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .distribution import answer, entry, guide, install, python

GOOD = """
from dataclasses import dataclass, field
from typing import ClassVar
import diffinterface as di
from diffinterface.extend import Backend, Prep

@dataclass(frozen=True)
class AutoBroken(di.ADType):
    name: ClassVar[str] = "{name}"

class BrokenBackend(Backend):
    adtype_class = AutoBroken

    def prepare_pushforward(self, fn, x, contexts, t, batched=False):
        return Prep(lambda x, contexts, t: (*fn(x, contexts)[:1], t, None))
"""
# name: what the distribution holds in place of a backend, the class named, what the error says
BROKEN = {
    "missing_engine": ("import no_such_engine\n" + GOOD, "BrokenBackend", "no_such_engine"),
    "missing_attribute": (GOOD, "BrokenBackendd", "BrokenBackendd"),
    "fails_on_import": (
        GOOD + "\nraise RuntimeError('out of order')",
        "BrokenBackend",
        "out of order",
    ),
    "syntax_error": (GOOD + "\nclass:", "BrokenBackend", "invalid syntax"),
    "function": (GOOD + "\ndef make(adtype): return BrokenBackend(adtype)", "make", "Backend"),
    "other_class": (GOOD + "\nclass Other: pass", "Other", "Backend"),
    "instance": (GOOD + "\nmade = BrokenBackend(AutoBroken())", "made", "Backend"),
    "no_adtype": (GOOD.replace("adtype_class = AutoBroken", ""), "BrokenBackend", "adtype_class"),
    "other_name": (GOOD.replace("{name}", "renamed"), "BrokenBackend", "renamed"),
    "no_primitive": (
        GOOD.replace("prepare_pushforward", "push"),
        "BrokenBackend",
        "prepare_pushforward",
    ),
    "unhashable": (
        GOOD.replace(
            "class BrokenB", "    options: list = field(default_factory=list)\n\nclass BrokenB"
        ),
        "BrokenBackend",
        "hash",
    ),
    "fails_on_construction": (
        GOOD + "\n    def __init__(self, adtype): raise RuntimeError('no licence')",
        "BrokenBackend",
        "no licence",
    ),
}

ATTEMPTS = """
import numpy as np
import diffinterface as di

def attempt(call):
    try:
        return ["no error", repr(call()), "", ""]
    except Exception as error:
        kind = "clear" if isinstance(error, di.DiffInterfaceError) else type(error).__name__
        return [kind, type(error).__name__, str(error), getattr(error, "command", "")]

x = np.array([1.0, 2.0])
"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every broken plugin at once, beside the good one of the guide."""
    target = tmp_path_factory.mktemp("broken")
    module, toml, _ = guide()
    install(target, "my-package", {"my_package": module}, toml)
    for name, (source, value, _) in BROKEN.items():
        install(
            target,
            f"d-{name}",
            {f"m_{name}": source.replace("{name}", name)},
            entry(name, f"m_{name}:{value}"),
        )
    install(target, "d-nowhere", {}, entry("nowhere", "no_such_module:Backend"))
    return target


@pytest.fixture(scope="module")
def errors(broken: Path) -> Any:
    code = f"""
names = {[*BROKEN, "nowhere"]!r}
result = {{name: attempt(lambda: di.gradient(np.sum, name, x)) for name in names}}
"""
    return answer(broken, ATTEMPTS + code)


@pytest.mark.parametrize("name", [*BROKEN, "nowhere"])
def test_one_clear_error(errors: Any, name: str) -> None:
    kind, _, message, command = errors[name]
    assert kind == "clear"
    assert name in message or "BrokenBackend" in message
    assert (BROKEN[name][2] if name in BROKEN else "no_such_module") in message
    # The library has no such extra: pip would ignore it with a warning, and nothing would change.
    assert f"diffinterface[{name}]" not in message + command


def test_what_is_not_installed_is_told_from_what_is_broken(errors: Any) -> None:
    assert errors["missing_engine"][1] == "BackendNotInstalledError"
    assert errors["nowhere"][1] == "BackendNotInstalledError"
    assert errors["missing_attribute"][1] != "BackendNotInstalledError"


def test_the_others_work(broken: Path) -> None:
    code = """
names = ["forwarddiff", "finitediff", "complexstep", "quadratic"]
result = [di.gradient(lambda x: np.sum(x**2), name, x).round(6).tolist() for name in names]
result.append(set(names) < set(di.known_backends()))
result.append([di.check_available(name) for name in names + ["missing_engine", "nowhere"]])
"""
    *gradients, known, available = answer(broken, ATTEMPTS + code)
    assert gradients == [[2.0, 4.0]] * 4
    assert known
    assert available == [True] * 4 + [False] * 2


def test_the_comparison_shows_the_good_and_names_the_broken(broken: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def f(x):\n    return (x[0] * x[1] + x[1] ** 2)\n", "utf-8")
    run = python(
        broken, "-m", "diffinterface", "compare", "mine.py:f", "--at", "[2.0, 3.0]", cwd=tmp_path
    )
    assert run.returncode == 0, run.stderr
    lines = [line.strip() for line in run.stdout.splitlines()]
    (row,) = (line for line in lines if line.startswith("quadratic"))
    assert "[3. 8.]" in row
    assert "DISAGREE" not in run.stdout
    assert "Traceback" not in run.stdout + run.stderr
    for name in BROKEN:
        assert sum(line.startswith(name) for line in lines) == 1, name
    assert all(len(line) <= 100 for line in run.stdout.splitlines())


def test_two_distributions_with_one_name(tmp_path: Path) -> None:
    """Whichever comes first on the path must not decide in silence which engine runs."""
    for which in ("first", "second"):
        install(
            tmp_path,
            f"the-{which}",
            {which: GOOD.replace("{name}", "twice")},
            entry("twice", f"{which}:BrokenBackend"),
        )
    code = """
result = [attempt(lambda: di.gradient(np.sum, "twice", x)), di.gradient(np.sum, None, x).tolist()]
"""
    (kind, _, message, _), others = answer(tmp_path, ATTEMPTS + code)
    assert kind == "clear"
    for word in ("twice", "the-first", "the-second"):
        assert word in message
    assert others == [1.0, 1.0]


def test_a_plugin_with_the_name_of_an_engine_that_ships(tmp_path: Path) -> None:
    """Its results would be wrong: the pushforward of GOOD is the identity."""
    install(
        tmp_path,
        "usurper",
        {"usurper": GOOD.replace("{name}", "forwarddiff")},
        entry("forwarddiff", "usurper:BrokenBackend"),
    )
    code = """
f = lambda x: np.sum(x**2)
result = [attempt(lambda: di.gradient(f, name, x)) for name in (None, "forwarddiff")]
result.append(di.gradient(f, "complexstep", x).tolist())
"""
    *attempts, others = answer(tmp_path, ATTEMPTS + code)
    for kind, got, message, _ in attempts:
        assert (kind, got) == ("no error", "array([2., 4.])") or (
            kind == "clear" and "usurper" in message
        )
    assert others == [2.0, 4.0]


def test_one_distribution_found_twice_is_no_conflict(tmp_path: Path) -> None:
    """An editable install beside a copy on PYTHONPATH, say."""
    module, toml, _ = guide()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        install(tmp_path / folder, "my-package", {"my_package": module}, toml)
    code = f"""
import sys
sys.path.append({str(tmp_path / "b")!r})
result = di.gradient(lambda x: np.sum(x**2), "quadratic", x).tolist()
"""
    assert answer(tmp_path / "a", ATTEMPTS + code) == [2.0, 4.0]
