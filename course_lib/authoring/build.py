"""The build: run the lessons whose inputs changed, then write every derived file."""

import json
import shutil
import sys
from pathlib import Path

from course_lib.authoring import derive, execute, source
from course_lib.authoring.manifest import ROOT, Course, Lesson
from course_lib.authoring.prove import prove

# What an edition without solutions leaves out: sources and answers, and what is only for authors.
KEPT_BACK = (
    "lessons", "solutions", "instructor", "tests", "benchmarks", "conftest.py",
    "build", "work", "__pycache__", "*.egg-info", "*_cache", ".*",
)  # fmt: skip


def build(course: Course, lessons: list[Lesson], force: bool = False) -> int:
    """Renew all derived files; run `lessons` again if `force`. Returns the exit code.

    Each lesson's notebook is kept as soon as it has run: a build that is stopped, or stumbles over
    another lesson, need not run it again. Nothing else is written unless all lessons ran.
    """
    measured, done, failed = _measured(), {}, []
    for lesson in course.lessons:
        try:
            if force and lesson in lessons:
                raise derive.Stale("asked for")
            done[lesson.slug] = derive.stored(course, lesson)
        except derive.Stale as reason:
            print(f"{lesson.name}: running ({reason})", flush=True)
            node, run = run_lesson(course, lesson)
            if run.error:
                print(f"{lesson.name} stopped at {run.error}", file=sys.stderr, flush=True)
                failed.append(lesson.name)
                continue
            derive.keep(lesson, node)
            done[lesson.slug] = node
            measured[lesson.slug] = _steady(measured.get(lesson.slug), run)
            _save_measured(course, measured)
    if failed:
        print(f"Did not run to their end: {', '.join(failed)}.", file=sys.stderr)
        return 1
    files = derive.derived(course, lambda _, lesson: done[lesson.slug])
    changed = derive.differences(files)
    derive.write(files)
    print("\n".join(f"renewed: {c}" for c in changed) or "Everything was fresh.")
    return 0


def run_lesson(course: Course, lesson: Lesson) -> tuple:
    """Prove the lesson's exercises, then run its students' notebook. Returns (notebook, Run)."""
    faults = faults_of(lesson)
    if faults:
        return None, execute.Run(lesson.name, 0, 0, "\n".join(faults))
    derive.write_bank(lesson)
    node = derive.unexecuted(course, lesson)
    return node, execute.execute(node, lesson.name)


def faults_of(lesson: Lesson) -> list[str]:
    """What does not hold about the lesson's exercises."""
    read = source.read(lesson.source)
    return [fault for e in read.exercises.values() for fault in prove(e, read)]


def run(course: Course, lessons: list[Lesson]) -> int:
    """Run lessons headless and print a summary; nothing is written. Returns the exit code."""
    runs = [run_lesson(course, lesson)[1] for lesson in lessons]
    width = max(len(r.name) for r in runs)
    print(f"\n{'lesson':<{width}}  minutes  peak MB  result")
    for r in runs:
        result = r.error or "ok"
        print(f"{r.name:<{width}}  {r.seconds / 60:7.1f}  {r.peak_mb:7.0f}  {result}")
    print(f"{'all':<{width}}  {sum(r.seconds for r in runs) / 60:7.1f}")
    return int(any(r.error for r in runs))


def edition_without_solutions(course: Course, target: Path) -> int:
    """Copy the course to the new folder `target`, without any solution, for handing out."""
    if target.exists():
        print(f"{target} exists already; name a new folder.", file=sys.stderr)
        return 1
    shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(*KEPT_BACK))
    for file in (target / derive.BANK).glob("*.json"):
        bank = json.loads(file.read_text(encoding="utf-8"))
        kept = {key: {**entry, "solution": None} for key, entry in bank.items()}
        file.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _drop_notes(target / "slides")
    print(f"The edition without solutions is in {target}.")
    return 0


def _drop_notes(folder: Path) -> None:
    """Speaker notes may tell answers: decks that are handed out have none."""
    import re

    for deck in folder.glob("*.md"):
        text = deck.read_text(encoding="utf-8")
        deck.write_text(re.sub(r"<!--\n.*?\n-->\n", "", text, flags=re.S), encoding="utf-8")


def _measured() -> dict:
    file = ROOT / derive.MEASURED
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _steady(before: dict | None, run: execute.Run) -> dict:
    """Minutes and memory of `run`; as before if neither has changed by more than a third.

    No two runs take the same time, and the README should not change with every build.
    """
    now = {"seconds": round(run.seconds), "peak_mb": int(round(run.peak_mb, -1))}
    if before and all(abs(now[k] - before[k]) <= before[k] / 3 for k in now):
        return before
    return now


def _save_measured(course: Course, measured: dict) -> None:
    known = {
        lesson.slug: measured[lesson.slug] for lesson in course.lessons if lesson.slug in measured
    }
    (ROOT / derive.MEASURED).parent.mkdir(exist_ok=True)
    (ROOT / derive.MEASURED).write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
