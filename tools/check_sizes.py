"""Fails when a module or a function outgrows what can be read at one go.

Lines of a function do not count its docstring. Generated stubs are not looked at.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

MAX_MODULE = 400
MAX_FUNCTION = 60
MAX_MEDIAN = 150
FOLDERS = ("server/src", "clients/python/src", "tests/support", "tools", "bench")


def main(folders: list[str]) -> int:
    modules = sorted(path for folder in folders for path in Path(folder).rglob("*.py"))
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    complaints = [
        f"{path}: {size} lines, at most {MAX_MODULE}"
        for path, size in sizes.items()
        if size > MAX_MODULE
    ]
    complaints += [complaint for path in modules for complaint in long_functions(path)]
    middle = median(sizes.values()) if sizes else 0
    if middle > MAX_MEDIAN:
        complaints.append(
            f"half of the modules have more than {middle} lines, at most {MAX_MEDIAN}"
        )
    print(*complaints, sep="\n", end="\n" if complaints else "")
    print(f"{len(sizes)} modules, median {middle:.0f} lines: {len(complaints)} too large")
    return 1 if complaints else 0


def long_functions(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = _lines(node) - _docstring_lines(node)
            if lines > MAX_FUNCTION:
                yield f"{path}:{node.lineno}: {node.name} has {lines} lines, at most {MAX_FUNCTION}"


def _docstring_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return _lines(function.body[0]) if ast.get_docstring(function) is not None else 0


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(FOLDERS)))
