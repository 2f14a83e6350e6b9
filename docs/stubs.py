"""Write the types of the operators, with x and without, from their signatures.

What an operator returns depends on whether it is given x, and on whether f has an auxiliary output. Type
checkers are told by overloads, in ``diffinterface/operators/__init__.pyi``; that file is generated::

    python docs/stubs.py

With ``--check`` nothing is written, and the exit status is 1 where the file is behind; the tests ask the
same.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from diffinterface.prepare.operator import OPERATORS, Operator, operator_of

SOURCE = Path(__file__).parents[1] / "diffinterface" / "operators"
TARGET = SOURCE / "__init__.pyi"
HEAD = '''"""The types of the operators, written by docs/stubs.py from the signatures in the modules."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar, final, overload, type_check_only

from ..declare.adtypes import ADType
from ..engine.function import Argnums
from ..prepare.transform import Transform
'''


def functions() -> dict[str, tuple[str, ast.FunctionDef]]:
    """The modules and the definitions of the public operators, by name."""
    found = {}
    for node in ast.parse((SOURCE / "__init__.py").read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            tree = ast.parse((SOURCE / f"{node.module}.py").read_text("utf-8"))
            defined = {d.name: d for d in tree.body if isinstance(d, ast.FunctionDef)}
            found |= {alias.name: (node.module, defined[alias.name]) for alias in node.names}
    return dict(sorted(found.items()))


def returned(operator: Operator, valued: bool, aux: bool) -> str:
    """The type of a result: T is that of x."""
    likes = list(operator.value[operator.hidden :]) if valued else []
    parts = ["T" if like == "x" else "Any" for like in [*likes, operator.result]]
    parts += ["Any"] if aux else []
    return parts[0] if len(parts) == 1 else f"tuple[{', '.join(parts)}]"


def options(function: ast.FunctionDef, aux: bool) -> dict[str, str]:
    """The keywords of a call, as a stub has them."""
    named = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    keywords = {a.arg: f"{ast.unparse(a.annotation)} = {ast.unparse(d)}" for a, d in named}
    return keywords | {"has_aux": "Literal[True]" if aux else "Literal[False] = False"}


def definition(name: str, head: list[str], keywords: dict[str, str], result: str) -> str:
    parts = head + [f"{key}: {kind}" for key, kind in keywords.items()]
    indent = "    " if head[0] == "self" else ""
    lines = [f"{indent}    {part}," for part in parts]
    return "\n".join([f"{indent}def {name}(", *lines, f"{indent}) -> {result}: ..."])


def stub(name: str, function: ast.FunctionDef) -> tuple[str, str]:
    """The classes of an operator's transforms, and its overloads."""
    operator, valued = operator_of(name), name not in {row.name for row in OPERATORS}
    like = "T" if "T" in returned(operator, valued, False) else "Any"
    point = [f"x: {like}"]
    if operator.tangent is not None:
        point.append(f"t: {like if operator.tangent == 'x' else 'Any'}")
    first = ["f: Callable[..., Any]", "backend: ADType | str | None"]
    classes, overloads = [], []
    for aux in (False, True):
        keywords, result = options(function, aux), returned(operator, valued, aux)
        kind = f"_{name.title().replace('_', '')}{'WithAux' if aux else ''}"
        of_call = {key: keywords[key] for key in ("out", "accumulate") if key in keywords}
        of_operator = {key: text for key, text in keywords.items() if key not in of_call}
        call = definition("__call__", ["self", *point, "*contexts: Any"], of_call, result)
        classes.append(f"@type_check_only\n@final\nclass {kind}(Transform):\n{call}")
        without = [first[0], f"{first[1]} = None", "*"]
        overloads += [
            "@overload\n" + definition(name, without, of_operator, kind),
            "@overload\n" + definition(name, [*first, *point, "*contexts: Any"], keywords, result),
        ]
    unknown = options(function, False) | {"has_aux": "bool"}
    given = [f"{part.split(':')[0]}: Any = ..." for part in point]
    head = [first[0], f"{first[1]} = None", *given, "*contexts: Any"]
    overloads.append("@overload\n" + definition(name, head, unknown, "Any"))
    return "\n\n".join(classes), "\n".join(overloads)


def text() -> str:
    """What the file should hold."""
    found = functions()
    prepared = [
        f"from .{m} import {n} as {n}" for n, (m, _) in found.items() if n.startswith("prepare")
    ]
    stubs = [stub(n, f) for n, (_, f) in found.items() if not n.startswith("prepare")]
    names = "\n".join(f'    "{name}",' for name in found)
    parts = [HEAD + "\n".join(sorted(prepared)), f"__all__ = [\n{names}\n]", 'T = TypeVar("T")']
    classes, overloads = zip(*stubs, strict=True)
    return "\n\n".join([*parts, *classes, "\n".join(overloads)]) + "\n"


def main(arguments: list[str]) -> int:
    behind = not TARGET.is_file() or TARGET.read_text("utf-8") != text()
    if behind:
        print(f"{TARGET.name}: {'behind' if '--check' in arguments else 'written'}")
    if behind and "--check" not in arguments:
        TARGET.write_text(text(), "utf-8")
    return int(behind and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
