"""From a lesson's source to its notebooks: the students' and the solutions edition."""

import hashlib

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.authoring import glossary
from course_lib.authoring.manifest import Course, Lesson
from course_lib.authoring.source import Cell, Source
from course_lib.teaching.exercises import Answer

IGNORE = "nbval-ignore-output"
KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def student(course: Course, lesson: Lesson, source: Source, terms: dict) -> nbformat.NotebookNode:
    """The students' notebook, not yet executed."""
    return _assemble(course, lesson, terms, [c for c in source.cells if c.shown])


def solutions(course: Course, lesson: Lesson, source: Source, terms: dict) -> nbformat.NotebookNode:
    """The same with every stub replaced by its solution."""
    cells = [
        source.exercises[c.exercise].one("solution") if c.role == "stub" and c.exercise else c
        for c in source.cells
        if c.shown
    ]
    return _assemble(course, lesson, terms, cells)


def fill_outputs(target: nbformat.NotebookNode, executed: nbformat.NotebookNode) -> None:
    """Copy the outputs of `executed` to the cells of `target` that have the same id."""
    done = {cell.id: cell for cell in executed.cells if cell.cell_type == "code"}
    for cell in target.cells:
        if cell.cell_type == "code" and cell.id in done:
            cell.outputs = done[cell.id].outputs
            cell.execution_count = done[cell.id].execution_count
            tags = cell.metadata.get("tags", [])
            if IGNORE in done[cell.id].metadata.get("tags", []) and IGNORE not in tags:
                cell.metadata["tags"] = [*tags, IGNORE]


def show_judgement(notebook: nbformat.NotebookNode, call: str, answer: Answer) -> None:
    """Put `answer` under the cell whose source is `call` (a check of the solutions edition)."""
    data = {"text/plain": repr(answer), "text/html": answer._repr_html_()}
    for cell in notebook.cells:
        if cell.source == call:
            cell.outputs = [new_output("execute_result", data, execution_count=None)]
            cell.execution_count = None


def _assemble(course: Course, lesson: Lesson, terms: dict, cells: list[Cell]):
    spell = glossary.Speller(terms)
    seen: dict[str, int] = {}
    built = [_build(Cell("markdown", opening(course, lesson)), lesson, seen)]
    for cell in cells:
        text = spell(cell.source) if cell.kind == "markdown" else cell.source
        built.append(_build(Cell(cell.kind, text, cell.tags, cell.exercise), lesson, seen))
    built.append(_build(Cell("markdown", closing(course, lesson)), lesson, seen))
    return new_notebook(cells=built, metadata={**KERNEL, "course": {"lesson": lesson.slug}})


def _build(cell: Cell, lesson: Lesson, seen: dict[str, int]):
    make = new_markdown_cell if cell.kind == "markdown" else new_code_cell
    node = make(cell.source, id=_identity(lesson, cell, seen))
    tags = [*cell.tags, *([IGNORE] if {"varies", "local"} & set(cell.tags) else [])]
    if tags:
        node.metadata["tags"] = tags
    return node


def _identity(lesson: Lesson, cell: Cell, seen: dict[str, int]) -> str:
    """A stable cell id: the same text in the same lesson always gets the same one."""
    digest = hashlib.sha256(f"{lesson.slug}\n{cell.kind}\n{cell.source}".encode()).hexdigest()[:12]
    seen[digest] = seen.get(digest, 0) + 1
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def opening(course: Course, lesson: Lesson) -> str:
    """Title, promise, what it takes and what it gives."""
    needs = [course.find(slug) for slug in lesson.needs]
    links = ", ".join(f"[{n.title}]({n.name}.ipynb)" for n in needs) or "nothing"
    return "\n".join(
        [
            f"# {lesson.number} · {lesson.title}",
            "",
            f"**{lesson.promise}**",
            "",
            f"- **Time:** {lesson.minutes} minutes, "
            f"{lesson.exercise_minutes} of them for exercises",
            f"- **Do first:** {links}",
            "",
            "**You will be able to**",
            "",
            *[f"- {objective}" for objective in lesson.objectives],
        ]
    )


def closing(course: Course, lesson: Lesson) -> str:
    """Where to go from here."""
    following = course.lessons[lesson.number + 1 :]
    onward = (
        f"**Next:** [{following[0].number} · {following[0].title}]({following[0].name}.ipynb)"
        if following
        else "**This is the last lesson for now.**"
    )
    return (
        f"---\n{onward} · [all lessons](START.md)\n\n"
        '`hint("name")` helps with an exercise, `solution("name")` shows one, '
        "`progress()` lists what you have done."
    )
