"""Backends written as strings: what is read, what is refused, and in which words."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import diffinterface as di
from diffinterface.declare.strings import parse

READ = {
    "jax": di.AutoJax(),
    "torch(mode='forward')": di.AutoTorch(mode="forward"),
    'torch(mode="forward", compile=True)': di.AutoTorch(mode="forward", compile=True),
    "  finitediff ( relative_step = 1e-3 ) ": di.AutoFiniteDiff(relative_step=1e-3),
    "forwarddiff()": di.AutoForwardDiff(),
    "forwarddiff(chunk_size=None)": di.AutoForwardDiff(),
    "AutoJax(mode='auto', jit=False)": di.AutoJax(jit=False),
    "complexstep": di.AutoComplexStep(),
    "none": di.NoAutoDiff(),
}


@pytest.mark.parametrize("text", READ)
def test_read(text: str) -> None:
    assert parse(text) == READ[text]


@pytest.mark.parametrize(
    "adtype",
    [di.AutoForwardDiff(3), di.AutoFiniteDiff("forward", 1e-3), di.AutoJax("reverse", jit=False)],
    ids=repr,
)
def test_repr_is_read_back(adtype: di.ADType) -> None:
    assert parse(repr(adtype)) == adtype


UNREADABLE = [
    "",
    "   ",
    "jax, torch",
    "jax.numpy",
    "jax(",
    "jax()()",
    "jax; torch",
    "jax\ntorch",
    "1",
    "'jax'",
    "jax('forward')",
    "torch(mode=forward)",
    "jax(jit=__import__('os'))",
    "jax(jit=1 + x)",
    "jax(jit=not True)",
    "\0",
]


@pytest.mark.parametrize("text", UNREADABLE, ids=repr)
def test_unreadable(text: str) -> None:
    with pytest.raises(di.UnknownBackendError, match="cannot be read; expected a name") as caught:
        di.gradient(np.sum, text, np.ones(2))
    assert caught.value.got == text


def test_nothing_is_evaluated(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(di.UnknownBackendError):
        parse("jax(jit=print('evaluated'))")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("text", ["JAX", "pytorch", "tensorflow", "jax2(mode='forward')", "ADType"])
def test_unknown_names_come_with_the_known(text: str) -> None:
    with pytest.raises(di.UnknownBackendError) as caught:
        di.gradient(np.sum, text, np.ones(2))
    assert caught.value.got == text.partition("(")[0]
    assert set(di.known_backends()) == set(caught.value.known)
    for name in ("autograd", "complexstep", "finitediff", "forwarddiff", "jax", "torch"):
        assert name in str(caught.value)


def test_options_come_with_the_known() -> None:
    with pytest.raises(di.UnknownBackendError, match=r"'modus'.*AutoTorch takes mode, compile"):
        parse("torch(modus='forward')")
    with pytest.raises(di.UnknownBackendError, match="AutoComplexStep takes no options"):
        parse("complexstep(step=1)")
    with pytest.raises(di.DiffInterfaceError, match="'forwards' is not one of 'auto', 'forward'"):
        parse("torch(mode='forwards')")
    with pytest.raises(di.DiffInterfaceError, match="expected a positive"):
        parse("forwarddiff(chunk_size=-1)")


@pytest.mark.parametrize("text", ["SecondOrder", "MixedMode()", "SecondOrder(outer='jax')"])
def test_composites_are_no_strings(text: str) -> None:
    with pytest.raises(di.DiffInterfaceError):
        parse(text)


@pytest.mark.parametrize(
    "text", ["jax(mode='forward', mode='reverse')", "jax(**{'mode': 'forward'})", "jax(*[])"]
)
def test_an_option_is_never_chosen_for_the_caller(text: str) -> None:
    with pytest.raises(di.UnknownBackendError):
        parse(text)


def test_optimised_python_checks_as_much() -> None:
    """`python -O` strips assertions, which must not be what refuses a positional option."""
    code = "from diffinterface.declare.strings import parse; parse(\"torch('forward')\")"
    run = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True)
    assert run.returncode == 1
    assert "UnknownBackendError" in run.stderr


@pytest.mark.parametrize("got", [di.AutoJax, np, 3, ["jax"], np.array("jax"), lambda: "jax"])
def test_other_objects_are_no_backends(got: object) -> None:
    with pytest.raises(di.UnknownBackendError, match="must be an ADType, a string or None"):
        di.gradient(np.sum, got, np.ones(2))  # type: ignore[arg-type]


def test_a_class_comes_with_its_remedy() -> None:
    with pytest.raises(di.UnknownBackendError, match=r"AutoForwardDiff\(\) with parentheses"):
        di.gradient(np.sum, di.AutoForwardDiff, np.ones(2))  # type: ignore[arg-type]
