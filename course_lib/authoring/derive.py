"""Every derived file as a function of the sources and the executed lessons.

`derived` is pure: the build writes what it returns, and the freshness check compares it with
the files on disk. So a derived file can only be right or reported.
"""

import json
from collections.abc import Callable
from pathlib import Path

import nbformat

from course_lib.authoring import (
    environment,
    fingerprint,
    glossary,
    instructor,
    notebook,
    overview,
    slides,
    source,
)
from course_lib.authoring.manifest import ROOT, Course, Lesson
from course_lib.authoring.prove import entry, outcome

MEASURED = "notebooks/measured.json"
BANK = "course_lib/teaching/bank"
OWNED = {"notebooks": "*.ipynb", "notebooks/solutions": "*", "notebooks/instructor": "*",
         "slides": "*.md", "slides/pictures": "*", BANK: "*.json"}  # fmt: skip


class Stale(ValueError):
    """A stored notebook does not belong to today's sources."""


def bank_file(lesson: Lesson) -> tuple[str, bytes]:
    """Path and content of the lesson's exercises as `check` and `hint` read them."""
    read = source.read(lesson.source)
    entries = {key: entry(exercise, read) for key, exercise in read.exercises.items()}
    return f"{BANK}/{lesson.name}.json", _json(entries)


def unexecuted(course: Course, lesson: Lesson) -> nbformat.NotebookNode:
    """The students' notebook as today's sources make it, with its fingerprint, without outputs."""
    built = notebook.student(course, lesson, source.read(lesson.source), glossary.load())
    code = [cell.source for cell in built.cells if cell.cell_type == "code"]
    built.metadata["course"]["fingerprint"] = fingerprint.of_lesson(code)
    return built


def stored(course: Course, lesson: Lesson) -> nbformat.NotebookNode:
    """Today's notebook with the outputs stored on disk. Raises Stale if they are not its own."""
    built, path = unexecuted(course, lesson), ROOT / "notebooks" / f"{lesson.name}.ipynb"
    if not path.is_file():
        raise Stale(f"notebooks/{lesson.name}.ipynb is missing.")
    kept = nbformat.read(path, as_version=4)
    if kept.metadata.get("course") != built.metadata["course"]:
        raise Stale(f"notebooks/{lesson.name}.ipynb: its source or the library has changed.")
    if _tags(kept) != _tags(built):
        raise Stale(f"notebooks/{lesson.name}.ipynb: the tags of its cells have changed.")
    notebook.fill_outputs(built, kept)
    return built


def _tags(node: nbformat.NotebookNode) -> dict[str, set[str]]:
    """The author's tags of every code cell; what a run added does not count."""
    code = [c for c in node.cells if c.cell_type == "code"]
    return {c.id: set(c.metadata.get("tags", [])) - {notebook.IGNORE} for c in code}


def derived(
    course: Course, executed: Callable[[Course, Lesson], nbformat.NotebookNode] = stored
) -> dict[str, bytes]:
    """Path -> content of every derived file, given a way to get the executed lessons."""
    measured = json.loads((ROOT / MEASURED).read_text(encoding="utf-8"))
    files: dict[str, bytes] = {}
    for lesson in course.lessons:
        files |= _of_lesson(course, lesson, executed(course, lesson))
    start = overview.start_page(course, measured)
    readme = overview.readme((ROOT / "README.md").read_text(encoding="utf-8"), course, measured)
    files["notebooks/START.md"] = start.encode()
    files["README.md"] = readme.encode()
    files["environment.yml"] = _environment().encode()
    return files


def differences(files: dict[str, bytes]) -> list[str]:
    """What on disk is not as `files` says: changed, missing, or left over."""
    found = []
    for name, content in files.items():
        path = ROOT / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif _lines(path.read_bytes()) != _lines(content):
            found.append(f"{name} is stale")
    return found + [f"{name} belongs to no lesson" for name in left_over(files)]


def report(course: Course) -> int:
    """Print what is stale; returns the exit code: 0 if nothing is."""
    try:
        found = differences(derived(course))
    except Stale as reason:
        found = [str(reason)]
    print("\n".join(found) or "Every derived file is fresh.")
    return int(bool(found))


def left_over(files: dict[str, bytes]) -> list[str]:
    """Files in the derived folders that no lesson makes any more."""
    present = [
        path.relative_to(ROOT).as_posix()
        for folder, pattern in OWNED.items()
        for path in sorted((ROOT / folder).glob(pattern))
        if path.is_file()
    ]
    return [name for name in present if name not in files]


def write(files: dict[str, bytes]) -> None:
    """Write `files` where they differ and remove what is left over."""
    for name in left_over(files):
        (ROOT / name).unlink()
    for name, content in files.items():
        path = ROOT / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def keep(lesson: Lesson, done: nbformat.NotebookNode) -> None:
    """Write the students' notebook of one lesson that has just run."""
    (ROOT / "notebooks" / f"{lesson.name}.ipynb").write_bytes(_notebook(done))


def _of_lesson(course: Course, lesson: Lesson, done: nbformat.NotebookNode) -> dict[str, bytes]:
    terms, read = glossary.load(), source.read(lesson.source)
    answered = notebook.solutions(course, lesson, read, terms)
    notebook.fill_outputs(answered, done)
    for exercise in read.exercises.values():
        right = outcome(exercise, read, exercise.one("solution").source)
        notebook.show_judgement(answered, exercise.one("check").source, right)
    deck, pictures = slides.deck(course, lesson, read, done, terms)
    bank_path, bank = bank_file(lesson)
    return {
        f"notebooks/{lesson.name}.ipynb": _notebook(done),
        f"notebooks/solutions/{lesson.name}.ipynb": _notebook(answered),
        f"notebooks/instructor/{lesson.name}.md": instructor.notes(
            course, lesson, read, terms
        ).encode(),
        f"slides/{lesson.name}.md": deck.encode(),
        bank_path: bank,
        **{f"slides/pictures/{name}": data for name, data in pictures.items()},
    }


def _environment() -> str:
    return environment.environment_yml(ROOT / "pyproject.toml", ROOT / "requirements.lock")


def _notebook(node: nbformat.NotebookNode) -> bytes:
    nbformat.validate(node)
    return (nbformat.writes(node) + "\n").encode()


def _json(value) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _lines(content: bytes) -> bytes:
    """Git may change line ends on checkout; that is no difference."""
    return content.replace(b"\r\n", b"\n")


def write_bank(lesson: Lesson) -> Path:
    """Write the lesson's exercises: its own run needs them."""
    name, content = bank_file(lesson)
    write_to = ROOT / name
    write_to.parent.mkdir(parents=True, exist_ok=True)
    write_to.write_bytes(content)
    return write_to
