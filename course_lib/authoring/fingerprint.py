"""What a lesson's stored outputs depend on: its source and the library code it imports.

Comments and docstrings do not count, so that mending words does not call for new outputs.
"""

import ast
import hashlib
import io
import tokenize
from functools import cache
from pathlib import Path

from course_lib.authoring.manifest import ROOT


def of_lesson(code_cells: list[str]) -> str:
    """A digest of the lesson's code cells and of every course_lib module they reach."""
    digest = hashlib.sha256()
    reached: dict[str, Path] = {}
    for source in code_cells:
        digest.update(bare(source).encode())
        _reach(source, reached)
    for _, file in sorted(reached.items()):
        digest.update(bare(file.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()[:16]


def _reach(source: str, reached: dict[str, Path]) -> None:
    """Add to `reached` every module of course_lib that `source` imports, and theirs in turn."""
    for name in imported(source):
        file = _file(name)
        if file and name not in reached:
            reached[name] = file
            _reach(file.read_text(encoding="utf-8"), reached)


@cache
def imported(source: str) -> tuple[str, ...]:
    """Names of the course_lib modules that `source` may import, at any depth of the code."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(n for n in names if n.startswith("course_lib"))


def _file(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    candidates = [path.with_suffix(".py"), path / "__init__.py"]
    return next((c for c in candidates if c.is_file()), None)


@cache
def bare(source: str) -> str:
    """`source` without comments, docstrings and blank lines."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            string = node.body[0]
            for number in range(string.lineno - 1, string.end_lineno or string.lineno):
                lines[number] = ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return "\n".join(line.rstrip() for line in lines if line.strip())
