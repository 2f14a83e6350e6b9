"""``python -m diffinterface doctor``: what is installed, what each engine can do, what is missing."""

from __future__ import annotations

import platform
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from ..declare import plugins
from ..declare.config import get_config
from ..testing.backends import why_not
from ..testing.cell import Cell, DerivativeError
from ..testing.defaults import default_scenarios
from ..testing.limits import limited
from ..testing.scenario import OPERATORS, Scenario
from .compare.engines import Engine, engines, line

WIDTH = 100
_OURS = "diffinterface"
# Extras that engines do not name, and that no user of the library needs.
_FOR_DEVELOPERS = ("all", "test", "docs")
_REQUIREMENT = re.compile(
    r"([\w.-]+)(?:\[[^]]*\])?([^;]*)(?:;.*extra\s*==\s*['\"]([\w-]+)['\"])?.*"
)


@dataclass
class Diagnosis:
    """One engine.

    Attributes
    ----------
    name : str
        The backend.
    packages : dict of str to str
        The distributions that it stands on, and their versions; "" where one is missing.
    right : list of str
        Operators and features whose result is that by hand.
    refused : dict of str to str
        Those that raise as documented, and why.
    wrong : dict of str to str
        Those that give another result, or raise another error.
    error : str
        Why it cannot be used at all.
    command : str
        What installs it, where it is missing.
    """

    name: str
    packages: dict[str, str] = field(default_factory=dict)
    right: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    error: str = ""
    command: str = ""

    def lines(self) -> Iterator[str]:
        """What there is to say, a line each."""
        stands_on = ", ".join(f"{name} {v or 'missing'}" for name, v in self.packages.items())
        if self.command:
            yield f"{self.name:<12} not installed: {self.command}"
            return
        if self.error:
            yield f"{self.name:<12} BROKEN: {self.error} ({stands_on})"
            return
        operators = [name for name in self.right if name in OPERATORS]
        others = [name for name in self.right if name not in OPERATORS]
        yield f"{self.name:<12} {len(operators)} of {len(OPERATORS)} operators right ({stands_on})"
        if others:
            yield f"  and {', '.join(others)}"
        for what, why in self.refused.items():
            yield f"  not {what}: {why}"
        for what, why in self.wrong.items():
            yield f"  WRONG: {what}: {why}"


@dataclass(frozen=True)
class Findings:
    """All engines, and what they run on."""

    head: list[str]
    engines: list[Diagnosis]
    optional: list[str]

    @property
    def healthy(self) -> bool:
        """Whether every engine that is installed can be used, and gives no wrong number."""
        return not any(each.error or each.wrong for each in self.engines)

    def __str__(self) -> str:
        told = [text for each in self.engines for text in each.lines()]
        verdict = "All is well." if self.healthy else "Something is wrong: see above."
        parts = [*self.head, "", *told, "", "optional packages:", *self.optional, "", verdict]
        return "\n".join(text for part in parts for text in _wrapped(part))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        subsequent_indent=" " * (len(text) - len(text.lstrip()) + 2),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def diagnose(progress: Callable[[str], None]) -> Findings:
    """Try every engine that a declaration knows of.

    Parameters
    ----------
    progress : callable
        Called with a line before each step that may take long.

    Returns
    -------
    Findings
        Printed, what the command says.
    """
    found = []
    for engine in engines():
        progress(f"{engine.name}: trying {len(_trials())} small functions")
        found.append(_try(engine))
    return Findings(_head(), found, list(_optional()))


@cache
def _trials() -> dict[str, Scenario]:
    """A scenario for each operator, and for each feature."""
    trials: dict[str, Scenario] = {}
    for scenario in default_scenarios():
        for name in scenario.features or (scenario.operator,):
            trials.setdefault(name, scenario)
    order = [*OPERATORS, *(name for name in trials if name not in OPERATORS)]
    return {name: trials[name] for name in order}


def _try(engine: Engine) -> Diagnosis:
    diagnosis = Diagnosis(engine.name, _packages(engine.name), error=engine.error)
    diagnosis.command = engine.command
    if engine.entry is None:
        return diagnosis
    for name, scenario in _trials().items():
        cell = Cell(scenario, engine.entry)
        try:
            quiet = warnings.catch_warnings(action="ignore")
            with limited(f"{engine.name} {name}"), quiet, cell.scope():
                cell.expect("without preparation", cell.once(scenario.here), scenario.here)
            diagnosis.right.append(name)
        except DerivativeError as error:
            diagnosis.wrong[name] = error.failures[0].detail
        except Exception as error:  # whatever an engine raises
            row = why_not(engine.entry, scenario)
            if row is not None and isinstance(error, row.error):
                diagnosis.refused[name] = row.reason
            else:
                diagnosis.wrong[name] = line(error)
    return diagnosis


# --- versions ------------------------------------------------------------------------------------


def _head() -> list[str]:
    base = ", ".join(f"{name} {_version(name) or 'missing'}" for name in _required(""))
    return [
        f"{_OURS} {_version(_OURS)} on Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}",
        base,
        f"backend=None means {get_config().backend!r}",
    ]


def _version(distribution: str) -> str:
    """Empty where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _required(extra: str) -> list[str]:
    """The distributions that the base install or an extra asks for."""
    rows = [_REQUIREMENT.fullmatch(text) for text in requires(_OURS) or ()]
    names = [row[1] for row in rows if row is not None and (row[3] or "") == extra]
    return [name for name in dict.fromkeys(names) if name != _OURS]


def _packages(backend: str) -> dict[str, str]:
    """What a backend stands on: the packages of its extra, or the plugin that declares it."""
    entry = plugins.entries("backends").get(backend)
    owner = _OURS if entry is None else plugins.distribution(entry)
    names = _required(backend) if owner == _OURS else [owner]
    return {name: _version(name) for name in names or [_OURS]}


def _optional() -> Iterator[str]:
    """The extras that are no engine's: each package's version, or the command that installs it."""
    known = {engine.name for engine in engines()}
    for extra in metadata(_OURS).get_all("Provides-Extra") or ():
        if extra in known or extra in _FOR_DEVELOPERS:
            continue
        found = {name: _version(name) for name in _required(extra)}
        told = ", ".join(f"{name} {v}" if v else f"{name} is missing" for name, v in found.items())
        command = "" if all(found.values()) else f": pip install '{_OURS}[{extra}]'"
        yield f"  {extra:<10} {told}{command}"
