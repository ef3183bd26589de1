"""Proof of an exercise: its checker accepts what is right and names what is wrong."""

import math

import numpy as np

from course_lib.authoring.source import Exercise, Source
from course_lib.teaching.exercises import Answer, judge


def entry(exercise: Exercise, source: Source) -> dict:
    """The exercise as the bank keeps it for the learner."""
    return {
        "lesson": exercise.lesson,
        "title": exercise.title,
        "hints": [cell.source for cell in exercise.all("hint")],
        "solution": exercise.one("solution").source,
        "imports": source.imports,
        "given": exercise.code("given"),
        "checker": exercise.one("checker").source,
    }


def prove(exercise: Exercise, source: Source) -> list[str]:
    """What does not hold for this exercise; an empty list is the proof."""
    faults = []
    for role, wanted in (("stub", "not attempted"), ("solution", "right"), ("equivalent", "right")):
        for cell in exercise.all(role):
            answer = outcome(exercise, source, cell.source)
            if answer.status != wanted:
                faults.append(f"{exercise.key}: {role} should be {wanted}, is: {answer!r}")
    for cell in exercise.all("wrong"):
        answer = outcome(exercise, source, cell.source)
        if answer.status != "wrong" or str(cell.says) not in answer.message:
            shown = cell.source.strip().splitlines()[-1]
            faults.append(
                f"{exercise.key}: the wrong answer ({shown!r}) should draw {cell.says!r}, "
                f"but draws: {answer!r}"
            )
    return faults


def outcome(exercise: Exercise, source: Source, answer: str) -> Answer:
    """What the checker says to the code `answer`, run as a learner would run it."""
    namespace = {"np": np, "math": math}
    for part in (source.imports, exercise.code("given"), answer):
        exec(compile(part, f"<{exercise.key}>", "exec"), namespace)
    answers = tuple(eval(name, namespace) for name in exercise.answers)
    return judge(entry(exercise, source), answers)
