"""What an environment is made from, and the stamp that tells whether it is made and fresh."""

import hashlib
import json
import os
import tomllib
from collections.abc import Iterable
from pathlib import Path

from launcher.failures import incomplete
from launcher.places import Places
from launcher.problems import Problem


def recipe(places: Places) -> str:
    """Return a digest of everything an environment depends on.

    Exact versions, named dependencies, and the folder (an environment remembers where the course
    lies, so a course that was moved is installed again). Raises Problem when a file is missing.
    """
    try:
        project = tomllib.loads(places.pyproject.read_text(encoding="utf-8"))
        lock = places.lock.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise Problem(incomplete(Path(error.filename))) from None
    parts = [
        lock,
        project["build-system"],
        project["project"].get("dependencies", []),
        project["project"].get("optional-dependencies", {}),
        str(places.root),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def read_stamp(places: Places) -> dict:
    """Return what the stamp says; an absent or unreadable stamp says nothing."""
    try:
        stamp = json.loads(places.stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(places: Places, extras: Iterable[str], version: str) -> None:
    """Declare the environment ready, with these optional parts and this version of Python."""
    stamp = {"recipe": recipe(places), "extras": sorted(extras), "python": version}
    write_whole(places.stamp, json.dumps(stamp).encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees half of it."""
    draft = path.with_name(path.name + ".part")
    draft.write_bytes(content)
    os.replace(draft, path)
