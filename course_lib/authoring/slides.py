"""One Marp deck per lesson, from cells tagged `slide`; pictures come from the executed lesson."""

import base64
import re
from dataclasses import dataclass, field

import nbformat

from course_lib.authoring import glossary
from course_lib.authoring.manifest import Course, Lesson
from course_lib.authoring.source import Source

STYLE = """\
section { font-size: 28px; }
section h1, section h2 { color: #0072B2; }
section table { font-size: 21px; }
section img { display: block; margin: 0 auto; max-width: 100%; object-fit: contain; }
"""
HEIGHT_PX, LINE_PX, LETTERS_A_LINE = 580, 46, 78  # of a 1280 x 720 slide in this style
LEAST_PICTURE_PX = 230


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
    return head + "\n---\n".join(page for slide in slides for page in _pages(slide))


def _pages(slide: Slide) -> list[str]:
    """A slide, and a page of its own for every picture that does not fit below its text."""
    text = unwrap(slide.text)
    room = HEIGHT_PX - LINE_PX * _lines_on_slide(text)
    notes = "".join(f"\n<!--\n{note.replace('-->', '→')}\n-->\n" for note in slide.notes)
    pictures = list(slide.pictures)
    body = f"\n{text}\n"
    if pictures and room >= LEAST_PICTURE_PX:
        body += "\n" + _picture(pictures.pop(0), room)
    heading = next((line for line in text.splitlines() if line.startswith("#")), "")
    rest = [f"\n{heading}\n\n{_picture(p, HEIGHT_PX - 2 * LINE_PX)}" for p in pictures]
    return [body + notes, *rest]


def _picture(picture: tuple[str, str], height: int) -> str:
    name, alt = picture
    words = alt.replace("[", "(").replace("]", ")").replace("\n", " ")
    return f"![h:{height} {words}](pictures/{name})\n"


def _lines_on_slide(text: str) -> int:
    """About how many lines the text takes; headings and gaps between paragraphs count."""
    lines = text.splitlines()
    return sum(1 + len(line) // LETTERS_A_LINE for line in lines if line.strip()) + 1


def unwrap(text: str) -> str:
    """Paragraphs and list items on one line each: Marp keeps every line break it meets."""
    joined: list[str] = []
    literal = False
    for line in text.splitlines():
        fence = line.strip().startswith(("```", "$$"))
        begins = bool(re.match(r"\s*([-*+|>#]|\d+\.|$)", line))
        after = joined and joined[-1].strip() and not re.match(r"\s*(#|\|)", joined[-1])
        if literal or fence or begins or not after:
            joined.append(line)
        else:
            joined[-1] += " " + line.strip()
        literal ^= fence and line.count("$$") != 2
        if fence and not literal:
            joined.append("")
    return "\n".join(joined)
