"""What an import costs, and which packages it brings along: the core knows no framework."""

from __future__ import annotations

import ast
import json
import pickle
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import diffinterface as di

FRAMEWORKS = ("jax", "jaxlib", "torch", "autograd", "equinox", "tensorflow")
OPTIONAL = (
    *FRAMEWORKS,
    "scipy",
    "sklearn",
    "pandas",
    "matplotlib",
    "mpmath",
    "hypothesis",
    "pytest",
)


def modules_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after `code`."""
    code = textwrap.dedent(code) + "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


def loaded_after(code: str) -> set[str]:
    """The top-level ones among them."""
    return {name.partition(".")[0] for name in modules_after(code)}


def ours(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] == "diffinterface"}


def test_import_brings_no_framework_and_no_adapter() -> None:
    loaded = loaded_after("import diffinterface as di; di.AutoJax(); di.AutoTorch(mode='forward')")
    assert loaded.isdisjoint(OPTIONAL)
    assert not [name for name in loaded if name.startswith("diffinterface_")]


USES = {
    "declarations": """
        di.SecondOrder(di.AutoForwardDiff(), di.AutoJax())
        di.set_config(backend="jax")
        with di.config_context(backend="torch(mode='forward')"):
            di.get_config()
        di.known_backends()
    """,
    "forwarddiff": """
        di.gradient(f, "forwarddiff", x)
        di.hessian(f, None, x)
        di.prepare_jacobian(np.sin, di.AutoForwardDiff(), x)(x)
        di.batched_jacobian(np.cos, None, x[:, None])
        di.pullback(lambda p: p["a"], None, {"a": x}, x)
    """,
    "finitediff": "di.gradient(f, 'finitediff', x); di.jacobian(np.sin, 'finitediff', x)",
    "complexstep": "di.gradient(f, 'complexstep', x); di.hessian(f, 'complexstep', x)",
    "errors": """
        for call in (
            lambda: di.gradient(f, "forwarddiff", np.arange(3)),
            lambda: di.gradient(f, "nobody", x),
            lambda: di.gradient(np.sin, "forwarddiff", x),
        ):
            try:
                call()
            except di.DiffInterfaceError:
                pass
            else:
                raise SystemExit("no error")
    """,
}


@pytest.mark.parametrize("use", USES)
def test_numpy_engines_bring_no_framework(use: str) -> None:
    start = """
        import numpy as np
        import diffinterface as di
        x = np.ones(3)
        f = lambda x: np.sum(np.exp(x) * x)
    """
    loaded = loaded_after(textwrap.dedent(start) + textwrap.dedent(USES[use]))
    assert loaded.isdisjoint(FRAMEWORKS)
    assert loaded.isdisjoint({"scipy", "pandas", "matplotlib"})


@pytest.mark.parametrize("engine", ["jax", "torch", "autograd"])
def test_one_framework_brings_no_other(engine: str) -> None:
    pytest.importorskip(engine)
    code = f"""
        import numpy as np
        import diffinterface as di
        di.gradient(lambda x: (x * x).sum(), "{engine}", np.ones(3))
    """
    others = {"jax", "torch", "autograd"} - {engine}
    loaded = loaded_after(code)
    assert engine in loaded
    assert loaded.isdisjoint(others)


#: What declarations are made with, and nothing else.
DECLARED = {
    "diffinterface",
    "diffinterface.declare",
    *(
        f"diffinterface.declare.{m}"
        for m in "adtypes config contexts expected plugins strings".split()
    ),
    "diffinterface.errors",
    "diffinterface.lazy",
}
#: What costs time to load, and is not needed before an operator is called.
SLOW = {
    *("array_api_compat.numpy", "numpy.f2py", "numpy.ma", "numpy.random", "numpy.testing"),
    *("asyncio", "concurrent.futures", "importlib.metadata", "multiprocessing", "unittest"),
}
EVERY_NAME = "import diffinterface as di; [getattr(di, name) for name in di.__all__]"
PLUGIN = ("diffinterface.testing", "diffinterface.testing.plugin")


def test_an_import_loads_declarations_alone() -> None:
    loaded = modules_after("import diffinterface")
    assert ours(loaded) == DECLARED
    assert loaded.isdisjoint({"numpy", "optree", "array_api_compat", "logging", *SLOW})


def test_what_a_use_brings() -> None:
    """A name brings what it needs; not even all of them read entry points, or load all of NumPy."""
    few, many = modules_after("import diffinterface as di; di.inplace"), modules_after(EVERY_NAME)
    assert DECLARED < ours(few) < ours(many)
    assert len(ours(few)) < 25
    assert len(ours(many)) < 100
    assert many.isdisjoint(SLOW)
    assert "numpy" in few


def test_a_session_of_pytest_loads_the_plugin_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    options = ["-q", "-p", PLUGIN[-1], "-p", "no:cacheprovider", str(tmp_path)]
    loaded = modules_after(f"import pytest; assert not pytest.main({options})")
    assert ours(loaded) == {*DECLARED, *PLUGIN}
    assert "numpy" not in loaded


@pytest.mark.parametrize("package", ["diffinterface", "diffinterface.testing"])
def test_names_that_load_later_are_all_there(package: str) -> None:
    """Also after all modules of the package, one of which would hide a name that it has itself."""
    code = f"""
        import pkgutil
        from importlib import import_module
        from types import ModuleType
        package = import_module("{package}")
        for module in pkgutil.iter_modules(package.__path__, "{package}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
        found = {{name: getattr(package, name) for name in package.__all__}}
        modules = {{name for name, value in found.items() if isinstance(value, ModuleType)}}
        assert modules <= {{"extend", "special"}}, modules
        assert set(found) <= set(dir(package))
    """
    assert package in modules_after(code)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    for package in (di, di.testing):
        with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no .* 'nobody'"):
            package.nobody  # noqa: B018
        assert not hasattr(package, "zeros_of_nobody")


def imported(path: Path) -> set[str]:
    """Every top-level package that a file imports anywhere."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(str(node.module).partition(".")[0])
    return names


def sources(package: Any) -> list[Path]:
    return sorted(Path(package.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("path", sources(di), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_the_core_names_no_framework(path: Path) -> None:
    assert imported(path).isdisjoint(FRAMEWORKS)


ENGINE = re.compile(
    r"(?<![a-z])(forwarddiff|finitediff|complexstep|jax|torch|autograd)(?![a-z])", re.I
)
#: Where the core answers to a protocol or a compiler that has an engine's name; nothing depends on it.
PROTOCOLS = {
    "tracer.py": {"__torch_function__", "_TORCH_OPERATORS", "torch.", "torch"},
    "with_engine.py": {"torch._dynamo", "torch"},
}


def engines_named(source: str) -> Iterator[str]:
    """Identifiers, and strings of one word outside docstrings, in which an engine's name stands."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        words = [getattr(node, field, None) for field in ("id", "attr", "name", "arg", "module")]
        if isinstance(node, ast.Constant) and id(node) not in prose:
            words.append(node.value)
        for word in words:
            if isinstance(word, str) and " " not in word.strip() and ENGINE.search(word):
                yield word


@pytest.mark.parametrize("path", sources(di), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_the_core_names_no_engine(path: Path) -> None:
    """But by their declarations, and in the folder that defines these."""
    if path.parent.name != "declare":
        assert {*engines_named(path.read_text("utf-8"))} == PROTOCOLS.get(path.name, set())


@pytest.mark.parametrize(
    "line", ['x = "torch:forward"', "def of_jax(): ...", "a.autograd", 'f"{x}.jax"', "f(torch=1)"]
)
def test_a_name_of_an_engine_is_found(line: str) -> None:
    assert [*engines_named(line)]
    assert not [*engines_named("'''Of JAX.'''\nAutoJax().jaxpr, 'write AutoJax() or jax there'")]


def test_an_adapter_uses_what_a_plugin_could() -> None:
    """From the core an adapter imports public modules only, and from other adapters nothing."""
    shipped = Path(di.__file__).parents[1] / "backends"
    if not shipped.is_dir():
        pytest.skip("the adapters lie elsewhere in an installed wheel")
    for package in sorted(p for p in shipped.iterdir() if p.name.startswith("diffinterface_")):
        for path in package.rglob("*.py"):
            foreign = {n for n in imported(path) if n.startswith("diffinterface_")} - {package.name}
            assert not foreign, path


def test_tab_shows_public_names_alone() -> None:
    lazy = {"implicit", "sensitivity", "sparse", "testing"}
    assert {name for name in dir(di) if not name.startswith("_")} == {*di.__all__, *lazy}
    assert {name for name in dir(di.testing) if not name.startswith("_")} == {*di.testing.__all__}


@pytest.mark.parametrize("name", ["autotune", "explain", "inplace"])
def test_no_module_shadows_a_function(name: str) -> None:
    code = f"""
        import diffinterface as di
        import diffinterface.neutral.inplace, diffinterface.operators.explain
        import diffinterface.tools.autotune
        assert callable(di.{name})
    """
    assert "diffinterface" in loaded_after(code)


def test_public_classes_are_known_by_their_public_path() -> None:
    classes = [value for name in di.__all__ if isinstance(value := getattr(di, name), type)]
    assert len(classes) > 20
    assert {kind.__module__ for kind in classes} == {"diffinterface"}
    assert pickle.loads(pickle.dumps(classes)) == classes


@pytest.mark.parametrize("path", ["special", "zeros"])
def test_modules_keep_the_paths_that_the_documentation_gave(path: str) -> None:
    assert "diffinterface" in loaded_after(
        f"from diffinterface.{path} import *; import diffinterface.{path}"
    )
