"""The web site: hand-written pages of docs/, all lessons, decks and the glossary, by Sphinx.

Everything a page needs lies beside it (formulas become MathML), so it works without a network.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from course_lib.authoring import glossary
from course_lib.authoring.manifest import ROOT, Course

STAGE, SITE = ROOT / "build" / "site_source", ROOT / "build" / "site"
PAGES = {"ARCHITECTURE.md": "architecture.md", "CONTRIBUTING.md": "contributing.md",
         "CHANGELOG.md": "changelog.md", "datasets/README.md": "datasets.md"}  # fmt: skip


def build(course: Course, target: Path = SITE, stage: Path = STAGE) -> int:
    """Build the site into `target`; a warning of Sphinx is an error. Returns the exit code."""
    collect(course, stage)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    code = subprocess.run([*command, str(stage), str(target)], check=False).returncode
    if code == 0:
        decks(course, target / "slides")
        print(f"The site is in {target}: open {target / 'index.html'}")
    return code


def collect(course: Course, stage: Path) -> None:
    """Lay out in `stage` all that Sphinx reads."""
    shutil.rmtree(stage, ignore_errors=True)
    shutil.copytree(ROOT / "docs", stage)
    for name, page in PAGES.items():
        _page(ROOT / name, stage / page)
    (stage / "lessons").mkdir()
    shutil.copy2(ROOT / "notebooks" / "START.md", stage / "lessons" / "START.md")
    for lesson in course.lessons:
        node = nbformat.read(ROOT / "notebooks" / f"{lesson.name}.ipynb", as_version=4)
        _give_alt_text(node)
        nbformat.write(node, stage / "lessons" / f"{lesson.name}.ipynb")
    (stage / "glossary.md").write_text(glossary.page(glossary.load()), encoding="utf-8")
    (stage / "lessons" / "index.md").write_text(_contents(course), encoding="utf-8")


def decks(course: Course, target: Path) -> None:
    """Decks as HTML where the Marp program is installed; else as the Markdown they are."""
    shutil.copytree(ROOT / "slides", target, dirs_exist_ok=True)
    marp = shutil.which("marp")
    if not marp:
        print("Marp is not installed (npm install -g @marp-team/marp-cli): decks stay Markdown.")
        return
    sources = [str(target / f"{lesson.name}.md") for lesson in course.lessons]
    subprocess.run([marp, "--allow-local-files", *sources], check=True, stdin=subprocess.DEVNULL)


def _page(source: Path, target: Path) -> None:
    """Copy a page of the repository; its links to other files of the repository become plain."""
    import re

    text = source.read_text(encoding="utf-8")
    for name, page in PAGES.items():
        text = text.replace(f"]({name})", f"]({page})")
    text = re.sub(r"\[([^\]]+)\]\((?!https?:|#)([^)]+)\)", _link(target.parent), text)
    target.write_text(text, encoding="utf-8")


def _link(folder: Path):
    known = set(PAGES.values()) | {"glossary.md", "index.md"}

    def keep(match):
        return match[0] if match[2].split("#")[0] in known else f"{match[1]} (`{match[2]}`)"

    return keep


def _give_alt_text(node: nbformat.NotebookNode) -> None:
    """MyST-NB reads a picture's alt text from its cell."""
    for cell in node.cells:
        for output in cell.get("outputs", []):
            alt = output.get("metadata", {}).get("image/png", {}).get("alt")
            if alt:
                cell.metadata["mystnb"] = {"image": {"alt": alt}}


def _contents(course: Course) -> str:
    names = "\n".join(lesson.name for lesson in course.lessons)
    return f"# Lessons\n\n```{{toctree}}\n:maxdepth: 1\n\nSTART\n{names}\n```\n"
