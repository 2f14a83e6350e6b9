"""From a declaration to a backend: what is known, what is missing, and what is said about it."""

from __future__ import annotations

import pickle
from importlib.metadata import EntryPoint
from typing import Any, ClassVar

import numpy as np
import pytest

import diffinterface as di
from diffinterface.arrays.framework import find_framework
from diffinterface.declare import plugins, strings
from diffinterface.engine import registry
from diffinterface.extend import Backend

from .zero import AutoZero, AutoZeroForward, Zero, entries


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The torch adapter as it is where PyTorch is not installed."""
    installed = plugins.entries
    entry = EntryPoint("torch", "no_such_engine_here:TorchBackend", "diffinterface.backends")

    def without(group: str) -> dict[str, EntryPoint]:
        return {**installed(group), **({"torch": entry} if group == "backends" else {})}

    monkeypatch.setattr(plugins, "entries", without)
    registry.forget()


CALLS: dict[str, Any] = {
    "string": lambda: di.gradient(np.sum, "torch", np.ones(2)),
    "declaration": lambda: di.gradient(np.sum, di.AutoTorch(), np.ones(2)),
    "prepared": lambda: di.prepare_jacobian(np.sin, di.AutoTorch("forward"), np.ones(2)),
    "composite": lambda: di.hessian(
        np.sum, di.SecondOrder(di.AutoForwardDiff(), di.AutoTorch()), np.ones(2)
    ),
    "mixed": lambda: di.gradient(
        np.sum, di.MixedMode(di.AutoForwardDiff(), di.AutoTorch()), np.ones(2)
    ),
    "linear_operator": lambda: di.linear_operator(np.sin, "torch", np.ones(2)),
}


@pytest.mark.usefixtures("missing")
@pytest.mark.parametrize("call", CALLS)
def test_a_missing_engine_names_its_command(call: str) -> None:
    if call == "linear_operator":
        pytest.importorskip("scipy")
    with pytest.raises(di.BackendNotInstalledError) as caught:
        CALLS[call]()
    error = caught.value
    assert error.backend == "torch"
    assert error.command == "pip install 'diffinterface[torch]'"
    assert error.command in str(error)
    assert "no_such_engine_here" in str(error)
    assert isinstance(error.__cause__, ImportError)
    assert pickle.loads(pickle.dumps(error)).command == error.command


@pytest.mark.usefixtures("missing")
def test_a_missing_engine_is_known_but_not_available() -> None:
    assert "torch" in di.known_backends()
    for backend in ("torch", "torch(mode='forward')", di.AutoTorch()):
        assert not di.check_available(backend)
    assert not di.check_available(di.SecondOrder(di.AutoForwardDiff(), di.AutoTorch()))
    assert di.check_available(di.SecondOrder(di.AutoForwardDiff(), di.AutoFiniteDiff()))
    assert di.check_available("forwarddiff")


def test_known_backends_are_those_that_ship_and_ours() -> None:
    shipped = {"autograd", "complexstep", "finitediff", "forwarddiff", "jax", "torch"}
    assert di.known_backends() == sorted(shipped | set(entries()))


def test_availability_of_what_nobody_knows() -> None:
    with pytest.raises(di.UnknownBackendError, match="'tensorflow'"):
        di.check_available("tensorflow")
    for no_backend in (di.AutoForwardDiff, 3):
        with pytest.raises(di.UnknownBackendError):
            di.check_available(no_backend)  # type: ignore[arg-type]


def test_resolved_once() -> None:
    backend = registry.resolve(AutoZero())
    assert type(backend) is Zero
    assert backend is registry.resolve(AutoZero())
    assert repr(backend) == "Zero(AutoZero())"
    assert registry.resolve(AutoZeroForward()) is not backend


def test_primitives_that_a_backend_gives() -> None:
    def modes(name: str) -> tuple[bool, bool]:
        backend = registry.resolve(strings.parse(name))
        return backend.has_forward, backend.has_reverse

    assert modes("zero") == (True, True)
    assert modes("zeroforward") == (True, False)
    assert modes("zeroreverse") == (False, True)


def test_a_backend_refuses_the_declaration_of_another() -> None:
    """A subclass may name an engine that reads other options than it has."""

    class AutoOther(di.ADType):
        name: ClassVar[str] = "torch"

    with pytest.raises(di.DiffInterfaceError, match="AutoOther"):
        di.gradient(np.sum, AutoOther(), np.ones(2))


def test_a_backend_without_primitives_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing(Backend):
        adtype_class = AutoZero

    monkeypatch.setattr(registry, "_load", lambda name: Nothing)
    registry.forget()
    for call in (
        lambda: di.gradient(np.sum, AutoZero(), np.ones(2)),
        lambda: di.pushforward(np.sin, AutoZero(), np.ones(2), np.ones(2)),
    ):
        with pytest.raises(di.UnsupportedOperatorError, match="pushforward"):
            call()


def test_frameworks_are_found_by_the_module_of_the_array() -> None:
    assert find_framework("no_such_library") is None
    framework = find_framework("diffinterface_forwarddiff")
    assert framework is not None
    assert framework.wraps
