"""One Marp deck per lesson, from cells tagged `slide`; pictures come from the executed lesson."""

import base64
from dataclasses import dataclass, field

import nbformat

from course_lib.authoring import glossary
from course_lib.authoring.manifest import Course, Lesson
from course_lib.authoring.source import Source

STYLE = """\
section { font-size: 28px; }
section h1, section h2 { color: #0072B2; }
section img { display: block; margin: 0 auto; max-height: 460px; max-width: 100%; }
"""


@dataclass
class Slide:
    """One slide: its text, its pictures, and notes for the speaker."""

    text: str = ""
    pictures: list[tuple[str, str]] = field(default_factory=list)  # (file name, alt text)
    notes: list[str] = field(default_factory=list)


def deck(
    course: Course, lesson: Lesson, source: Source, executed: nbformat.NotebookNode, terms: dict
) -> tuple[str, dict[str, bytes]]:
    """The deck as Marp Markdown, and its pictures by file name."""
    spell = glossary.Speller(terms)
    outputs = {c.source: c.outputs for c in executed.cells if c.cell_type == "code"}
    slides = [_title(course, lesson)]
    pictures: dict[str, bytes] = {}
    for cell in source.cells:
        if "instructor" in cell.tags:
            slides[-1].notes.append(spell(cell.source))
        elif cell.kind == "markdown" and {"slide", "slide-only"} & set(cell.tags):
            slides.append(Slide(spell(cell.source)))
        elif "slide" in cell.tags:
            for data, alt in _images(outputs.get(cell.source, [])):
                name = f"{lesson.name}-{len(pictures) + 1}.png"
                pictures[name] = data
                slides[-1].pictures.append((name, alt))
    return _marp(course, slides), pictures


def _title(course: Course, lesson: Lesson) -> Slide:
    goals = "\n".join(f"- {objective}" for objective in lesson.objectives)
    return Slide(f"# {lesson.number} · {lesson.title}\n\n**{lesson.promise}**\n\n{goals}")


def _images(outputs: list):
    for output in outputs:
        data = output.get("data", {}).get("image/png")
        if data:
            alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
            yield base64.b64decode(data), alt


def _marp(course: Course, slides: list[Slide]) -> str:
    style = "".join(f"  {line}\n" for line in STYLE.splitlines())
    head = (
        "---\nmarp: true\ntheme: default\npaginate: true\nmath: mathjax\n"
        f"footer: {course.title}\nstyle: |\n{style}---\n"
    )
    return head + "\n---\n".join(_slide(s) for s in slides)


def _slide(slide: Slide) -> str:
    parts = ["", slide.text, ""]
    parts += [f"![{_plain(alt)}](pictures/{name})\n" for name, alt in slide.pictures]
    parts += [f"<!--\n{note.replace('-->', '→')}\n-->\n" for note in slide.notes]
    return "\n".join(parts)


def _plain(alt: str) -> str:
    return alt.replace("[", "(").replace("]", ")").replace("\n", " ")
