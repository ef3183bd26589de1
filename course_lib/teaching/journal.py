"""The learner's journal: one line per check, hint or solution, in a local file; no server.

Lines are only ever added, so nothing is lost when a kernel is killed. The file is
`progress.jsonl` in the folder of the notebook, or the one that COURSE_PROGRESS names.
"""

import json
import os
import time
from pathlib import Path


def path() -> Path:
    """The journal's file."""
    return Path(os.environ.get("COURSE_PROGRESS") or "progress.jsonl")


def record(lesson: str, key: str, event: str) -> None:
    """Add one line; a folder that cannot be written loses the record, not the lesson."""
    entry = {"time": time.strftime("%Y-%m-%dT%H:%M:%S"), "lesson": lesson, "key": key}
    line = json.dumps({**entry, "event": event}, ensure_ascii=False)
    try:
        with path().open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        print(f"(Your progress could not be saved in {path()}: {error.strerror})")


def entries() -> list[dict]:
    """All lines that can be read, oldest first; a damaged line is passed over."""
    if not path().is_file():
        return []
    found = []
    for line in path().read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and {"key", "event"} <= entry.keys():
            found.append(entry)
    return found


def events(key: str) -> list[str]:
    """What happened with exercise `key`, oldest first."""
    return [e["event"] for e in entries() if e["key"] == key]


def hints_seen(key: str) -> int:
    """How many of the three hints the learner has seen."""
    return max([int(e[5:]) for e in events(key) if e.startswith("hint ")], default=0)


def state(key: str) -> dict:
    """Best state so far, number of real attempts, and hints taken."""
    seen = events(key)
    best = next((s for s in ("right", "wrong") if s in seen), "not attempted")
    return {
        "state": best,
        "checks": sum(e in ("right", "wrong") for e in seen),
        "hints": hints_seen(key),
    }
