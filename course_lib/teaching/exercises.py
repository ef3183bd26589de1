"""What a learner calls: `check`, `hint`, `solution`, `progress`.

The exercises themselves are written in `lessons/*.py`; the build collects them in `bank/*.json`.
An edition without solutions simply has none in its bank.
"""

import functools
import html
import json
import math
import types
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_lib.teaching import journal
from course_lib.teaching.checking import NotAttempted, Wrong, close, require

BANK = Path(__file__).with_name("bank")
COLOUR = {"right": "#009E73", "wrong": "#D55E00", "not attempted": "#56B4E9", "note": "#0072B2"}
MARK = {"right": "✓", "wrong": "✗", "not attempted": "…", "note": "→"}


@dataclass(frozen=True)
class Answer:
    """What a call tells the learner; a notebook shows it as a coloured line, a terminal as text."""

    status: str  # "right", "wrong", "not attempted" or "note"
    message: str

    def __repr__(self) -> str:
        return f"{MARK[self.status]} {self.message}"

    def _repr_html_(self) -> str:
        body = html.escape(self.message).replace("\n", "<br>")
        return (
            f'<div style="border-left: 4px solid {COLOUR[self.status]}; padding: 0.3em 0.8em">'
            f"{MARK[self.status]} {body}</div>"
        )


class Code(str):
    """A piece of Python that a notebook shows as code."""

    def _repr_markdown_(self) -> str:
        return f"```python\n{self}\n```"

    def __repr__(self) -> str:
        return str(self)


def check(key: str, *answers) -> Answer:
    """Judge the learner's `answers` to exercise `key`; never raises for a wrong answer."""
    exercise = find(key)
    answer = judge(exercise, answers)
    journal.record(exercise["lesson"], key, answer.status)
    return answer


def hint(key: str, number: int | None = None) -> Answer:
    """The next of three hints for exercise `key`, or hint `number` (1 to 3) again."""
    exercise = find(key)
    if number is None:
        number = min(journal.hints_seen(key) + 1, len(exercise["hints"]))
    if number not in range(1, len(exercise["hints"]) + 1):
        return Answer("note", f"There are hints 1 to {len(exercise['hints'])}.")
    journal.record(exercise["lesson"], key, f"hint {number}")
    after = f'\nThat was the last hint. solution("{key}") shows a solution.' if number == 3 else ""
    return Answer("note", f"Hint {number}: {exercise['hints'][number - 1]}{after}")


def solution(key: str) -> Code | Answer:
    """A solution of exercise `key`, where this edition of the course carries it."""
    exercise = find(key)
    if not exercise.get("solution"):
        return Answer("note", "This edition has no solutions. Ask your instructor, or call hint().")
    journal.record(exercise["lesson"], key, "solution seen")
    return Code(exercise["solution"])


def progress():
    """A table (pandas) of every exercise: lesson, state, checks made, hints taken."""
    import pandas as pd

    rows = [
        {"lesson": e["lesson"], "exercise": key, **journal.state(key)} for key, e in bank().items()
    ]
    return pd.DataFrame(rows, columns=["lesson", "exercise", "state", "checks", "hints"])


def find(key: str) -> dict:
    """The exercise `key` of the bank. Raises KeyError that lists near names."""
    import difflib

    exercises = bank()
    if key not in exercises:
        near = difflib.get_close_matches(key, exercises, n=3)
        raise KeyError(
            f"No exercise is called {key!r}." + (f" Did you mean {near}?" if near else "")
        )
    return exercises[key]


@functools.lru_cache(maxsize=1)
def bank() -> dict[str, dict]:
    """All exercises in reading order, from the files that the build wrote."""
    found: dict[str, dict] = {}
    for file in sorted(BANK.glob("*.json")):
        found |= json.loads(file.read_text(encoding="utf-8"))
    return found


def judge(exercise: dict, answers: tuple) -> Answer:
    """Run the exercise's checker on `answers`; every outcome becomes an Answer."""
    try:
        if any(_has_placeholder(a) for a in answers):
            raise NotAttempted
        namespace = prepare(exercise)
        namespace["checker"](*[_guard(a) for a in answers])
    except NotAttempted:
        return Answer("not attempted", "Not attempted yet: replace the ... above, then run again.")
    except Wrong as reason:
        return Answer("wrong", f"Not yet. {reason}")
    except Exception as error:  # the learner's answer had a type the checker did not foresee
        asked = " Does your function return its result?" if "NoneType" in str(error) else ""
        told = f"Not yet. The check stopped with {type(error).__name__}: {error}"
        return Answer("wrong", f"{told}.{asked}" if asked else told)
    return Answer("right", "Right.")


def prepare(exercise: dict) -> dict:
    """The names a checker sees: its lesson's imports, the exercise's data, `require`, `close`."""
    namespace = {"np": np, "math": math, "require": require, "close": close}
    for part in ("imports", "given", "checker"):
        exec(compile(exercise[part], f"<{part} of the exercise>", "exec"), namespace)
    return namespace


def _has_placeholder(answer) -> bool:
    if isinstance(answer, (list, tuple)):
        return any(_has_placeholder(a) for a in answer)
    if isinstance(answer, dict):
        return any(_has_placeholder(a) for a in answer.values())
    return answer is ...


def _guard(answer):
    """A learner's function, such that its mistakes are told and not raised."""
    if not isinstance(answer, types.FunctionType):
        return answer

    @functools.wraps(answer)
    def guarded(*args, **kwargs):
        try:
            result = answer(*args, **kwargs)
        except Exception as error:
            name = type(error).__name__
            raise Wrong(f"Your function {answer.__name__} stopped with {name}: {error}") from error
        if _has_placeholder(result):
            raise NotAttempted
        return result

    return guarded
