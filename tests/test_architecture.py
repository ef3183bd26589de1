"""The house: imports point one way, files stay small, ARCHITECTURE.md names every room."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "course_lib"
ORDER = [
    "patient", "imaging", "dicom", "data", "models", "learning", "evaluation", "explain",
    "generative", "robustness", "federated", "practice", "teaching", "authoring",
]  # fmt: skip
MODULES = sorted(LIBRARY.rglob("*.py"))


def imported_packages(file: Path) -> set[str]:
    """Packages of course_lib that `file` imports, at any depth of the code."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write imports in full, not relative"
            names = [node.module or ""]
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {n.split(".")[1] for n in names if n.startswith("course_lib.")}
    return found & set(ORDER)


@pytest.mark.parametrize("file", MODULES, ids=lambda f: f.relative_to(LIBRARY).as_posix())
def test_imports_point_one_way(file):
    package = file.relative_to(LIBRARY).parts[0]
    if package not in ORDER:
        assert not imported_packages(file)
        return
    later = {p for p in imported_packages(file) if ORDER.index(p) > ORDER.index(package)}
    assert not later, f"{package} must not import {later}: they come after it"


def test_every_package_has_its_place():
    packages = {f.parent.name for f in LIBRARY.glob("*/__init__.py")}
    assert packages <= set(ORDER)
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert all(f"`{package}/`" in text for package in packages)


@pytest.mark.parametrize("file", MODULES, ids=lambda f: f.relative_to(LIBRARY).as_posix())
def test_files_are_small_and_explained(file):
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a file begins with what it is for"
    assert text.count("\n") <= 300, "split this file: one idea each"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{node.name} is too long"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} needs a docstring"


def test_no_module_imports_itself_in_a_circle():
    """A module can be read after those it imports: there is an order for all of them."""
    waiting = {}
    for file in MODULES:
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        names = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        waiting[name] = names
    for name in waiting:
        waiting[name] = (waiting[name] & set(waiting)) - {name}
    while waiting:
        ready = {name for name, needs in waiting.items() if not needs & set(waiting)}
        assert ready, f"these import each other in a circle: {sorted(waiting)}"
        waiting = {name: needs for name, needs in waiting.items() if name not in ready}
