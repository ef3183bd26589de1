"""Look whether all is well; the answer is a short Markdown block to paste into a question.

This half needs no environment, so it also works when that is what is broken. The other half,
``course_lib.teaching.selftest``, runs inside the environment and is also lesson 0's check.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from launcher import environment, failures
from launcher.lessons import freshness
from launcher.places import Places, clean_environment
from launcher.problems import Problem, say
from launcher.recipe import read_stamp

# A finding: state ("ok", "note" or "PROBLEM"), what was looked at, what was found, what to do.
Finding = tuple[str, str, str, str]


def check(places: Places, work: Path, python: Path | None = None) -> int:
    """Print what was found; return 0 when nothing is wrong, 1 otherwise.

    ``python`` names a Python to use as it is, instead of the course's own environment.
    """
    findings = [*outside(places, work, python), *inside(places, python), *derived(places, python)]
    say("\n".join(block(findings)))
    return int(any(state == "PROBLEM" for state, *_ in findings))


def block(findings: Iterable[Finding]) -> Iterable[str]:
    """Render findings as Markdown: a table, then what to do about each problem."""
    findings = list(findings)
    yield "\n### Course check\n\n| | what | found |\n|---|---|---|"
    for state, what, found, _ in findings:
        yield f"| {state} | {what} | {found.replace('|', '/')} |"
    advice = [(what, text) for state, what, _, text in findings if state != "ok" and text]
    if advice:
        yield "\nWhat to do:\n"
    yield from (f"- {what}: {text}" for what, text in advice)
    if not any(state == "PROBLEM" for state, *_ in findings):
        yield "\nNothing is wrong.\n"


def outside(places: Places, work: Path, python: Path | None) -> list[Finding]:
    """What can be seen without the environment."""
    here = f"{platform.python_version()}, {platform.system()} {platform.release()}"
    return [
        ("ok", "course.py runs on", f"Python {here} {platform.machine()}", ""),
        _room(places, python is None),
        _writing(places.root),
        _environment(places) if python is None else ("note", "environment", str(python), ""),
        _lessons(places, work),
    ]


def inside(places: Places, python: Path | None) -> list[Finding]:
    """What the environment says about itself; nothing when there is none yet."""
    if python is None and not environment.is_usable(places):
        return []
    try:
        answer = _ask(places, python, "course_lib.teaching.selftest", "--json")
    except (OSError, subprocess.TimeoutExpired) as error:
        return [_no_answer(str(error))]
    try:
        rows = json.loads(answer.stdout.strip().splitlines()[-1])
        return [(row["state"], row["what"], row["found"], row["advice"]) for row in rows]
    except (ValueError, KeyError, TypeError, IndexError):
        return [_no_answer(answer.stderr or answer.stdout)]


def derived(places: Places, python: Path | None) -> list[Finding]:
    """Whether every derived file is fresh: a question for authors, who have the dev extras."""
    is_author = "dev" in read_stamp(places).get("extras", []) or python is not None
    if not (is_author and (places.root / "lessons").is_dir()):
        return []
    answer = _ask(places, python, "course_lib.authoring", "fresh")
    if "No module named" in answer.stderr:  # a learner's own Python without the authors' tools
        return []
    said = (answer.stdout.strip() or answer.stderr.strip()).splitlines() or ["nothing was said"]
    found = said[0] if len(said) == 1 else f"{said[0]} and {len(said) - 1} more"
    state = "ok" if answer.returncode == 0 else "PROBLEM"
    return [(state, "derived files", found, "run: python3 course.py build")]


def _ask(places: Places, python: Path | None, *module: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the course in its environment and return what it said."""
    return subprocess.run(
        [str(python or places.python), "-m", *module],
        cwd=places.root,
        env=clean_environment(places),
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=300,
    )


def _no_answer(said: str) -> Finding:
    last = said.strip().splitlines()[-1:] or ["it said nothing"]
    advice = "delete the folder .course, then run: python3 course.py lab"
    return ("PROBLEM", "self-test", f"did not run: {last[0][-250:]}", advice)


def _room(places: Places, own_environment: bool) -> Finding:
    free = shutil.disk_usage(places.root).free / 1e9
    ready = not own_environment or environment.is_usable(places)
    need = 1.0 if ready else failures.room_needed(sys.platform, os.environ)
    advice = f"make room; {need:.1f} GB are needed"
    return ("ok" if free >= need else "PROBLEM", "disk", f"{free:.0f} GB free", advice)


def _writing(root: Path) -> Finding:
    odd = "" if str(root).isascii() and " " not in str(root) else " (path with spaces or non-ASCII)"
    if os.access(root, os.W_OK):
        return ("ok", "course folder", f"may be written{odd}", "")
    return (
        "PROBLEM",
        "course folder",
        f"read-only{odd}",
        failures.ADVICE["permission"],
    )


def _environment(places: Places) -> Finding:
    try:
        ready = environment.is_ready(places)
    except Problem as problem:
        return ("PROBLEM", "environment", "not to be told", str(problem))
    if ready:
        stamp = read_stamp(places)
        extras = " with " + ", ".join(stamp["extras"]) if stamp["extras"] else ""
        return ("ok", "environment", f"ready{extras}, Python {stamp['python']}", "")
    if environment.is_usable(places):
        return ("note", "environment", "older than the course", "run: python3 course.py lab")
    found = "half-made or broken" if places.env.exists() else "not made yet"
    return ("PROBLEM", "environment", found, "run: python3 course.py lab (it makes it anew)")


def _lessons(places: Places, work: Path) -> Finding:
    states = list(freshness(places.root, work).values())
    if not states:
        return ("PROBLEM", "lessons", "none in the course", "get the course again")
    words = {
        "fresh": "as in the course",
        "yours": "changed by you",
        "old": "older",
        "missing": "not copied yet",
    }
    counts = [f"{states.count(k)} {word}" for k, word in words.items() if k in states]
    stale = "old" in states or "missing" in states
    advice = "run: python3 course.py lab" if stale else ""
    return ("note" if stale else "ok", "lessons", ", ".join(counts), advice)
