"""Write what the docstrings of the operators share into the source: parameters and errors.

Each text stands once in the tables below, and in full in every docstring, where `help` and an editor
show it. After a change here or of a signature::

    python docs/docstrings.py

With ``--check`` nothing is written, and the exit status is 1 where the source is behind; the tests ask
the same. A section is found by its numpydoc heading. Summaries, returns and examples are written by
hand, and stay as they are.
"""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from pathlib import Path

from diffinterface.prepare.operator import OPERATORS, Operator

SOURCE = Path(__file__).parents[1] / "diffinterface" / "operators"
ORDER = ("Parameters", "Returns", "Raises", "Examples")
WIDTH = 100
LEFT_OUT = {
    "x": "Left out, the operator returns a function of x and what follows it here, which prepares at "
    "its first call, and again for arguments of another kind.",
    "t": "Left out where x is.",
}
INDENT = " " * 4


def parameters(operator: Operator) -> dict[str, tuple[str, str]]:
    """The type and the meaning of every parameter that a function of this operator may have."""
    returns = "a real scalar" if operator.scalar_y else "any tree of arrays"
    f = f"``f(x, *contexts)``, returning {returns}."
    x = "number or 0-d array" if operator.scalar_x else "tree of array"
    if operator.samples:
        x += ", each ``(batch, *x_i)``"
        f = (
            "``f(x, *contexts)``, mapping samples on the leading axis of x to samples on the leading "
            "axis of f(x), each on its own."
        )
    dtype = "Real" if needs_real_x(operator) else "Real or complex"
    t = "The cotangent, like f(x)." if operator.tangent == "y" else "The tangent, like x."
    return {
        "f": ("callable", f),
        "backend": (
            "ADType or str or None",
            "The engine; None means the configured one (`config_context`).",
        ),
        "x": (x, f"The point. {dtype} floating dtype; its framework is that of the result."),
        "t": ("tree of array", t),
        "*contexts": (
            "any",
            "Further arguments of f, not differentiated; see `Constant`, `Static` and `Cache`.",
        ),
        "argnums": (
            "int or tuple of int",
            "Which parameters of f the tree x fills; the contexts fill the others in order.",
        ),
        "has_aux": ("bool", "Whether f returns ``(y, aux)``; aux is returned last."),
        "batched": (
            "bool",
            "Whether each leaf of t carries one extra leading axis; the result then does too.",
        ),
        "out": (
            "tree of array, optional",
            "Arrays like the result's, to write it into; returned in its place. JAX's cannot be written "
            "into: what is returned holds new ones.",
        ),
        "accumulate": (
            "bool",
            "Whether to add the result to what `out` holds, instead of overwriting it.",
        ),
        "on_mismatch": (
            '{"error", "reprepare"}',
            "What a call with arguments of another kind does.",
        ),
    }


def errors(operator: Operator) -> list[tuple[str, str]]:
    """The errors that a user of this operator may meet, with when."""
    t_like = "f(x)" if operator.tangent == "y" else "x"
    rows = [
        (operator.scalar_x, "ShapeError", "If x is not a scalar."),
        (operator.samples, "ShapeError", "If the leading axes of x and f(x) differ."),
        (
            operator.samples,
            "OutputError",
            "If f mixes samples, as batch normalization in training does.",
        ),
        (operator.tangent, "ShapeError", f"If t has not the structure and shapes of {t_like}."),
        (operator.scalar_y, "NonScalarOutputError", "If f(x) is not a scalar."),
        (operator.scalar_y, "NonAnalyticError", "If f(x) is complex."),
        (
            operator.holomorphic,
            "NonAnalyticError",
            "If x is complex and f is not holomorphic there.",
        ),
        (needs_real_x(operator), "UnsupportedOperatorError", "If x is complex."),
        (True, "InputError", "If x has an integer dtype, or holds something that is no array."),
    ]
    return [(error, when) for applies, error, when in rows if applies]


def needs_real_x(operator: Operator) -> bool:
    """Whether x must be real: a Hessian at a complex x is not one matrix of complex entries."""
    return operator.scalar_y and len(operator.value) > 1


def operator_of(name: str) -> Operator | None:
    """The operator that a function is of, by its name; None for one of its own kind."""
    base = name.removesuffix("_same_point")
    rows = [row for row in OPERATORS if base.endswith(row.name) and not base.startswith("_")]
    return max(rows, key=lambda row: len(row.name), default=None)


def generated(function: ast.FunctionDef, operator: Operator) -> dict[str, str]:
    """The sections of a function's docstring that come from the tables."""
    given = function.args
    names = [a.arg for a in given.args]
    optional = names[len(names) - len(given.defaults) :]
    names += [f"*{given.vararg.arg}"] if given.vararg else []
    names += [a.arg for a in given.kwonlyargs]
    table = parameters(operator)
    for name in {"x", "t"} & set(optional):
        kind, text = table[name]
        table[name] = f"{kind}, optional", f"{text} {LEFT_OUT[name]}"
    return {
        "Parameters": section("Parameters", [(f"{n} : {table[n][0]}", table[n][1]) for n in names]),
        "Raises": section("Raises", errors(operator)),
    }


def section(heading: str, entries: list[tuple[str, str]]) -> str:
    width = WIDTH - len(INDENT)
    lines = [heading, "-" * len(heading)]
    for title, text in entries:
        lines += [
            title,
            textwrap.fill(text, width, initial_indent=INDENT, subsequent_indent=INDENT),
        ]
    return "\n".join(lines)


def rewritten(source: str) -> str:
    """The source with the generated sections in all its public docstrings."""
    lines = source.splitlines()
    for function in reversed(ast.parse(source).body):  # from the end, so that line numbers hold
        operator = operator_of(getattr(function, "name", ""))
        if operator is None:
            continue
        place = function.body[0]
        head, *rest = re.split(r"\n\n(?=[A-Z]\w+\n-+\n)", ast.get_docstring(function))
        sections = {block.partition("\n")[0]: block for block in rest}
        sections |= generated(function, operator)
        blocks = [head, *(sections[name] for name in sorted(sections, key=ORDER.index))]
        text = '"""' + "\n\n".join(blocks) + '\n"""'
        lines[place.lineno - 1 : place.end_lineno] = textwrap.indent(text, INDENT).splitlines()
    return "\n".join(lines) + "\n"


def behind() -> dict[Path, str]:
    """The files whose docstrings are not those of the tables, with what they should hold."""
    texts = {path: rewritten(path.read_text("utf-8")) for path in sorted(SOURCE.glob("*.py"))}
    return {path: text for path, text in texts.items() if text != path.read_text("utf-8")}


def main(arguments: list[str]) -> int:
    files = behind()
    for path, text in files.items():
        print(f"{path.name}: {'behind' if '--check' in arguments else 'written'}")
        if "--check" not in arguments:
            path.write_text(text, "utf-8")
    return int(bool(files) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
