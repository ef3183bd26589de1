"""Lists of all lessons: the README's table and the page on which JupyterLab opens."""

import re

from course_lib.authoring.manifest import Course, Lesson

BEGIN, END = "<!-- lessons: derived from course.toml by `course.py build` -->", "<!-- /lessons -->"


def readme(text: str, course: Course, measured: dict) -> str:
    """`text` of the README with its lesson table renewed. Raises ValueError without the marks."""
    if BEGIN not in text or END not in text:
        raise ValueError(f"README.md has lost its marks {BEGIN} ... {END}.")
    table = "\n".join([BEGIN, *_table(course, measured, "notebooks/", slides=True), END])
    return re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: table, text, flags=re.S)


def start_page(course: Course, measured: dict) -> str:
    """START.md: what a learner sees first."""
    first = course.lessons[0]
    return "\n".join(
        [
            f"# {course.title}",
            "",
            course.subtitle,
            "",
            f"## → [Start with lesson 0: {first.title}]({first.name}.ipynb)",
            "",
            *_table(course, measured, ""),
            "",
            "## How to work here",
            "",
            "- Click a lesson. Run a cell with **Shift + Enter**; "
            "run all with *Run → Run All Cells*.",
            "- Where you see `...`, it is your turn. `check` tells whether you are right; "
            "`hint` helps, three times; `solution` shows one way.",
            "- Everything in this folder is yours. An update of the course never overwrites what "
            "you changed: the new version is put beside yours.",
            "- Nothing here needs a network, a graphics card or real patients.",
            "",
            "수업을 하나 클릭하고 **Shift + Enter**로 셀을 하나씩 실행하세요. "
            "`...`이 있는 곳이 여러분이 채울 자리입니다.",
            "",
        ]
    )


def _table(course: Course, measured: dict, folder: str, slides: bool = False) -> list[str]:
    head = ["#", "lesson", "you will", "minutes", "runs in", *(["slides"] if slides else [])]
    rows = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    part = None
    for lesson in course.lessons:
        if lesson.part != part:
            part = lesson.part
            rows.append("| | **" + part + "** |" + " |" * (len(head) - 2))
        cells = [
            str(lesson.number),
            f"[{lesson.title}]({folder}{lesson.name}.ipynb)",
            lesson.promise,
            str(lesson.minutes),
            run_time(lesson, measured),
            *([f"[deck](slides/{lesson.name}.md)"] if slides else []),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def run_time(lesson: Lesson, measured: dict) -> str:
    """Measured time and memory of the last build, e.g. "1:20, 900 MB"."""
    if lesson.slug not in measured:
        return "not measured"
    seconds, memory = measured[lesson.slug]["seconds"], measured[lesson.slug]["peak_mb"]
    return f"{seconds // 60}:{seconds % 60:02d}, {memory:.0f} MB"
