"""Notes for the person in front of the room, one page per lesson."""

from course_lib.authoring import glossary
from course_lib.authoring.manifest import Course, Lesson
from course_lib.authoring.prove import outcome
from course_lib.authoring.source import Exercise, Source


def notes(course: Course, lesson: Lesson, source: Source, terms: dict) -> str:
    """Plan, notes and exercises with solutions and the mistakes to expect (Markdown)."""
    spell = glossary.Speller(terms)
    told = [spell(c.source) for c in source.cells if "instructor" in c.tags]
    parts = [
        f"# {lesson.number} · {lesson.title}: notes for the instructor",
        f"{lesson.minutes} minutes, {lesson.exercise_minutes} of them for exercises. "
        f"[Students' notebook](../{lesson.name}.ipynb), "
        f"[solutions](../solutions/{lesson.name}.ipynb), "
        f"[slides](../../slides/{lesson.name}.md).",
        "**Goals**\n\n" + "\n".join(f"- {goal}" for goal in lesson.objectives),
        "## While you teach",
        *told,
        "## Exercises",
        *[_exercise(e, source, spell) for e in source.exercises.values()],
    ]
    return "\n\n".join(parts) + "\n"


def _exercise(exercise: Exercise, source: Source, spell) -> str:
    mistakes = []
    for cell in exercise.all("wrong"):
        message = outcome(exercise, source, cell.source).message.removeprefix("Not yet. ")
        mistakes.append(f"```python\n{cell.source}\n```\n\n→ {message}")
    statement = spell(exercise.one("exercise").source)
    return "\n\n".join(
        [
            statement,
            f"*Solution* (`{exercise.key}`)\n\n```python\n{exercise.one('solution').source}\n```",
            "*Mistakes to expect, and what the check says*",
            *mistakes,
        ]
    )
